"""What is true of a scene, and how much of an explanation agrees with it."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from helpers.profiles import ImageSettings
from helpers.scenes import Scenes, make_scenes


def scene_truth(settings: ImageSettings, count: int | None = None) -> Scenes | None:
    """The scenes behind a profile's images with their masks, or None where the images are not scenes."""
    if settings.source != "scenes":
        return None
    return make_scenes(count or settings.count or 1, size=settings.size, seed=settings.seed, objects=settings.objects)


def object_of_class(scenes: Scenes, classes: Int[Tensor, " scenes"]) -> Bool[Tensor, "scenes height width"]:
    """The visible pixels of each scene's object of a class; none where the scene has no such object."""
    of_class = scenes.object_classes == classes[:, None]
    return (scenes.object_masks & of_class[:, :, None, None]).any(1)


def mass_inside(
    masks: Float[Tensor, "scenes 1 height width"], inside: Bool[Tensor, "scenes *objects height width"]
) -> Float[Tensor, scenes * objects]:
    """The share of each mask's mass that lies inside a region, or inside each of several; nan for an empty mask."""
    expanded = masks if inside.ndim == 4 else masks[:, 0]
    return (expanded * inside).sum((-2, -1)) / expanded.sum((-2, -1))


def area_share(inside: Bool[Tensor, "*many height width"]) -> Float[Tensor, "*many"]:
    """The share of the image that a region covers: what a mask without knowledge would have inside."""
    return inside.float().mean((-2, -1))


def largest_share(
    masks: Float[Tensor, "scenes 1 height width"], scenes: Scenes
) -> tuple[Float[Tensor, " scenes"], Int[Tensor, " scenes"]]:
    """The largest share of a mask's mass on any one object of its scene, and that object's class."""
    shares = torch.nan_to_num(mass_inside(masks, scenes.object_masks))
    share, place = shares.max(1)
    return share, scenes.object_classes.gather(1, place[:, None])[:, 0]
