"""The filters of a cone-adapted shearlet system, as windows on the frequencies of an image.

Frequencies are in cycles per two pixels, so that they end at 1 on both axes. A filter is the product of two windows:

- of the scale, on the larger of the two frequencies, r = max(|row|, |column|): rings between squares;
- of the direction, on the slope, which is the smaller frequency over the larger one: strips between lines through 0.

The squares of the windows of all scales, low-pass included, sum to 1 at each frequency, and so do those of all
directions; hence the squares of all filters do (Häuser & Steidl, 2012, "Fast finite shearlet transform").
"""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import product
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

LOW_PASS = 1 / 3  # of the finest scale: the whole low-pass ends here, and vanishes at twice that frequency


class Band(NamedTuple):
    """One filter of a shearlet system.

    Attributes:
        level: its scale, 1 the finest; the approximation has the coarsest.
        angle: of the edges to which it responds, in degrees anticlockwise from horizontal; None for the approximation.
        cone: "row" where the row frequency is the larger one, "column", "both" on the diagonal; "" without a direction.
        shear: the centre of its window of the slope, in units of the window's half-width.
    """

    level: int
    angle: float | None
    cone: str
    shear: int

    @property
    def name(self) -> str:
        """The approximation, or the rounded angle and the level: "27°-2"."""
        return "approximation" if self.angle is None else f"{self.angle:.0f}°-{self.level}"


def strips(level: int, scales: int) -> int:
    """The number of windows of the slope between 0 and 1: it doubles with every second scale, as edges get thinner."""
    return 2 ** (1 + (scales - level) // 2)


def system_bands(scales: int) -> list[Band]:
    """All bands: the approximation, then from the coarsest scale to the finest, by the angle of the edges."""
    bands = [Band(scales, None, "", 0)]
    for level in range(scales, 0, -1):
        last = strips(level, scales)
        slopes = {shear: math.degrees(math.atan(shear / last)) for shear in range(-last, last + 1)}
        directions = [
            Band(level, angle % 180, "both" if abs(shear) == last else "row", shear) for shear, angle in slopes.items()
        ]
        directions += [Band(level, 90 - slopes[shear], "column", shear) for shear in range(1 - last, last)]
        bands += sorted(directions, key=lambda band: band.angle or 0.0)
    return bands


def meyer(x: Tensor) -> Tensor:
    """Meyer's smooth step from 0 at 0 to 1 at 1, with `meyer(x) + meyer(1 - x) = 1`."""
    x = x.clamp(0, 1)
    return x**4 * (35 - 84 * x + 70 * x**2 - 20 * x**3)


def low_pass(radius: Tensor, level: int) -> Tensor:
    """The square of the low-pass of a level: 1 up to `LOW_PASS / 2**(level - 1)`, 0 from twice that on."""
    return (math.pi / 2 * meyer(radius * 2 ** (level - 1) / LOW_PASS - 1)).cos().square()


def strip(slope: Tensor, shear: int, count: int) -> Tensor:
    """The square of a window of the slope: 1 at `shear / count`, 0 from the centres of its two neighbours on."""
    return (math.pi / 2 * meyer((slope * count - shear).abs())).cos().square()


@lru_cache(maxsize=16)
@torch.inference_mode(False)
def system_filters(
    size: tuple[int, int], scales: int, dtype: torch.dtype, device: torch.device
) -> Float[Tensor, "bands height half_width"]:
    """The filters on the frequencies of `torch.fft.rfft2`: real, even, and with squares that sum to 1.

    At an even side's highest frequency, +1 and -1 are the same frequency. A filter is there the root mean square of its
    values at both, without which it would not be even, and its coefficients not real.
    """
    axes = [2 * torch.fft.fftfreq(side, dtype=torch.float64) for side in size]
    axes[1] = axes[1][: size[1] // 2 + 1]  # the others are the negatives of these
    aliases = [(axis, torch.where(axis == -1, 1, axis)) for axis in axes]
    squared = torch.stack([_squares(row.unsqueeze(1), column, scales) for row, column in product(*aliases)]).mean(0)
    return squared.clamp_min(0).sqrt().to(device, dtype)


def _squares(
    row: Float[Tensor, "height 1"], column: Float[Tensor, " width"], scales: int
) -> Float[Tensor, "bands height width"]:
    """The squares of all filters at these frequencies."""
    row, column = torch.broadcast_tensors(row, column)
    radius = torch.maximum(row.abs(), column.abs())
    steep = row.abs() >= column.abs()  # the cone of the rows
    slope = torch.where(steep, column, row) / torch.where(steep, row, column)
    slope = slope.nan_to_num(0.0)  # 0 / 0 at the mean, where every directional filter is 0
    squares = [low_pass(radius, scales)]
    for level, angle, cone, shear in system_bands(scales):
        if angle is not None:
            outer = low_pass(radius, level - 1) if level > 1 else 1
            inside = {"row": steep, "column": ~steep, "both": True}[cone]
            squares.append((outer - low_pass(radius, level)) * strip(slope, shear, strips(level, scales)) * inside)
    return torch.stack(squares)
