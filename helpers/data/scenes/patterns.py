"""The textures of backgrounds and objects, as positions between two colours.

A pattern is a function of coordinates (rotated by a random angle), of four numbers in [0, 1] that vary it, of a smooth
random field, and of a pixel's side (for antialiasing). It returns the position of each pixel between the first colour
(0) and the second one (1).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from helpers.data.scenes.primitives import Plane, coverage

Variation = Float[Tensor, "batch 4 1 1"]
Pixel = Float[Tensor, "batch 1 1"]
Pattern = Callable[[Plane, Plane, Variation, Plane, Pixel], Plane]


def _wrap(values: Plane, period: Pixel) -> Plane:
    """The offsets of coordinates from the nearest multiple of the period, in [-period/2, period/2]."""
    return values - period * torch.round(values / period)


def plain(x: Plane, y: Plane, variation: Variation, noise: Plane, pixel: Pixel) -> Plane:
    """A single colour with faint clouds."""
    return 0.2 * noise


def gradient(x: Plane, y: Plane, variation: Variation, noise: Plane, pixel: Pixel) -> Plane:
    """A linear or radial gradient between the two colours."""
    linear = 0.5 + 0.45 * y
    radial = torch.sqrt((x - variation[:, 0] + 0.5) ** 2 + (y - variation[:, 1] + 0.5) ** 2) / 1.6
    return torch.where(variation[:, 2] < 0.5, linear, radial).clamp(0, 1)


def clouds(x: Plane, y: Plane, variation: Variation, noise: Plane, pixel: Pixel) -> Plane:
    """Fractal noise."""
    return ((noise - 0.5) * 1.7 + 0.5).clamp(0, 1)


def stripes(x: Plane, y: Plane, variation: Variation, noise: Plane, pixel: Pixel) -> Plane:
    """Straight bands."""
    period = 0.22 + 0.3 * variation[:, 0]
    return coverage(_wrap(x, period).abs() - period * (0.16 + 0.16 * variation[:, 1]), pixel)


def waves(x: Plane, y: Plane, variation: Variation, noise: Plane, pixel: Pixel) -> Plane:
    """Wavy bands."""
    period = 0.24 + 0.2 * variation[:, 0]
    bent = y + (0.05 + 0.08 * variation[:, 2]) * torch.sin((4 + 6 * variation[:, 3]) * x)
    return coverage(_wrap(bent, period).abs() - period * 0.25, 1.3 * pixel)


def checks(x: Plane, y: Plane, variation: Variation, noise: Plane, pixel: Pixel) -> Plane:
    """Gingham: bands in both directions, each half opaque."""
    period = 0.28 + 0.25 * variation[:, 0]
    across = coverage(_wrap(x, period).abs() - period / 4, pixel)
    along = coverage(_wrap(y, period).abs() - period / 4, pixel)
    return (across + along) / 2


def tiles(x: Plane, y: Plane, variation: Variation, noise: Plane, pixel: Pixel) -> Plane:
    """Square tiles of slightly different tones with joints between them."""
    side = 0.3 + 0.25 * variation[:, 0]
    column, row = torch.round(x / side), torch.round(y / side)
    joint = 0.5 * side - torch.maximum((x - column * side).abs(), (y - row * side).abs()) - 0.018
    tone = 0.3 + 0.28 * torch.sin(5.1 * column + 9.7 * variation[:, 1]) * torch.cos(3.3 * row + 7.9 * variation[:, 2])
    return torch.lerp(tone, torch.ones_like(tone), coverage(joint, pixel))


def bricks(x: Plane, y: Plane, variation: Variation, noise: Plane, pixel: Pixel) -> Plane:
    """A wall of bricks, every second row shifted by half a brick."""
    height = 0.16 + 0.1 * variation[:, 0]
    row = torch.round(y / height)
    shifted = x / (2.3 * height) + 0.5 * torch.remainder(row, 2)
    column = torch.round(shifted)
    across = (0.5 - (shifted - column).abs()) * 2.3 * height
    joint = torch.minimum(across, 0.5 * height - (y - row * height).abs()) - 0.014
    tone = 0.3 + 0.28 * torch.sin(4.3 * column + 2.7 * row + 9.0 * variation[:, 1])
    return torch.lerp(tone, torch.ones_like(tone), coverage(joint, pixel))


def dots(x: Plane, y: Plane, variation: Variation, noise: Plane, pixel: Pixel) -> Plane:
    """Polka dots in staggered rows."""
    spacing = 0.24 + 0.2 * variation[:, 0]
    row = torch.round(y / (0.87 * spacing))
    across = _wrap(x + 0.5 * spacing * torch.remainder(row, 2), spacing)
    distance = torch.sqrt(across**2 + (y - 0.87 * spacing * row) ** 2) - spacing * (0.2 + 0.1 * variation[:, 1])
    return coverage(distance, pixel)


def scallops(x: Plane, y: Plane, variation: Variation, noise: Plane, pixel: Pixel) -> Plane:
    """Overlapping rounded scales, shaded towards their rims."""
    width = 0.26 + 0.16 * variation[:, 0]
    row = torch.floor(y / (0.5 * width))
    tone = torch.zeros_like(x)
    for step in (1, 0):  # a scale extends into the next row, and the lower one lies on top
        centre = (row - step) * 0.5 * width
        across = _wrap(x + 0.5 * width * torch.remainder(row - step, 2), width)
        reach = torch.sqrt(across**2 + (y - centre) ** 2)
        inside = coverage(reach - 0.55 * width, pixel)
        tone = torch.lerp(tone, (reach / (0.55 * width)) ** 2, inside)
    return tone.clamp(0, 1)


def rays(x: Plane, y: Plane, variation: Variation, noise: Plane, pixel: Pixel) -> Plane:
    """A sunburst from a point near the lower edge."""
    x, y = x - 0.8 * (variation[:, 0] - 0.5), y + 0.9
    sector = 2 * math.pi / (16 + 2 * torch.floor(6 * variation[:, 1]))
    angle = _wrap(torch.atan2(x, y), sector).abs() - sector / 4
    return coverage(angle * torch.sqrt(x * x + y * y), pixel)


def hills(x: Plane, y: Plane, variation: Variation, noise: Plane, pixel: Pixel) -> Plane:
    """A landscape: three ranges of hills in front of a sky that gets paler downwards."""
    tone = 0.32 * (0.5 - 0.5 * y).clamp(0, 1)
    for step, (height, value) in enumerate(((0.05, 0.5), (-0.3, 0.75), (-0.65, 1.0))):
        phase = 6.3 * variation[:, step]
        ridge = height + 0.14 * torch.sin((2.1 + 0.7 * step) * x + phase) + 0.05 * torch.sin(5.3 * x + 2 * phase)
        tone = torch.lerp(tone, torch.full_like(tone, value), coverage(y - ridge, 1.1 * pixel))
    return tone


def contours(x: Plane, y: Plane, variation: Variation, noise: Plane, pixel: Pixel) -> Plane:
    """The steps of a smooth height field, like the layers of a map."""
    levels = 5.0
    height = ((noise - 0.5) * 1.6 + 0.5).clamp(0, 1) * levels
    step = torch.floor(height)
    return ((step + ((height - step - 1) / (10 * pixel) + 1).clamp(0, 1)) / levels).clamp(0, 1)


BACKGROUNDS: dict[str, Pattern] = {
    f.__name__: f for f in (gradient, clouds, stripes, tiles, bricks, dots, rays, hills, contours, checks)
}
TEXTURES: dict[str, Pattern] = {
    f.__name__: f for f in (plain, gradient, clouds, stripes, waves, checks, dots, scallops)
}
