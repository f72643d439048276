"""The scores of a method on the images of a case, and those of several methods as text."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import pandas as pd

from helpers.benchmark.case import Case, Trial, silent
from helpers.benchmark.methods import Contestant, maps_of
from helpers.benchmark.registry import load_metrics
from helpers.core.statistics import holm, mean_effect

DECIDED = 0.05
"""The p-value, corrected for the number of methods, below which two methods differ."""


def scores_of(contestant: Contestant, case: Case) -> pd.DataFrame:
    """The scores of one method.

    Returns:
        One row per image: method, control, image (its number), silent (the map is constant, or not finite), seconds
        (of a map in a batch of all), and a column per metric.
    """
    begin = time.perf_counter()
    given = maps_of(contestant, case)
    seconds = (time.perf_counter() - begin) / len(case)
    trial = Trial(case, given)
    scores = {name: entry.metric(trial).double().numpy().round(6) for name, entry in load_metrics(case).items()}
    first = {"method": contestant.name, "control": contestant.control, "image": range(len(case))}
    return pd.DataFrame({**first, "silent": silent(given).numpy(), "seconds": round(seconds, 4), **scores})


def contest_text(table: pd.DataFrame, metrics: Sequence[str], mine: Sequence[str] = ()) -> str:
    """The mean scores of all methods as text, the reader's own first.

    Args:
        table: rows of `scores_of`, of all methods on the same images.
        metrics: the metrics to show.
        mine: the reader's methods; the others are compared with the first of them.

    Returns:
        One line per method. "+" marks a mean that is decided to be better than that of the reader's first method, "-"
        one that is worse: paired differences over the images, corrected for the number of methods (Holm). Without a
        mark, these images cannot tell.
    """
    names = [*mine, *(name for name in table["method"].unique() if name not in mine)]
    columns = {name: _column(table, name, names, mine) for name in metrics}
    rows = [["method", *metrics]]
    rows += [[name, *(columns[metric][row] for metric in metrics)] for row, name in enumerate(names)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lower = f"; lower is better for {', '.join(_lower(metrics))}" if _lower(metrics) else ""
    note = f"{table['image'].nunique()} scenes{lower}."
    if mine:
        note += (
            f' "+" is better than {mine[0]}, "-" worse, at p < {DECIDED} after Holm; without a mark: cannot be told.'
        )
    return "\n".join([*lines, "", note])


def _column(table: pd.DataFrame, metric: str, names: Sequence[str], mine: Sequence[str]) -> list[str]:
    """A metric's cells, one per method."""
    scores = table.pivot(index="image", columns="method", values=metric)
    marks = dict.fromkeys(names, "")
    others = [name for name in names if name not in mine]
    if mine and others:
        sign = 1 if load_metrics()[metric].higher else -1
        effects = [mean_effect(sign * (scores[name] - scores[mine[0]])) for name in others]
        corrected = holm([effect.p_value() for effect in effects])
        marks |= {
            name: ("+" if effect.value > 0 else "-") if p < DECIDED else ""
            for name, effect, p in zip(others, effects, corrected, strict=True)
        }
    return [f"{np.nanmean(scores[name]):.3f}{marks[name]}" for name in names]


def _lower(metrics: Sequence[str]) -> list[str]:
    return [name for name in metrics if not load_metrics()[name].higher]
