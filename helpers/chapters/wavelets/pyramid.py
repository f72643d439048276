"""The wavelet pyramid: values of coefficients laid out as one picture."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from helpers.methods.wavelets import WaveletTransform

_POSITIONS = {"horizontal": (0, 1), "vertical": (1, 0), "diagonal": (1, 1)}  # (row, column); the coarser part is (0, 0)


def wavelet_pyramid(
    transform: WaveletTransform, values: Float[Tensor, " k"], *, gap: int = 2, gap_value: float | int = 1.0
) -> Float[Tensor, "1 height width"]:
    """Lay out one value per coefficient, such as a mask, as nested squares, the coarsest scale at the upper left.

    Each level adds its details around the coarser scales: horizontal to the right, vertical below, diagonal in the
    corner. The coarser scales may be a few pixels larger than a band, which leaves thin gaps.

    Args:
        transform: the transform of the coefficients.
        values: in the order of the transform's flat coefficients.
        gap: pixels between tiles.
        gap_value: the value of gaps.

    Raises:
        ValueError: the values are not one per coefficient.
    """
    if values.shape != (transform.coefficients,):
        raise ValueError(
            f"expected {transform.coefficients} values, one per coefficient, not a tensor of {tuple(values.shape)}"
        )
    bands = {
        name: values[band_slice].unflatten(0, transform.shapes[name]) for name, band_slice in transform.slices.items()
    }
    picture = bands["approximation"]
    for level in range(transform.levels, 0, -1):
        details = {position: bands[f"{orientation}-{level}"] for orientation, position in _POSITIONS.items()}
        height, width = (max(sides) for sides in zip(picture.shape, details[1, 1].shape, strict=True))
        canvas = values.new_full(
            (height + gap + details[1, 1].shape[0], width + gap + details[1, 1].shape[1]), float(gap_value)
        )
        for (row, column), tile in {(0, 0): picture, **details}.items():
            top, left = row * (height + gap), column * (width + gap)
            canvas[top : top + tile.shape[0], left : left + tile.shape[1]] = tile
        picture = canvas
    return torch.atleast_3d(picture).movedim(-1, 0)
