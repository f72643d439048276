"""Sentences and tables generated from a run's results, so that the text fits every run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from IPython.display import HTML, Markdown, display
from matplotlib.figure import Figure
from myst_nb import glue


def join_words(items: Sequence[str], last: str = "and") -> str:
    """ "a", "a and b", "a, b and c"."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {last} {items[-1]}"


def show_table(
    frame: pd.DataFrame, names: dict[str, str] | None = None, *, decimals: int = 3, escape: bool = True
) -> HTML:
    """A table for a page, without its index.

    Args:
        frame: the rows.
        names: new heads of some columns.
        decimals: of fractional numbers.
        escape: escape "<"; False for cells with HTML.
    """
    renamed = frame.rename(columns=names or {})
    html = renamed.to_html(
        index=False, border=0, escape=escape, justify="left", na_rep="–", float_format=f"{{:.{decimals}f}}".format
    )
    return HTML(f'<div class="wide-table" style="overflow-x: auto">{html}</div>')


def show_numbers(numbers: Mapping[str, Any] | None = None, /, **more: Any) -> None:
    """Glue values for the text of a page, which refers to them by `{glue:text}`, `{glue}` or `{glue:figure}`.

    JupyterLab does not know the last two. So figures and tables are also shown below the cell, under their names; the
    cell is one that the site leaves out (`remove-cell`).

    Args:
        numbers: values whose names are no Python identifiers, such as "m-b".
        more: all other values by name.
    """
    for name, value in {**(numbers or {}), **more}.items():
        if isinstance(value, np.generic):
            value = value.item()  # `{glue:text}` cannot format NumPy's "np.float64(0.5)"
        shown = isinstance(value, Figure) or hasattr(value, "_repr_html_")
        if shown:
            display(Markdown(f"`{name}`:"))
        glue(name, value, display=shown)
