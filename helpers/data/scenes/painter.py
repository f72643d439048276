"""Paint compositions: backgrounds, objects with shade and shadow, and the planted mark, with exact masks."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

from helpers.data.scenes.composition import FIELD_GRIDS, Composition, object_turns
from helpers.data.scenes.palettes import DARK, PALE, rgb
from helpers.data.scenes.patterns import BACKGROUNDS, TEXTURES
from helpers.data.scenes.primitives import Plane, box, coverage
from helpers.data.scenes.shapes import SHAPES

BEVEL = 0.055  # how far from its edge an object's surface is rounded
CONTRAST = {"hills": 1.8, "clouds": 1.6, "gradient": 1.7, "contours": 1.5}  # of backgrounds; 1 for the others
SHADOW_LENGTH, SHADOW_BLUR, SHADOW_DEPTH = 0.075, 0.11, 0.42
OUTLINE = 0.011


@dataclass(frozen=True)
class Layer:
    """One slot of the painter's stack: an object of each scene that has one there."""

    rows: Int[Tensor, " some"]
    colour: Float[Tensor, "some 3 height width"]
    cover: Float[Tensor, "some height width"]
    inside: Bool[Tensor, "some height width"]
    shadow: Float[Tensor, "some height width"]


def pixel_grid(size: int) -> tuple[Float[Tensor, "1 1 size"], Float[Tensor, "1 size 1"]]:
    """The unit coordinates of the pixels' centres: x to the right, y up."""
    along = (torch.arange(size) + 0.5) * (2 / size) - 1
    return along.view(1, 1, size), -along.view(1, size, 1)


def noise_field(numbers: Float[Tensor, "batch numbers"], size: int) -> Plane:
    """Fractal noise about 0.5: lattices of random numbers, each half as strong as the coarser one before."""
    total = torch.zeros(numbers.shape[0], 1, size, size)
    position = 0
    for octave, grid in enumerate(FIELD_GRIDS):
        lattice = numbers[:, position : position + grid**2].reshape(-1, 1, grid, grid) - 0.5
        position += grid**2
        total += 0.55**octave * functional.interpolate(lattice, (size, size), mode="bicubic", align_corners=False)
    return (0.5 + 0.62 * total.squeeze(1)).clamp(0, 1)


def paint_background(scenes: Composition, size: int) -> Float[Tensor, "batch 3 size size"]:
    """The background of each scene, lit from the light's side."""
    x, y = pixel_grid(size)
    tone = torch.empty(len(scenes), size, size)
    noise = noise_field(scenes.fields[:, 0], size)
    for kind, (name, pattern) in enumerate(BACKGROUNDS.items()):
        rows = torch.nonzero(scenes.background == kind).squeeze(1)
        if not len(rows):
            continue
        # some patterns have an up and a down, others may lie at any angle
        steady = name in ("bricks", "hills", "rays", "gradient", "contours", "clouds")
        turn = _planes(scenes.background_turn[rows] * (0.0 if steady else 1.0))
        cos, sin = torch.cos(turn), torch.sin(turn)
        pixel = torch.full((len(rows), 1, 1), 2 / size)
        vary = scenes.background_vary[rows][..., None, None]
        painted = pattern(cos * x + sin * y, cos * y - sin * x, vary, noise[rows], pixel)
        tone[rows] = CONTRAST.get(name, 1.0) * painted
    ground = scenes.ground[..., None, None]
    canvas = ground[:, 0] + tone[:, None] * (ground[:, 1] - ground[:, 0])
    light = _planes(scenes.light[:, 0]) * x + _planes(scenes.light[:, 1]) * y
    lit = 1.0 + 0.06 * light + 0.07 * (noise - 0.5)
    return canvas * lit[:, None]


def paint_objects(scenes: Composition, slot: int, noise: Plane, size: int) -> list[Layer]:
    """The objects that stand in a slot, a layer for each class."""
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
    shape, pixel = SHAPES[index], 2 / size
    radius = _planes(scenes.radius[rows, slot] * shape.scale)
    turn = _planes(object_turns(scenes)[rows, slot])
    stretch = scenes.stretch[rows, slot][..., None, None]
    vary = scenes.shape_vary[rows, slot][..., None, None]
    facing = torch.where(vary[:, 2] < 0.5, 1.0, -1.0) if shape.mirrored else 1.0
    cos, sin = torch.cos(turn) / radius, torch.sin(turn) / radius
    x, y = pixel_grid(size)
    x, y = x - _planes(scenes.centre[rows, slot, 0]), y - _planes(scenes.centre[rows, slot, 1])
    light = [_planes(scenes.light[rows, axis]) for axis in (0, 1)]

    def local(along: float) -> tuple[Plane, Plane]:
        """Local coordinates of the points moved by `along` towards the light."""
        u, v = x + along * light[0], y + along * light[1]
        return facing * (cos * u + sin * v) / stretch[:, 0], (cos * v - sin * u) / stretch[:, 1]

    def distance(along: float) -> Plane:
        return shape.distance(*local(along), vary) * radius

    here = distance(0.0)
    albedo = _albedo(scenes, slot, index, rows, local(0.0), radius, noise[rows], pixel)
    height = [(-distance(move) / BEVEL).clamp(0, 1) for move in (-0.03, 0.03)]
    slope = height[0] - height[1]  # positive where the surface faces the light
    broad = ((light[0] * x + light[1] * y) / radius).clamp(-1.5, 1.5)
    shade = (1.0 + 0.1 * broad + 0.34 * slope.clamp(max=0))[:, None]
    colour = albedo * shade
    colour = colour + 0.3 * slope.clamp(min=0)[:, None] * (1 - colour)
    rim = coverage(here.abs() - OUTLINE, pixel)[:, None]
    colour = colour * (1 - 0.45 * rim)
    shadow = (0.5 - distance(SHADOW_LENGTH) / SHADOW_BLUR).clamp(0, 1)
    shadow = SHADOW_DEPTH * shadow * shadow * (3 - 2 * shadow)
    return Layer(rows, colour, coverage(here, pixel), here < 0, shadow)


def _albedo(
    scenes: Composition,
    slot: int,
    index: int,
    rows: Int[Tensor, " some"],
    place: tuple[Plane, Plane],
    radius: Float[Tensor, "some 1 1"],
    noise: Plane,
    pixel: float,
) -> Float[Tensor, "some 3 height width"]:
    """The surface's own colours: the texture in two tones, then the details of the class."""
    colours = scenes.colours[rows, slot][..., None, None]
    tone = torch.empty_like(noise)
    kinds = scenes.texture[rows, slot]
    turn = _planes(scenes.texture_turn[rows, slot])
    x, y = place
    across, along = torch.cos(turn) * x + torch.sin(turn) * y, torch.cos(turn) * y - torch.sin(turn) * x
    vary = scenes.texture_vary[rows, slot][..., None, None]
    for kind, pattern in enumerate(TEXTURES.values()):
        some = torch.nonzero(kinds == kind).squeeze(1)
        if len(some):
            tone[some] = pattern(across[some], along[some], vary[some], noise[some], pixel / radius[some])
    albedo = colours[:, 0] + tone[:, None] * (colours[:, 1] - colours[:, 0])
    roles = {"pale": _constant(PALE), "dark": _constant(DARK), "accent": colours[:, 2], "shade": 0.62 * colours[:, 0]}
    for role, detail in SHAPES[index].details(x, y, scenes.shape_vary[rows, slot][..., None, None]):
        albedo = albedo + coverage(detail * radius, pixel)[:, None] * (roles[role] - albedo)
    return albedo


def paint_mark(
    canvas: Float[Tensor, "some 3 size size"], mark: Float[Tensor, "some 4"]
) -> tuple[Float[Tensor, "some 3 size size"], Bool[Tensor, "some size size"]]:
    """Stick the planted mark, a pale label with three dark bars, on a corner of each image; with its mask."""
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
