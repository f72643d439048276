"""The bands of a wavelet transform: their names, shapes and positions in the flat coefficient axis."""

from __future__ import annotations

import math

import numpy as np
import pywt
import torch
from torch import Tensor

MODES = ("zero", "symmetric", "periodization", "reflect")
ORIENTATIONS = ("horizontal", "vertical", "diagonal")  # PyWavelets' cH, cV, cD, in its order


def checked_filters(wavelet: str, levels: int, mode: str) -> pywt.Wavelet:
    """PyWavelets' filters of a wavelet.

    Raises:
        ValueError: an unknown wavelet or mode, or no level.
    """
    if mode not in MODES:
        raise ValueError(f"mode {mode!r} is not known; use one of {', '.join(MODES)}")
    if isinstance(levels, bool) or not isinstance(levels, int) or levels < 1:
        raise ValueError(f"levels must be a whole number of at least 1, not {levels!r}")
    if wavelet not in pywt.wavelist(kind="discrete"):
        raise ValueError(
            f"wavelet {wavelet!r} is not a discrete wavelet of PyWavelets; use 'haar', 'db3', 'sym4', 'bior2.2' or "
            "another one of pywt.wavelist(kind='discrete')"
        )
    return pywt.Wavelet(wavelet)


def checked_size(size: tuple[int, int] | int) -> tuple[int, int]:
    """An image's (height, width); a single number means a square.

    Raises:
        ValueError: not one or two whole numbers of at least 1.
    """
    sides = (size, size) if isinstance(size, int) else tuple(size)
    if len(sides) != 2 or any(isinstance(s, bool) or not isinstance(s, int) or s < 1 for s in sides):
        raise ValueError(f"size must be (height, width) in pixels, two whole numbers of at least 1, not {size!r}")
    return sides


def check_images(images: Tensor, size: tuple[int, int], transform: str) -> None:
    """Refuse images that are not (batch, channels, height, width) of a transform's size.

    Args:
        images: of any values.
        size: the height and width that the transform expects.
        transform: its class, for the message.

    Raises:
        ValueError: they are not.
    """
    if images.ndim != 4 or tuple(images.shape[-2:]) != size:
        raise ValueError(
            f"images of shape {tuple(images.shape)} were given, but this transform expects "
            f"(batch, channels, {size[0]}, {size[1]}); resize them, or make a {transform} of their size"
        )


def check_coefficients(coefficients: Tensor, count: int) -> None:
    """Refuse coefficients that are not (batch, channels, `count`).

    Raises:
        ValueError: they are not.
    """
    if coefficients.ndim != 3 or coefficients.shape[-1] != count:
        raise ValueError(
            f"coefficients of shape {tuple(coefficients.shape)} were given, but this transform expects "
            f"(batch, channels, {count}), as its analyse returns them"
        )


def axis_lengths(side: int, levels: int, filters: pywt.Wavelet, mode: str) -> list[int]:
    """The length of one axis of the approximation at level 0 (the image), 1, ..., `levels`.

    Raises:
        ValueError: a level would not shrink the approximation: the image is too small for the wavelet.
    """
    lengths = [side]
    for level in range(1, levels + 1):
        length = pywt.dwt_coeff_len(lengths[-1], filters.dec_len, mode)
        if length >= lengths[-1]:
            raise ValueError(
                f"a side of {side} pixels is too small for {levels} levels of {filters.name!r}: level {level} would "
                f"split {lengths[-1]} values into twice {length}; use levels <= {level - 1}, larger images or a "
                "shorter wavelet"
            )
        lengths.append(length)
    return lengths


def band_shapes(heights: list[int], widths: list[int]) -> dict[str, tuple[int, int]]:
    """Each band's (height, width), by name, in the order of the flat axis: coarsest first."""
    shapes = {"approximation": (heights[-1], widths[-1])}
    for level in range(len(heights) - 1, 0, -1):
        shapes |= {f"{orientation}-{level}": (heights[level], widths[level]) for orientation in ORIENTATIONS}
    return shapes


def band_slices(shapes: dict[str, tuple[int, int]]) -> dict[str, slice]:
    """The range of each band in the flat axis."""
    stops = np.cumsum([math.prod(shape) for shape in shapes.values()]).tolist()
    return {name: slice(stop - math.prod(shapes[name]), stop) for name, stop in zip(shapes, stops, strict=True)}


def one_level_matrices(length: int, filters: pywt.Wavelet, mode: str) -> tuple[Tensor, Tensor]:
    """One-dimensional analysis (2 half, length) and synthesis (length, 2 half) of one level, read off PyWavelets.

    The first `half` coefficients are the approximation ("low"), the others the details ("high"). PyWavelets' inverse
    returns one extra value for an odd length, which is cropped.
    """
    analysis = np.concatenate(pywt.dwt(np.eye(length), filters, mode, axis=0))  # 2 half, length
    low, high = np.split(np.eye(len(analysis)), 2)
    synthesis = pywt.idwt(low, high, filters, mode, axis=0)[:length]  # length, 2 half
    return torch.from_numpy(analysis), torch.from_numpy(synthesis)
