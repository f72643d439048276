"""Tables of SpaCE-VAEs without competitors: the bottleneck, beta as an input, and the conclusion's extensions."""

from __future__ import annotations

from typing import Any

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from helpers.methods.space_vae.loss import rms_contrast, total_variation
from helpers.papers.spacevae.experiments.controls import control_columns
from helpers.papers.spacevae.experiments.rows import interval_columns, metric_columns
from helpers.papers.spacevae.experiments.sparsity import network_row
from helpers.papers.spacevae.experiments.study import PLAIN, SpaceStudy

SWEEP = (1.0, 3.0, 10.0, 30.0, 100.0)
"""The betas at which the conditioned network is evaluated."""

TERMS = ("contrast", "colours", "smoothness")
"""The conclusion's extensions, named as in the options of the loss."""

_LEVELS = 8  # per channel, for counting colours


def bottleneck_table(study: SpaceStudy) -> pd.DataFrame:
    """Prediction agreement against the size of the bottleneck, in bits per image.

    Returns:
        One row for `beta-10` and for each training with another grid or codebook: columns training, grid, codes, bits
        (per image), alpha, beta, the metrics, images, source.

    Raises:
        ValueError: no such network is trained.
    """
    rows = []
    for name in bottleneck_trainings(study):
        options = study.settings.options(name)
        network = options.network
        row = network_row(study, name, study.test)
        setting = {"training": name, "grid": network.grid, "codes": network.codes, "bits": network.bits}
        metrics = {key: value for key, value in row.items() if key not in ("method", "training", "threshold", "beta")}
        rows.append({**setting, "alpha": options.loss.alpha, "beta": options.loss.beta, **metrics})
    return _table(study, rows, "bottleneck", "another grid or codebook")


def bottleneck_trainings(study: SpaceStudy) -> list[str]:
    """The trainings of the table `bottleneck` whose weights exist."""
    base = study.settings.training.network
    chosen = []
    for name in study.trained:
        options = study.settings.options(name)
        resized = (options.network.grid, options.network.codes) != (base.grid, base.codes)
        if (name == PLAIN or resized) and not options.network.conditioned and not _extended(options.loss):
            chosen.append(name)
    return chosen


def conditioned_table(study: SpaceStudy) -> pd.DataFrame:
    """One conditioned network for all betas compared with one network per beta.

    Returns:
        Columns beta, training, conditioned, the metrics, images, source.

    Raises:
        ValueError: no conditioned network is trained.
    """
    rows = []
    names = [name for name in study.trained if study.settings.options(name).network.conditioned]
    for name in names:
        loss = study.settings.options(name).loss
        betas = [beta for beta in SWEEP if loss.lowest_beta <= beta <= loss.highest_beta]
        rows += [_conditioned_row(study, name, beta, conditioned=True) for beta in betas]
    for name, beta in study.settings.betas().items():
        if names and name in study.trained:
            rows.append(_conditioned_row(study, name, beta, conditioned=False))
    return _table(study, rows, "conditioned", "beta as an input")


def extension_table(study: SpaceStudy) -> pd.DataFrame:
    """The effect of the conclusion's terms on kept images, compared with the plain network.

    The measures: `contrast`, the standard deviation of an image's brightness; `colours`, the effective number of
    colours (`colour_counts`); `smoothness`, the total variation (low is smooth).

    Returns:
        One row per network and measure: columns training, measure, value, value_low, value_high, the metrics, the
        agreement of equally dark controls (see `control_columns`), images, source.

    Raises:
        ValueError: no such network is trained.
    """
    names = [name for name in study.trained if _terms(study, name)]
    rows = []
    for name in [*(n for n in (PLAIN,) if names and n in study.trained), *names]:
        kept = study.kept_by(name, study.test)
        metrics = metric_columns(study.score_kept(study.test, kept)) | control_columns(study, study.test, kept)
        for measure, values in measures(kept).items():
            rows.append({"training": name, "measure": measure, **interval_columns("value", values), **metrics})
    return _table(study, rows, "extensions", "a term for contrast, colours or smoothness")


def measures(images: Float[Tensor, "images 3 height width"]) -> dict[str, Float[Tensor, " images"]]:
    """The contrast, the effective number of colours and the total variation of each image."""
    return {"contrast": rms_contrast(images), "colours": colour_counts(images), "smoothness": total_variation(images)}


def colour_counts(images: Float[Tensor, "images 3 height width"], levels: int = _LEVELS) -> Float[Tensor, " images"]:
    """The effective number of colours of each image: the exponential of the entropy of its colours.

    An image with k equally frequent colours has k; rare colours count less.

    Args:
        images: pixels in [0, 1].
        levels: the number of quantisation levels per channel.
    """
    steps = (images * levels).long().clamp(0, levels - 1)
    colours = (steps[:, 0] * levels + steps[:, 1]) * levels + steps[:, 2]
    shares = torch.zeros(len(images), levels**3, device=images.device)
    shares.scatter_add_(1, colours.flatten(1), torch.ones_like(colours.flatten(1), dtype=torch.float))
    shares /= colours[0].numel()
    return torch.special.entr(shares).sum(1).exp()


def _conditioned_row(study: SpaceStudy, name: str, beta: float, *, conditioned: bool) -> dict[str, Any]:
    scores = study.score_model(name, study.test, beta if conditioned else None)
    return {"beta": float(beta), "training": name, "conditioned": conditioned, **metric_columns(scores)}


def _terms(study: SpaceStudy, name: str) -> list[str]:
    loss = study.settings.options(name).loss
    return [term for term in TERMS if getattr(loss, term)]


def _extended(loss: Any) -> bool:
    """Whether a loss differs from the paper's: further terms, another reference colour, or no alpha."""
    return loss.reference != "black" or any(getattr(loss, term) for term in TERMS) or not loss.alpha


def _table(study: SpaceStudy, rows: list[dict[str, Any]], name: str, needed: str) -> pd.DataFrame:
    if not rows:
        raise ValueError(
            f"table {name!r}: profile {study.profile.name!r} has no trained network with {needed}; train them: "
            f"python -m helpers train --profile {study.profile.name}, or use the profile quick"
        )
    return pd.DataFrame(rows).assign(source=study.test.source)
