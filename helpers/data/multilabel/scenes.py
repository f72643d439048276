"""Scenes as multi-label images: the quick profile's stand-in for VOC and COCO, with exact truth."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import UInt8
from torch import Tensor

from helpers.core.runtime import progress
from helpers.data.multilabel.data import MultiLabelImages, SegmentedImages
from helpers.data.scenes import SCENE_CLASSES, Scenes, make_scenes

BACKGROUND = len(SCENE_CLASSES)
"""What a map of parts holds where no object is seen."""

MARK = BACKGROUND + 1
"""What it holds on the planted mark."""

_AT_ONCE = 256


def scene_multilabels(scenes: Scenes, seed: int = 0, start: int = 0) -> MultiLabelImages:
    """Scenes as 8-bit pixels (which is exact) with all classes that are seen in them."""
    names = tuple(f"scene-{seed}-{start + place:06d}" for place in range(len(scenes)))
    return MultiLabelImages((scenes.images * 255).round().byte(), scenes.labels, names, SCENE_CLASSES)


def scene_truth(scenes: Scenes, seed: int = 0, start: int = 0) -> SegmentedImages:
    """Scenes with the visible part of all their objects; every pixel counts."""
    objects = scenes.object_masks.any(1).float()
    shown = scenes.object_masks.flatten(2).any(2)
    kinds = scenes.object_classes.clamp_min(0)
    instances = torch.zeros(len(scenes), len(SCENE_CLASSES), dtype=torch.long).scatter_add_(1, kinds, shown.long())
    return SegmentedImages(
        images=scene_multilabels(scenes, seed, start),
        objects=objects,
        counted=torch.ones_like(objects, dtype=torch.bool),
        instances=instances,
    )


def class_truth(scenes: Scenes) -> Tensor:
    """The visible part of each class, (scenes, classes, size, size) booleans; a class stands once in a scene."""
    count, _, size, _ = scenes.object_masks.shape
    found = torch.zeros(count, len(SCENE_CLASSES) + 1, size, size, dtype=torch.bool)
    kinds = torch.where(scenes.object_classes < 0, BACKGROUND, scenes.object_classes)
    rows = torch.arange(count)
    for slot in range(kinds.shape[1]):
        found[rows, kinds[:, slot]] |= scenes.object_masks[:, slot]
    return found[:, :BACKGROUND]


def parts_map(scenes: Scenes) -> UInt8[Tensor, "scenes size size"]:
    """What each pixel shows: a class, `BACKGROUND` or `MARK`."""
    parts = torch.full_like(scenes.shortcut_mask, BACKGROUND, dtype=torch.uint8)
    for slot in range(scenes.object_masks.shape[1]):  # visible parts do not overlap
        kinds = scenes.object_classes[:, slot].clamp_min(0).to(torch.uint8)[:, None, None]
        parts = torch.where(scenes.object_masks[:, slot], kinds, parts)
    return parts.masked_fill(scenes.shortcut_mask, MARK)


def draw_multilabels(
    count: int, *, size: int, seed: int, start: int = 0, show: bool = False, **options: Any
) -> tuple[MultiLabelImages, UInt8[Tensor, "count size size"]]:
    """Draw many scenes for training, 256 at a time, with their maps of parts.

    Args:
        count: how many.
        size: the side in pixels.
        seed: which series.
        start: the number of the first one.
        show: whether to show progress.
        options: further options of `make_scenes`.
    """
    drawn, parts = [], []
    for first in progress(range(0, count, _AT_ONCE), label="drawing scenes", show=show):
        number = min(_AT_ONCE, count - first)
        scenes = make_scenes(number, size=size, seed=seed, start=start + first, **options)
        drawn.append(scene_multilabels(scenes, seed, start + first))
        parts.append(parts_map(scenes))
    names = tuple(name for part in drawn for name in part.names)
    pixels, labels = (torch.cat([getattr(part, name) for part in drawn]) for name in ("pixels", "labels"))
    return MultiLabelImages(pixels, labels, names, SCENE_CLASSES), torch.cat(parts)
