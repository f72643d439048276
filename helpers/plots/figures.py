"""Figures in the book's style, outside pyplot, so that none has to be closed."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from helpers.plots.style import BOOK_STYLE, load_backend

Size = tuple[float | int, float | int]


@contextmanager
def book_figure(size: Size, *, style: Mapping[str, Any] | None = None, layout: Any = None) -> Iterator[Figure]:
    """An empty figure; the `with` block draws on it in the book's style.

    Pyplot would keep the figure, and a notebook would show it twice; this one is shown once, as the last line of a
    cell.

    Args:
        size: width and height in inches.
        style: matplotlib settings in addition to `BOOK_STYLE`.
        layout: matplotlib's layout engine.
    """
    if "IPython" in sys.modules:
        load_backend()
    with mpl.rc_context({**BOOK_STYLE, **(style or {})}):
        figure = Figure(figsize=size, layout=layout)
        FigureCanvasAgg(figure)
        yield figure


@contextmanager
def panels(
    rows: int = 1,
    columns: int = 1,
    *,
    size: Size,
    style: Mapping[str, Any] | None = None,
    layout: Any = "constrained",
    **options: Any,
) -> Iterator[tuple[Figure, Any]]:
    """A `book_figure` with a grid of axes, as from `matplotlib.figure.Figure.subplots`.

    Args:
        rows, columns: of the grid.
        size, style, layout: of the figure.
        options: of `subplots`, such as `sharey=True`.
    """
    with book_figure(size, style=style, layout=layout) as figure:
        yield figure, figure.subplots(rows, columns, **options)
