"""Metrics with truth: where the object is, and what the classifier used."""

from __future__ import annotations

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from helpers.benchmark.case import Trial
from helpers.benchmark.registry import Metric, register
from helpers.core.mask_inputs import checked_booleans, checked_masks
from helpers.metrics import (
    pixel_auroc,
    pointing_game,
    relevance_mass_above_chance,
    relevance_rank_accuracy,
    segmentation_scores,
)


@register("iou", higher=True, domain="values", truth="where")
class IoU(Metric):
    """Intersection over union of the pixels above 0.5 and the object."""

    def __call__(self, trial: Trial) -> Float[Tensor, " batch"]:
        """One score per image."""
        return segmentation_scores(trial.maps, trial.case.region, trial.case.counted)["iou_50"]


@register("pointing-game", higher=True, domain="order", truth="where")
class PointingGame(Metric):
    """Whether the largest value lies on the object."""

    def __call__(self, trial: Trial) -> Float[Tensor, " batch"]:
        """One score per image."""
        return pointing_game(trial.maps, trial.case.region, trial.case.counted)


@register("relevance-mass", higher=True, domain="values", truth="where")
class RelevanceMass(Metric):
    """The share of the mass on the object, above the object's share of the image."""

    def __call__(self, trial: Trial) -> Float[Tensor, " batch"]:
        """One score per image."""
        return relevance_mass_above_chance(trial.maps, trial.case.region, trial.case.counted)


@register("rank-accuracy", higher=True, domain="order", truth="where")
class RankAccuracy(Metric):
    """The share of the object among as many most relevant pixels as it has."""

    def __call__(self, trial: Trial) -> Float[Tensor, " batch"]:
        """One score per image."""
        return relevance_rank_accuracy(trial.maps, trial.case.region, trial.case.counted)


@register("pixel-auroc", higher=True, domain="order", truth="where")
class PixelAUROC(Metric):
    """The probability that a pixel of the object is more relevant than one beside it."""

    def __call__(self, trial: Trial) -> Float[Tensor, " batch"]:
        """One score per image."""
        region, counted = trial.case.region, trial.case.counted
        beside = ~region if counted is None else counted & ~region
        return pixel_auroc(trial.maps, region, beside)


@register("rendered-deletion", higher=True, domain="values", truth="used")
class RenderedDeletion(Metric):
    """The agreement of each part's share of the mass with its share of the logit's drop as it is drawn away."""

    def __call__(self, trial: Trial) -> Float[Tensor, " batch"]:
        """One score per image."""
        return rendered_deletion(trial.maps, trial.case.parts.masks, trial.case.drops)


def rendered_deletion(
    maps: Shaped[Tensor, "batch height width"],
    parts: Shaped[Tensor, "batch parts height width"],
    drops: Shaped[Tensor, "batch parts"],
) -> Float[Tensor, " batch"]:
    """The overlap of where a map puts its mass with what the classifier used: Σ min(mass share, drop share) over parts.

    1 if each part of the scene has the share of the mass that it has of the drop; 0 if all mass lies on parts that
    change nothing. A part whose removal raises the logit has no share. A constant map has mass by area, as has the
    empty one. nan where no part lowers the logit. FunnyBirds (Hesse et al., ICCV 2023) compares orders of parts
    instead, and leaves out images whose map is constant.

    Args:
        maps: not negative.
        parts: the pixels of each part.
        drops: of the class's logit as each part is drawn away.

    Raises:
        TypeError, ValueError: maps, parts or drops have a wrong shape, type or range.
    """
    share = drop_shares(drops)
    overlap = torch.minimum(mass_shares(maps, parts), share.nan_to_num()).sum(1)
    return torch.where(share.isnan().any(1), torch.nan, overlap)


def mass_shares(
    maps: Shaped[Tensor, "batch height width"], parts: Shaped[Tensor, "batch parts height width"]
) -> Float[Tensor, "batch parts"]:
    """The share of a map's mass on each part; that of the area for an empty map, which says nothing.

    Args:
        maps: not negative.
        parts: the pixels of each part.

    Raises:
        TypeError, ValueError: maps or parts have a wrong shape, type or range.
    """
    maps = checked_masks(maps, ("batch", "height", "width"), name="maps", values="positive")
    parts = checked_booleans(parts, (len(maps), len(parts[0]), *maps.shape[1:]), name="parts", device=maps.device)
    silent = maps.flatten(1).amax(1) == 0
    maps = torch.where(silent[:, None, None], torch.ones_like(maps), maps)
    mass = (maps[:, None] * parts).sum((2, 3))  # batch, parts
    return mass / mass.sum(1, keepdim=True)


def drop_shares(drops: Shaped[Tensor, "batch parts"]) -> Float[Tensor, "batch parts"]:
    """The share of each part in the drop of the logit; nan where no part lowers it.

    Args:
        drops: of the class's logit as each part is drawn away; a part whose removal raises the logit has no share.

    Raises:
        TypeError, ValueError: the drops have a wrong shape or type, or are not finite.
    """
    used = checked_masks(drops, ("batch", "parts"), name="drops", values="any").clamp_min(0)
    return used / used.sum(1, keepdim=True)  # 0 / 0 is nan
