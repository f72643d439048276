"""Tables about our own networks alone: the bottleneck, beta as an input, and the conclusion's extensions."""

from __future__ import annotations

from typing import Any

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from helpers.methods.space_vae.loss import rms_contrast, total_variation
from helpers.papers.spacevae.experiments.rows import interval_columns, metric_columns
from helpers.papers.spacevae.experiments.sparsity import network_row
from helpers.papers.spacevae.experiments.study import PLAIN, SpaceStudy

SWEEP = (1.0, 3.0, 10.0, 30.0, 100.0)
"""The betas at which the conditioned network is measured."""

TERMS = ("contrast", "colours", "smoothness")
"""The conclusion's extensions, as the options of the loss call them."""

_LEVELS = 8  # of each channel, when colours are counted


def bottleneck_table(study: SpaceStudy) -> pd.DataFrame:
    """How much of the classifier's answers is kept, by what the codes of an image can tell.

    Returns:
        One row per network: columns training, grid, codes, bits (an image), alpha, beta, the metrics, images, source.
        Of all trainings with another grid or codebook than the others', and of `beta-10`.

    Raises:
        ValueError: no such network is trained.
    """
    rows = []
    for name in bottleneck_trainings(study):
        options = study.settings.options(name)
        network = options.network
        row = network_row(study, name, study.test)
        about = {"training": name, "grid": network.grid, "codes": network.codes, "bits": network.bits}
        metrics = {key: value for key, value in row.items() if key not in ("method", "training", "threshold", "beta")}
        rows.append({**about, "alpha": options.loss.alpha, "beta": options.loss.beta, **metrics})
    return _table(study, rows, "bottleneck", "another grid or codebook")


def bottleneck_trainings(study: SpaceStudy) -> list[str]:
    """The trained networks that the table compares."""
    base = study.settings.training.network
    chosen = []
    for name in study.trained:
        options = study.settings.options(name)
        other = (options.network.grid, options.network.codes) != (base.grid, base.codes)
        if (name == PLAIN or other) and not options.network.conditioned and not _extended(options.loss):
            chosen.append(name)
    return chosen


def conditioned_table(study: SpaceStudy) -> pd.DataFrame:
    """One network for all betas against one network per beta.

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
    """What each term of the conclusion does to kept images, measured on the plain network's and on its own.

    The measures: `contrast`, the standard deviation of an image's brightness; `colours`, how many of the 512 colours of
    a grid of 8 levels a channel an image has, each counted by its share (the exponential of their entropy);
    `smoothness`, the total variation (low is smooth).

    Returns:
        One row for each network and measure: columns training, measure, value, value_low, value_high, the metrics,
        images, source.

    Raises:
        ValueError: no such network is trained.
    """
    names = [name for name in study.trained if _terms(study, name)]
    rows = []
    for name in [*(n for n in (PLAIN,) if names and n in study.trained), *names]:
        kept = study.kept_by(name, study.test)
        metrics = metric_columns(study.score_model(name, study.test))
        for measure, values in measures(kept).items():
            rows.append({"training": name, "measure": measure, **interval_columns("value", values), **metrics})
    return _table(study, rows, "extensions", "a term for contrast, colours or smoothness")


def measures(images: Float[Tensor, "images 3 height width"]) -> dict[str, Float[Tensor, " images"]]:
    """The contrast, the number of colours and the total variation of each image."""
    return {"contrast": rms_contrast(images), "colours": colour_counts(images), "smoothness": total_variation(images)}


def colour_counts(images: Float[Tensor, "images 3 height width"], levels: int = _LEVELS) -> Float[Tensor, " images"]:
    """How many colours each image has, each counted by its share: the exponential of the entropy of its colours.

    An image with k colours that are equally frequent has k; rare colours count less.

    Args:
        images: pixels in [0, 1].
        levels: of each channel: so many steps between 0 and 1 are told apart.
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
    """Whether a loss has more, or another reference, than the paper's."""
    return loss.reference != "black" or any(getattr(loss, term) for term in TERMS) or not loss.alpha


def _table(study: SpaceStudy, rows: list[dict[str, Any]], name: str, wanted: str) -> pd.DataFrame:
    if not rows:
        raise ValueError(
            f"table {name!r}: profile {study.profile.name!r} has no trained network with {wanted}; train them: "
            f"python -m helpers train --profile {study.profile.name}, or use the profile quick"
        )
    return pd.DataFrame(rows).assign(source=study.test.source)
