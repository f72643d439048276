"""The wavelet transform of images: a module with `analyse` and `synthesise`."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from helpers.wavelets.bands import (
    ORIENTATIONS,
    axis_lengths,
    band_shapes,
    band_slices,
    checked_filters,
    checked_size,
    one_level_matrices,
)
from helpers.wavelets.tiles import Tiling, synthesise_level, synthesise_level_adjoint

VALUES_AT_ONCE = 2**20  # on a CPU: what is worked on at once, so that it stays in the cache


class WaveletTransform(nn.Module):
    """A two-dimensional wavelet transform: images to coefficients and back.

    Both directions are linear maps, so each is a few products with fixed matrices, which are read off PyWavelets
    once, when the transform is made: the gradients are right by construction, in every mode.
    The transform is PyWavelets' `wavedec2` and `waverec2` (Mallat, 1989, "A theory for multiresolution signal
    decomposition: the wavelet representation").

    The coefficients of a channel lie in one flat axis: the approximation, then the bands from the coarsest level to the
    finest, level 1, each level as horizontal, vertical and diagonal details.

    Results have the precision of what was given; half precision is computed in float32, also under autocast.

    Attributes:
        coefficients: the number K of coefficients of a channel.
        slices: where a band lies in the flat axis, by name: "approximation", "horizontal-1", "vertical-3", ...
        shapes: a band's (height, width), by the same names.
    """

    def __init__(
        self, wavelet: str = "db3", levels: int = 5, mode: str = "zero", *, size: tuple[int, int] | int
    ) -> None:
        """Build the transform of images of one size.

        Args:
            wavelet: a discrete wavelet of PyWavelets, by name: see `pywt.wavelist(kind="discrete")`.
            levels: how many times the approximation is split again; 1 or more.
            mode: how an image goes on beyond its border: "zero", "symmetric", "periodization" or "reflect".
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
        self._tilings: list[tuple[Tiling, Tiling]] = []  # finest level first, each for rows and columns
        for level in range(levels):
            tilings = []
            for axis, (length, half) in zip(("rows", "columns"), (n[level : level + 2] for n in lengths), strict=True):
                down, up = one_level_matrices(length, filters, mode)
                tilings.append(Tiling.of(length, half, filters.rec_len, periodic=mode == "periodization"))
                self.register_buffer(f"analysis_{axis}_{level + 1}", down, persistent=False)
                self.register_buffer(f"synthesis_{axis}_{level + 1}", tilings[-1].block(up), persistent=False)
            self._tilings.append(tuple(tilings))

    def extra_repr(self) -> str:
        """What `print` shows of the transform."""
        return f"{self.wavelet!r}, levels={self.levels}, mode={self.mode!r}, size={self.size}"

    def analyse(
        self, images: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch channels coefficients"]:
        """Decompose images of any range into wavelet coefficients.

        Raises:
            ValueError: the images are not (batch, channels, height, width) of this transform's size.
        """
        if images.ndim != 4 or tuple(images.shape[-2:]) != self.size:
            raise ValueError(
                f"images of shape {tuple(images.shape)} were given, but this transform expects "
                f"(batch, channels, {self.size[0]}, {self.size[1]}); resize them, or make a WaveletTransform of "
                "their size"
            )
        with torch.autocast(images.device.type, enabled=False):  # half precision would lose the small coefficients
            approximation, bands = images.to(_working_dtype(images)), []
            for level, (rows, columns) in enumerate(self._matrices("analysis", approximation.dtype), start=1):
                height, width = self.shapes[f"diagonal-{level}"]
                split = rows @ approximation @ columns.mT  # [[approximation, vertical], [horizontal, diagonal]]
                upper, lower = split.split(height, dim=-2)
                (approximation, vertical), (horizontal, diagonal) = upper.split(width, -1), lower.split(width, -1)
                bands = [horizontal, vertical, diagonal, *bands]
            return torch.cat([band.flatten(2) for band in (approximation, *bands)], dim=-1).to(images.dtype)

    def synthesise(
        self, coefficients: Float[Tensor, "batch channels coefficients"]
    ) -> Float[Tensor, "batch channels height width"]:
        """Compose images from wavelet coefficients.

        Raises:
            ValueError: the coefficients are not (batch, channels, K).
        """
        if coefficients.ndim != 3 or coefficients.shape[-1] != self.coefficients:
            raise ValueError(
                f"coefficients of shape {tuple(coefficients.shape)} were given, but this transform expects "
                f"(batch, channels, {self.coefficients}), as its analyse returns them"
            )
        with torch.autocast(coefficients.device.type, enabled=False):
            flat = coefficients.flatten(0, 1).to(_working_dtype(coefficients))
            blocks = [block for pair in self._matrices("synthesis", flat.dtype) for block in pair]
            images = _LinearMap.apply(flat, self._synthesise, self._synthesise_adjoint, *blocks)
            return images.unflatten(0, coefficients.shape[:2]).to(coefficients.dtype)

    def _synthesise(self, flat: Tensor, *blocks: Tensor) -> Tensor:
        """(count, K) to (count, height, width)."""
        images = flat.new_empty(len(flat), *self.size)
        for some, out in self._portions(flat, images):
            bands = self._bands(some)
            image = bands["approximation"]
            for level in range(self.levels, 0, -1):
                details = [bands[f"{orientation}-{level}"] for orientation in ORIENTATIONS]
                of_level = slice(2 * level - 2, 2 * level)
                image = synthesise_level((image, *details), blocks[of_level], self._tilings[level - 1])
            out.copy_(image)
        return images

    def _synthesise_adjoint(self, images: Tensor, *blocks: Tensor) -> Tensor:
        """The transpose of `_synthesise`: (count, height, width) to (count, K)."""
        flat = images.new_empty(len(images), self.coefficients)
        for some, out in self._portions(images, flat):
            bands = self._bands(out)
            for level in range(1, self.levels + 1):
                of_level = slice(2 * level - 2, 2 * level)
                some, *details = synthesise_level_adjoint(some, blocks[of_level], self._tilings[level - 1])
                for orientation, detail in zip(ORIENTATIONS, details, strict=True):
                    bands[f"{orientation}-{level}"].copy_(detail)
            bands["approximation"].copy_(some)
        return flat

    def _bands(self, flat: Tensor) -> dict[str, Tensor]:
        """Views on the bands of (count, K) coefficients, by name, each (count, height, width)."""
        parts = flat.split([math.prod(shape) for shape in self.shapes.values()], dim=-1)
        return {n: p.unflatten(-1, shape) for (n, shape), p in zip(self.shapes.items(), parts, strict=True)}

    def _portions(self, inputs: Tensor, outputs: Tensor) -> zip:
        """Inputs and outputs in portions that fit a CPU's cache; all at once on other devices."""
        at_once = max(1, len(inputs))
        if inputs.device.type == "cpu" and not torch.compiler.is_compiling():
            at_once = max(1, VALUES_AT_ONCE // math.prod(self.size))
        return zip(inputs.split(at_once), outputs.split(at_once), strict=True)

    def _matrices(self, direction: str, dtype: torch.dtype) -> list[tuple[Tensor, Tensor]]:
        """The matrices for rows and columns of each level, finest first."""
        names = [[f"{direction}_{axis}_{level + 1}" for axis in ("rows", "columns")] for level in range(self.levels)]
        return [tuple(getattr(self, name).to(dtype) for name in pair) for pair in names]

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> WaveletTransform:
        """Move the matrices to a device, but keep their float64: what is given decides on the precision."""
        return super()._apply(lambda tensor: tensor.to(fn(tensor).device), recurse)


class _LinearMap(torch.autograd.Function):
    """A linear map with its adjoint, each the gradient of the other, as often as is asked for."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, function: Callable, adjoint: Callable, *matrices: Tensor) -> Tensor:
        ctx.function, ctx.adjoint = function, adjoint
        ctx.save_for_backward(*matrices)
        return function(x, *matrices)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        matrices = ctx.saved_tensors
        result = _LinearMap.apply(gradient, ctx.adjoint, ctx.function, *matrices)
        return result, None, None, *[None] * len(matrices)


def _working_dtype(tensor: Tensor) -> torch.dtype:
    """The precision of the computation: the tensor's own, but float32 at least."""
    return torch.promote_types(tensor.dtype, torch.float32)
