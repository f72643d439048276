"""Figure 4 and Table 1: accuracy against sparsity, of every method at every setting."""

from __future__ import annotations

import math
from collections.abc import Iterator
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
"""The paper's betas, at which a conditioned network is evaluated."""

_RULES: tuple[tuple[str, str, Rule], ...] = (
    ("published", "test", "published"),
    ("validation", "validation", "published"),
    ("confident", "validation", "confidence"),
)  # name, images, rule of helpers.methods.baselines.thresholds


def sparsity_table(study: SpaceStudy) -> pd.DataFrame:
    """One row per split, method and setting.

    Competitors keep the entries whose attribution is at least the threshold; `deeplift-published` is DeepLIFT as in
    Captum, without the correction of `helpers.methods.baselines.deep_lift`. The competitors' rows have fewer images
    than those of the networks, and Feature Ablation's may have the fewest. VQ-VAEs with other grids or codebooks than
    the profile's are left out. The controls (`helpers.papers.spacevae.experiments.controls`) darken all images without
    explaining anything.

    Returns:
        Columns split (`"test"` or `"validation"`, and of networks only, if the profile asks for them, `"train"` and
        `"mistakes"`: the test images that the classifier gets wrong), method, training, beta, threshold, amount (of a
        control), the metrics, images, source, and `chosen` (test rows only): the rules that choose a competitor's
        threshold, some of `"published"` (the largest threshold with an L0 sparsity below 10 % on these images, as in
        the paper), `"validation"` (the same rule on validation images) and `"confident"` (the highest mean confidence
        on validation images).
    """
    rows: list[dict[str, Any]] = []
    for split in ("validation", "test"):
        images = study.validation if split == "validation" else study.test
        results = _networks(study, images) + _competitors(study, split)
        results += control_rows(study, images) if split == "test" else []
        rows += [{"split": split, **row} for row in results]
    for split, images in _further_splits(study):
        rows += [{"split": split, **row} for row in _networks(study, images)]
    table = pd.DataFrame(rows).assign(source=study.test.source, chosen="")
    for name in MEASURED:
        for rule, threshold in chosen_thresholds(table, name).items():
            matches = (table["split"] == "test") & (table["method"] == name) & (table["threshold"] == threshold)
            table.loc[matches, "chosen"] = (table.loc[matches, "chosen"] + f" {rule}").str.strip()
    return table


def chosen_thresholds(table: pd.DataFrame, method: str) -> dict[str, float]:
    """A competitor's threshold by each rule; rules without a qualifying threshold are left out.

    The published rule, on test or on validation images, considers the paper's thresholds only: tenths up to 0.

    Args:
        table: with columns split, method, threshold, l0 and confidence.
        method: the competitor.
    """
    rows = dict(iter(table[table["method"] == method].groupby("split")))
    chosen = {}
    for rule, split, criterion in _RULES:
        candidates = rows[split]
        if criterion == "published":
            candidates = candidates[candidates["threshold"].isin(PUBLISHED_THRESHOLDS)]
        with suppress(ValueError):  # no threshold qualifies
            chosen[rule] = choose_threshold(
                candidates["threshold"].tolist(),
                candidates["l0"].tolist(),
                candidates["confidence"].tolist(),
                rule=criterion,
            )
    return chosen


def _further_splits(study: SpaceStudy) -> Iterator[tuple[str, LabelledImages]]:
    """The images that only the networks are evaluated on, if the profile asks for them, by the name of their split."""
    evaluation, test = study.settings.evaluation, study.test
    if evaluation.training is not None:
        yield "train", study.split("train", evaluation.training)
    if evaluation.mistakes:
        scores = study.score(test, lambda batch, _: batch)
        yield "mistakes", test[scores.predicted != scores.label]


def _networks(study: SpaceStudy, images: LabelledImages) -> list[dict[str, Any]]:
    """The original images, and the kept images of every trained network."""
    original = metric_columns(study.score(images, lambda batch, _: batch))
    rows = [{"method": "original", "training": "", "beta": math.nan, "threshold": math.nan, **original}]
    for name in _compared(study):
        conditioned = study.settings.options(name).network.conditioned
        for beta in SWEPT_BETAS if conditioned else (None,):
            rows.append(network_row(study, name, images, beta))
    return rows


def _compared(study: SpaceStudy) -> list[str]:
    """The trained networks, without the VQ-VAEs of other grids and codebooks, which only initialise other trainings."""
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
    training_beta = math.nan if method == "vq-vae" else trained
    setting = {
        "method": method,
        "training": name,
        "beta": training_beta if beta is None else float(beta),
        "threshold": math.nan,
    }
    return {**setting, **metric_columns(study.score_model(name, images, beta))}


def _competitors(study: SpaceStudy, split: str) -> list[dict[str, Any]]:
    """The rows of every competitor at every threshold, on the images of a split."""
    rows = []
    for name in MEASURED:
        images = competitor_images(study, split, name)
        attributed = attributions(study, name, images)
        for threshold in study.settings.evaluation.thresholds:
            scores = study.score(images, keep_above(attributed, threshold))
            setting = {"method": name, "training": "", "beta": math.nan, "threshold": threshold}
            rows.append({**setting, **metric_columns(scores)})
    return rows
