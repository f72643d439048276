"""Curves with what we know of their error."""

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
    """Draw a mean as a line, and the band of two standard errors around it.

    Args:
        axes: where to draw.
        x: (points,) ascending.
        mean: (points,).
        standard_error: (points,) not negative; None where nothing is known of it.
        label: for the legend; a method's name gives the method's colour.
        colour: another colour.
        line: matplotlib's arguments of the line.

    Raises:
        ValueError: the three are not equally long, or a standard error is negative.
    """
    places, middle = _array(x), _array(mean)
    error = np.zeros_like(middle) if standard_error is None else _array(standard_error)
    if not places.shape == middle.shape == error.shape or places.ndim != 1:
        raise ValueError(
            f"x, mean and standard_error must be equally long, not {places.shape}, {middle.shape}, {error.shape}"
        )
    if (error < 0).any():
        raise ValueError("a standard error is negative; were values and errors exchanged?")
    (drawn,) = axes.plot(places, middle, label=label, color=colour or METHOD_COLOURS.get(label), **line)
    if standard_error is not None:
        axes.fill_between(
            places, middle - 2 * error, middle + 2 * error, color=drawn.get_color(), alpha=0.2, linewidth=0
        )


def published_values(
    axes: Axes, x: Numbers, y: Numbers, *, method: str, label: str | None = None, markers: bool = True
) -> None:
    """Draw values read off a paper: hollow markers or dashes, in the colour of the method.

    Args:
        axes: where to draw.
        x, y: (points,).
        method: a key of `METHOD_COLOURS`.
        label: for the legend; by default "<method>, published".
        markers: markers, or else a dashed line.

    Raises:
        ValueError: the method has no colour.
    """
    if method not in METHOD_COLOURS:
        raise ValueError(f"method {method!r} has no colour; use one of {', '.join(METHOD_COLOURS)}")
    style = PUBLISHED_MARKER if markers else PUBLISHED_LINE
    axes.plot(_array(x), _array(y), color=METHOD_COLOURS[method], label=label or f"{method}, published", **style)


def _array(values: Numbers) -> np.ndarray:
    return values.detach().cpu().numpy() if isinstance(values, Tensor) else np.asarray(values, dtype=float)
