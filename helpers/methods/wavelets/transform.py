"""The wavelet transform of images: a module with `analyse` and `synthesise`."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import pywt
import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from helpers.core.number_types import as_floating
from helpers.methods.wavelets.bands import (
    ORIENTATIONS,
    axis_lengths,
    band_shapes,
    band_slices,
    check_coefficients,
    check_images,
    checked_filters,
    checked_size,
    one_level_matrices,
)
from helpers.methods.wavelets.tiles import Tiling, join_level, split_level

VALUES_AT_ONCE = 2**21  # values per chunk on a CPU, so that a chunk stays in the cache


class WaveletTransform(nn.Module):
    """A two-dimensional wavelet transform: images to coefficients and back.

    It equals PyWavelets' `wavedec2` and `waverec2` (Mallat, 1989, "A theory for multiresolution signal decomposition:
    the wavelet representation"). Both directions are linear: a few products with fixed matrices, which are read off
    PyWavelets when the transform is built. Their gradients are products with the transposed matrices, in every mode.

    The coefficients of a channel form one flat axis: the approximation, then the details from the coarsest level to the
    finest, level 1, each level in the order horizontal, vertical, diagonal.

    Results have the precision of the input, and at least that of float32, also under autocast: bytes, whole numbers and
    half precision could not hold them.

    Attributes:
        coefficients: K, the number of coefficients per channel.
        slices: the range of each band in the flat axis, by name: "approximation", "horizontal-1", "vertical-3", ...
        shapes: the (height, width) of each band, by the same names.
    """

    def __init__(
        self, wavelet: str = "db3", levels: int = 5, mode: str = "zero", *, size: tuple[int, int] | int
    ) -> None:
        """Build the transform of images of one size.

        Args:
            wavelet: a discrete wavelet of PyWavelets, by name: see `pywt.wavelist(kind="discrete")`.
            levels: number of decompositions, at least 1.
            mode: how the image is extended beyond its border: "zero", "symmetric", "periodization" or "reflect".
            size: the images' (height, width) in pixels, odd ones too; one number for square images.

        Raises:
            ValueError: an unknown wavelet or mode, no level, or images too small for the wavelet and the levels.
        """
        super().__init__()
        filters = checked_filters(wavelet, levels, mode)
        self.wavelet, self.levels, self.mode, self.size = wavelet, levels, mode, checked_size(size)
        lengths = [axis_lengths(side, levels, filters, mode) for side in self.size]
        self.shapes = band_shapes(*lengths)
        self.slices = band_slices(self.shapes)
        self.coefficients = self.slices["diagonal-1"].stop
        self._tilings: dict[str, list[tuple[Tiling, Tiling]]] = {"analysis": [], "synthesis": []}
        for level in range(1, levels + 1):
            self._add_level(level, lengths, filters)

    def _add_level(self, level: int, lengths: list[list[int]], filters: pywt.Wavelet) -> None:
        """Register the blocks of a level, all as synthesis matrices: an analysis is the transpose of a join."""
        tilings: dict[str, list[Tiling]] = {"analysis": [], "synthesis": []}
        for axis, (length, half) in zip(("rows", "columns"), (n[level - 1 : level + 1] for n in lengths), strict=True):
            analysis, synthesis = one_level_matrices(length, filters, self.mode)
            for name, matrix, repeats in (
                ("analysis", analysis.mT, self.mode == "zero"),  # other modes change the first and last rows
                ("synthesis", synthesis, self.mode != "periodization"),
            ):
                tiling = Tiling.of(length, half, filters.rec_len, repeats)
                tilings[name].append(tiling)
                self.register_buffer(f"{name}_{axis}_{level}", tiling.block(matrix), persistent=False)
        for name, (rows, columns) in tilings.items():
            self._tilings[name].append((rows, columns))

    def extra_repr(self) -> str:
        """The options, as `print` shows them."""
        return f"{self.wavelet!r}, levels={self.levels}, mode={self.mode!r}, size={self.size}"

    def analyse(
        self, images: Shaped[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch channels coefficients"]:
        """Decompose images of any range into wavelet coefficients.

        Raises:
            ValueError: the images are not (batch, channels, height, width) of this transform's size.
        """
        check_images(images, self.size, "WaveletTransform")
        return self._linear_map(images, self._split, self._join, "analysis")

    def synthesise(
        self, coefficients: Shaped[Tensor, "batch channels coefficients"]
    ) -> Float[Tensor, "batch channels height width"]:
        """Compose images from wavelet coefficients.

        Raises:
            ValueError: the coefficients are not (batch, channels, K).
        """
        check_coefficients(coefficients, self.coefficients)
        return self._linear_map(coefficients, self._join, self._split, "synthesis")

    def _linear_map(self, x: Tensor, function: Callable, adjoint: Callable, direction: str) -> Tensor:
        """`function` of x, channel by channel, in at least float32."""
        flat = as_floating(x).flatten(0, 1)  # batch * channels, ...
        names = [f"{direction}_{axis}_{level}" for level in range(1, self.levels + 1) for axis in ("rows", "columns")]
        blocks = [getattr(self, name).to(flat.dtype) for name in names]
        return _LinearMap.apply(flat, function, adjoint, direction, *blocks).unflatten(0, x.shape[:2])

    def _join(self, flat: Tensor, direction: str, *blocks: Tensor) -> Tensor:
        """Coefficients (count, K) to images (count, height, width), coarsest level first."""
        images = flat.new_empty(len(flat), *self.size)
        for coefficients, out in self._chunks(flat, images):
            bands = self._bands(coefficients)
            image = bands["approximation"]  # count, height, width of the coarsest level
            for level in range(self.levels, 0, -1):
                details = (bands[f"{orientation}-{level}"] for orientation in ORIENTATIONS)
                pair = blocks[2 * level - 2 : 2 * level]
                image = join_level((image, *details), pair, self._tilings[direction][level - 1])
            out.copy_(image)
        return images

    def _split(self, images: Tensor, direction: str, *blocks: Tensor) -> Tensor:
        """The transpose of `_join`: images (count, height, width) to coefficients (count, K), finest level first."""
        flat = images.new_empty(len(images), self.coefficients)
        for image, out in self._chunks(images, flat):
            bands = self._bands(out)  # views, written to below
            for level in range(1, self.levels + 1):
                pair = blocks[2 * level - 2 : 2 * level]
                image, *details = split_level(image, pair, self._tilings[direction][level - 1])
                for orientation, detail in zip(ORIENTATIONS, details, strict=True):
                    bands[f"{orientation}-{level}"].copy_(detail)
            bands["approximation"].copy_(image)
        return flat

    def _bands(self, flat: Tensor) -> dict[str, Tensor]:
        """Views of the bands of (count, K) coefficients, by name, each (count, height, width)."""
        return {name: flat[:, self.slices[name]].unflatten(-1, shape) for name, shape in self.shapes.items()}

    def _chunks(self, inputs: Tensor, outputs: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Inputs and outputs in chunks that fit a CPU's cache; in one chunk on other devices."""
        at_once = max(1, len(inputs))
        if inputs.device.type == "cpu" and not torch.compiler.is_compiling():
            at_once = max(1, VALUES_AT_ONCE // math.prod(self.size))
        return zip(inputs.split(at_once), outputs.split(at_once), strict=True)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> WaveletTransform:
        """Move the blocks to a device but keep them in float64: the input determines the precision."""
        return super()._apply(lambda tensor: tensor.to(fn(tensor).device), recurse)


class _LinearMap(torch.autograd.Function):
    """A linear map and its adjoint, each the gradient of the other, to any order."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, function: Callable, adjoint: Callable, direction: str, *blocks: Tensor) -> Tensor:
        ctx.function, ctx.adjoint, ctx.direction = function, adjoint, direction
        ctx.save_for_backward(*blocks)
        with torch.autocast(x.device.type, enabled=False):  # half precision would lose the small coefficients
            return function(x, direction, *blocks)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        blocks = ctx.saved_tensors
        result = _LinearMap.apply(gradient, ctx.adjoint, ctx.function, ctx.direction, *blocks)
        return result, None, None, None, *[None] * len(blocks)
