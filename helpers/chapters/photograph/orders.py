"""The orders of the maps of the photograph by four numbers."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.figure import Figure

from helpers.chapters.photograph.album import Entry
from helpers.plots import METHOD_COLOURS
from helpers.plots.figures import panels

ORDERS = {"cartoonx-map": "CartoonX", "pixel-rde-map": "Pixel RDE", "random-map": "random order"}
"""The other maps whose pixels are kept and removed in order, beside those of peers."""

NUMBERS = {
    "insert": ("insertion", True),
    "delete": ("deletion", False),
    "kept-30-probability": ("30 % kept", True),
    "removed-30-probability": ("30 % removed", False),
}
"""Each number of a map by its key: its name, and whether higher is better."""


def order_by(album: Mapping[str, Entry], key: str, names: Mapping[str, str]) -> list[str]:
    """The maps from the best to the worst.

    Args:
        album: from `read_photograph`.
        key: of the number, out of `NUMBERS`.
        names: of the maps, as the keys.
    """
    return sorted(names, key=lambda name: float(album[name].numbers[key]), reverse=NUMBERS[key][1])


def draw_orders(album: Mapping[str, Entry], names: Mapping[str, str]) -> Figure:
    """The place of each map by each number.

    Args:
        album: from `read_photograph`.
        names: the words for each map.
    """
    places = {key: order_by(album, key, names) for key in NUMBERS}
    with panels(1, 1, size=(8, 3.2)) as (figure, axes):
        for name, words in names.items():
            heights = [places[key].index(name) + 1 for key in NUMBERS]
            colour = METHOD_COLOURS["neutral" if name == "random-map" else "other"]
            axes.plot(range(len(NUMBERS)), heights, "o-", color=colour, linewidth=1.5)
            axes.annotate(words, (0, heights[0]), (-9, 0), textcoords="offset points", ha="right", va="center")
            axes.annotate(words, (len(NUMBERS) - 1, heights[-1]), (9, 0), textcoords="offset points", va="center")
        axes.set_xticks(range(len(NUMBERS)), [words for words, _ in NUMBERS.values()])
        axes.set(xlim=(-1.5, len(NUMBERS) + 0.6), yticks=range(1, len(names) + 1), ylabel="place")
        axes.invert_yaxis()
    return figure
