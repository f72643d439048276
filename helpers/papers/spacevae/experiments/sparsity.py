"""Figure 4 and Table 1: accuracy against sparsity, of every method at every setting."""

from __future__ import annotations

import math
from contextlib import suppress
from typing import Any

import pandas as pd

from helpers.data.labelled import LabelledImages
from helpers.methods.baselines.thresholds import PUBLISHED_THRESHOLDS, Rule, choose_threshold
from helpers.papers.spacevae.experiments.competitors import MEASURED, attributions, competitor_images, keep_above
from helpers.papers.spacevae.experiments.controls import control_rows
from helpers.papers.spacevae.experiments.rows import metric_columns
from helpers.papers.spacevae.experiments.study import SpaceStudy

SWEPT_BETAS = (1.0, 10.0, 100.0)
"""At which a network that is conditioned on beta is measured: the paper's."""

_RULES: tuple[tuple[str, str, Rule], ...] = (
    ("published", "test", "published"),
    ("validation", "validation", "published"),
    ("confident", "validation", "confidence"),
)  # name, on which images, which of helpers.methods.baselines.thresholds


def sparsity_table(study: SpaceStudy) -> pd.DataFrame:
    """One row for each split, method and setting.

    Competitors keep the entries whose attribution is at least the threshold; `deeplift-published` is DeepLIFT as Captum
    has it, without the correction of `helpers.methods.baselines.deep_lift`. Their rows are of fewer test images than
    those of the networks and of the original images. VQ-VAEs of other grids and codebooks than the profile's own are
    left out. The controls (`helpers.papers.spacevae.experiments.controls`) explain nothing, and darken all images.

    Returns:
        Columns split (`"test"` or `"validation"`), method, training, beta, threshold, amount (of a control), the
        metrics, images, source, and `chosen`: which rule chooses a competitor's threshold, on test rows only, words out
        of `"published"` (the largest threshold whose L0 sparsity on these test images is below 10 %, as in the paper),
        `"validation"` (the same rule on validation images) and `"confident"` (the highest mean confidence on validation
        images).
    """
    rows: list[dict[str, Any]] = []
    for split in ("validation", "test"):
        images = study.validation if split == "validation" else study.test
        found = _networks(study, images) + _competitors(study, competitor_images(study, split))
        found += control_rows(study, images) if split == "test" else []
        rows += [{"split": split, **row} for row in found]
    table = pd.DataFrame(rows).assign(source=study.test.source, chosen="")
    for name in MEASURED:
        for rule, threshold in chosen_thresholds(table, name).items():
            here = (table["split"] == "test") & (table["method"] == name) & (table["threshold"] == threshold)
            table.loc[here, "chosen"] = (table.loc[here, "chosen"] + f" {rule}").str.strip()
    return table


def chosen_thresholds(table: pd.DataFrame, method: str) -> dict[str, float]:
    """A competitor's threshold by each rule; a rule that no threshold satisfies is left out.

    The published rule, on test or on validation images, knows the paper's thresholds only: tenths, none above 0.

    Args:
        table: with columns split, method, threshold, l0 and confidence.
        method: the competitor.
    """
    rows = dict(iter(table[table["method"] == method].groupby("split")))
    chosen = {}
    for rule, split, kind in _RULES:
        part = rows[split]
        if kind == "published":
            part = part[part["threshold"].isin(PUBLISHED_THRESHOLDS)]
        with suppress(ValueError):  # no threshold qualifies
            chosen[rule] = choose_threshold(
                part["threshold"].tolist(), part["l0"].tolist(), part["confidence"].tolist(), rule=kind
            )
    return chosen


def _networks(study: SpaceStudy, images: LabelledImages) -> list[dict[str, Any]]:
    """The original images, and the kept images of every trained network."""
    whole = metric_columns(study.score(images, lambda part, _: part))
    rows = [{"method": "original", "training": "", "beta": math.nan, "threshold": math.nan, **whole}]
    for name in _shown(study):
        conditioned = study.settings.options(name).network.conditioned
        for beta in SWEPT_BETAS if conditioned else (None,):
            rows.append(network_row(study, name, images, beta))
    return rows


def _shown(study: SpaceStudy) -> list[str]:
    """The trained networks without the VQ-VAEs of other grids and codebooks, which only others begin with."""
    names, base = [], study.settings.training.network
    for name in study.trained:
        network = study.settings.options(name).network
        same = (network.grid, network.codes) == (base.grid, base.codes)
        if same or study.model(name).name != "vq-vae":
            names.append(name)
    return names


def network_row(
    study: SpaceStudy, name: str, images: LabelledImages, beta: float | int | None = None
) -> dict[str, Any]:
    """One network's row: method, training, beta, threshold (none) and the metrics."""
    trained = study.settings.options(name).loss.beta
    method = study.model(name).name
    own = math.nan if method == "vq-vae" else trained
    about = {"method": method, "training": name, "beta": own if beta is None else float(beta), "threshold": math.nan}
    return {**about, **metric_columns(study.score_model(name, images, beta))}


def _competitors(study: SpaceStudy, images: LabelledImages) -> list[dict[str, Any]]:
    """Every competitor at every threshold."""
    rows = []
    for name in MEASURED:
        attributed = attributions(study, name, images)
        for threshold in study.settings.evaluation.thresholds:
            scores = study.score(images, keep_above(attributed, threshold))
            about = {"method": name, "training": "", "beta": math.nan, "threshold": threshold}
            rows.append({**about, **metric_columns(scores)})
    return rows
