"""Signed distances of simple plane figures.

The signed distance of a point is its distance from a figure's outline, negative inside (some are approximations). It
yields masks, antialiasing, bevelled edges and soft shadows. Coordinates are tensors (batch, height, width), y pointing
up; a figure's parameters are floats or tensors that broadcast (usually (batch, 1, 1)). Most formulas are in Inigo
Quilez, "2D distance functions" (iquilezles.org/articles/distfunctions2d).
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

Plane = Float[Tensor, "batch height width"]
Number = Float[Tensor, "#batch #height #width"] | float


def coverage(distance: Plane, pixel: Number) -> Plane:
    """The share of each pixel (side `pixel`) that lies inside the figure, in [0, 1]: its antialiased mask."""
    return (0.5 - distance / pixel).clamp(0, 1)


def circle(x: Plane, y: Plane, radius: Number, at: tuple[Number, Number] = (0.0, 0.0)) -> Plane:
    """A disc around the point `at`."""
    return torch.sqrt((x - at[0]) ** 2 + (y - at[1]) ** 2) - radius


def ellipse(x: Plane, y: Plane, half: tuple[float, float], at: tuple[float, float] = (0.0, 0.0)) -> Plane:
    """An ellipse with half axes `half`, exact to first order: (|q| - 1) |q| / |grad|."""
    u, v = (x - at[0]) / half[0], (y - at[1]) / half[1]
    norm = torch.sqrt(u * u + v * v)
    slope = torch.sqrt((u / half[0]) ** 2 + (v / half[1]) ** 2).clamp_min(1e-6)
    return ((norm - 1) * norm / slope).clamp_min(-min(half))


def box(x: Plane, y: Plane, half: tuple[Number, Number], at: tuple[Number, Number] = (0.0, 0.0)) -> Plane:
    """A rectangle with half sides `half`: exact inside, too short outside around the corners."""
    return torch.maximum((x - at[0]).abs() - half[0], (y - at[1]).abs() - half[1])


def segment(x: Plane, y: Plane, start: tuple[float, float], end: tuple[float, float]) -> Plane:
    """The unsigned distance from a line segment; minus a radius, the signed distance from a stroke."""
    step = (end[0] - start[0], end[1] - start[1])
    squared_length = step[0] ** 2 + step[1] ** 2
    share = (((x - start[0]) * step[0] + (y - start[1]) * step[1]) / squared_length).clamp(0, 1)  # to the nearest point
    return torch.sqrt((x - start[0] - share * step[0]) ** 2 + (y - start[1] - share * step[1]) ** 2)


def polygon(x: Plane, y: Plane, corners: tuple[tuple[float, float], ...]) -> Plane:
    """A convex polygon, corners counter-clockwise: the largest of the distances from the lines of its sides."""
    sides = []
    for (ax, ay), (bx, by) in zip(corners, corners[1:] + corners[:1], strict=True):
        length = math.hypot(bx - ax, by - ay)
        sides.append(((x - ax) * (by - ay) - (y - ay) * (bx - ax)) / length)
    return torch.stack(sides).amax(0)


def lens(x: Plane, y: Plane, half: tuple[float, float]) -> Plane:
    """Two arcs that meet at (0, ±half[1]), with half width half[0] in the middle, such as a leaf."""
    offset = (half[1] ** 2 - half[0] ** 2) / (2 * half[0])
    return torch.sqrt((x.abs() + offset) ** 2 + y * y) - (half[0] + offset)


def fold(x: Plane, y: Plane, times: Number) -> tuple[Plane, Plane]:
    """Fold the plane into the sector around the upward axis, one of `times` equal sectors.

    A figure drawn in the sector appears `times` times around the centre.

    Returns:
        Coordinates in the sector: outwards, and sideways (≥ 0, by mirror symmetry).
    """
    radius = torch.sqrt(x * x + y * y)
    sector = 2 * math.pi / times
    angle = torch.atan2(x, y)
    angle = (angle - sector * torch.round(angle / sector)).abs()
    return radius * torch.cos(angle), radius * torch.sin(angle)
