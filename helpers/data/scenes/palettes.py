"""The colours of scenes: small palettes, so that every picture is harmonious."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class Palette:
    """Colours (hexadecimal sRGB) that match.

    Attributes:
        grounds: pairs of muted colours for backgrounds.
        inks: saturated colours for objects, which contrast with both grounds.
    """

    grounds: tuple[tuple[str, str], tuple[str, str]]
    inks: tuple[str, str, str, str, str, str]


PALETTES: tuple[Palette, ...] = (
    Palette((("f5e8cf", "e9d3a7"), ("e3ead8", "c6d5b8")), ("c8452f", "2f7f86", "3a5a2c", "e58a1f", "6b4a7d", "24435c")),
    Palette((("cfe4e6", "a3c8d0"), ("f4ead9", "e3d0b4")), ("e5603f", "d98b1f", "1f8a7d", "23435a", "a83a66", "6a4c93")),
    Palette((("3b3a5e", "565487"), ("2b3f55", "3d5a73")), ("f4a24f", "f6dca4", "f0694b", "8fc9e0", "ea7fa0", "93d68c")),
    Palette((("dfead0", "b5cf9d"), ("f1ecd2", "dccf9a")), ("cf3f57", "e09a1c", "0b7382", "2d558a", "7d3c98", "6d4326")),
    Palette((("163a5f", "23568a"), ("173f45", "23616a")), ("ffd070", "f4645f", "7fd1c1", "f2f0e4", "eda3c4", "f59a4a")),
    Palette((("f3d9b8", "e4b889"), ("efd3cb", "dcaea3")), ("7a2f68", "0c7c79", "b23a2e", "2c3e70", "55702c", "8a4b12")),
    Palette((("e9eff6", "c3d2e4"), ("ece7f1", "cfc4de")), ("c93a4b", "2e6fb0", "2c8a5b", "e0892a", "5a3f92", "37465a")),
    Palette((("5b3b37", "7a514a"), ("3f4a3a", "5b6a50")), ("f2c14e", "f4efe0", "f07f5a", "8fd0c0", "e6a4b4", "b9d36c")),
)
PALE, DARK = "fbf6e9", "2a2630"


def rgb(colour: str) -> tuple[float, float, float]:
    """A hexadecimal colour as three numbers in [0, 1]."""
    red, green, blue = (int(colour[k : k + 2], 16) / 255 for k in (0, 2, 4))
    return red, green, blue


def ground_colours() -> Float[Tensor, "palettes pairs two three"]:
    """The grounds of all palettes as numbers in [0, 1]."""
    return torch.tensor([[[rgb(c) for c in pair] for pair in palette.grounds] for palette in PALETTES])


def ink_colours() -> Float[Tensor, "palettes inks three"]:
    """The inks of all palettes as numbers in [0, 1]."""
    return torch.tensor([[rgb(c) for c in palette.inks] for palette in PALETTES])
