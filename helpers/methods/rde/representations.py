"""The representations in which an image is made sparse: pixels, and wavelet coefficients."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import pywt
import torch
from jaxtyping import Float
from torch import Tensor, nn

from helpers.methods.wavelets import WaveletTransform
from helpers.methods.wavelets.bands import one_level_matrices


@runtime_checkable
class Representation(Protocol):
    """An invertible linear map from images to coefficients, whose bands share the statistics of their noise.

    A new representation (shearlets, say) is one class with these members; everything else in `rde` is shared.
    """

    bands: dict[str, slice]  # consecutive parts of the flat coefficients, which cover all of them

    def analyse(self, images: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch channels k"]:
        """Images to coefficients."""

    def synthesise(self, coefficients: Float[Tensor, "batch channels k"]) -> Float[Tensor, "batch channels h w"]:
        """Coefficients to images."""

    def relevance(
        self, mask: Float[Tensor, "batch 1 k"], coefficients: Float[Tensor, "batch channels k"]
    ) -> Float[Tensor, "batch 1 height width"]:
        """What the mask says of each pixel, in [0, 1]."""


class Pixels(nn.Module):
    """The identity: a coefficient is a pixel, and one band holds them all (Pixel RDE)."""

    def __init__(self, size: tuple[int, int]) -> None:
        super().__init__()
        self.size = size
        self.bands = {"pixels": slice(0, size[0] * size[1])}

    def analyse(self, images: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch channels k"]:
        """Images to a row of pixels."""
        return images.flatten(2)

    def synthesise(self, coefficients: Float[Tensor, "batch channels k"]) -> Float[Tensor, "batch channels h w"]:
        """A row of pixels to images."""
        return coefficients.unflatten(2, self.size)

    def relevance(
        self, mask: Float[Tensor, "batch 1 k"], coefficients: Float[Tensor, "batch channels k"]
    ) -> Float[Tensor, "batch 1 height width"]:
        """The mask itself."""
        return mask.unflatten(2, self.size)


class Wavelets(nn.Module):
    """The discrete wavelet transform: a band is a scale, with its three orientations (CartoonX)."""

    def __init__(self, size: tuple[int, int], *, wavelet: str = "db3", levels: int = 5, mode: str = "zero") -> None:
        super().__init__()
        self.size = size
        self.transform = WaveletTransform(wavelet=wavelet, levels=levels, mode=mode, size=size)
        slices = self.transform.slices
        self.bands = {"approximation": slices["approximation"]}
        for level in range(levels, 0, -1):
            parts = [slices[f"{orientation}-{level}"] for orientation in ("horizontal", "vertical", "diagonal")]
            self.bands[f"details-{level}"] = slice(min(p.start for p in parts), max(p.stop for p in parts))

    def analyse(self, images: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch channels k"]:
        """Images to wavelet coefficients, coarsest scale first."""
        return self.transform.analyse(images)

    def synthesise(self, coefficients: Float[Tensor, "batch channels k"]) -> Float[Tensor, "batch channels h w"]:
        """Wavelet coefficients to images."""
        return self.transform.synthesise(coefficients)

    def relevance(
        self, mask: Float[Tensor, "batch 1 k"], coefficients: Float[Tensor, "batch channels k"]
    ) -> Float[Tensor, "batch 1 height width"]:
        """The share of the amplitude at a pixel that the mask keeps: Σ m|h||ψ| over Σ |h||ψ|.

        h are the coefficients (their mean magnitude over the channels) and ψ the wavelets that they belong to, each
        where the inverse transform puts it. A constant mask gives that constant.
        """
        amplitude = coefficients.abs().mean(1, keepdim=True)
        kept, total = self._spread(mask * amplitude), self._spread(amplitude)
        return kept / total.clamp_min(torch.finfo(total.dtype).tiny)

    def _spread(self, amplitude: Float[Tensor, "batch 1 k"]) -> Float[Tensor, "batch 1 height width"]:
        """Σ a|ψ|: a two-dimensional wavelet is a product of one-dimensional ones, and so is its magnitude."""
        rows, columns = (self._magnitudes(axis, amplitude) for axis in (0, 1))
        total = amplitude.new_zeros(len(amplitude), 1, *self.size)
        for name, part in self.transform.slices.items():
            kind, _, level = name.rpartition("-")
            down, across = _KINDS[kind or name]
            place = int(level) if kind else self.transform.levels
            band = amplitude[..., part].unflatten(2, self.transform.shapes[name])
            total = total + rows[down, place] @ band @ columns[across, place].mT
        return total

    def _magnitudes(self, axis: int, like: Tensor) -> dict[tuple[str, int], Float[Tensor, "_side _length"]]:
        """|ψ| along one axis, a column per coefficient, by ("low" or "high", level)."""
        transform, found = self.transform, {}
        filters = pywt.Wavelet(transform.wavelet)
        length, approximation = self.size[axis], torch.eye(self.size[axis], dtype=torch.float64)
        for level in range(1, transform.levels + 1):
            low, high = one_level_matrices(length, filters, transform.mode)[1].chunk(2, dim=1)
            found["high", level] = (approximation @ high).abs().to(like)
            approximation, length = approximation @ low, low.shape[1]
            found["low", level] = approximation.abs().to(like)
        return found


# whether each orientation's wavelets are low or high along the rows' axis (vertically) and the columns' axis
_KINDS = {
    "approximation": ("low", "low"),
    "horizontal": ("high", "low"),
    "vertical": ("low", "high"),
    "diagonal": ("high", "high"),
}
