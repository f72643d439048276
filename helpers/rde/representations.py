"""The representations in which an image is made sparse: pixels, and wavelet coefficients."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from helpers.wavelets import WaveletTransform


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
        """The share of the amplitude around a pixel that the mask keeps.

        Each coefficient's magnitude is spread over the pixels that it stands for (nearest neighbour), scaled by
        2^-level, the height of its wavelet: Σ m|h| 2^-level over Σ |h| 2^-level. A constant mask gives that constant.
        """
        amplitude = coefficients.abs().mean(1, keepdim=True)
        kept, total = self._spread(mask * amplitude), self._spread(amplitude)
        return kept / total.clamp_min(torch.finfo(total.dtype).tiny)

    def _spread(self, amplitude: Float[Tensor, "batch 1 k"]) -> Float[Tensor, "batch 1 height width"]:
        levels = self.transform.levels
        total = torch.zeros((), dtype=amplitude.dtype, device=amplitude.device)
        for name, part in self.transform.slices.items():
            level = levels if name == "approximation" else int(name.rsplit("-", 1)[1])
            band = amplitude[..., part].unflatten(2, self.transform.shapes[name]) * 2.0**-level
            total = total + nn.functional.interpolate(band, size=self.size, mode="nearest-exact")
        return total
