"""Scenes as multi-label images with exact regions, in place of VOC and COCO in the quick profile."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Bool, UInt8
from torch import Tensor

from helpers.core.runtime import progress
from helpers.data.multilabel.data import MultiLabelImages, SegmentedImages
from helpers.data.scenes import SCENE_CLASSES, Scenes, make_scenes

BACKGROUND = len(SCENE_CLASSES)
"""The value of a class map where no object is visible."""

MARK = BACKGROUND + 1
"""The value of a class map on the planted mark."""

_AT_ONCE = 256


def scene_multilabels(scenes: Scenes, seed: int = 0, start: int = 0) -> MultiLabelImages:
    """Scenes as 8-bit pixels, which represent them exactly, with their visible classes.

    Args:
        scenes: the scenes.
        seed: seed of their series, for their names.
        start: number of the first scene in the series, for their names.
    """
    names = tuple(f"scene-{seed}-{start + index:06d}" for index in range(len(scenes)))
    return MultiLabelImages((scenes.images * 255).round().byte(), scenes.labels, names, SCENE_CLASSES)


def scene_truth(scenes: Scenes, seed: int = 0, start: int = 0) -> SegmentedImages:
    """Scenes with the visible region of all their objects; every pixel counts (arguments as in `scene_multilabels`)."""
    objects = scenes.object_masks.any(1).float()
    visible = scenes.object_masks.flatten(2).any(2)
    classes = scenes.object_classes.clamp_min(0)
    instances = torch.zeros(len(scenes), len(SCENE_CLASSES), dtype=torch.long)
    instances.scatter_add_(1, classes, visible.long())
    return SegmentedImages(
        images=scene_multilabels(scenes, seed, start),
        objects=objects,
        counted=torch.ones_like(objects, dtype=torch.bool),
        instances=instances,
    )


def class_truth(scenes: Scenes) -> Bool[Tensor, "scenes classes size size"]:
    """The visible region of each class; a scene shows a class at most once."""
    count, _, size, _ = scenes.object_masks.shape
    regions = torch.zeros(count, len(SCENE_CLASSES) + 1, size, size, dtype=torch.bool)
    classes = torch.where(scenes.object_classes < 0, BACKGROUND, scenes.object_classes)
    rows = torch.arange(count)
    for slot in range(classes.shape[1]):
        regions[rows, classes[:, slot]] |= scenes.object_masks[:, slot]
    return regions[:, :BACKGROUND]


def class_maps(scenes: Scenes) -> UInt8[Tensor, "scenes size size"]:
    """The class visible at each pixel, or `BACKGROUND`, or `MARK`."""
    maps = torch.full_like(scenes.shortcut_mask, BACKGROUND, dtype=torch.uint8)
    for slot in range(scenes.object_masks.shape[1]):  # visible regions do not overlap
        classes = scenes.object_classes[:, slot].clamp_min(0).to(torch.uint8)[:, None, None]
        maps = torch.where(scenes.object_masks[:, slot], classes, maps)
    return maps.masked_fill(scenes.shortcut_mask, MARK)


def draw_multilabels(
    count: int, *, size: int, seed: int, start: int = 0, show: bool = False, **options: Any
) -> tuple[MultiLabelImages, UInt8[Tensor, "count size size"]]:
    """Scenes for training, drawn 256 at a time, with their class maps (see `class_maps`).

    Args:
        count: number of scenes.
        size: the side in pixels.
        seed: seed of the series.
        start: number of the first scene in the series.
        show: show a progress bar.
        options: further options of `make_scenes`.
    """
    images, maps = [], []
    for first in progress(range(0, count, _AT_ONCE), label="drawing scenes", show=show):
        scenes = make_scenes(min(_AT_ONCE, count - first), size=size, seed=seed, start=start + first, **options)
        images.append(scene_multilabels(scenes, seed, start + first))
        maps.append(class_maps(scenes))
    return MultiLabelImages.join(images), torch.cat(maps)
