"""What is in each scene, and where: every random choice, drawn before anything is painted.

All lengths are in unit coordinates: an image spans [-1, 1] both ways, y pointing up, so that a composition does
not depend on the size at which it is painted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from helpers.scenes.palettes import ground_colours, ink_colours
from helpers.scenes.patterns import BACKGROUNDS, TEXTURES
from helpers.scenes.shapes import SHAPES

MAX_OBJECTS = 4
FIELD_GRIDS = (4, 7, 13, 26)  # the lattices of the fractal noise, coarse to fine
_FIELD_NUMBERS = sum(grid**2 for grid in FIELD_GRIDS)
_SCENE_NUMBERS = 32
_OBJECT_NUMBERS = 24
_DRAWS = _SCENE_NUMBERS + MAX_OBJECTS * _OBJECT_NUMBERS + 2 * _FIELD_NUMBERS


@dataclass(frozen=True)
class Composition:
    """The random choices of a batch of scenes; objects are in the order in which they are painted, back to front.

    Attributes:
        object_classes: index into `SHAPES`, -1 for no object.
        centre, radius, turn, stretch: the place, half size, rotation (radians) and the two axis factors.
        shape_vary: the numbers that vary each shape.
        texture, texture_turn, texture_vary: the pattern on each object (index into `TEXTURES`).
        colours: four colours an object: base, second, accent, and the outline's.
        background, background_turn, background_vary, ground: the background's pattern and its two colours.
        light: the unit vector towards the light.
        fields: the numbers on the lattices of two fields of fractal noise.
        mark: four numbers for the planted mark: whether (compared with a rate), which corner, the offset in it.
    """

    object_classes: Int[Tensor, "batch 4"]
    centre: Float[Tensor, "batch 4 2"]
    radius: Float[Tensor, "batch 4"]
    turn: Float[Tensor, "batch 4"]
    stretch: Float[Tensor, "batch 4 2"]
    shape_vary: Float[Tensor, "batch 4 3"]
    texture: Int[Tensor, "batch 4"]
    texture_turn: Float[Tensor, "batch 4"]
    texture_vary: Float[Tensor, "batch 4 4"]
    colours: Float[Tensor, "batch 4 3 3"]
    background: Int[Tensor, " batch"]
    background_turn: Float[Tensor, " batch"]
    background_vary: Float[Tensor, "batch 4"]
    ground: Float[Tensor, "batch 2 3"]
    light: Float[Tensor, "batch 2"]
    fields: Float[Tensor, "batch 2 numbers"]
    mark: Float[Tensor, "batch 4"]

    def __len__(self) -> int:
        """The number of scenes."""
        return self.radius.shape[0]

    def __getitem__(self, index: slice) -> Composition:
        """The compositions of some scenes."""
        return Composition(**{f.name: getattr(self, f.name)[index] for f in fields(self)})


def uniform_draws(seed: int, start: int, count: int) -> Float[Tensor, "count draws"]:
    """Numbers in [0, 1), a row a scene; the row of scene i depends only on the seed and i."""
    rows = np.empty((count, _DRAWS), dtype=np.float32)
    for row in range(count):
        np.random.Generator(np.random.PCG64([seed, start + row])).random(out=rows[row], dtype=np.float32)
    return torch.from_numpy(rows)


def compose(count: int, *, seed: int, start: int, objects: tuple[int, int], classes: tuple[int, ...]) -> Composition:
    """Draw the compositions of the scenes `start` to `start + count - 1`."""
    draws = uniform_draws(seed, start, count)
    scene = draws[:, :_SCENE_NUMBERS]
    each = draws[:, _SCENE_NUMBERS : _SCENE_NUMBERS + MAX_OBJECTS * _OBJECT_NUMBERS]
    each = each.reshape(count, MAX_OBJECTS, _OBJECT_NUMBERS)
    number = objects[0] + (scene[:, 0] * (objects[1] - objects[0] + 1)).long()
    present = torch.arange(MAX_OBJECTS) < number[:, None]
    palette = (scene[:, 1] * ink_colours().shape[0]).long()
    light = math.pi * (0.5 + 0.7 * (scene[:, 2] - 0.5))
    return Composition(
        object_classes=torch.where(present, _distinct_classes(each[:, :, 0], classes), -1),
        **_places(scene, each, number),
        turn=2 * each[:, :, 5] - 1,
        stretch=0.9 + 0.2 * each[:, :, 6:8],
        shape_vary=each[:, :, 8:11],
        texture=(each[:, :, 11] * len(TEXTURES)).long(),
        texture_turn=2 * math.pi * each[:, :, 12],
        texture_vary=each[:, :, 13:17],
        colours=_object_colours(palette, each),
        background=(scene[:, 3] * len(BACKGROUNDS)).long(),
        background_turn=scene[:, 4],
        background_vary=scene[:, 5:9],
        ground=_ground_colours(palette, scene),
        light=torch.stack([torch.cos(light), torch.sin(light)], dim=-1),
        fields=draws[:, -2 * _FIELD_NUMBERS :].reshape(count, 2, _FIELD_NUMBERS),
        mark=scene[:, 9:13],
    )


def _distinct_classes(keys: Float[Tensor, "batch 4"], classes: tuple[int, ...]) -> Int[Tensor, "batch 4"]:
    """Four classes a scene, no class twice while there are enough of them (a partial Fisher-Yates shuffle)."""
    pool = torch.tensor(classes).expand(keys.shape[0], -1).clone()
    rows = torch.arange(keys.shape[0])
    for place in range(min(MAX_OBJECTS, len(classes)) - 1):
        other = place + (keys[:, place] * (len(classes) - place)).long()
        pool[rows, place], pool[rows, other] = pool[rows, other], pool[rows, place].clone()
    return pool.repeat(1, MAX_OBJECTS)[:, :MAX_OBJECTS]


def _places(
    scene: Float[Tensor, "batch numbers"], each: Float[Tensor, "batch 4 more"], number: Int[Tensor, " batch"]
) -> dict[str, Tensor]:
    """Centres and radii: the objects stand around the middle, one of them clearly the largest."""
    slots = torch.arange(MAX_OBJECTS)
    row = number - 1
    main = (scene[:, 13] * number).long()
    spread = torch.tensor([0.0, 0.44, 0.5, 0.56])[row]
    jitter = torch.tensor([0.2, 0.1, 0.09, 0.08])[row]
    largest = torch.tensor([0.5, 0.42, 0.37, 0.34])[row] + torch.tensor([0.12, 0.05, 0.04, 0.03])[row] * (
        2 * scene[:, 14] - 1
    )
    ratio = torch.where(slots == main[:, None], 1.0, 0.6 + 0.14 * each[:, :, 1])
    # neighbours in the circle are not neighbours in depth
    order = torch.tensor([0, 2, 1, 3])
    angle = 2 * math.pi * (scene[:, 15:16] + order / number[:, None])
    # with two objects, side by side looks better than one above the other
    angle = torch.where(number[:, None] == 2, math.pi * (order / 2.0 + 0.36 * (scene[:, 15:16] - 0.5)), angle)
    circle = spread[:, None, None] * torch.stack([torch.cos(angle), torch.sin(angle)], dim=-1)
    centre = circle + jitter[:, None, None] * (2 * each[:, :, 2:4] - 1)
    return {"centre": centre, "radius": largest[:, None] * ratio}


def _object_colours(
    palette: Int[Tensor, " batch"], each: Float[Tensor, "batch 4 more"]
) -> Float[Tensor, "batch 4 3 3"]:
    """Base, second and accent colour of each object; the base colours of a scene differ."""
    inks = ink_colours()[palette]
    count = inks.shape[1]
    base = (torch.arange(MAX_OBJECTS) + (each[:, :1, 17] * count).long()) % count
    accent = (base + 1 + (each[:, :, 18] * (count - 1)).long()) % count
    rows = torch.arange(len(palette))[:, None]
    colour = inks[rows, base]
    # the texture's second colour: the same hue, lighter or darker
    lighter = torch.where(colour.mean(-1, keepdim=True) < 0.62, 1.0, 0.0)
    strength = 0.18 + 0.2 * each[:, :, 19:20]
    second = colour + strength * (lighter * (1 - colour) - (1 - lighter) * 0.75 * colour)
    return torch.stack([colour, second, inks[rows, accent]], dim=2)


def _ground_colours(
    palette: Int[Tensor, " batch"], scene: Float[Tensor, "batch numbers"]
) -> Float[Tensor, "batch 2 3"]:
    pair = ground_colours()[palette, (2 * scene[:, 16]).long()]
    return torch.where(scene[:, 17, None, None] < 0.5, pair, pair.flip(1))


def object_turns(composition: Composition) -> Float[Tensor, "batch 4"]:
    """The rotation of each object, within what its class allows."""
    limits = torch.tensor([shape.turn for shape in SHAPES] + [0.0])
    return composition.turn * limits[composition.object_classes]
