"""The representations in which images are masked: pixels, and wavelet coefficients."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import pywt
import torch
from jaxtyping import Float
from torch import Tensor, nn

from helpers.methods.wavelets import WaveletTransform
from helpers.methods.wavelets.bands import ORIENTATIONS, one_level_matrices


@runtime_checkable
class Representation(Protocol):
    """An invertible linear map from images to coefficients, whose bands share the statistics of their noise.

    A new representation (shearlets, say) is one class with these members; everything else in `rde` is shared.
    """

    bands: dict[str, slice]  # consecutive ranges that partition the flat coefficients

    def analyse(self, images: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch channels k"]:
        """Images to coefficients."""

    def synthesise(self, coefficients: Float[Tensor, "batch channels k"]) -> Float[Tensor, "batch channels h w"]:
        """Coefficients to images."""

    def relevance(
        self, mask: Float[Tensor, "batch 1 k"], coefficients: Float[Tensor, "batch channels k"]
    ) -> Float[Tensor, "batch 1 height width"]:
        """The relevance of each pixel under a mask, in [0, 1]."""


def shown_by(
    mask: Float[Tensor, "batch 1 k"], coefficients: Float[Tensor, "batch channels k"], representation: Representation
) -> dict[str, Tensor]:
    """The map and the kept image of a mask, as the fields `mask` and `kept` of an `Explanation`, with the mask itself.

    Args:
        mask: on the representation, in [0, 1].
        coefficients: of the images.
        representation: of both.
    """
    return {
        "mask": representation.relevance(mask, coefficients).clamp(0, 1),
        "kept": representation.synthesise(mask * coefficients).clamp(0, 1),
        "representation_mask": mask,
    }


class Pixels(nn.Module):
    """The identity: each coefficient is a pixel, in a single band (Pixel RDE)."""

    def __init__(self, size: tuple[int, int]) -> None:
        super().__init__()
        self.size = size
        self.bands = {"pixels": slice(0, size[0] * size[1])}

    def analyse(self, images: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch channels k"]:
        """Images to flat pixels."""
        return images.flatten(2)

    def synthesise(self, coefficients: Float[Tensor, "batch channels k"]) -> Float[Tensor, "batch channels h w"]:
        """Flat pixels to images."""
        return coefficients.unflatten(2, self.size)

    def relevance(
        self, mask: Float[Tensor, "batch 1 k"], coefficients: Float[Tensor, "batch channels k"]
    ) -> Float[Tensor, "batch 1 height width"]:
        """The mask itself."""
        return mask.unflatten(2, self.size)


class Transformed(nn.Module):
    """Coefficients by a linear transform, coarsest scale first: the common part of `Wavelets` and `Shearlets`.

    Attributes:
        transform: a module with `analyse` and `synthesise`.
    """

    transform: nn.Module

    def analyse(self, images: Float[Tensor, "batch channels height width"]) -> Float[Tensor, "batch channels k"]:
        """Images to coefficients."""
        return self.transform.analyse(images)  # type: ignore[operator]

    def synthesise(self, coefficients: Float[Tensor, "batch channels k"]) -> Float[Tensor, "batch channels h w"]:
        """Coefficients to images."""
        return self.transform.synthesise(coefficients)  # type: ignore[operator]


class Wavelets(Transformed):
    """The discrete wavelet transform: each band is a scale, all three orientations together (CartoonX)."""

    def __init__(self, size: tuple[int, int], *, wavelet: str = "db3", levels: int = 5, mode: str = "zero") -> None:
        super().__init__()
        self.size = size
        self.transform = WaveletTransform(wavelet=wavelet, levels=levels, mode=mode, size=size)
        slices = self.transform.slices
        self.bands = {"approximation": slices["approximation"]}
        for level in range(levels, 0, -1):
            details = [slices[f"{orientation}-{level}"] for orientation in ORIENTATIONS]
            self.bands[f"details-{level}"] = slice(details[0].start, details[-1].stop)

    def relevance(
        self, mask: Float[Tensor, "batch 1 k"], coefficients: Float[Tensor, "batch channels k"]
    ) -> Float[Tensor, "batch 1 height width"]:
        """The share of the wavelet amplitude that the mask m keeps at each pixel: Σ m|h||ψ| over Σ |h||ψ|.

        |h| is the magnitude of a coefficient, averaged over the channels, and ψ its wavelet. A constant mask gives
        that constant.
        """
        amplitude = coefficients.abs().mean(1, keepdim=True)  # batch, 1, k
        kept, total = self._to_pixels(mask * amplitude), self._to_pixels(amplitude)  # batch, 1, height, width
        return kept / total.clamp_min(torch.finfo(total.dtype).tiny)

    def _to_pixels(self, amplitude: Float[Tensor, "batch 1 k"]) -> Float[Tensor, "batch 1 height width"]:
        """Σ a|ψ|: a two-dimensional wavelet is a product of one-dimensional ones, and so is its magnitude."""
        rows, columns = (self._magnitudes(axis, amplitude) for axis in (0, 1))
        total = amplitude.new_zeros(len(amplitude), 1, *self.size)
        for name, indices in self.transform.slices.items():
            orientation, _, suffix = name.rpartition("-")
            vertical, horizontal = _FILTERS[orientation or name]
            level = int(suffix) if orientation else self.transform.levels
            band = amplitude[..., indices].unflatten(2, self.transform.shapes[name])  # batch, 1, *shape of the band
            total = total + rows[vertical, level] @ band @ columns[horizontal, level].mT
        return total

    def _magnitudes(self, axis: int, like: Tensor) -> dict[tuple[str, int], Float[Tensor, "_side _length"]]:
        """|ψ| along one axis by ("low" or "high", level): (side, length), one column per coefficient."""
        transform, magnitudes = self.transform, {}
        filters = pywt.Wavelet(transform.wavelet)
        length, approximation = self.size[axis], torch.eye(self.size[axis], dtype=torch.float64)
        for level in range(1, transform.levels + 1):
            low, high = one_level_matrices(length, filters, transform.mode)[1].chunk(2, dim=1)
            magnitudes["high", level] = (approximation @ high).abs().to(like)
            approximation, length = approximation @ low, low.shape[1]
            magnitudes["low", level] = approximation.abs().to(like)
        return magnitudes


# the filter of each orientation along the vertical and the horizontal axis
_FILTERS = {
    "approximation": ("low", "low"),
    "horizontal": ("high", "low"),
    "vertical": ("low", "high"),
    "diagonal": ("high", "high"),
}
