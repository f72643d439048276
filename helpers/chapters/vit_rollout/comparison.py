"""The scores of the chapter on rollout: maps against the object, and against what hiding a window does."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from helpers.chapters.vit_rollout.interventions import HidingEffects, rank_agreement
from helpers.core.statistics import Effect, mean_effect
from helpers.metrics.truth_scores import relevance_mass_accuracy

Maps = Mapping[str, Float[Tensor, "batch 1 size size"]]

CONSTANT = "a constant map"
MEASURES = {"mass": (0.0, 1.0), "token": (-1.0, 1.0), "logit": (-1.0, 1.0)}
"""The columns of `map_scores` with their limits."""


def control_maps(images: Float[Tensor, "batch 3 size size"]) -> dict[str, Float[Tensor, "batch 1 size size"]]:
    """Maps that know no network: a constant, a blob at the centre, and each pixel's distance from the mean colour."""
    place = torch.linspace(-1, 1, images.shape[-1])
    centre = torch.exp(-(place[:, None] ** 2 + place[None] ** 2) / 0.5)  # as in the chapter on judging
    contrast = (images - images.mean((2, 3), keepdim=True)).square().sum(1, keepdim=True).sqrt()
    return {
        CONSTANT: torch.ones_like(contrast),
        "a blob at the centre": centre.expand_as(contrast),
        "contrast": contrast,
    }


def map_scores(
    maps: Maps,
    regions: Bool[Tensor, "batch 1 size size"],
    effects: HidingEffects,
) -> pd.DataFrame:
    """Three scores of each map, one row per map and image.

    Args:
        maps: of all images.
        regions: the object of each image.
        effects: of hiding windows in the first images; the other rows have nan for `token` and `logit`, and so has a
            constant map, which has no order.

    Returns:
        Columns map, image, mass (relevance mass accuracy), token and logit (rank correlation with how far the class
        token moves, and with the fall of the class's logit).
    """
    tables = []
    for name, values in maps.items():
        table = pd.DataFrame({"map": name, "mass": relevance_mass_accuracy(values, regions).numpy()})
        for key in ("token", "logit"):
            effect: Tensor = getattr(effects, key)
            if name != CONSTANT:
                table.loc[: len(effect) - 1, key] = rank_agreement(values[: len(effect)], effect).numpy()
        tables.append(table.assign(image=range(len(table))))
    return pd.concat(tables, ignore_index=True)


def score(scores: pd.DataFrame, measure: str, name: str, other: str | None = None) -> Effect:
    """The mean of a measure of one map over the images, or of its difference from another map on the same images."""
    low, high = MEASURES[measure]
    values = scores.pivot(index="image", columns="map", values=measure)
    if other is None:
        return mean_effect(values[name].to_numpy(), limits=(low, high))
    return mean_effect((values[name] - values[other]).to_numpy(), limits=(low - high, high - low))


def score_table(scores: pd.DataFrame) -> pd.DataFrame:
    """The means with their intervals in words, one row per map."""
    rows = []
    for name in scores["map"].unique():
        row = {"map": name}
        for measure in MEASURES:
            known = scores.loc[scores["map"] == name, measure].notna().any()
            row[measure] = score(scores, measure, name).words(2) if known else "–"
        rows.append(row)
    return pd.DataFrame(rows)
