"""The silhouettes and inner details of the classes of scenes.

A silhouette is a function of local coordinates (about [-1, 1], y pointing up) and of three numbers in [0, 1] that vary
it, such as the number of a star's points; it returns a signed distance. Details are further signed distances, each with
the role of its colour; they are drawn inside the silhouette and give a class evidence besides its outline.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from helpers.data.scenes.primitives import Plane, box, circle, ellipse, fold, lens, polygon, segment

Variation = Float[Tensor, "batch 3 1 1"]
Role = Literal["accent", "pale", "dark", "shade"]
Detail = tuple[Role, Plane]


def _star(x: Plane, y: Plane, variation: Variation) -> Plane:
    points = 5 + torch.floor(2 * variation[:, 0])
    outwards, sideways = fold(x, y, points)
    inner = 0.42 + 0.12 * variation[:, 1]
    corner_out, corner_side = inner * torch.cos(torch.pi / points), inner * torch.sin(torch.pi / points)
    length = torch.sqrt((1 - corner_out) ** 2 + corner_side**2)
    return ((outwards - 1) * corner_side + sideways * (1 - corner_out)) / length - 0.05


def _heart(x: Plane, y: Plane, variation: Variation) -> Plane:
    x, y = x.abs() / (1.02 + 0.12 * variation[:, 0]), 0.62 * y + 0.6
    x = x * 0.62
    lobes = torch.sqrt((x - 0.25) ** 2 + (y - 0.75) ** 2) - 0.25 * 2**0.5
    middle = torch.sqrt(x**2 + (y - 1) ** 2)
    foot = 0.5 * (x + y).clamp_min(0)
    foot = torch.sqrt((x - foot) ** 2 + (y - foot) ** 2)
    body = torch.minimum(middle, foot) * torch.sign(x - y)
    return torch.where(x + y > 1, lobes, body) / 0.62 - 0.02


def _crescent(x: Plane, y: Plane, variation: Variation) -> Plane:
    bite = 0.74 + 0.1 * variation[:, 0]
    return torch.maximum(circle(x, y, 1.0), -circle(x, y, bite, at=(0.42 + 0.1 * variation[:, 1], 0.12)))


def _ring(x: Plane, y: Plane, variation: Variation) -> Plane:
    width = 0.17 + 0.1 * variation[:, 0]
    return (torch.sqrt(x * x + y * y) - 0.75).abs() - width


def _gear(x: Plane, y: Plane, variation: Variation) -> Plane:
    teeth = 8 + torch.floor(4 * variation[:, 0])
    outwards, sideways = fold(x, y, teeth)
    tooth = box(outwards, sideways, (0.3, 0.85 / teeth + 0.12 * (0.96 - outwards)), at=(0.7, 0.0))
    body = torch.minimum(circle(x, y, 0.76), tooth)
    return torch.maximum(body, -circle(x, y, 0.26 + 0.12 * variation[:, 1])) - 0.01


def _flower(x: Plane, y: Plane, variation: Variation) -> Plane:
    petals = 5 + torch.floor(3 * variation[:, 0])
    outwards, sideways = fold(x, y, petals)
    petal = circle(
        outwards, sideways, 0.66 * torch.sin(torch.pi / petals) * (1.0 + 0.12 * variation[:, 1]), at=(0.62, 0.0)
    )
    return torch.minimum(petal, circle(x, y, 0.5))


def _leaf(x: Plane, y: Plane, variation: Variation) -> Plane:
    bent = x - 0.16 * (1 - y * y) * (2 * variation[:, 0] - 1)
    blade = lens(bent, y - 0.12, (0.56, 0.95))
    return torch.minimum(blade, segment(bent, y, (0.0, -0.7), (0.0, -1.12)) - 0.05)


def _fish(x: Plane, y: Plane, variation: Variation) -> Plane:
    body = ellipse(x, y, (0.72, 0.46), at=(0.22, 0.0))
    tail = polygon(x, y, ((-0.3, 0.0), (-1.0, 0.52), (-1.0, -0.52)))
    tail = torch.maximum(tail, -circle(x, y, 0.26 + 0.1 * variation[:, 0], at=(-1.2, 0.0)))
    fin = polygon(x, y, ((-0.12, 0.3), (0.42, 0.3), (-0.02, 0.72)))
    return torch.minimum(torch.minimum(body, tail), fin) - 0.03


def _mushroom(x: Plane, y: Plane, variation: Variation) -> Plane:
    cap = torch.maximum(ellipse(x, y, (0.95, 0.85), at=(0.0, 0.05)), 0.02 - y - 0.08 * torch.cos(2.2 * x)) - 0.03
    stem = box(x, y, (0.2 + 0.1 * variation[:, 0] + 0.12 * (-y - 0.3).clamp_min(0), 0.5), at=(0.0, -0.42)) - 0.05
    return torch.minimum(cap, stem)


def _house(x: Plane, y: Plane, variation: Variation) -> Plane:
    walls = box(x, y, (0.68, 0.5), at=(0.0, -0.42))
    roof = polygon(x, y, ((-0.92, 0.02), (0.92, 0.02), (0.0, 0.86)))
    chimney = box(x, y, (0.12, 0.3 + 0.08 * variation[:, 0]), at=(0.48, 0.5))
    return torch.minimum(torch.minimum(walls, roof), chimney)


def _no_details(x: Plane, y: Plane, variation: Variation) -> list[Detail]:
    return []


def _crescent_details(x: Plane, y: Plane, variation: Variation) -> list[Detail]:
    craters = ((-0.72, 0.1, 0.1), (-0.5, -0.52, 0.13), (-0.45, 0.62, 0.08))
    return [("shade", torch.stack([circle(x, y, r, at=(a, b)) for a, b, r in craters]).amin(0))]


def _ring_details(x: Plane, y: Plane, variation: Variation) -> list[Detail]:
    return [("shade", (torch.sqrt(x * x + y * y) - 0.75).abs() - 0.035)]


def _gear_details(x: Plane, y: Plane, variation: Variation) -> list[Detail]:
    return [("shade", (torch.sqrt(x * x + y * y) - 0.55).abs() - 0.04)]


def _flower_details(x: Plane, y: Plane, variation: Variation) -> list[Detail]:
    centre = circle(x, y, 0.27)
    return [("shade", centre - 0.06), ("accent", centre)]


def _leaf_details(x: Plane, y: Plane, variation: Variation) -> list[Detail]:
    bent = x - 0.16 * (1 - y * y) * (2 * variation[:, 0] - 1)
    midrib = segment(bent, y, (0.0, -1.12), (0.0, 0.9)) - 0.025
    slanted = y - 0.75 * bent.abs()
    spacing = 0.27
    veins = (slanted - spacing * torch.round(slanted / spacing)).abs() * 0.8 - 0.02
    veins = torch.maximum(veins, lens(bent, y - 0.12, (0.46, 0.82)))
    return [("shade", torch.minimum(midrib, veins))]


def _fish_details(x: Plane, y: Plane, variation: Variation) -> list[Detail]:
    gill = torch.maximum((circle(x, y, 0.42, at=(0.82, 0.0))).abs() - 0.03, ellipse(x, y, (0.6, 0.36), at=(0.22, 0.0)))
    tail = torch.minimum(x + 0.42, polygon(x, y, ((-0.4, 0.42), (0.7, 0.42), (0.7, 0.9), (-0.4, 0.9))))
    eye = (0.62, 0.12)
    return [
        ("accent", tail),
        ("shade", gill),
        ("pale", circle(x, y, 0.13, at=eye)),
        ("dark", circle(x, y, 0.07, at=(eye[0] + 0.02, eye[1]))),
    ]


def _mushroom_details(x: Plane, y: Plane, variation: Variation) -> list[Detail]:
    spots = ((-0.52, 0.32, 0.14), (0.02, 0.62, 0.15), (0.5, 0.36, 0.16), (-0.08, 0.22, 0.1))
    below = y + 0.08 * torch.cos(2.2 * x) + 0.02
    return [
        ("pale", below),
        ("shade", torch.maximum(below, -0.1 - y - 0.08 * torch.cos(2.2 * x))),
        ("pale", torch.stack([circle(x, y, r, at=(a, b)) for a, b, r in spots]).amin(0)),
    ]


def _house_details(x: Plane, y: Plane, variation: Variation) -> list[Detail]:
    roof = torch.minimum(-y + 0.02, box(x, y, (0.2, 0.5), at=(0.48, 0.7)))
    left = box(x, y, (0.15, 0.15), at=(-0.36, -0.32))
    right = box(x, y, (0.15, 0.15), at=(0.4, -0.32))
    windows = torch.minimum(left, right)
    bars = torch.minimum((x + 0.36).abs(), (x - 0.4).abs()).minimum((y + 0.32).abs()) - 0.02
    return [
        ("accent", roof),
        ("dark", box(x, y, (0.15, 0.3), at=(0.02, -0.62))),
        ("dark", windows - 0.04),
        ("pale", torch.maximum(windows, -bars)),
    ]


@dataclass(frozen=True)
class Shape:
    """One class of objects.

    Attributes:
        name: the class's name.
        distance: the signed distance of the silhouette.
        details: the details inside it, back to front.
        scale: the factor on local coordinates that gives the silhouette the area of the unit disc.
        largest_rotation: in either direction, in radians.
        mirrored: whether half of the objects are mirrored.
    """

    name: str
    distance: Callable[[Plane, Plane, Variation], Plane]
    details: Callable[[Plane, Plane, Variation], list[Detail]]
    scale: float
    largest_rotation: float = 0.45
    mirrored: bool = False


SHAPES: tuple[Shape, ...] = (
    Shape("star", _star, _no_details, 1.32, largest_rotation=3.14),
    Shape("heart", _heart, _no_details, 1.09),
    Shape("crescent", _crescent, _crescent_details, 1.44, mirrored=True),
    Shape("ring", _ring, _ring_details, 1.22, largest_rotation=3.14),
    Shape("gear", _gear, _gear_details, 1.24, largest_rotation=3.14),
    Shape("flower", _flower, _flower_details, 1.12, largest_rotation=3.14),
    Shape("leaf", _leaf, _leaf_details, 1.42, largest_rotation=1.0),
    Shape("fish", _fish, _fish_details, 1.41, mirrored=True),
    Shape("mushroom", _mushroom, _mushroom_details, 1.22, largest_rotation=0.3),
    Shape("house", _house, _house_details, 1.21, largest_rotation=0.2),
)
SCENE_CLASSES: tuple[str, ...] = tuple(shape.name for shape in SHAPES)
