"""The discrete wavelet transform of images and its inverse, both differentiable, batched and fast."""

from __future__ import annotations

import math

import numpy as np
import pywt
import torch
from jaxtyping import Float
from torch import Tensor, nn

MODES = ("zero", "symmetric", "periodization", "reflect")
ORIENTATIONS = ("horizontal", "vertical", "diagonal")  # PyWavelets' cH, cV, cD, in its order


class WaveletTransform(nn.Module):
    """A two-dimensional wavelet transform: images to coefficients and back.

    Both directions are linear maps, so each is a few products with fixed matrices, which are read off PyWavelets
    once, when the transform is made: the gradients are right by construction, in every mode.
    The transform is PyWavelets' `wavedec2` and `waverec2` (Mallat, 1989, "A theory for multiresolution signal
    decomposition: the wavelet representation").

    The coefficients of a channel lie in one flat axis: the approximation, then the bands from the coarsest level to the
    finest, level 1, each level as horizontal, vertical and diagonal details.

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
        self.wavelet, self.levels, self.mode = wavelet, levels, mode
        self.size = (size, size) if isinstance(size, int) else tuple(size)
        filters = _checked_wavelet(wavelet, levels, mode)
        heights, widths = (_band_lengths(side, levels, filters, mode, self.size) for side in self.size)
        self.shapes = _band_shapes(heights, widths)
        self.slices = _band_slices(self.shapes)
        self.coefficients = sum(math.prod(shape) for shape in self.shapes.values())
        for level in range(1, levels + 1):
            for axis, lengths in (("rows", heights), ("columns", widths)):
                down, up = _one_level_matrices(lengths[level - 1], filters, mode)
                self.register_buffer(f"analyse_{axis}_{level}", down, persistent=False)
                self.register_buffer(f"synthesise_{axis}_{level}", up, persistent=False)

    def extra_repr(self) -> str:
        """What `print` shows of the transform."""
        return f"{self.wavelet!r}, levels={self.levels}, mode={self.mode!r}, size={self.size}"

    def analyse(
        self, images: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch channels coefficients"]:
        """Decompose images of any range into wavelet coefficients, in the images' precision (float16: in float32).

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
            for level in range(1, self.levels + 1):
                rows, columns = self._matrices("analyse", level, approximation)
                (height, width) = self.shapes[f"diagonal-{level}"]
                split = rows @ approximation @ columns.mT  # [[approximation, vertical], [horizontal, diagonal]]
                quarters = [
                    split[..., :height, :width],
                    split[..., height:, :width],
                    split[..., :height, width:],
                    split[..., height:, width:],
                ]
                approximation, details = quarters[0], quarters[1:]
                bands = [band.flatten(2) for band in details] + bands
            return torch.cat([approximation.flatten(2), *bands], dim=-1).to(images.dtype)

    def synthesise(
        self, coefficients: Float[Tensor, "batch channels coefficients"]
    ) -> Float[Tensor, "batch channels height width"]:
        """Compose images from wavelet coefficients, in the coefficients' precision (float16: in float32).

        Raises:
            ValueError: the coefficients are not (batch, channels, K).
        """
        if coefficients.ndim != 3 or coefficients.shape[-1] != self.coefficients:
            raise ValueError(
                f"coefficients of shape {tuple(coefficients.shape)} were given, but this transform expects "
                f"(batch, channels, {self.coefficients}), as its analyse returns them"
            )
        with torch.autocast(coefficients.device.type, enabled=False):
            flat = coefficients.to(_working_dtype(coefficients))
            bands = flat.split([math.prod(shape) for shape in self.shapes.values()], dim=-1)
            bands = {n: b.unflatten(-1, s) for b, (n, s) in zip(bands, self.shapes.items(), strict=True)}
            image = bands["approximation"]
            for level in range(self.levels, 0, -1):
                horizontal, vertical, diagonal = (bands[f"{name}-{level}"] for name in ORIENTATIONS)
                low, high = torch.cat([image, horizontal], dim=-2), torch.cat([vertical, diagonal], dim=-2)
                rows, columns = self._matrices("synthesise", level, image)
                image = rows @ torch.cat([low, high], dim=-1) @ columns.mT
            return image.to(coefficients.dtype)

    def _matrices(self, direction: str, level: int, like: Tensor) -> tuple[Tensor, Tensor]:
        """The matrices of one level, for rows and for columns, in a tensor's precision."""
        return tuple(getattr(self, f"{direction}_{axis}_{level}").to(like.dtype) for axis in ("rows", "columns"))

    def _apply(self, fn, recurse: bool = True) -> WaveletTransform:  # noqa: ANN001
        """Move the matrices to a device, but keep their float64: the inputs decide on the precision."""
        return super()._apply(lambda t: t.to(fn(t).device), recurse)


def _working_dtype(tensor: Tensor) -> torch.dtype:
    """The precision of the computation: the tensor's own, but float32 at least."""
    return torch.promote_types(tensor.dtype, torch.float32)


def _checked_wavelet(wavelet: str, levels: int, mode: str) -> pywt.Wavelet:
    """PyWavelets' filters of a wavelet; a ValueError where wavelet, levels or mode are not possible."""
    if mode not in MODES:
        raise ValueError(f"mode {mode!r} is not known; use one of {', '.join(MODES)}")
    if not isinstance(levels, int) or levels < 1:
        raise ValueError(f"levels must be a whole number of at least 1, not {levels!r}")
    if wavelet not in pywt.wavelist(kind="discrete"):
        raise ValueError(
            f"wavelet {wavelet!r} is not a discrete wavelet of PyWavelets; use 'haar', 'db3', 'sym4', 'bior2.2' or "
            "another one of pywt.wavelist(kind='discrete')"
        )
    return pywt.Wavelet(wavelet)


def _band_lengths(side: int, levels: int, filters: pywt.Wavelet, mode: str, size: tuple[int, ...]) -> list[int]:
    """The length of one axis at level 0 (the image), 1, ... `levels`; a ValueError where a level shrinks nothing."""
    lengths = [side]
    for level in range(1, levels + 1):
        length = pywt.dwt_coeff_len(lengths[-1], filters.dec_len, mode) if lengths[-1] > 0 else 0
        if length >= lengths[-1]:
            raise ValueError(
                f"images of size {size} are too small for {levels} levels of {filters.name!r}: level {level} would "
                f"split {lengths[-1]} values into twice {length}; use levels <= {level - 1}, larger images or a "
                "shorter wavelet"
            )
        lengths.append(length)
    return lengths


def _band_shapes(heights: list[int], widths: list[int]) -> dict[str, tuple[int, int]]:
    """Each band's shape, by name, in the order of the flat axis."""
    shapes = {"approximation": (heights[-1], widths[-1])}
    for level in range(len(heights) - 1, 0, -1):
        shapes |= {f"{orientation}-{level}": (heights[level], widths[level]) for orientation in ORIENTATIONS}
    return shapes


def _band_slices(shapes: dict[str, tuple[int, int]]) -> dict[str, slice]:
    """Where each band lies in the flat axis."""
    stops = np.cumsum([math.prod(shape) for shape in shapes.values()]).tolist()
    return {name: slice(stop - math.prod(shapes[name]), stop) for name, stop in zip(shapes, stops, strict=True)}


def _one_level_matrices(length: int, filters: pywt.Wavelet, mode: str) -> tuple[Tensor, Tensor]:
    """One level in one dimension as matrices, (2 half, length) and (length, 2 half), read off PyWavelets.

    The first `half` coefficients are the approximation's, the others the details'. PyWavelets returns one value too
    many for an odd length; it is cropped.
    """
    down = np.concatenate(pywt.dwt(np.eye(length), filters, mode, axis=0))
    low, high = np.split(np.eye(len(down)), 2)
    up = pywt.idwt(low, high, filters, mode, axis=0)[:length]
    return torch.from_numpy(down), torch.from_numpy(up)
