"""All random choices of scenes, drawn before anything is painted.

All lengths are in unit coordinates: an image spans [-1, 1] in both directions, y pointing up, so that a composition
does not depend on the size at which it is painted.
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
# the number of random numbers of each choice: all are drawn, used or not, so that no option affects other choices
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
# for one to four objects: their distance from the middle, the largest displacement of each from there,
# the radius of the largest (of a disc of the same area), and the largest change of that radius
_LAYOUTS = (
    (0.0, 0.22, 0.46, 0.1),
    (0.34, 0.14, 0.4, 0.05),
    (0.4, 0.13, 0.36, 0.04),
    (0.46, 0.12, 0.33, 0.03),
)
_ORDER = torch.tensor([0, 2, 1, 3])  # around the middle, so that neighbours there are not neighbours in depth


@dataclass(frozen=True)
class Composition:
    """The random choices of a batch of scenes; objects are in the order in which they are painted, back to front.

    Attributes:
        object_classes: index into `SHAPES`, -1 for no object.
        centre, radius: of each object.
        rotation: of each object, in [-1, 1]: the share of the largest rotation of its class (`object_rotations`).
        stretch: factors on the two axes of each object.
        shape_variation: the numbers in [0, 1] that vary each shape.
        texture, texture_rotation, texture_variation: the pattern on each object: index into `TEXTURES`, rotation in
            radians, and the numbers in [0, 1] that vary it.
        colours: three colours per object: base, the texture's second colour, and the accent of details.
        background, background_rotation, background_variation: the background's pattern, like that of an object; index
            into `BACKGROUNDS`.
        ground: the background's two colours.
        light: the unit vector towards the light.
        fields: the numbers on the lattices of two fields of fractal noise.
        mark: four numbers in [0, 1] for the planted mark: its presence (compared with a rate), its corner, and its
            offset there.
    """

    object_classes: Int[Tensor, "batch 4"]
    centre: Float[Tensor, "batch 4 2"]
    radius: Float[Tensor, "batch 4"]
    rotation: Float[Tensor, "batch 4"]
    stretch: Float[Tensor, "batch 4 2"]
    shape_variation: Float[Tensor, "batch 4 3"]
    texture: Int[Tensor, "batch 4"]
    texture_rotation: Float[Tensor, "batch 4"]
    texture_variation: Float[Tensor, "batch 4 4"]
    colours: Float[Tensor, "batch 4 3 3"]
    background: Int[Tensor, " batch"]
    background_rotation: Float[Tensor, " batch"]
    background_variation: Float[Tensor, "batch 4"]
    ground: Float[Tensor, "batch 2 3"]
    light: Float[Tensor, "batch 2"]
    fields: Float[Tensor, "batch 2 numbers"]
    mark: Float[Tensor, "batch 4"]

    def __len__(self) -> int:
        """The number of scenes."""
        return self.radius.shape[0]


def uniform_draws(seed: int, start: int, count: int) -> tuple[Draws, Draws]:
    """Uniform random numbers of scenes, which depend only on the seed and the scene's number.

    Args:
        seed: seed of the series.
        start: number of the first scene.
        count: number of scenes.

    Returns:
        Numbers in [0, 1) by name: those of each scene, of shape (count, k), and of each object, (count, 4, k).
    """
    rows = np.empty((count, _NUMBERS), dtype=np.float32)
    for row in range(count):
        np.random.Generator(np.random.PCG64([seed, start + row])).random(out=rows[row], dtype=np.float32)
    width = MAX_OBJECTS * sum(_OBJECT_DRAWS.values())
    objects, scenes = torch.from_numpy(rows).tensor_split([width], dim=1)
    return _by_name(scenes, _SCENE_DRAWS), _by_name(objects.reshape(count, MAX_OBJECTS, -1), _OBJECT_DRAWS)


def _by_name(numbers: Tensor, widths: dict[str, int]) -> Draws:
    """Split the last dimension into named parts."""
    return dict(zip(widths, numbers.split(list(widths.values()), dim=-1), strict=True))


def compose(count: int, *, seed: int, start: int, objects: tuple[int, int], classes: tuple[int, ...]) -> Composition:
    """Draw the compositions of the scenes `start` to `start + count - 1`.

    Args:
        count: number of scenes.
        seed: seed of the series.
        start: number of the first scene.
        objects: smallest and largest number of objects.
        classes: the classes to draw from, as indices into `SHAPES`.
    """
    scene, per_object = uniform_draws(seed, start, count)
    number = objects[0] + (scene["number"] * (objects[1] - objects[0] + 1)).long()
    present = torch.arange(MAX_OBJECTS) < number
    palette = (scene["palette"][:, 0] * ink_colours().shape[0]).long()
    light = math.pi * (0.5 + 0.7 * (scene["light"] - 0.5))  # an angle: the light comes from above
    centre, radius = _centres_and_radii(scene, per_object, number)
    return Composition(
        object_classes=torch.where(present, _distinct_classes(per_object["object_class"][..., 0], classes), -1),
        centre=centre,
        radius=radius,
        rotation=2 * per_object["turn"][..., 0] - 1,
        stretch=0.9 + 0.2 * per_object["stretch"],
        shape_variation=per_object["shape_vary"],
        texture=(per_object["texture"][..., 0] * len(TEXTURES)).long(),
        texture_rotation=2 * math.pi * per_object["texture_turn"][..., 0],
        texture_variation=per_object["texture_vary"],
        colours=_object_colours(palette, per_object),
        background=(scene["background"][:, 0] * len(BACKGROUNDS)).long(),
        background_rotation=math.pi * scene["background_turn"][:, 0],
        background_variation=scene["background_vary"],
        ground=_ground_colours(palette, scene),
        light=torch.cat([torch.cos(light), torch.sin(light)], dim=-1),
        fields=scene["fields"].reshape(count, 2, _FIELD_NUMBERS),
        mark=scene["mark"],
    )


def _distinct_classes(keys: Float[Tensor, "batch 4"], classes: tuple[int, ...]) -> Int[Tensor, "batch 4"]:
    """Four classes per scene, all different if there are enough (a partial Fisher-Yates shuffle; keys in [0, 1))."""
    pool = torch.tensor(classes).expand(keys.shape[0], -1).clone()
    rows = torch.arange(keys.shape[0])
    for slot in range(min(MAX_OBJECTS, len(classes) - 1)):
        other = slot + (keys[:, slot] * (len(classes) - slot)).long()
        pool[rows, slot], pool[rows, other] = pool[rows, other], pool[rows, slot].clone()
    return pool.repeat(1, MAX_OBJECTS)[:, :MAX_OBJECTS]


def _centres_and_radii(
    scene: Draws, per_object: Draws, number: Int[Tensor, "batch 1"]
) -> tuple[Float[Tensor, "batch 4 2"], Float[Tensor, "batch 4"]]:
    """Centres and radii of objects that stand around the middle, one of them clearly the largest."""
    distance, reach, radius, radius_change = torch.tensor(_LAYOUTS)[number[:, 0] - 1].T[..., None]
    largest = radius + radius_change * (2 * scene["largest"] - 1)
    main = (scene["main"] * number).long()
    ratio = torch.where(torch.arange(MAX_OBJECTS) == main, 1.0, 0.64 + 0.14 * per_object["ratio"][..., 0])
    angle = 2 * math.pi * (scene["around"] + _ORDER / number)
    side_by_side = math.pi * (_ORDER / 2 + 0.36 * (scene["around"] - 0.5))  # two objects are not one above the other
    angle = torch.where(number == 2, side_by_side, angle)[..., None]
    direction = torch.cat([torch.cos(angle), torch.sin(angle)], dim=-1)
    return distance[..., None] * direction + reach[..., None] * (2 * per_object["stray"] - 1), largest * ratio


def _object_colours(palette: Int[Tensor, " batch"], per_object: Draws) -> Float[Tensor, "batch 4 3 3"]:
    """Base, second and accent colour of each object; the base colours of a scene differ."""
    inks = ink_colours()[palette]
    count = inks.shape[1]
    base_index = (torch.arange(MAX_OBJECTS) + (per_object["base"][:, :1, 0] * count).long()) % count
    accent_index = (base_index + 1 + (per_object["accent"][..., 0] * (count - 1)).long()) % count
    rows = torch.arange(len(palette))[:, None]
    base = inks[rows, base_index]
    # the texture's second colour has the same hue: lighter than a dark base colour, darker than a light one
    is_dark = (base.mean(-1, keepdim=True) < 0.62).float()
    strength = 0.18 + 0.2 * per_object["second"]
    second = base + strength * (is_dark * (1 - base) - (1 - is_dark) * 0.75 * base)
    return torch.stack([base, second, inks[rows, accent_index]], dim=2)


def _ground_colours(palette: Int[Tensor, " batch"], scene: Draws) -> Float[Tensor, "batch 2 3"]:
    """The background's two colours, in either order."""
    pair = ground_colours()[palette, (2 * scene["ground"][:, 0]).long()]
    return torch.where(scene["swap"][..., None] < 0.5, pair, pair.flip(1))


def object_rotations(composition: Composition) -> Float[Tensor, "batch 4"]:
    """The rotation of each object in radians, within the range of its class."""
    limits = torch.tensor([shape.largest_rotation for shape in SHAPES] + [0.0])
    return composition.rotation * limits[composition.object_classes]
