"""Signed distances of simple plane figures, and what is needed to combine them.

A signed distance is negative inside a figure, positive outside, and (nearly) a distance in between, so that it
serves at once as a mask, for antialiasing, for bevelled edges and for soft shadows. Coordinates are tensors
(batch, height, width), y pointing up; a figure's numbers are floats or tensors that broadcast (usually (batch, 1, 1)).
Most formulas are in Inigo Quilez, "2D distance functions" (iquilezles.org/articles/distfunctions2d).
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

Plane = Float[Tensor, "batch height width"]
Number = Float[Tensor, "#batch #height #width"] | float


def coverage(distance: Plane, pixel: Number) -> Plane:
    """The share of each pixel (side `pixel`) inside the figure, in [0, 1]: the antialiased mask."""
    return (0.5 - distance / pixel).clamp(0, 1)


def circle(x: Plane, y: Plane, radius: Number, at: tuple[Number, Number] = (0.0, 0.0)) -> Plane:
    """A disc around the point `at`."""
    return torch.sqrt((x - at[0]) ** 2 + (y - at[1]) ** 2) - radius


def ellipse(x: Plane, y: Plane, half: tuple[float, float], at: tuple[float, float] = (0.0, 0.0)) -> Plane:
    """An ellipse with half axes `half`; a distance to first order: (|q| - 1) |q| / |grad|."""
    u, v = (x - at[0]) / half[0], (y - at[1]) / half[1]
    norm = torch.sqrt(u * u + v * v)
    slope = torch.sqrt((u / half[0]) ** 2 + (v / half[1]) ** 2).clamp_min(1e-6)
    return ((norm - 1) * norm / slope).clamp_min(-min(half))


def box(x: Plane, y: Plane, half: tuple[Number, Number], at: tuple[Number, Number] = (0.0, 0.0)) -> Plane:
    """A rectangle with half sides `half`, exact inside, at most a corner's distance short outside."""
    return torch.maximum((x - at[0]).abs() - half[0], (y - at[1]).abs() - half[1])


def segment(x: Plane, y: Plane, start: tuple[float, float], end: tuple[float, float]) -> Plane:
    """The (unsigned) distance to a straight piece of line; subtract a radius to get a stroke."""
    along = (end[0] - start[0], end[1] - start[1])
    length = along[0] ** 2 + along[1] ** 2
    place = (((x - start[0]) * along[0] + (y - start[1]) * along[1]) / length).clamp(0, 1)
    return torch.sqrt((x - start[0] - place * along[0]) ** 2 + (y - start[1] - place * along[1]) ** 2)


def polygon(x: Plane, y: Plane, corners: tuple[tuple[float, float], ...]) -> Plane:
    """A convex polygon, corners counter-clockwise: the largest of the distances to its sides' lines."""
    sides = []
    for (ax, ay), (bx, by) in zip(corners, corners[1:] + corners[:1], strict=True):
        length = math.hypot(bx - ax, by - ay)
        sides.append(((x - ax) * (by - ay) - (y - ay) * (bx - ax)) / length)
    return torch.stack(sides).amax(0)


def lens(x: Plane, y: Plane, half: tuple[float, float]) -> Plane:
    """Two arcs that meet in points at (0, ±half[1]), half[0] wide at the middle: a leaf, a fish's body."""
    offset = (half[1] ** 2 - half[0] ** 2) / (2 * half[0])
    return torch.sqrt((x.abs() + offset) ** 2 + y * y) - (half[0] + offset)


def fold(x: Plane, y: Plane, times: Number) -> tuple[Plane, Plane]:
    """Fold the plane into one of `times` equal sectors, the one around the upward axis.

    Returns (outwards, sideways): coordinates in the sector, sideways ≥ 0 by mirror symmetry. A figure drawn
    there appears `times` times around the centre.
    """
    radius = torch.sqrt(x * x + y * y)
    sector = 2 * math.pi / times
    angle = torch.atan2(x, y)
    angle = (angle - sector * torch.round(angle / sector)).abs()
    return radius * torch.cos(angle), radius * torch.sin(angle)
