"""The parts of some scenes as pictures, from which a page composes scenes anew: objects, backgrounds, planted mark.

An object is painted with its shade and its shadow. Painting changes a pixel c of the canvas to c (1 - a) + p, with the
opacity a and the premultiplied colour p. A browser's canvas rounds transparent pictures to the wrong numbers when it is
read, so both are stored as opaque pictures of the same layout: `objects.png` has p, and `opacity.png` has a.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from helpers.core.files import atomic_write
from helpers.data.scenes.composition import MAX_OBJECTS, Composition, compose
from helpers.data.scenes.painter import noise_field, paint_background, paint_mark, paint_objects
from helpers.data.scenes.patterns import BACKGROUNDS
from helpers.data.scenes.shapes import SCENE_CLASSES
from helpers.widgets.in_browser import colour_table

SIZE = 256  # of the parts, in pixels; classifiers see means of 4 x 4 of them
SEED, OBJECTS = 27, (2, 3)
# One scene for each background; together they show all classes, each object wholly inside the image. The first one is
# shown first. `scenes-cnn` names the largest object of each but the last.
NUMBERS = (85, 53, 110, 42, 52, 56, 23, 102, 55, 58)
FILES = ("objects.png", "opacity.png", "backgrounds.png", "scenes.json")
Sprite = tuple[Float[np.ndarray, "height width 3"], Float[np.ndarray, "height width"], int, int]


def composition_of(number: int) -> Composition:
    """The random choices of one of the scenes, by its number in the series."""
    return compose(1, seed=SEED, start=number, objects=OBJECTS, classes=tuple(range(len(SCENE_CLASSES))))


@torch.no_grad()
def write_sprites(folder: Path) -> None:
    """Write the parts of all scenes, `FILES`, into a folder, which is made if missing.

    The description has `size`, `classes`; `sprites` by name, each with its class and its place (left, top, width,
    height) in the pictures of objects; `backgrounds`, the names from the top of their picture downwards; and `scenes`,
    each with its background and its objects, back to front, as (name, left, top). Lengths are in pixels. `colours` are
    the 256 colours of masks, from 0 to 1, as hexadecimal digits.
    """
    folder.mkdir(parents=True, exist_ok=True)
    sprites: dict[str, tuple[str, Sprite]] = {}
    backgrounds: dict[str, np.ndarray] = {}
    scenes = []
    for number in NUMBERS:
        composition = composition_of(number)
        name = list(BACKGROUNDS)[int(composition.background)]
        backgrounds[name] = _bytes(paint_background(composition, SIZE)[0].permute(1, 2, 0).numpy())
        placed = []
        for shown, sprite in object_sprites(composition):
            label = f"{shown}-{1 + sum(known == shown for known, _ in sprites.values())}"
            sprites[label] = (shown, sprite)
            placed.append([label, sprite[2], sprite[3]])
        scenes.append({"number": number, "background": name, "objects": placed})
    sprites["mark"] = ("mark", mark_sprite())
    places = _write_atlas(sprites, folder)
    _save(np.concatenate(list(backgrounds.values())), folder / "backgrounds.png")
    description: dict[str, Any] = {
        "size": SIZE,
        "classes": list(SCENE_CLASSES),
        "sprites": {label: {"class": shown, "place": places[label]} for label, (shown, _) in sprites.items()},
        "backgrounds": list(backgrounds),
        "mark": ["mark", sprites["mark"][1][2], sprites["mark"][1][3]],
        "scenes": scenes,
        "colours": "".join(f"{red:02x}{green:02x}{blue:02x}" for red, green, blue, _ in colour_table()),
    }
    atomic_write(folder / "scenes.json", json.dumps(description).encode())


def object_sprites(composition: Composition) -> list[tuple[str, Sprite]]:
    """The objects of one scene, back to front: the class, and the picture with its place.

    Returns:
        Pairs of class and (premultiplied colours, opacities, left, top), cut to the pixels that the object changes.
    """
    noise = noise_field(composition.fields[:, 1], SIZE)
    found = []
    for slot in range(MAX_OBJECTS):
        for layer in paint_objects(composition, slot, noise, SIZE):
            opacity = 1 - (1 - layer.shadow[0]) * (1 - layer.cover[0])
            shown = SCENE_CLASSES[int(composition.object_classes[0, slot])]
            found.append((shown, _cut(layer.cover[0] * layer.colour[0], opacity)))
    return found


def mark_sprite() -> Sprite:
    """The planted mark in the upper right corner, as one sprite: painted on black and on white, which tells both."""
    numbers = torch.tensor([[0.0, 0.0, 0.5, 0.5]])  # its corner and its offset there
    black = paint_mark(torch.zeros(1, 3, SIZE, SIZE), numbers)[0][0]
    white = paint_mark(torch.ones(1, 3, SIZE, SIZE), numbers)[0][0]
    return _cut(black, 1 - (white - black).mean(0))


def _cut(colour: Tensor, opacity: Tensor) -> Sprite:
    """Without the margins that are transparent at 8 bits."""
    seen = opacity > 0.5 / 255
    rows, columns = (seen.any(axis).nonzero()[:, 0] for axis in (1, 0))
    top, bottom, left, right = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    cut = (slice(top, bottom), slice(left, right))
    return colour.permute(1, 2, 0)[cut].numpy(), opacity[cut].numpy(), left, top


def _write_atlas(sprites: dict[str, tuple[str, Sprite]], folder: Path) -> dict[str, tuple[int, int, int, int]]:
    """Write colours and opacities in rows, and return the place (left, top, width, height) of each sprite."""
    places, left, top, row = {}, 0, 0, 0
    width = 4 * SIZE
    for label, (_, (_, opacity, *_)) in sorted(sprites.items(), key=lambda item: -len(item[1][1][1])):
        height, own = opacity.shape
        if left + own > width:
            left, top, row = 0, top + row, 0
        places[label] = (left, top, own, height)
        left, row = left + own, max(row, height)
    colours, opacities = np.zeros((top + row, width, 3), np.uint8), np.zeros((top + row, width), np.uint8)
    for label, (x, y, own, height) in places.items():
        colour, opacity, *_ = sprites[label][1]
        colours[y : y + height, x : x + own] = _bytes(colour)
        opacities[y : y + height, x : x + own] = _bytes(opacity)
    _save(colours, folder / "objects.png")
    _save(opacities, folder / "opacity.png")
    return places


def _bytes(values: np.ndarray) -> np.ndarray:
    return (values.clip(0, 1) * 255).round().astype(np.uint8)


def _save(pixels: np.ndarray, path: Path) -> None:
    Image.fromarray(pixels).save(path, optimize=True)
