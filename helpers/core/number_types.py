"""Number types in which results can be held, whatever the type of the values."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Shaped
from torch import Tensor

_EXACT_IN_FLOAT32 = (torch.bool, torch.uint8, torch.int8, torch.int16, torch.float16, torch.bfloat16, torch.float32)


def as_floating(values: Shaped[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """The same values in float32 or, where it cannot hold them exactly, in float64.

    Half precision becomes float32 too: sums over an image exceed its range and its precision.

    Raises:
        TypeError: the values are complex.
    """
    if values.is_complex():
        raise TypeError(f"complex values ({values.dtype}) were given; expected real ones")
    return values.to(torch.float32 if values.dtype in _EXACT_IN_FLOAT32 else torch.float64)


def as_pixels(images: Shaped[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Images for a classifier: floats of any precision as they are, since the classifier's must be the same."""
    return images if images.is_floating_point() else as_floating(images)


def as_boolean(values: Shaped[Tensor, "*shape"]) -> Bool[Tensor, "*shape"]:
    """The values as booleans: whether they are other than 0."""
    return values if values.dtype == torch.bool else values != 0
