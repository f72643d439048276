"""Measures of a mask: against what is true of a scene, and how jittery it is."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from helpers.data.scenes import Scenes


def region_of_class(scenes: Scenes, classes: Int[Tensor, " scenes"]) -> Bool[Tensor, "scenes 1 size size"]:
    """The visible pixels of each scene's objects of one class; nothing where no object has that class.

    Args:
        scenes: scenes with their masks.
        classes: one class a scene, such as the predictions.
    """
    wanted = scenes.object_classes == classes[:, None]  # (scenes, objects)
    return (scenes.object_masks & wanted[:, :, None, None]).any(1, keepdim=True)


def relevance_mass_accuracy(
    mask: Float[Tensor, "batch 1 height width"], region: Bool[Tensor, "batch 1 height width"]
) -> Float[Tensor, " batch"]:
    """The share of a mask's mass that lies in a region, in [0, 1]; nan where the mask is zero everywhere.

    A mask that knows nothing, a constant one, scores the region's share of the image: compare with
    `region.float().mean((1, 2, 3))`.
    """
    total = mask.sum((1, 2, 3))
    inside = torch.where(region, mask, torch.zeros_like(mask)).sum((1, 2, 3))
    return torch.where(total > 0, inside / total, torch.full_like(total, torch.nan))


def border_to_mass_ratio(mask: Float[Tensor, "batch 1 height width"]) -> Float[Tensor, " batch"]:
    """The sum of |difference| over all neighbouring pixels, divided by the mask's sum; nan for a mask of zeros.

    A lonely dot scores 4, a large even patch almost 0: its border over its area.
    """
    padded = torch.nn.functional.pad(mask, (1, 1, 1, 1))  # outside the image nothing is kept
    jumps = padded.diff(dim=2).abs().sum((1, 2, 3)) + padded.diff(dim=3).abs().sum((1, 2, 3))
    total = mask.sum((1, 2, 3))
    return torch.where(total > 0, jumps / total, torch.full_like(total, torch.nan))


def largest_share(
    masks: Float[Tensor, "scenes 1 height width"], scenes: Scenes
) -> tuple[Float[Tensor, " scenes"], Int[Tensor, " scenes"]]:
    """The largest share of a mask's mass on any one object of its scene, and that object's class.

    An empty mask has the share 0.
    """
    slots = [
        relevance_mass_accuracy(masks, scenes.object_masks[:, slot : slot + 1])
        for slot in range(scenes.object_masks.shape[1])
    ]
    share, place = torch.nan_to_num(torch.stack(slots, 1)).max(1)
    return share, scenes.object_classes.gather(1, place[:, None])[:, 0]
