"""The door for masks, relevances and regions: all that has a number per pixel, coefficient or class.

As for images (`helpers.core.inputs`), values are looked at once per call. Whole numbers and booleans become floats;
floats are never rounded.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from helpers.core.inputs import as_tensor
from helpers.core.number_types import as_floating

Values = Literal["unit", "positive", "any"]
Shape = Sequence[int | str]

_TOLERANCE = 1e-3  # by which masks may leave [0, 1], for float rounding


def checked_masks(
    masks: Any,
    shape: Shape,
    *,
    name: str = "masks",
    values: Values = "unit",
    device: torch.device | None = None,
) -> Float[Tensor, "*shape"]:
    """Masks, or other values per pixel, as floats of the shape that is due, or an error that says how they differ.

    Args:
        masks: a tensor or an array of any real type.
        shape: what is due, such as `(2, 1, "height", "width")`; a name stands for any number.
        name: what they are, for the messages.
        values: `"unit"` for masks, in [0, 1]; `"positive"` for relevances that a measure adds up, at least 0; `"any"`
            for those of which the order alone counts.
        device: where they must lie; None for anywhere.

    Returns:
        In float32, or float64 where float32 cannot hold them; masks without the excess of float rounding.

    Raises:
        TypeError: they are neither a tensor nor an array, or complex.
        ValueError: the shape, the device or the range is wrong, or a value is not finite.
    """
    masks = _of_shape(masks, shape, name, device)
    found = as_floating(masks)
    lowest, highest = _range(found, name)
    if values == "any" or (values == "positive" and lowest >= 0):
        return found
    if values == "positive":
        raise ValueError(
            f"{name} must not be negative, but these span {lowest:.4g} to {highest:.4g}: take their positive part, "
            "values.clamp_min(0), or their size, values.abs()"
        )
    if lowest < -_TOLERANCE or highest > 1 + _TOLERANCE:
        scale = 255 if lowest >= 0 and 2 < highest <= 255 else None
        advice = f"divide them by {scale}" if scale else "min_max_normalise of helpers.core.class_masks stretches them"
        raise ValueError(f"{name} must lie in [0, 1], but these span {lowest:.4g} to {highest:.4g}: {advice}")
    return found if lowest >= 0 and highest <= 1 else found.clamp(0, 1)


def checked_booleans(
    values: Any, shape: Shape, *, name: str, device: torch.device | None = None
) -> Bool[Tensor, "*shape"]:
    """A region of the image, or the classes that it shows, as booleans.

    Args:
        values: booleans, or numbers that are all 0 or 1.
        shape, name, device: as for `checked_masks`.

    Raises:
        TypeError, ValueError: as `checked_masks`; or a number is neither 0 nor 1.
    """
    values = _of_shape(values, shape, name, device)
    if values.dtype == torch.bool:
        return values
    lowest, highest = _range(as_floating(values), name)
    ones = values == 1
    if not bool((ones | (values == 0)).all()):
        raise ValueError(
            f"{name} must be booleans, or 0 and 1, but these span {lowest:.4g} to {highest:.4g}: compare them first, "
            "such as values > 0.5"
        )
    return ones


def _of_shape(values: Any, shape: Shape, name: str, device: torch.device | None) -> Tensor:
    """The values as a tensor of the shape that is due, on the device that is due."""
    values = as_tensor(values, name)
    found = tuple(values.shape)
    fits = len(found) == len(shape) and all(
        size == due if isinstance(due, int) else size > 0 or due in ("batch", "images")
        for size, due in zip(found, shape, strict=True)
    )
    if not fits:
        hint = ""
        if len(found) == len(shape) - 1 and shape[1] == 1:
            hint = f"; add the dimension of channels with {name.split()[-1]}[:, None]"
        elif len(found) == len(shape) + 1 and found[1] == 1:
            hint = f"; drop the dimension of channels with {name.split()[-1]}[:, 0]"
        raise ValueError(f"{name} must be ({', '.join(map(str, shape))}), not {found}{hint}")
    if device is not None and values.device != device:
        raise ValueError(
            f"{name} are on {values.device}, but the images on {device}; move them with .to({str(device)!r})"
        )
    return values


def _range(values: Float[Tensor, "*shape"], name: str) -> tuple[float, float]:
    """The smallest and the largest value; 0 and 0 if there is none.

    Raises:
        ValueError: a value is not finite.
    """
    if not values.numel():
        return 0.0, 0.0
    lowest, highest = torch.stack(torch.aminmax(values.detach())).tolist()  # both are NaN if a value is
    if math.isfinite(lowest) and math.isfinite(highest):
        return lowest, highest
    finite = values.detach().isfinite().flatten(1).all(1).tolist() if values.ndim > 1 else values.isfinite().tolist()
    at = [index for index, value in enumerate(finite) if not value]
    raise ValueError(f"{name} {at} have values that are not finite (NaN or infinite)")
