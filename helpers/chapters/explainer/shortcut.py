"""Pairs of scenes without and with the planted mark, and measures of class masks on them."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from helpers.data.scenes import Scenes, make_scenes


def marked_pairs(
    count: int, *, size: int, seed: int, classes: tuple[str, ...], objects: tuple[int, int] = (1, 2)
) -> tuple[Scenes, Scenes]:
    """The same scenes without and with the planted mark.

    Args:
        count: the number of pairs.
        size: side in pixels.
        seed: of the scenes.
        classes: the classes that may appear.
        objects: the fewest and the most objects in a scene.

    Returns:
        The scenes without and with the mark.
    """
    plain, marked = (
        make_scenes(count, size=size, seed=seed, classes=classes, objects=objects, shortcut_base_rate=rate)
        for rate in (0.0, 1.0)
    )
    return plain, marked


@torch.no_grad()
def probability_of(
    classifier: nn.Module, images: Float[Tensor, "batch 3 height width"], target: int
) -> Float[Tensor, " batch"]:
    """A multi-label classifier's probability of one class for each image."""
    return classifier(images).sigmoid()[:, target]


def mean_in(
    masks: Float[Tensor, "batch 1 height width"], region: Bool[Tensor, "batch height width"]
) -> Float[Tensor, " batch"]:
    """The mean of each mask over a region of its image; nan where the region is empty."""
    inside = torch.where(region[:, None], masks, torch.zeros_like(masks)).sum((1, 2, 3))
    size = region.sum((1, 2))
    return torch.where(size > 0, inside / size.clamp_min(1), torch.nan)
