"""Images of any number type as floats in [0, 1], for all that draws, saves or resizes them."""

from __future__ import annotations

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

_FAR = 8.0  # decoded images and noise may leave [0, 1] by as much; images in 0..255 leave it further


def unit_pixels(image: Shaped[Tensor, "*shape"], name: str = "the image") -> Float[Tensor, "*shape"]:
    """The image as floats in which black is 0 and white is 1.

    Bytes are divided by 255, 16-bit numbers by 65535, and booleans are 0 and 1, as are whole numbers that are nothing
    else. Floats are not changed: values a little outside [0, 1], as of a sum, are for the caller to clip, and NaN for
    the caller to refuse.

    Args:
        image: of any shape.
        name: what it is, for the message.

    Raises:
        ValueError: whole numbers of another type, or floats far outside [0, 1], as of images in 0..255.
    """
    if image.dtype in (torch.bool, torch.uint8, torch.uint16):
        return image.float() / {torch.bool: 1, torch.uint8: 255, torch.uint16: 65535}[image.dtype]
    values = image.detach().flatten()
    finite = values[values.isfinite()]
    lowest, highest = (float(finite.min()), float(finite.max())) if finite.numel() else (0.0, 0.0)
    if image.is_floating_point() and lowest >= -_FAR and highest <= _FAR:
        return image
    if not image.is_floating_point() and lowest >= 0 and highest <= 1:
        return image.float()
    if image.is_floating_point():
        advice = "divide pixels in 0..255 by 255"
    else:
        advice = "give bytes (uint8), or floats in [0, 1]"
    raise ValueError(f"{name} has values of {lowest:.3g} to {highest:.3g} ({image.dtype}), not in [0, 1]; {advice}")
