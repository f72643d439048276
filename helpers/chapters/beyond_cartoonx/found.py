"""What the comparison of the wavelet family found: its stored tables, their means with intervals, and drawings."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan, nan

import pandas as pd
from matplotlib.figure import Figure

from helpers.core.statistics import Effect, mean_effect, proportion_effect
from helpers.plots import METHOD_COLOURS
from helpers.plots.figures import panels
from helpers.reporting.committed import committed_table

PROFILES = ("family-scenes", "family-photographs")
METHODS = {
    "cartoonx": "CartoonX, price",
    "cartoonx-rate": "CartoonX, rate",
    "waveletx": "WaveletX",
    "shearletx": "ShearletX",
    "wam-gradient": "WAM, gradient",
    "wam-path": "WAM, path",
    "pixel-rde": "Pixel RDE, price",
    "pixel-rde-rate": "Pixel RDE, rate",
    "largest-wavelets": "largest wavelets",
    "random-wavelets": "random wavelets",
    "random-shearlets": "random shearlets",
    "random-pixels": "random pixels",
    "centre": "centre",
    "dimming": "dimming",
}
"""The methods and controls of the tables that the page shows, and their names in words."""
CONTROLS = 6
"""How many of `METHODS`, the last ones, know nothing of the classifier."""
SCORES = {
    "kept_class": "pictures on black that are taken for the class, share",
    "insertion": "area under insertion of pixels",
    "iou": "overlap of the map's first pixels with the object",
    "hallucination": "hallucination score",
    "brightness": "brightness kept, share",
}
"""The columns that the page shows, and their names in words."""
PHOTOGRAPHS = "photographs"
TIMES = {"seconds": "time", "processor_seconds": "processor time"}
"""The columns of times, for scenes (by the clock, on a machine with other tasks) and for photographs, in words."""
KINDS = {
    "curved": METHOD_COLOURS["CartoonX"],
    "straight": METHOD_COLOURS["Pixel RDE"],
    PHOTOGRAPHS: METHOD_COLOURS["neutral"],
}


def read_family() -> pd.DataFrame:
    """The rows of all stored tables of the comparison: one per kind, image, and method or control."""
    tables = [committed_table(profile, "family") for profile in PROFILES]
    return pd.concat([table for table in tables if table is not None], ignore_index=True)


def score_of(family: pd.DataFrame, method: str, kind: str | None, score: str) -> Effect:
    """The mean of a score of one method over the images of a kind, or over all.

    Args:
        family: from `read_family`.
        method, kind, score: a method, one of `KINDS` or None, and a column.
    """
    rows = family[(family["method"] == method) & (kind is None or family["kind"] == kind)]
    if score == "kept_class":
        return proportion_effect(rows[score])
    return mean_effect(rows[score])


def compared(family: pd.DataFrame, score: str, first: str, second: str, kinds: Sequence[str]) -> Effect:
    """One method − another in a score, in pairs of the same image.

    Args:
        family: from `read_family`.
        score: a column.
        first, second: the two methods.
        kinds: the kinds of the images.
    """
    rows = family[family["kind"].isin(kinds)]
    values = rows.pivot(index=["kind", "image"], columns="method", values=score)
    return mean_effect(values[first] - values[second])


def found_table(family: pd.DataFrame) -> pd.DataFrame:
    """The means with intervals: a row per method or control.

    Args:
        family: from `read_family`.

    Returns:
        Columns method, the overlap with the object for each kind of scenes, and for scenes and, if there are any, for
        photographs the share of kept pictures that are taken for the class, the insertion, and the time relative to
        CartoonX's (`TIMES`).
    """
    present = [name for name in METHODS if name in set(family["method"])]
    photographed = family["kind"] == PHOTOGRAPHS
    of_kind = {"scenes": family[~photographed], PHOTOGRAPHS: family[photographed]}
    columns = {"method": [METHODS[name] for name in present]}
    for kind in ("curved", "straight"):
        columns[f"overlap, {kind}"] = [score_of(family, name, kind, "iou").words(2) for name in present]
    for head, score in (("class kept", "kept_class"), ("insertion", "insertion")):
        for kind, rows in of_kind.items():
            effects = [score_of(rows, name, None, score) for name in present]
            columns[f"{head}, {kind}"] = ["" if effect.count == 0 else effect.words(2) for effect in effects]
    for (kind, rows), (column, clock) in zip(of_kind.items(), TIMES.items(), strict=True):
        times = [relative_time(rows, name, column) for name in present]
        columns[f"{clock}, {kind}"] = ["" if isnan(time) else f"{time:.2f}" for time in times]
    return pd.DataFrame({name: cells for name, cells in columns.items() if any(cells)})


def relative_time(family: pd.DataFrame, method: str, column: str) -> float:
    """The mean time of a method over CartoonX's; nan if one of the two has none.

    Args:
        family: from `read_family`.
        method: the method.
        column: one of `TIMES`.
    """
    seconds = family.groupby("method")[column].mean()
    return float(seconds.get(method, nan) / seconds.get("cartoonx", nan))


def draw_family(family: pd.DataFrame, score: str) -> Figure:
    """The mean of a score with its interval: a row per method, a colour per kind of image.

    Args:
        family: from `read_family`.
        score: one of `SCORES`.
    """
    present = [name for name in METHODS if name in set(family["method"])]
    kinds = [kind for kind in KINDS if not family.loc[family["kind"] == kind, score].isna().all()]
    with panels(size=(8, 0.34 * len(present) + 1.3)) as (figure, axes):
        for number, kind in enumerate(kinds):
            offset = 0.22 * (number - (len(kinds) - 1) / 2)
            found = [score_of(family, name, kind, score) for name in present]
            places = [row + offset for row in range(len(present))]
            ends = [
                [effect.value - effect.low for effect in found],
                [effect.high - effect.value for effect in found],
            ]
            values = [effect.value for effect in found]
            style = {"fmt": "o", "markersize": 4, "linewidth": 1.5}
            axes.errorbar(values, places, xerr=ends, color=KINDS[kind], label=kind, **style)
        first = len(present) - sum(name in list(METHODS)[-CONTROLS:] for name in present)
        axes.axhspan(first - 0.5, len(present) - 0.5, color=METHOD_COLOURS["neutral"], alpha=0.08, linewidth=0)
        axes.set_yticks(range(len(present)), [METHODS[name] for name in present])
        axes.set(xlabel=SCORES[score], ylim=(len(present) - 0.5, -0.5))
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=len(kinds))
    return figure
