"""Figure 6 of [Re] CartoonX: the loss along the steps from different initial masks, and at the end."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from helpers.core.statistics import mean_effect
from helpers.plots import METHOD_COLOURS, curve_with_band
from helpers.plots.figures import panels
from helpers.profiles import PublishedRun
from helpers.reporting.claims import Claim
from helpers.reporting.mean_table import effects_in_words

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
"""A curve has converged from the step on from which it stays within one per cent of its end."""
SMOOTH = 5  # length of the running mean, in windows of steps
REUNITED = 0.05
"""Two curves or ends have met if they differ by less than five per cent of that from all ones."""
TAIL = 5  # number of last windows whose mean is the curve's end
EARLY = 0.1  # share of the steps that count as early


def mean_curves(table: pd.DataFrame) -> pd.DataFrame:
    """Means over images: recipe, start, step, and each quantity with its standard error (`<name>_error`).

    The error is nan for fewer than three images, where its estimate would mean little.
    """
    keys = ["recipe", "start", "step"]
    grouped = table.groupby(keys, sort=False)[list(PANELS)]
    counts = grouped.count()
    means, errors = grouped.mean(), (grouped.std() / np.sqrt(counts)).where(counts > 2)
    return means.join(errors.add_suffix("_error")).reset_index()


def draw_loss_curves(table: pd.DataFrame, *, width: float | int = 10.0) -> Figure:
    """Draw one row per recipe: objective, distortion and sparsity against the step, one line per initial mask.

    Lines are means over images with a band of two standard errors; the axes of objective and sparsity are
    logarithmic.

    Args:
        table: the result of `experiments.loss_curve_table`.
        width: the figure's width in inches.
    """
    means = mean_curves(table)
    recipes = [name for name in RECIPES if name in set(means["recipe"])]
    with panels(len(recipes), 3, size=(width, 2.8 * len(recipes) + 0.7), squeeze=False) as (figure, axes):
        for row, recipe in zip(axes, recipes, strict=True):
            for ax, (quantity, label) in zip(row, PANELS.items(), strict=True):
                for start in _starts(means):
                    rows = means[(means["recipe"] == recipe) & (means["start"] == start)].sort_values("step")
                    x, y, error = rows["step"].to_numpy(), rows[quantity].to_numpy(), _shown_error(rows, quantity)
                    curve_with_band(ax, x, y, error, NAMES[start], colour=COLOURS[start], linewidth=1.5)
                if quantity != "distortion":
                    ax.set_yscale("log")
                ax.set_xlabel("step")
                ax.set_title(label if recipe == recipes[0] else "")
            row[0].set_ylabel(RECIPES[recipe])
        handles = axes[0, 0].get_legend_handles_labels()
        figure.legend(*handles, loc="outside lower center", ncols=5, fontsize=9)
    return figure


def _shown_error(rows: pd.DataFrame, quantity: str) -> np.ndarray:
    """The standard errors, cut so that the band stays above 0 on a logarithmic axis."""
    error = rows[f"{quantity}_error"].fillna(0).to_numpy()
    return np.minimum(error, 0.45 * rows[quantity].to_numpy()).clip(min=0)


def published_words(settings: PublishedRun | None) -> str:
    """The settings of the published recipe in this profile, in a sentence or two."""
    if settings is None:
        return "The published recipe is not run in this profile."
    full, run = PublishedRun(images=1), settings
    words = f"The published recipe (Adam at a constant rate) runs on {run.images} images"
    if (run.steps, run.samples) == (full.steps, full.samples):
        return f"{words}, in full: {run.steps} steps with {run.samples} noise draws each, at learning rate 0.001."
    return (
        f"{words}, **shortened** so that this page runs on a laptop: {run.steps} steps instead of {full.steps}, at "
        f"learning rate {run.learning_rate:g} instead of {full.learning_rate:g}, so that an entry can move as far; and "
        f"with {run.samples} noise draws per step instead of {full.samples}, so that the curves are rougher."
    )


def slope_words(slope_at_zero: int) -> str:
    """The slope of the rate at mask entries of 0 (`RDEOptions.slope_at_zero`), in a sentence or two."""
    taken = "the right slope of the rate, 1; the published code's is 0"
    if not slope_at_zero:
        taken = "the published code's slope of the rate, 0; the right one is 1"
    return f"Where a mask is 0, both recipes take {taken}. [CartoonX](../cartoonx.md) shows the difference."


def steps_table(curves: pd.DataFrame, ends: pd.DataFrame) -> pd.DataFrame:
    """One row per recipe and initial mask: the first and last objective, and three times of convergence.

    Objectives are measured on fresh noise: means over images with 95 % intervals. The steps are those of the smoothed
    mean curve from which on it stays within 1 % above its own end; from which on less than 1 % of the whole fall from
    all ones remains, a measure that noise hardly affects; and from which on it stays within 5 % of the curve from all
    ones with the same noise (none if it never does).

    Args:
        curves: the result of `experiments.loss_curve_table`.
        ends: the result of `experiments.loss_end_table`.
    """
    means = mean_curves(curves)
    rows = []
    for (recipe, start), group in ends.groupby(["recipe", "start"], sort=False):
        curve = _line(means, recipe, start)
        ones = _line(means, recipe, "ones")
        end, top = curve.iloc[-TAIL:].mean(), _by_start(ends, recipe, "first_objective")["ones"].mean()
        met = None if start == "ones" else steps_until((curve / ones - 1).abs(), REUNITED)
        rows.append(
            {
                "recipe": RECIPES[recipe],
                "initial mask": NAMES[start],
                "objective, first mask": mean_effect(group["first_objective"]),
                "objective, last mask": mean_effect(group["last_objective"]),
                "steps to within 1 % of its end": steps_until(curve / end - 1),
                "steps to 99 % of the fall": steps_until((curve - end) / (top - end)),
                "steps to within 5 % of ones": met,
                "images": group["image"].nunique(),
            }
        )
    names = [name for name in rows[0] if name.startswith("steps")] if rows else []
    return effects_in_words(pd.DataFrame(rows).astype(dict.fromkeys(names, float)))


def steps_until(excess: pd.Series, tolerance: float = CLOSE) -> int | None:
    """The first step from which on a relative difference, given by step, stays at most `tolerance`; None if never."""
    far = excess > tolerance
    if not far.any():
        return round(excess.index[0])
    later = excess.index[excess.index > far[far].index[-1]]
    return round(later[0]) if len(later) else None


def all_start_claims(curves: pd.DataFrame, ends: pd.DataFrame) -> list[Claim]:
    """The claims about initial masks for each recipe that was run."""
    recipes = [recipe for recipe in ("profile", "published") if recipe in set(ends["recipe"])]
    return [claim for recipe in recipes for claim in start_claims(curves, ends, recipe)]


def start_claims(curves: pd.DataFrame, ends: pd.DataFrame, recipe: str = "profile") -> list[Claim]:
    """The paper's claims about initial masks (section 4.2), each against all ones on the same images and noise."""
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
    return rows.set_index("step")["objective"].sort_index().rolling(SMOOTH, center=True, min_periods=1).mean()


def _starts(means: pd.DataFrame) -> list[str]:
    return [start for start in NAMES if start in set(means["start"])]
