"""Lines over images: the mean with a band, or, for few images, every image as a line of its own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from helpers.core.statistics import MINIMUM_UNITS
from helpers.plots import curve_with_band


def draw_images(
    axes: Axes, values: pd.DataFrame, label: str, *, colour: str, floor: float | None = None, **line: Any
) -> None:
    """Draw the mean over images as a line; with a band of two standard errors, or with a thin line per image.

    Below `MINIMUM_UNITS` images a standard error says little, so the images themselves are shown.

    Args:
        axes: to draw on.
        values: one row per image, one column per x in ascending order.
        label: of the mean, for the legend.
        colour: of all lines and of the band.
        floor: for logarithmic axes, the value at which lower ones are drawn, such as zeros.
        line: options of `Axes.plot` for the mean.
    """
    x = values.columns.to_numpy(dtype=float)
    mean = values.mean().to_numpy()
    if floor is not None:
        mean = np.maximum(mean, floor)
    if len(values) < MINIMUM_UNITS:
        shown = values if floor is None else values.clip(lower=floor)
        style = {key: value for key, value in line.items() if key == "linestyle"}
        axes.plot(x, shown.to_numpy().T, color=colour, linewidth=0.8, alpha=0.45, **style)
        curve_with_band(axes, x, mean, None, label, colour=colour, **line)
        return
    error = values.std().to_numpy() / np.sqrt(values.count().to_numpy())
    if floor is not None:
        error = np.minimum(error, 0.45 * mean)  # the band stays above 0
    curve_with_band(axes, x, mean, np.nan_to_num(error), label, colour=colour, **line)
