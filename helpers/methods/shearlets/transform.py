"""The shearlet transform of images: a module with `analyse` and `synthesise`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from helpers.core.number_types import as_floating
from helpers.methods.shearlets.filters import Band, system_bands, system_filters
from helpers.methods.wavelets.bands import check_coefficients, check_images, checked_size

VALUES_AT_ONCE = 2**19  # coefficients per chunk on a CPU: three times faster at 224 pixels than all at once


class ShearletTransform(nn.Module):
    """A two-dimensional shearlet transform: images to coefficients and back.

    Like wavelets, shearlets are waves of several scales; but they are longer than wide and have 8 directions in the two
    coarsest scales and twice as many in every second finer one, so that few of them follow an edge. They are redundant:
    every band has one coefficient per pixel. Four scales have 49 bands, as many as the published ShearletX
    (Kolek et al., CVPR 2023); its system is another one (ShearLab, compactly supported).

    The system is band-limited and cone-adapted (`helpers.methods.shearlets.filters`) and a Parseval frame: the
    coefficients have the energy of the image, `synthesise` is the transpose of `analyse`, and it recovers the image.
    Other coefficients than those of an image are projected onto the nearest that an image has.

    The convolutions are products in the frequency domain: images are continued periodically at their borders, so that a
    difference between opposite borders looks like an edge.

    The coefficients of a channel form one flat axis, band by band. Results have the precision of the input, and at
    least that of float32.

    Attributes:
        coefficients: K, the number of coefficients per channel: bands * height * width.
        bands: scale and direction of each band, coarsest scale first, by the angle of the edges.
        slices: the range of each band in the flat axis, by name: "approximation", "27°-4", ...
    """

    def __init__(self, scales: int = 4, *, size: tuple[int, int] | int) -> None:
        """Build the transform of images of one size.

        Args:
            scales: number of scales with directions, at least 1; each halves the frequencies of the one before.
            size: the images' (height, width) in pixels, odd ones too; one number for square images.

        Raises:
            ValueError: no scale, or no size.
        """
        super().__init__()
        if isinstance(scales, bool) or not isinstance(scales, int) or scales < 1:
            raise ValueError(f"scales must be a whole number of at least 1, not {scales!r}")
        self.scales, self.size = scales, checked_size(size)
        self.bands: list[Band] = system_bands(scales)
        pixels = math.prod(self.size)
        self.coefficients = len(self.bands) * pixels
        self.slices = {band.name: slice(i * pixels, (i + 1) * pixels) for i, band in enumerate(self.bands)}

    def extra_repr(self) -> str:
        """The options, as `print` shows them."""
        return f"scales={self.scales}, size={self.size}"

    def filters(self, like: Tensor) -> Float[Tensor, "bands height half_width"]:
        """The filters on the frequencies of `torch.fft.rfft2`, in the type and on the device of `like`; cached."""
        return system_filters(self.size, self.scales, like.dtype, like.device)

    def analyse(
        self, images: Shaped[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch channels coefficients"]:
        """Decompose images of any range into shearlet coefficients.

        Raises:
            ValueError: the images are not (batch, channels, height, width) of this transform's size.
        """
        check_images(images, self.size, "ShearletTransform")
        images = as_floating(images)
        return _Analysis.apply(images.flatten(0, 1), self.filters(images)).flatten(1).unflatten(0, images.shape[:2])

    def synthesise(
        self, coefficients: Shaped[Tensor, "batch channels coefficients"]
    ) -> Float[Tensor, "batch channels height width"]:
        """Compose images from shearlet coefficients.

        Raises:
            ValueError: the coefficients are not (batch, channels, K).
        """
        check_coefficients(coefficients, self.coefficients)
        coefficients = as_floating(coefficients)
        bands = coefficients.flatten(0, 1).unflatten(1, (len(self.bands), *self.size))
        return _Synthesis.apply(bands, self.filters(coefficients)).unflatten(0, coefficients.shape[:2])


def _chunks(inputs: Tensor, outputs: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Inputs and outputs in chunks whose bands fit a CPU's cache; in one chunk on other devices."""
    at_once = max(1, len(inputs))
    if inputs.device.type == "cpu":
        at_once = max(1, VALUES_AT_ONCE * len(inputs) // max(1, inputs.numel(), outputs.numel()))
    return zip(inputs.split(at_once), outputs.split(at_once), strict=True)


class _Analysis(torch.autograd.Function):
    """Images (count, height, width) to bands (count, bands, height, width); `_Synthesis` is its transpose.

    Each is the gradient of the other, so that no spectrum of 49 bands is stored for the backward pass.
    """

    @staticmethod
    def forward(ctx: Any, images: Tensor, filters: Tensor) -> Tensor:
        ctx.save_for_backward(filters)
        bands = images.new_empty(len(images), len(filters), *images.shape[-2:])
        for image, out in _chunks(images, bands):
            spectra = torch.fft.rfft2(image).unsqueeze(1)  # chunk, 1, height, half_width
            out.copy_(torch.fft.irfft2(spectra * filters, s=image.shape[-2:]))  # chunk, bands, height, width
        return bands

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return _Synthesis.apply(gradient, *ctx.saved_tensors), None


class _Synthesis(torch.autograd.Function):
    """Bands (count, bands, height, width) to images (count, height, width)."""

    @staticmethod
    def forward(ctx: Any, bands: Tensor, filters: Tensor) -> Tensor:
        ctx.save_for_backward(filters)
        images = bands.new_empty(len(bands), *bands.shape[-2:])
        for chunk, out in _chunks(bands, images):
            spectra = torch.fft.rfft2(chunk).mul_(filters).sum(1)  # chunk, height, half_width
            out.copy_(torch.fft.irfft2(spectra, s=chunk.shape[-2:]))  # chunk, height, width
        return images

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return _Analysis.apply(gradient, *ctx.saved_tensors), None
