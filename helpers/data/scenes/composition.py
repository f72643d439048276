"""What is in each scene, and where: every random choice, drawn before anything is painted.

All lengths are in unit coordinates: an image spans [-1, 1] both ways, y pointing up, so that a composition does
not depend on the size at which it is painted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from helpers.data.scenes.palettes import ground_colours, ink_colours
from helpers.data.scenes.patterns import BACKGROUNDS, TEXTURES
from helpers.data.scenes.shapes import SHAPES

MAX_OBJECTS = 4
FIELD_GRIDS = (4, 7, 13, 26)  # the lattices of the fractal noise, coarse to fine
_FIELD_NUMBERS = sum(grid**2 for grid in FIELD_GRIDS)
# how many random numbers each choice takes: all are drawn, used or not, so that options do not shift one another
_SCENE_DRAWS = {
    "number": 1, "main": 1, "largest": 1, "around": 1, "light": 1,
    "palette": 1, "ground": 1, "swap": 1, "background": 1, "background_turn": 1, "background_vary": 4,
    "mark": 4, "fields": 2 * _FIELD_NUMBERS,
}  # fmt: skip
_OBJECT_DRAWS = {
    "object_class": 1, "ratio": 1, "stray": 2, "turn": 1, "stretch": 2, "shape_vary": 3,
    "texture": 1, "texture_turn": 1, "texture_vary": 4, "base": 1, "accent": 1, "second": 1,
}  # fmt: skip
_NUMBERS = sum(_SCENE_DRAWS.values()) + MAX_OBJECTS * sum(_OBJECT_DRAWS.values())
Draws = dict[str, Tensor]
# for one to four objects: how far from the middle they stand, how far each strays from there,
# the radius of the largest (as a disc of the same area), and how far that varies
_LAYOUTS = (
    (0.0, 0.22, 0.46, 0.1),
    (0.34, 0.14, 0.4, 0.05),
    (0.4, 0.13, 0.36, 0.04),
    (0.46, 0.12, 0.33, 0.03),
)
_ORDER = torch.tensor([0, 2, 1, 3])  # neighbours around the middle are not neighbours in depth


@dataclass(frozen=True)
class Composition:
    """The random choices of a batch of scenes; objects are in the order in which they are painted, back to front.

    Attributes:
        object_classes: index into `SHAPES`, -1 for no object.
        centre, radius, turn, stretch: the place, half size, rotation (radians) and the two axis factors.
        shape_vary: the numbers that vary each shape.
        texture, texture_turn, texture_vary: the pattern on each object (index into `TEXTURES`).
        colours: three colours an object: base, the texture's second one, and the accent of details.
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


def uniform_draws(seed: int, start: int, count: int) -> tuple[Draws, Draws]:
    """Numbers in [0, 1) by name: for each scene (count, k), and for each object (count, 4, k).

    Those of scene i depend only on the seed and i.
    """
    rows = np.empty((count, _NUMBERS), dtype=np.float32)
    for row in range(count):
        np.random.Generator(np.random.PCG64([seed, start + row])).random(out=rows[row], dtype=np.float32)
    objects = MAX_OBJECTS * sum(_OBJECT_DRAWS.values())
    each, scene = torch.from_numpy(rows).tensor_split([objects], dim=1)
    return _by_name(scene, _SCENE_DRAWS), _by_name(each.reshape(count, MAX_OBJECTS, -1), _OBJECT_DRAWS)


def _by_name(numbers: Tensor, widths: dict[str, int]) -> Draws:
    """Cut the last dimension into named pieces."""
    return dict(zip(widths, numbers.split(list(widths.values()), dim=-1), strict=True))


def compose(count: int, *, seed: int, start: int, objects: tuple[int, int], classes: tuple[int, ...]) -> Composition:
    """Draw the compositions of the scenes `start` to `start + count - 1`."""
    scene, each = uniform_draws(seed, start, count)
    number = objects[0] + (scene["number"] * (objects[1] - objects[0] + 1)).long()
    present = torch.arange(MAX_OBJECTS) < number
    palette = (scene["palette"][:, 0] * ink_colours().shape[0]).long()
    light = math.pi * (0.5 + 0.7 * (scene["light"] - 0.5))  # from above, as we expect light to fall
    centre, radius = _places(scene, each, number)
    return Composition(
        object_classes=torch.where(present, _distinct_classes(each["object_class"][..., 0], classes), -1),
        centre=centre,
        radius=radius,
        turn=2 * each["turn"][..., 0] - 1,
        stretch=0.9 + 0.2 * each["stretch"],
        shape_vary=each["shape_vary"],
        texture=(each["texture"][..., 0] * len(TEXTURES)).long(),
        texture_turn=2 * math.pi * each["texture_turn"][..., 0],
        texture_vary=each["texture_vary"],
        colours=_object_colours(palette, each),
        background=(scene["background"][:, 0] * len(BACKGROUNDS)).long(),
        background_turn=math.pi * scene["background_turn"][:, 0],
        background_vary=scene["background_vary"],
        ground=_ground_colours(palette, scene),
        light=torch.cat([torch.cos(light), torch.sin(light)], dim=-1),
        fields=scene["fields"].reshape(count, 2, _FIELD_NUMBERS),
        mark=scene["mark"],
    )


def _distinct_classes(keys: Float[Tensor, "batch 4"], classes: tuple[int, ...]) -> Int[Tensor, "batch 4"]:
    """Four classes a scene, no class twice while there are enough of them (a partial Fisher-Yates shuffle)."""
    pool = torch.tensor(classes).expand(keys.shape[0], -1).clone()
    rows = torch.arange(keys.shape[0])
    for place in range(min(MAX_OBJECTS, len(classes) - 1)):
        other = place + (keys[:, place] * (len(classes) - place)).long()
        pool[rows, place], pool[rows, other] = pool[rows, other], pool[rows, place].clone()
    return pool.repeat(1, MAX_OBJECTS)[:, :MAX_OBJECTS]


def _places(
    scene: Draws, each: Draws, number: Int[Tensor, "batch 1"]
) -> tuple[Float[Tensor, "batch 4 2"], Float[Tensor, "batch 4"]]:
    """Centres and radii: the objects stand around the middle, one of them clearly the largest."""
    spread, reach, radius, radius_reach = torch.tensor(_LAYOUTS)[number[:, 0] - 1].T[..., None]
    largest = radius + radius_reach * (2 * scene["largest"] - 1)
    main = (scene["main"] * number).long()
    ratio = torch.where(torch.arange(MAX_OBJECTS) == main, 1.0, 0.64 + 0.14 * each["ratio"][..., 0])
    angle = 2 * math.pi * (scene["around"] + _ORDER / number)
    side_by_side = math.pi * (_ORDER / 2 + 0.36 * (scene["around"] - 0.5))  # looks better than one above the other
    angle = torch.where(number == 2, side_by_side, angle)[..., None]
    around = torch.cat([torch.cos(angle), torch.sin(angle)], dim=-1)
    return spread[..., None] * around + reach[..., None] * (2 * each["stray"] - 1), largest * ratio


def _object_colours(palette: Int[Tensor, " batch"], each: Draws) -> Float[Tensor, "batch 4 3 3"]:
    """Base, second and accent colour of each object; the base colours of a scene differ."""
    inks = ink_colours()[palette]
    count = inks.shape[1]
    base = (torch.arange(MAX_OBJECTS) + (each["base"][:, :1, 0] * count).long()) % count
    accent = (base + 1 + (each["accent"][..., 0] * (count - 1)).long()) % count
    rows = torch.arange(len(palette))[:, None]
    colour = inks[rows, base]
    # the texture's second colour: the same hue, lighter where the colour is dark, darker where it is light
    lighter = (colour.mean(-1, keepdim=True) < 0.62).float()
    strength = 0.18 + 0.2 * each["second"]
    second = colour + strength * (lighter * (1 - colour) - (1 - lighter) * 0.75 * colour)
    return torch.stack([colour, second, inks[rows, accent]], dim=2)


def _ground_colours(palette: Int[Tensor, " batch"], scene: Draws) -> Float[Tensor, "batch 2 3"]:
    """The background's two colours, in either order."""
    pair = ground_colours()[palette, (2 * scene["ground"][:, 0]).long()]
    return torch.where(scene["swap"][..., None] < 0.5, pair, pair.flip(1))


def object_turns(composition: Composition) -> Float[Tensor, "batch 4"]:
    """The rotation of each object, within what its class allows."""
    limits = torch.tensor([shape.turn for shape in SHAPES] + [0.0])
    return composition.turn * limits[composition.object_classes]
