"""Smooth masks from a coarse grid: the smooth maximum over neighbouring cells (Fong et al., ICCV 2019, section 3.3)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

COLDNESS = 20.0  # 1/T of the smooth maximum
_MASKS_AT_ONCE = 32  # approximately, on a CPU, so that a chunk stays in its cache


@dataclass(frozen=True)
class SmoothMasks:
    """Masks without details finer than `sigma`, from a grid of values.

    The value at a pixel u is the smooth maximum over the cells v around it of f(v) = k(|u - v|) p(v), where p(v) is
    the cell's value, k(d) = 1 up to half of sigma and then exp(-2 (d/sigma - ½)²), and the smooth maximum is the mean
    of f weighted by exp(20 f). The mask covers the image and a margin of sigma around it, so that its shapes may cross
    the image's edge; `frame` is the size with the margin.

    Each pixel depends on a window of (2r + 1)² cells, zero-padded beyond the grid. A direct implementation stores the
    windows of all pixels, hundreds of numbers per pixel. As the same few distances recur in every window,
    exp(20 k(d) p(v)) is instead computed once per cell and distance, and accumulated.

    Args:
        height, width: of the image.
        step: pixels between two cells.
        sigma: in pixels, at least `step`.
    """

    height: int
    width: int
    step: int
    sigma: int

    def __post_init__(self) -> None:
        if min(self.height, self.width, self.step) < 1 or self.sigma < self.step:
            raise ValueError(
                f"an image of {self.height} x {self.width} pixels, step={self.step} and sigma={self.sigma} do not fit: "
                "all must be at least 1, and sigma at least step"
            )

    @property
    def cells(self) -> tuple[int, int]:
        """Rows and columns of the grid."""
        return math.ceil(self.height / self.step), math.ceil(self.width / self.step)

    @property
    def frame(self) -> tuple[int, int]:
        """Height and width of a mask with its margin."""
        rows, columns = self._window_counts
        return self.step * (rows - 1) + 1, self.step * (columns - 1) + 1

    @property
    def _radius(self) -> int:
        return 1 + math.ceil(self.sigma / self.step)

    @property
    def _padding(self) -> int:
        """The zero padding around the grid."""
        return 1 + math.ceil(2 * self.sigma / self.step)

    @property
    def _window_counts(self) -> tuple[int, int]:
        """Rows and columns of windows; the `step`² pixels of a cell share one."""
        rows, columns = self.cells
        extra = 2 * (self._padding - self._radius)
        return rows + extra, columns + extra

    @cached_property
    def kernel(self) -> Float[Tensor, "phases window window"]:
        """k at each cell of a window, for each of the `step`² pixels (phases) that share it."""
        window = torch.arange(2 * self._radius + 1, dtype=torch.float64)
        cell = self.step * (window - self._padding) + self.sigma
        distance = cell - torch.arange(self.step, dtype=torch.float64)[:, None]  # (pixel, cell) along one axis
        squares = distance.square()
        distances = (squares[:, None, :, None] + squares[None, :, None, :]).sqrt().flatten(0, 1)
        return torch.exp(-2 * (distances / self.sigma - 0.5).clamp_min(0).square()).float()

    @cached_property
    def _uses(self) -> list[tuple[float, list[tuple[int, int, int]]]]:
        """For each value of the kernel, its positions: phase, row and column in the window."""
        uses: dict[float, list[tuple[int, int, int]]] = {}
        for phase, rows in enumerate(self.kernel.tolist()):
            for row, values in enumerate(rows):
                for column, value in enumerate(values):
                    uses.setdefault(round(value, 6), []).append((phase, row, column))
        return list(uses.items())

    def __call__(self, grids: Float[Tensor, "masks rows columns"]) -> Float[Tensor, "masks frame_height frame_width"]:
        """The masks with their margin, in [0, 1] if the grids are.

        Raises:
            ValueError: the size of the grids is not `cells`.
        """
        if tuple(grids.shape[-2:]) != self.cells:
            raise ValueError(f"grids must be of {self.cells} cells, not {tuple(grids.shape[-2:])}")
        if grids.device.type == "cpu":
            chunks = max(1, round(len(grids) / _MASKS_AT_ONCE))
            return torch.cat([_Smooth.apply(chunk, self) for chunk in grids.tensor_split(chunks)])
        return self.plain(grids)

    def plain(self, grids: Float[Tensor, "masks rows columns"]) -> Float[Tensor, "masks frame_height frame_width"]:
        """The direct implementation: more memory, but few kernel launches on a GPU."""
        size = 2 * self._radius + 1
        windows = functional.unfold(grids[:, None], size, padding=self._padding)[:, None]  # (masks, 1, size², windows)
        values = windows * self.kernel.to(grids).flatten(1)[None, :, :, None]
        return self._assemble(((COLDNESS * values).softmax(2) * values).sum(2).unflatten(2, self._window_counts))

    def crop(self, masks: Float[Tensor, "masks frame_height frame_width"]) -> Float[Tensor, "masks height width"]:
        """The masks without their margin."""
        return masks[:, self.sigma : self.sigma + self.height, self.sigma : self.sigma + self.width]

    def _windows(self, cells: Tensor) -> list[list[Tensor]]:
        """For each position in a window, the cells of all windows at it: views of (2, rows, columns, masks)."""
        size, (rows, columns) = range(2 * self._radius + 1), self._window_counts
        return [[cells[:, row : row + rows, column : column + columns] for column in size] for row in size]

    def _assemble(self, phases: Tensor) -> Tensor:
        """(masks, phases, rows, columns) to (masks, height, width) of the frame."""
        return functional.pixel_shuffle(phases, self.step)[:, 0, : self.frame[0], : self.frame[1]]

    def _disassemble(self, masks: Tensor) -> Tensor:
        """The transpose of `_assemble`, with zeros for the pixels outside of the frame."""
        rows, columns = self._window_counts
        below, right = self.step * rows - self.frame[0], self.step * columns - self.frame[1]
        return functional.pixel_unshuffle(functional.pad(masks, (0, right, 0, below))[:, None], self.step)


class _Smooth(torch.autograd.Function):
    """The smooth maximum, distance by distance: Σ x exp x / Σ exp x / 20, with x = 20 k p.

    Masks are the last dimension, so that shifted windows are contiguous in memory.
    """

    @staticmethod
    def forward(ctx: Any, grids: Tensor, layout: SmoothMasks) -> Tensor:
        rows, columns = layout._window_counts
        padded = functional.pad(grids, (layout._padding,) * 4).permute(1, 2, 0).contiguous()
        sums = padded.new_zeros(layout.step**2, 2, rows, columns, len(grids))  # Σ exp x, Σ x exp x
        both = padded.new_empty(2, *padded.shape)
        power, product = both.unbind()
        targets, windows = sums.unbind(), layout._windows(both)
        for value, uses in layout._uses:
            torch.mul(padded, COLDNESS * value, out=product)
            torch.exp(product, out=power)
            product.mul_(power)
            for phase, row, column in uses:
                targets[phase].add_(windows[row][column])
        result = sums[:, 1] / sums[:, 0] / COLDNESS  # (phases, rows, columns, masks)
        ctx.layout = layout
        ctx.save_for_backward(padded, sums[:, 0], result)
        return layout._assemble(result.permute(3, 0, 1, 2))

    @staticmethod
    def backward(ctx: Any, mask_gradient: Tensor) -> tuple[Tensor, None]:
        layout, (padded, total, result) = ctx.layout, ctx.saved_tensors
        # d(result)/dx = exp(x) (1 + x - 20 result) / Σ exp x: each window contributes exp(x) (a + x b)
        share = layout._disassemble(mask_gradient).permute(1, 2, 3, 0) / total
        sent = torch.stack([share * (1 - COLDNESS * result), share], 1)  # (phases, 2, rows, columns, masks)
        gradient, received = torch.zeros_like(padded), padded.new_empty(2, *padded.shape)
        x, weight = torch.empty_like(padded), torch.empty_like(padded)
        (constant, slope), sources, windows = received.unbind(), sent.unbind(), layout._windows(received)
        for value, uses in layout._uses:
            received.zero_()
            for phase, row, column in uses:
                windows[row][column].add_(sources[phase])
            torch.mul(padded, COLDNESS * value, out=x)
            torch.exp(x, out=weight)
            constant.addcmul_(slope, x)
            gradient.addcmul_(weight, constant, value=value)
        inner = slice(layout._padding, -layout._padding)
        return gradient[inner, inner].permute(2, 0, 1).contiguous(), None
