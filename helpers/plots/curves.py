"""Curves with error bands, and published values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from torch import Tensor

from helpers.plots.style import METHOD_COLOURS, PUBLISHED_LINE, PUBLISHED_MARKER

Numbers = Sequence[float | int] | np.ndarray | Tensor


def curve_with_band(
    axes: Axes,
    x: Numbers,
    mean: Numbers,
    standard_error: Numbers | None,
    label: str,
    *,
    colour: str | None = None,
    **line: Any,
) -> None:
    """Draw a mean as a line, with a band of two standard errors around it.

    Args:
        axes: to draw on.
        x: (points,) ascending.
        mean: (points,).
        standard_error: (points,) not negative; None for no band.
        label: for the legend; the name of a method sets the colour.
        colour: overrides the colour of the method.
        line: options of `Axes.plot`.

    Raises:
        ValueError: the lengths differ, or a standard error is negative.
    """
    x_values, means = _array(x), _array(mean)
    errors = np.zeros_like(means) if standard_error is None else _array(standard_error)
    if not x_values.shape == means.shape == errors.shape or x_values.ndim != 1:
        raise ValueError(
            f"x, mean and standard_error must be equally long, not {x_values.shape}, {means.shape}, {errors.shape}"
        )
    if (errors < 0).any():
        raise ValueError("a standard error is negative; were means and errors exchanged?")
    (curve,) = axes.plot(x_values, means, label=label, color=colour or METHOD_COLOURS.get(label), **line)
    if standard_error is not None:
        axes.fill_between(
            x_values, means - 2 * errors, means + 2 * errors, color=curve.get_color(), alpha=0.2, linewidth=0
        )


def published_values(
    axes: Axes, x: Numbers, y: Numbers, *, method: str, label: str | None = None, markers: bool = True
) -> None:
    """Draw the values of a paper, as hollow markers or dashes in the colour of the method.

    Args:
        axes: to draw on.
        x, y: (points,).
        method: a key of `METHOD_COLOURS`.
        label: for the legend; by default "<method>, published".
        markers: hollow markers; False for a dashed line.

    Raises:
        ValueError: the method has no colour.
    """
    if method not in METHOD_COLOURS:
        raise ValueError(f"method {method!r} has no colour; use one of {', '.join(METHOD_COLOURS)}")
    style = PUBLISHED_MARKER if markers else PUBLISHED_LINE
    axes.plot(_array(x), _array(y), color=METHOD_COLOURS[method], label=label or f"{method}, published", **style)


def _array(values: Numbers) -> np.ndarray:
    return values.detach().cpu().numpy() if isinstance(values, Tensor) else np.asarray(values, dtype=float)
