"""The painter of compositions: backgrounds, objects with shade and shadow, and the planted mark, with exact masks."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

from helpers.data.scenes.composition import FIELD_GRIDS, Composition, object_rotations
from helpers.data.scenes.palettes import DARK, PALE, rgb
from helpers.data.scenes.patterns import BACKGROUNDS, TEXTURES
from helpers.data.scenes.primitives import Plane, box, coverage
from helpers.data.scenes.shapes import SHAPES

BEVEL = 0.055  # width of the rounded rim of an object's surface, as all lengths in unit coordinates
CONTRAST = {"hills": 1.8, "clouds": 1.6, "gradient": 1.7, "contours": 1.5}  # of backgrounds; 1 for the others
UPRIGHT = ("bricks", "hills", "rays", "gradient", "contours", "clouds")  # backgrounds that are not rotated
SHADOW_LENGTH, SHADOW_BLUR, SHADOW_DEPTH = 0.075, 0.11, 0.42
OUTLINE = 0.011


@dataclass(frozen=True)
class Layer:
    """The objects of one class in one slot of some scenes, ready to be painted.

    Attributes:
        rows: the scenes.
        colour: in [0, 1] (not clamped).
        cover: the share of each pixel that the object covers, in [0, 1].
        inside: the pixels whose centres lie inside the object: its exact mask.
        shadow: the share of light that the object's shadow takes, in [0, 1].
    """

    rows: Int[Tensor, " some"]
    colour: Float[Tensor, "some 3 height width"]
    cover: Float[Tensor, "some height width"]
    inside: Bool[Tensor, "some height width"]
    shadow: Float[Tensor, "some height width"]


def pixel_grid(size: int) -> tuple[Float[Tensor, "1 1 size"], Float[Tensor, "1 size 1"]]:
    """The unit coordinates of the pixels' centres: x to the right, y up."""
    centres = (torch.arange(size) + 0.5) * (2 / size) - 1
    return centres.view(1, 1, size), -centres.view(1, size, 1)


def noise_field(numbers: Float[Tensor, "batch numbers"], size: int) -> Plane:
    """Fractal noise in [0, 1] around 0.5: a sum of interpolated lattices, the finer the weaker.

    Args:
        numbers: random numbers in [0, 1], on all lattices.
        size: height and width in pixels.
    """
    total = torch.zeros(numbers.shape[0], 1, size, size)
    lattices = numbers.split([grid**2 for grid in FIELD_GRIDS], dim=1)
    for octave, (grid, values) in enumerate(zip(FIELD_GRIDS, lattices, strict=True)):
        lattice = values.reshape(-1, 1, grid, grid) - 0.5
        total += 0.55**octave * functional.interpolate(lattice, (size, size), mode="bicubic", align_corners=False)
    return (0.5 + 0.62 * total.squeeze(1)).clamp(0, 1)


def paint_background(scenes: Composition, size: int) -> Float[Tensor, "batch 3 size size"]:
    """The background of each scene, brighter on the light's side; about [0, 1], not clamped."""
    x, y = pixel_grid(size)
    tone = torch.empty(len(scenes), size, size)
    noise = noise_field(scenes.fields[:, 0], size)
    for index, (name, pattern) in enumerate(BACKGROUNDS.items()):
        rows = torch.nonzero(scenes.background == index).squeeze(1)
        if not len(rows):
            continue
        rotation = _planes(scenes.background_rotation[rows] * (0.0 if name in UPRIGHT else 1.0))
        cos, sin = torch.cos(rotation), torch.sin(rotation)
        pixel = torch.full((len(rows), 1, 1), 2 / size)
        variation = scenes.background_variation[rows][..., None, None]
        tone[rows] = CONTRAST.get(name, 1.0) * pattern(
            cos * x + sin * y, cos * y - sin * x, variation, noise[rows], pixel
        )
    ground = scenes.ground[..., None, None]
    canvas = ground[:, 0] + tone[:, None] * (ground[:, 1] - ground[:, 0])
    light = _planes(scenes.light[:, 0]) * x + _planes(scenes.light[:, 1]) * y
    brightness = 1.0 + 0.06 * light + 0.07 * (noise - 0.5)
    return canvas * brightness[:, None]


def paint_objects(scenes: Composition, slot: int, noise: Plane, size: int) -> list[Layer]:
    """The objects in a slot, one layer per class.

    Args:
        scenes: the compositions.
        slot: index of the objects.
        noise: the random field of textures.
        size: height and width in pixels.
    """
    classes = scenes.object_classes[:, slot]
    layers = []
    for index in range(len(SHAPES)):
        rows = torch.nonzero(classes == index).squeeze(1)
        if len(rows):
            layers.append(_paint_class(scenes, slot, index, rows, noise, size))
    return layers


def _paint_class(
    scenes: Composition, slot: int, index: int, rows: Int[Tensor, " some"], noise: Plane, size: int
) -> Layer:
    """The layer of one class: the scenes `rows` show it in `slot`."""
    shape, pixel = SHAPES[index], 2 / size
    radius = _planes(scenes.radius[rows, slot] * shape.scale)
    rotation = _planes(object_rotations(scenes)[rows, slot])
    stretch = scenes.stretch[rows, slot][..., None, None]
    variation = scenes.shape_variation[rows, slot][..., None, None]
    facing = torch.where(variation[:, 2] < 0.5, 1.0, -1.0) if shape.mirrored else 1.0
    cos, sin = torch.cos(rotation) / radius, torch.sin(rotation) / radius
    x, y = pixel_grid(size)
    x, y = x - _planes(scenes.centre[rows, slot, 0]), y - _planes(scenes.centre[rows, slot, 1])
    light = [_planes(scenes.light[rows, axis]) for axis in (0, 1)]

    def local_coordinates(shift: float) -> tuple[Plane, Plane]:
        """The shape's coordinates of each pixel's centre, shifted towards the light."""
        u, v = x + shift * light[0], y + shift * light[1]
        return facing * (cos * u + sin * v) / stretch[:, 0], (cos * v - sin * u) / stretch[:, 1]

    def signed_distance(shift: float) -> Plane:
        return shape.distance(*local_coordinates(shift), variation) * radius

    distance = signed_distance(0.0)
    albedo = _albedo(scenes, slot, index, rows, local_coordinates(0.0), radius, noise[rows], pixel)
    height = [(-signed_distance(shift) / BEVEL).clamp(0, 1) for shift in (-0.03, 0.03)]
    slope = height[0] - height[1]  # positive where the surface faces the light
    gradient = ((light[0] * x + light[1] * y) / radius).clamp(-1.5, 1.5)
    shade = (1.0 + 0.1 * gradient + 0.34 * slope.clamp(max=0))[:, None]
    colour = albedo * shade
    colour = colour + 0.3 * slope.clamp(min=0)[:, None] * (1 - colour)
    outline = coverage(distance.abs() - OUTLINE, pixel)[:, None]
    colour = colour * (1 - 0.45 * outline)
    shadow = (0.5 - signed_distance(SHADOW_LENGTH) / SHADOW_BLUR).clamp(0, 1)
    shadow = SHADOW_DEPTH * shadow * shadow * (3 - 2 * shadow)
    return Layer(rows, colour, coverage(distance, pixel), distance < 0, shadow)


def _albedo(
    scenes: Composition,
    slot: int,
    index: int,
    rows: Int[Tensor, " some"],
    coordinates: tuple[Plane, Plane],
    radius: Float[Tensor, "some 1 1"],
    noise: Plane,
    pixel: float,
) -> Float[Tensor, "some 3 height width"]:
    """The surface's colours without light: the texture in two tones, then the details of the class."""
    colours = scenes.colours[rows, slot][..., None, None]
    tone = torch.empty_like(noise)
    textures = scenes.texture[rows, slot]
    rotation = _planes(scenes.texture_rotation[rows, slot])
    x, y = coordinates
    across, along = torch.cos(rotation) * x + torch.sin(rotation) * y, torch.cos(rotation) * y - torch.sin(rotation) * x
    variation = scenes.texture_variation[rows, slot][..., None, None]
    for texture, pattern in enumerate(TEXTURES.values()):
        some = torch.nonzero(textures == texture).squeeze(1)
        if len(some):
            tone[some] = pattern(across[some], along[some], variation[some], noise[some], pixel / radius[some])
    albedo = colours[:, 0] + tone[:, None] * (colours[:, 1] - colours[:, 0])
    roles = {"pale": _constant(PALE), "dark": _constant(DARK), "accent": colours[:, 2], "shade": 0.62 * colours[:, 0]}
    for role, detail in SHAPES[index].details(x, y, scenes.shape_variation[rows, slot][..., None, None]):
        albedo = albedo + coverage(detail * radius, pixel)[:, None] * (roles[role] - albedo)
    return albedo


def paint_mark(
    canvas: Float[Tensor, "some 3 size size"], mark: Float[Tensor, "some 4"]
) -> tuple[Float[Tensor, "some 3 size size"], Bool[Tensor, "some size size"]]:
    """Paint the planted mark, a pale label with three dark bars, into a corner of each image.

    Args:
        canvas: the images, in [0, 1].
        mark: the composition's numbers of the mark.

    Returns:
        The images, and the pixels of the mark.
    """
    size = canvas.shape[-1]
    x, y = pixel_grid(size)
    right, top = mark[:, 1] < 0.5, (2 * mark[:, 1]) % 1 < 0.5
    x = x - _planes(torch.where(right, 1.0, -1.0) * (0.7 - 0.06 * mark[:, 2]))
    y = y - _planes(torch.where(top, 1.0, -1.0) * (0.76 - 0.06 * mark[:, 3]))
    x, y = torch.broadcast_tensors(x, y)
    pixel = 2 / size
    label = box(x, y, (0.2, 0.13))
    bars = torch.stack([box(x, y, (w, 0.016), at=(w - 0.15, h)) for w, h in ((0.15, 0.07), (0.1, 0.0), (0.13, -0.07))])
    paper = _constant(PALE) + coverage(bars.amin(0), pixel)[:, None] * (_constant(DARK) - _constant(PALE))
    cover = coverage(label, pixel)[:, None]
    return canvas + cover * (paper - canvas), label < 0


def _planes(numbers: Float[Tensor, " some"]) -> Float[Tensor, "some 1 1"]:
    return numbers[:, None, None]


def _constant(colour: str) -> Float[Tensor, "1 3 1 1"]:
    return torch.tensor(rgb(colour)).view(1, 3, 1, 1)
