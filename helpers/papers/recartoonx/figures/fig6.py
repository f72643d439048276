"""Figure 6 of [Re] CartoonX: the loss along the steps from different initial masks, and at the end."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from helpers.core.statistics import mean_effect
from helpers.papers.recartoonx.figures.lines import draw_images
from helpers.papers.recartoonx.measures.starts import REUNITED, SMOOTH, TAIL, steps_until
from helpers.plots import METHOD_COLOURS
from helpers.plots.figures import panels
from helpers.profiles import PublishedRun
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
SMALLEST = 1e-4  # empty masks are drawn here on logarithmic axes


def mean_curves(table: pd.DataFrame) -> pd.DataFrame:
    """Means over images: recipe, start, step, and each quantity."""
    return table.groupby(["recipe", "start", "step"], sort=False)[list(PANELS)].mean().reset_index()


def draw_loss_curves(table: pd.DataFrame, *, width: float | int = 10.0) -> Figure:
    """Draw one row per recipe: objective, distortion and sparsity against the step, one line per initial mask.

    Lines are means over images (see `draw_images`); the axes of objective and sparsity are logarithmic.

    Args:
        table: the result of `experiments.loss_curve_table`.
        width: the figure's width in inches.
    """
    recipes = [name for name in RECIPES if name in set(table["recipe"])]
    with panels(len(recipes), 3, size=(width, 2.8 * len(recipes) + 0.7), squeeze=False) as (figure, axes):
        for row, recipe in zip(axes, recipes, strict=True):
            for ax, (quantity, label) in zip(row, PANELS.items(), strict=True):
                for start in _starts(table):
                    rows = table[(table["recipe"] == recipe) & (table["start"] == start)]
                    values = rows.pivot(index="image", columns="step", values=quantity).sort_index(axis=1)
                    floor = SMALLEST if quantity != "distortion" else None
                    if not values.empty:
                        draw_images(ax, values, NAMES[start], colour=COLOURS[start], floor=floor, linewidth=1.5)
                if quantity != "distortion":
                    ax.set_yscale("log")
                ax.set_xlabel("step")
                ax.set_title(label if recipe == recipes[0] else "")
            row[0].set_ylabel(RECIPES[recipe])
        handles = axes[0, 0].get_legend_handles_labels()
        figure.legend(*handles, loc="outside lower center", ncols=5, fontsize=9)
    return figure


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
    return f"Where a mask is 0, both recipes take {taken}. The chapter on CartoonX shows the difference."


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
        first = ends[(ends["recipe"] == recipe) & (ends["start"] == "ones")]
        end, top = curve.iloc[-TAIL:].mean(), first["first_objective"].mean()
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


def _line(means: pd.DataFrame, recipe: str, start: str) -> pd.Series:
    rows = means[(means["recipe"] == recipe) & (means["start"] == start)]
    return rows.set_index("step")["objective"].sort_index().rolling(SMOOTH, center=True, min_periods=1).mean()


def _starts(table: pd.DataFrame) -> list[str]:
    return [start for start in NAMES if start in set(table["start"])]
