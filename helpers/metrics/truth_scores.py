"""Measures of a mask against the ground truth of a scene, and of its smoothness."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor

from helpers.core.mask_inputs import checked_booleans, checked_masks
from helpers.data.scenes import Scenes

_PIXELS = ("batch", 1, "height", "width")


def region_of_class(scenes: Scenes, classes: Int[Tensor, " scenes"]) -> Bool[Tensor, "scenes 1 size size"]:
    """The visible pixels of the objects of one class in each scene.

    Args:
        scenes: scenes with their object masks.
        classes: one class per scene, such as the predictions.

    Raises:
        ValueError: the classes are not one index per scene.
    """
    if classes.shape != (len(scenes.object_classes),) or classes.is_floating_point() or classes.dtype == torch.bool:
        raise ValueError(
            f"classes must be indices, one per scene ({len(scenes.object_classes)}), not {classes.dtype} of shape "
            f"{tuple(classes.shape)}"
        )
    chosen = scenes.object_classes == classes[:, None]  # (scenes, objects)
    return (scenes.object_masks & chosen[:, :, None, None]).any(1, keepdim=True)


def relevance_mass_accuracy(
    mask: Shaped[Tensor, "batch 1 height width"], region: Shaped[Tensor, "batch 1 height width"]
) -> Float[Tensor, " batch"]:
    """Relevance mass accuracy: the share of a mask's mass inside a region, in [0, 1]; nan for an empty mask.

    A constant mask scores the region's share of the image, `region.float().mean((1, 2, 3))`.

    Raises:
        TypeError, ValueError: mask or region have a wrong shape, type or range, or the mask is negative.
    """
    mask = checked_masks(mask, _PIXELS, name="mask", values="positive")
    region = checked_booleans(region, mask.shape, name="region", device=mask.device)
    total = mask.sum((1, 2, 3))
    inside = torch.where(region, mask, torch.zeros_like(mask)).sum((1, 2, 3))
    return torch.where(total > 0, inside / total, torch.full_like(total, torch.nan))


def border_to_mass_ratio(mask: Shaped[Tensor, "batch 1 height width"]) -> Float[Tensor, " batch"]:
    """Border-to-mass ratio: the total variation of a mask, divided by its sum; nan for an empty mask.

    An isolated pixel scores 4; a large constant patch, the ratio of its border to its area, almost 0.

    Raises:
        TypeError, ValueError: the mask has a wrong shape or type, or values that are negative or not finite.
    """
    mask = checked_masks(mask, _PIXELS, name="mask", values="positive")
    padded = torch.nn.functional.pad(mask, (1, 1, 1, 1))  # the mask is 0 outside the image
    variation = padded.diff(dim=2).abs().sum((1, 2, 3)) + padded.diff(dim=3).abs().sum((1, 2, 3))
    total = mask.sum((1, 2, 3))
    return torch.where(total > 0, variation / total, torch.full_like(total, torch.nan))


def largest_object_share(
    masks: Shaped[Tensor, "scenes 1 height width"], scenes: Scenes
) -> tuple[Float[Tensor, " scenes"], Int[Tensor, " scenes"]]:
    """The largest share of a mask's mass on a single object of its scene, and the class of that object.

    The share is 0 for an empty mask.

    Raises:
        TypeError, ValueError: as `relevance_mass_accuracy`.
    """
    shares = [
        relevance_mass_accuracy(masks, scenes.object_masks[:, index : index + 1])
        for index in range(scenes.object_masks.shape[1])
    ]
    share, index = torch.nan_to_num(torch.stack(shares, 1)).max(1)  # (scenes,)
    return share, scenes.object_classes.gather(1, index[:, None])[:, 0]
