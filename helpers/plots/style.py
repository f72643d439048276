"""The style of the book's figures."""

from __future__ import annotations

import sys
from functools import cache
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from matplotlib.rcsetup import cycler

from helpers.plots.sharp import png_output

# The colour-blind-safe palette of Okabe and Ito (2008). A method has the same colour throughout the book; published
# values have the colour of their method, with dashes or hollow markers.
METHOD_COLOURS: dict[str, str] = {
    "CartoonX": "#D55E00",  # vermilion
    "Pixel RDE": "#0072B2",  # blue
    "random wavelets": "#E69F00",  # orange
    "random pixels": "#56B4E9",  # sky blue
    "truth": "#009E73",  # green
    "other": "#CC79A7",  # purple
    "neutral": "#5A5A5A",  # grey
}
PUBLISHED_LINE: dict[str, Any] = {"linestyle": "--", "linewidth": 1.2, "alpha": 0.9}
PUBLISHED_MARKER: dict[str, Any] = {"linestyle": "none", "marker": "o", "markerfacecolor": "none", "markersize": 5}
MASK_COLOURS = "magma"  # perceptually uniform

BOOK_STYLE: dict[Any, Any] = {
    "figure.dpi": 130,
    "savefig.dpi": 130,
    "figure.facecolor": "white",  # figures stay readable on a dark page
    "savefig.facecolor": "white",
    "axes.facecolor": "white",
    "font.size": 11,
    "axes.titlesize": 11,
    "axes.labelsize": 11,
    "xtick.labelsize": 10,
    "ytick.labelsize": 10,
    "legend.fontsize": 10,
    "legend.frameon": False,
    "lines.linewidth": 2,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#D9D9D9",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "image.cmap": "gray",
    "image.interpolation": "nearest",
    "axes.prop_cycle": cycler(color=list(METHOD_COLOURS.values())),
}


@cache
def load_backend() -> None:
    """Load pyplot's backend, once, without which notebooks do not show figures, and let them show sharp ones."""
    plt.switch_backend(mpl.get_backend())
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if shell is not None:
        shell.display_formatter.formatters["image/png"].for_type(Figure, png_output)


def use_book_style() -> None:
    """Set matplotlib's defaults for this process, and load its backend: call it once, at the top of a page."""
    load_backend()
    mpl.rcParams.update(BOOK_STYLE)
