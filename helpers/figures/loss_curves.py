"""Figure 6: how the loss falls from different initial masks, and where it ends."""

from __future__ import annotations

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from helpers.figures.claims import Claim
from helpers.figures.effects import mean_effect
from helpers.plots import METHOD_COLOURS, curve_with_band
from helpers.plots.style import BOOK_STYLE
from helpers.profiles import PublishedRun

NAMES = {
    "ones": "ones",
    "random": "random",
    "constant": "constant (pre-optimised)",
    "foreground": "foreground",
    "learned": "learned",
}
COLOURS = {
    "ones": METHOD_COLOURS["neutral"],
    "random": METHOD_COLOURS["random wavelets"],
    "constant": METHOD_COLOURS["Pixel RDE"],
    "foreground": METHOD_COLOURS["truth"],
    "learned": METHOD_COLOURS["CartoonX"],
}
RECIPES = {"profile": "fast recipe", "published": "published recipe"}
PANELS = {"objective": "objective", "distortion": "distortion", "sparsity": "‖s‖₁/k"}
CLOSE = 0.01
"""A curve counts as arrived, or as reunited with another, from the step on where it stays within one per cent."""
REUNITED = 0.05
"""Two ends count as the same where they differ by less than five per cent of the one from all ones."""
TAIL = 5  # windows of steps at the end whose mean is the curve's end
EARLY = 0.1  # the first tenth of the steps


def mean_curves(table: pd.DataFrame) -> pd.DataFrame:
    """Means over images: recipe, start, step, and each quantity with its standard error (`<name>_error`)."""
    keys = ["recipe", "start", "step"]
    grouped = table.groupby(keys, sort=False)[list(PANELS)]
    means, errors = grouped.mean(), grouped.std() / np.sqrt(grouped.count())
    return means.join(errors.add_suffix("_error")).reset_index()


def draw_loss_curves(table: pd.DataFrame, *, width: float | int = 10.0) -> Figure:
    """Draw a row for each recipe: objective, distortion and sparsity against the step, a line for each initial mask.

    Lines are means over images with a band of two standard errors; the axes of the objective and the sparsity are
    logarithmic.

    Args:
        table: as `experiments.loss_curve_table` returns.
        width: inches.
    """
    means = mean_curves(table)
    recipes = [name for name in RECIPES if name in set(means["recipe"])]
    with mpl.rc_context(BOOK_STYLE):
        figure, axes = plt.subplots(
            len(recipes), 3, figsize=(width, 2.8 * len(recipes) + 0.7), squeeze=False, layout="constrained"
        )
        plt.close(figure)  # or a notebook would show it twice
        for row, recipe in zip(axes, recipes, strict=True):
            for place, (quantity, label) in zip(row, PANELS.items(), strict=True):
                for start in _starts(means):
                    rows = means[(means["recipe"] == recipe) & (means["start"] == start)].sort_values("step")
                    error = rows[f"{quantity}_error"].fillna(0).to_numpy()
                    lowest = rows[quantity].to_numpy() * 0.02  # a band that reaches 0 has no place on a log axis
                    shown = np.minimum(error, (rows[quantity].to_numpy() - lowest) / 2)
                    curve_with_band(
                        *(place, rows["step"].to_numpy(), rows[quantity].to_numpy(), shown.clip(min=0), NAMES[start]),
                        colour=COLOURS[start],
                        linewidth=1.5,
                    )
                if quantity != "distortion":
                    place.set_yscale("log")
                place.set_xlabel("step")
                place.set_title(label if recipe == recipes[0] else "")
            row[0].set_ylabel(RECIPES[recipe])
        handles = axes[0, 0].get_legend_handles_labels()
        figure.legend(*handles, loc="outside lower center", ncols=5, fontsize=9)
    return figure


def published_words(settings: PublishedRun | None) -> str:
    """How the published recipe was run, in a sentence or two."""
    if settings is None:
        return "The published recipe is not run in this profile."
    full, run = PublishedRun(images=1), settings
    words = f"The published recipe (Adam at a constant rate) runs on {run.images} images"
    if (run.steps, run.samples) == (full.steps, full.samples):
        return f"{words}, in full: {run.steps} steps with {run.samples} noise draws each, at learning rate 0.001."
    return (
        f"{words}, **shortened** so that this page runs on a laptop: {run.steps} steps instead of {full.steps}, at "
        f"learning rate {run.learning_rate:g} instead of {full.learning_rate:g}, so that an entry can move as far; and "
        f"with {run.samples} noise draws a step instead of {full.samples}, so that the curves are rougher."
    )


def steps_table(curves: pd.DataFrame, ends: pd.DataFrame) -> pd.DataFrame:
    """A row for each recipe and initial mask: where it starts, where it ends, and how soon it is there.

    Objectives are measured on fresh noise, the mean over images with its 95 % interval. Steps are read off the mean
    curve: from which on it stays within 1 % of its own end (at the latest), and within 1 % of the curve from all ones,
    which saw the same noise.

    Args:
        curves, ends: as `experiments.loss_curve_table` and `experiments.loss_end_table` return.
    """
    means = mean_curves(curves)
    rows = []
    for (recipe, start), found in ends.groupby(["recipe", "start"], sort=False):
        curve = _line(means, recipe, start)
        ones = _line(means, recipe, "ones")
        end = curve.iloc[-TAIL:].mean()
        rows.append(
            {
                "recipe": RECIPES[recipe],
                "initial mask": NAMES[start],
                "objective, first mask": str(mean_effect(found["first_objective"])),
                "objective, last mask": str(mean_effect(found["last_objective"])),
                "steps to within 1 % of its end": steps_until(curve / end - 1, signed=True),
                "steps to within 1 % of ones": None if start == "ones" else steps_until(curve / ones - 1),
                "images": found["image"].nunique(),
            }
        )
    return pd.DataFrame(rows).astype({"steps to within 1 % of ones": "Int64"})


def steps_until(excess: pd.Series, *, signed: bool = False) -> int:
    """The first step from which on a relative difference stays within `CLOSE`; the last step where it never does.

    Args:
        excess: by step.
        signed: only being above counts, as for a curve that falls to its end.
    """
    far = excess > CLOSE if signed else excess.abs() > CLOSE
    if not far.any():
        return round(excess.index[0])
    later = excess.index[excess.index > far[far].index[-1]]
    return round(later[0]) if len(later) else round(excess.index[-1])


def start_claims(curves: pd.DataFrame, ends: pd.DataFrame, recipe: str = "profile") -> list[Claim]:
    """What the paper says of initial masks (section 4.2), each against all ones, on the same images and noise."""
    last = _by_start(ends, recipe, "last_objective")
    first = _by_start(ends, recipe, "first_objective")
    rows = curves[curves["recipe"] == recipe]
    early = rows[rows["step"] <= rows["step"].max() * EARLY]
    begin = early.groupby(["image", "start"])["objective"].mean().unstack()
    name = RECIPES[recipe]
    claims = []
    if "constant" in last:
        claims += [
            Claim(
                "the pre-optimised constant leads at first",
                f"{name}: constant ÷ ones, objective, geometric mean over the first {EARLY:.0%} of the steps",
                mean_effect(np.log(begin["constant"] / begin["ones"])).exponential(),
                -1,
                1.0,
            ),
            Claim(
                "its lead is gone at the end",
                f"{name}: |constant ÷ ones − 1|, objective of the last mask",
                mean_effect((last["constant"] / last["ones"] - 1).abs()),
                -1,
                REUNITED,
            ),
        ]
    if "foreground" in last:
        claims.append(_ends_higher("the foreground ends at a higher objective", "foreground", last, name))
    if "random" in last:
        claims.append(_ends_higher("a random mask ends at a higher objective", "random", last, name))
    if "learned" in last:
        claims += [
            Claim(
                "the learned mask starts far below all ones",
                f"{name}: learned ÷ ones, objective of the first mask, geometric mean",
                mean_effect(np.log(first["learned"] / first["ones"])).exponential(),
                -1,
                1.0,
            ),
            Claim(
                "the learned mask ends no more than 5 % above all ones",
                f"{name}: learned ÷ ones − 1, objective of the last mask",
                mean_effect(last["learned"] / last["ones"] - 1),
                -1,
                REUNITED,
            ),
        ]
    return claims


def _ends_higher(statement: str, start: str, last: pd.DataFrame, recipe: str) -> Claim:
    measure = f"{recipe}: {NAMES[start]} − ones, objective of the last mask"
    return Claim(statement, measure, mean_effect(last[start] - last["ones"]), 1)


def _by_start(ends: pd.DataFrame, recipe: str, column: str) -> pd.DataFrame:
    rows = ends[ends["recipe"] == recipe]
    return rows.pivot(index="image", columns="start", values=column)


def _line(means: pd.DataFrame, recipe: str, start: str) -> pd.Series:
    rows = means[(means["recipe"] == recipe) & (means["start"] == start)]
    return rows.set_index("step")["objective"].sort_index()


def _starts(means: pd.DataFrame) -> list[str]:
    return [start for start in NAMES if start in set(means["start"])]
