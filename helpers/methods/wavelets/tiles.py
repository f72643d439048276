"""One level of a wavelet transform in tiles: `join_level` joins bands into an image, `split_level` is its transpose.

The matrix S of a one-dimensional synthesis is banded: each value depends on a few neighbouring coefficients, through
the same filter everywhere. So S repeats one small block along its diagonal:

    tile i of the values = block @ [window i of the low coefficients, window i of the high coefficients]

Neighbouring windows overlap. At 256 pixels, the products with the block take a seventh of the arithmetic of the product
with S. A matrix that does not repeat a block (an analysis that mirrors at the borders, or periodic borders) is itself
the only block. An analysis is the transpose of such a join, with its own block.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

SMALLEST_TILE = 24  # values; smaller tiles spend their time on overlaps and kernel launches
WHOLE_UP_TO = 80  # values; a shorter axis is one tile: cutting it would cost more than it saves

Band = Float[Tensor, "count band_height band_width"]


@dataclass(frozen=True)
class Tiling:
    """The tiling of one axis at one level, where `half` low and `half` high coefficients become `length` values."""

    length: int
    half: int
    tile: int  # values per tile
    window: int  # low, and as many high, coefficients per tile

    @classmethod
    def of(cls, length: int, half: int, filter_length: int, repeats: bool) -> Tiling:
        """The tiling with the least overhang; a single tile for short axes and matrices without a repeated block."""
        smallest = max(SMALLEST_TILE, filter_length + filter_length % 2)
        if not repeats or length < max(WHOLE_UP_TO, 2 * smallest):
            return cls(length, half, tile=length, window=half)
        tile = min(range(smallest, 2 * smallest, 2), key=lambda size: (-length % size, size))
        return cls(length, half, tile, window=tile // 2 + filter_length // 2 - 1)

    @property
    def tiles(self) -> int:
        """The number of tiles; the last may overhang the end of the axis."""
        return -(-self.length // self.tile)

    @property
    def step(self) -> int:
        """The stride of the windows, in coefficients."""
        return self.tile // 2

    @property
    def reach(self) -> int:
        """The end of the last window: `half`, or more if the last tile overhangs."""
        return (self.tiles - 1) * self.step + self.window

    def block(self, matrix: Float[Tensor, "length coefficients"]) -> Float[Tensor, "tile windows"]:
        """The block that a synthesis matrix repeats."""
        low, high = matrix[: self.tile].split(self.half, dim=1)
        return torch.cat([low[:, : self.window], high[:, : self.window]], dim=1)


def join_level(
    bands: Sequence[Band], blocks: Sequence[Tensor], tilings: tuple[Tiling, Tiling]
) -> Float[Tensor, "count height width"]:
    """Join approximation, horizontal, vertical and diagonal details into the next finer approximation.

    Args:
        bands: in PyWavelets' order; horizontal details are high-pass along the height, vertical ones along the width.
        blocks: for the height and for the width.
        tilings: likewise.
    """
    rows, columns = tilings
    if rows.tiles == columns.tiles == 1:
        approximation, horizontal, vertical, diagonal = bands
        whole = torch.cat([torch.cat([approximation, vertical], -1), torch.cat([horizontal, diagonal], -1)], -2)
        return blocks[0] @ (whole @ blocks[1].mT)  # (count, height, width)
    if (rows.reach, columns.reach) != (rows.half, columns.half):
        bands = [F.pad(band, (0, columns.reach - columns.half, 0, rows.reach - rows.half)) for band in bands]
    approximation, horizontal, vertical, diagonal = bands
    low = _join_columns(approximation, vertical, blocks[1], columns)
    high = _join_columns(horizontal, diagonal, blocks[1], columns)
    windows = _windows(low, high, rows)  # (count, tiles, 2 window, width)
    return (blocks[0] @ windows).flatten(1, 2)[:, : rows.length]


def split_level(
    image: Float[Tensor, "count height width"], blocks: Sequence[Tensor], tilings: tuple[Tiling, Tiling]
) -> tuple[Band, Band, Band, Band]:
    """The transpose of `join_level`: products with the transposed blocks, and overlap-add of the windows."""
    rows, columns = tilings
    if rows.tiles == columns.tiles == 1:
        low, high = (blocks[0].mT @ image @ blocks[1]).split(rows.half, -2)
        (approximation, vertical), (horizontal, diagonal) = (band.split(columns.half, -1) for band in (low, high))
        return approximation, horizontal, vertical, diagonal
    right, bottom = columns.tiles * columns.tile - columns.length, rows.tiles * rows.tile - rows.length
    if right or bottom:
        image = F.pad(image, (0, right, 0, bottom))
    windows = blocks[0].mT @ image.unflatten(-2, (rows.tiles, rows.tile))  # (count, tiles, 2 window, width)
    halves = _overlap_add(windows.unflatten(-2, (2, rows.window)), rows)  # (count, 2, half, width)
    windows = halves.unflatten(-1, (columns.tiles, columns.tile)) @ blocks[1]  # (count, 2, half, tiles, 2 window)
    quarters = _overlap_add(windows.unflatten(-1, (2, columns.window)).unsqueeze(-1), columns).squeeze(-1)
    (approximation, vertical), (horizontal, diagonal) = (half.unbind(-2) for half in quarters.unbind(1))
    return approximation, horizontal, vertical, diagonal


def _join_columns(low: Tensor, high: Tensor, block: Tensor, tiling: Tiling) -> Tensor:
    """Low and high coefficients along the width to values."""
    windows = _windows(low.unsqueeze(-1), high.unsqueeze(-1), tiling).squeeze(-1)  # (count, height, tiles, 2 window)
    return (windows @ block.mT).flatten(-2)[..., : tiling.length]


def _windows(low: Tensor, high: Tensor, tiling: Tiling) -> Tensor:
    """Overlapping windows along the second-to-last axis, low above high: (..., tiles, 2 window, width)."""
    return torch.cat([band.unfold(-2, tiling.window, tiling.step).mT for band in (low, high)], dim=-2)


def _overlap_add(windows: Tensor, tiling: Tiling) -> Tensor:
    """The transpose of `_windows`: (..., tiles, 2, window, width) to (..., 2, half, width). Overwrites `windows`."""
    step, overlap, end = tiling.step, tiling.window - tiling.step, tiling.tiles * tiling.step
    if tiling.tiles > 1:  # the end of a window is the start of the next
        windows[..., 1:, :, :overlap, :] += windows[..., :-1, :, step:, :]
    halves = windows.new_empty(*windows.shape[:-4], 2, tiling.reach, windows.shape[-1])
    halves[..., :end, :].unflatten(-2, (tiling.tiles, step)).copy_(windows[..., :step, :].movedim(-4, -3))
    halves[..., end:, :] = windows[..., -1, :, step:, :]
    return halves[..., : tiling.half, :]
