"""What is true of a scene, and how much of an explanation agrees with it."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from helpers.lessons.truth import share_inside
from helpers.profiles import ImageSettings
from helpers.scenes import Scenes, make_scenes


def scene_truth(settings: ImageSettings) -> Scenes | None:
    """The scenes behind a profile's images with their masks, or None where the images are not scenes."""
    if settings.source != "scenes" or settings.count is None:
        return None
    return make_scenes(settings.count, size=settings.size, seed=settings.seed, objects=settings.objects)


def largest_share(
    masks: Float[Tensor, "scenes 1 height width"], scenes: Scenes
) -> tuple[Float[Tensor, " scenes"], Int[Tensor, " scenes"]]:
    """The largest share of a mask's mass on any one object of its scene, and that object's class.

    An empty mask has the share 0.
    """
    slots = [
        share_inside(masks, scenes.object_masks[:, slot : slot + 1]) for slot in range(scenes.object_masks.shape[1])
    ]
    share, place = torch.nan_to_num(torch.stack(slots, 1)).max(1)
    return share, scenes.object_classes.gather(1, place[:, None])[:, 0]
