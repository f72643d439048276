"""Procedural images with exact class labels and object masks."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from helpers.core.batch import Batch
from helpers.data.scenes.composition import MAX_OBJECTS, Composition, compose
from helpers.data.scenes.painter import noise_field, paint_background, paint_mark, paint_objects
from helpers.data.scenes.shapes import SCENE_CLASSES

SMALLEST, LARGEST = 32, 256
_PIXELS_AT_ONCE = 2**19  # painted together: few enough for the processor's cache, enough for vectorisation


@dataclass(frozen=True)
class Scenes(Batch):
    """Images with their exact labels and masks.

    Objects fill the first slots in painting order, back to front; an empty slot has class -1 and empty masks.

    Attributes:
        images: pixels in [0, 1], multiples of 1/255.
        label: the class of the object with the most visible pixels (before the mark is painted).
        labels: whether each class has a visible pixel.
        object_masks: the visible pixels of each object, those not covered by later objects or by the mark.
        object_classes: the class of each object, -1 for none.
        object_full_masks: all pixels of each object, including covered ones.
        shortcut_mask: the pixels of the planted mark.
        shortcut_present: whether the image has the mark.
        background: the background's pattern, an index into `BACKGROUNDS`.
    """

    images: Float[Tensor, "scenes 3 size size"]
    label: Int[Tensor, " scenes"]
    labels: Bool[Tensor, "scenes classes"]
    object_masks: Bool[Tensor, "scenes 4 size size"]
    object_classes: Int[Tensor, "scenes 4"]
    object_full_masks: Bool[Tensor, "scenes 4 size size"]
    shortcut_mask: Bool[Tensor, "scenes size size"]
    shortcut_present: Bool[Tensor, " scenes"]
    background: Int[Tensor, " scenes"]


def make_scenes(
    count: int,
    *,
    size: int = 128,
    seed: int = 0,
    start: int = 0,
    objects: tuple[int, int] = (1, 4),
    classes: tuple[str, ...] = SCENE_CLASSES,
    shortcut_strength: float = 0.0,
    shortcut_base_rate: float = 0.0,
    shortcut_class: str | None = None,
) -> Scenes:
    """The scenes `start` to `start + count - 1` of the endless series of a seed.

    A scene depends only on its number, the seed and the options, not on `count` or `start`; its composition is the
    same at every size.

    The planted shortcut is a mark, a small label in a corner of the image, that co-occurs with one class. With
    strength s and base rate b, an image has it with probability b + s (1 - b) if its label is `shortcut_class`, and
    b (1 - s) if not. With s = 0 the mark is independent of the class, and absent if also b = 0; with b = 0 only images
    of that class have it, a share s of them; with s = 1 all images of that class have it, and no others. The rest of
    the image does not depend on the mark.

    Args:
        count: number of scenes.
        size: height and width in pixels, 32 to 256.
        seed: seed of the series.
        start: the number of the first scene, so that a series can be drawn in several batches.
        objects: the smallest and largest number of objects in an image, from 1 to 4.
        classes: the classes that may appear, out of `SCENE_CLASSES`; the objects of one scene differ in class.
        shortcut_strength: s above, in [0, 1].
        shortcut_base_rate: b above, in [0, 1].
        shortcut_class: the class that co-occurs with the mark; the first of `classes` if None.

    Raises:
        ValueError: an argument is out of its range; the message names it and the allowed values.
    """
    marked_class = shortcut_class if shortcut_class is not None or not classes else classes[0]
    _check(count, size, seed, start, objects, classes, shortcut_strength, shortcut_base_rate, marked_class)
    shortcut = (shortcut_strength, shortcut_base_rate, SCENE_CLASSES.index(str(marked_class)))
    indices = tuple(SCENE_CLASSES.index(name) for name in classes)
    at_once = max(1, _PIXELS_AT_ONCE // size**2)
    batches = []
    for first in range(0, count, at_once):
        number = min(at_once, count - first)
        composition = compose(number, seed=seed, start=start + first, objects=objects, classes=indices)
        batches.append(_paint(composition, size, *shortcut))
    return Scenes.join(batches)


@torch.no_grad()
def _paint(composition: Composition, size: int, strength: float, base_rate: float, marked_class: int) -> Scenes:
    """Paint a batch of compositions back to front, and record the masks."""
    canvas = paint_background(composition, size)
    noise = noise_field(composition.fields[:, 1], size)
    full = torch.zeros(len(composition), MAX_OBJECTS, size, size, dtype=torch.bool)
    for slot in range(MAX_OBJECTS):
        for layer in paint_objects(composition, slot, noise, size):
            below = canvas[layer.rows] * (1 - layer.shadow[:, None])
            canvas[layer.rows] = below + layer.cover[:, None] * (layer.colour - below)
            full[layer.rows, slot] = layer.inside
    visible = full.clone()
    for slot in range(MAX_OBJECTS - 1):
        visible[:, slot] &= ~full[:, slot + 1 :].any(dim=1)
    largest = visible.sum(dim=(2, 3)).argmax(dim=1)
    label = composition.object_classes.gather(1, largest[:, None]).squeeze(1)
    rate = torch.where(label == marked_class, base_rate + strength * (1 - base_rate), base_rate * (1 - strength))
    present = composition.mark[:, 0] < rate
    mark_mask = torch.zeros(len(composition), size, size, dtype=torch.bool)
    rows = torch.nonzero(present).squeeze(1)
    if len(rows):
        canvas[rows], mark_mask[rows] = paint_mark(canvas[rows], composition.mark[rows])
    visible &= ~mark_mask[:, None]
    return Scenes(
        images=(canvas.clamp(0, 1) * 255).round() / 255,
        label=label,
        labels=_multi_hot(composition.object_classes, visible),
        object_masks=visible,
        object_classes=composition.object_classes,
        object_full_masks=full,
        shortcut_mask=mark_mask,
        shortcut_present=present,
        background=composition.background,
    )


def _multi_hot(
    object_classes: Int[Tensor, "scenes 4"], visible: Bool[Tensor, "scenes 4 size size"]
) -> Bool[Tensor, "scenes classes"]:
    """Whether each class has a visible pixel."""
    is_visible = visible.flatten(2).any(dim=2)
    is_class = object_classes[..., None] == torch.arange(len(SCENE_CLASSES))
    return (is_class & is_visible[..., None]).any(dim=1)


def _check(
    count: int,
    size: int,
    seed: int,
    start: int,
    objects: tuple[int, int],
    classes: tuple[str, ...],
    strength: float,
    base_rate: float,
    marked_class: str | None,
) -> None:
    """Raise a ValueError that names the first argument out of its range."""
    if count < 1 or start < 0 or seed < 0:
        raise ValueError(f"count={count} must be at least 1; start={start} and seed={seed} must not be negative")
    if not SMALLEST <= size <= LARGEST:
        raise ValueError(f"size={size} is out of range: scenes are {SMALLEST} to {LARGEST} pixels wide")
    if not 1 <= objects[0] <= objects[1] <= MAX_OBJECTS:
        raise ValueError(f"objects={objects} must be (least, most) with 1 <= least <= most <= {MAX_OBJECTS}")
    unknown = [name for name in classes if name not in SCENE_CLASSES]
    if unknown or len(set(classes)) != len(classes):
        raise ValueError(f"classes={classes} must be distinct names out of {SCENE_CLASSES}; wrong: {unknown}")
    if len(classes) < objects[1]:
        raise ValueError(
            f"objects={objects} needs {objects[1]} different classes, but classes has {len(classes)}: "
            "name more classes or lower objects=(least, most)"
        )
    for name, value in (("shortcut_strength", strength), ("shortcut_base_rate", base_rate)):
        if not 0 <= value <= 1:
            raise ValueError(f"{name}={value} is a probability: it must lie in [0, 1]")
    if marked_class not in classes:
        raise ValueError(f"shortcut_class={marked_class!r} must be one of classes={classes}")
