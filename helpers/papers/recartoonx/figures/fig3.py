"""Figure 3 of [Re] CartoonX: the curves and the sweep over λk, our values and the published ones."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullLocator, PercentFormatter, ScalarFormatter

from helpers.papers.recartoonx.experiments import published_curves, published_sweep
from helpers.papers.recartoonx.figures.lines import draw_images
from helpers.papers.recartoonx.figures.summaries import CURVE_NAMES, compare_with_published
from helpers.papers.recartoonx.measures.selection import chosen_variant, curve_values, full_noise
from helpers.plots import METHOD_COLOURS, published_values
from helpers.plots.figures import panels
from helpers.plots.style import PUBLISHED_MARKER

METHODS = ("cartoonx", "pixel-rde")
HYPOTHESIS = (("l2", "-", "ours, optimised with l2"), ("label", "--", "ours, optimised with label"))
AXES = {
    "keep": "kept, most relevant first",
    "randomise": "randomised, most relevant first",
    "sweep": "sparsity weight λk",
}
TITLES = {"keep": "keep the most relevant", "randomise": "randomise the most relevant"}
PANELS = {"distortion": "distortion of the mask", "sparsity": "kept share ‖s‖₁/k (logarithmic)"}
SMALLEST_SHARE = 1e-4  # empty masks are drawn here on logarithmic axes


def draw_curves_and_sweep(
    curves: pd.DataFrame, sweep: pd.DataFrame, variant: str = "corrected", *, width: float | int = 9.0
) -> Figure:
    """Draw four panels: keep, randomise, and below them the distortion and the kept share of the sweep over λk.

    Lines are our values (see `draw_images`); hollow markers are the published ones. The kept share has a logarithmic
    axis of its own, since it is a hundredth of the distortion.

    Args:
        curves: the result of `experiments.curve_table`, with this variant.
        sweep: the result of `experiments.sweep_table`.
        variant: of the curves; "published" also takes the sweep's distortion from one noise draw.
        width: the figure's width in inches.
    """
    rows = curves[curves["variant"] == variant]
    with panels(2, 2, size=(width, 6.6)) as (figure, axes):
        for ax, (direction, title) in zip(axes[0], TITLES.items(), strict=True):
            _draw_curves(ax, rows, direction)
            ax.set_title(title)
        columns = {"distortion": "distortion_one_draw" if variant == "published" else "distortion"}
        for ax, (panel, title) in zip(axes[1], PANELS.items(), strict=True):
            _draw_sweep(ax, sweep, panel, columns.get(panel, panel))
            ax.set_title(title)
        axes[0, 0].set_ylabel("distortion")
        axes[1, 0].set_ylabel("distortion")
        figure.legend(handles=_handles(), loc="outside lower center", ncols=3, fontsize=9)
    return figure


def draw_relative_curves(curves: pd.DataFrame, *, width: float | int = 9.0) -> Figure:
    """Draw the corrected curves as shares of each image's own distortion under full noise: keep and randomise.

    Args:
        curves: the result of `experiments.curve_table`.
        width: the figure's width in inches.
    """
    rows = chosen_variant(curves, "corrected")
    with panels(1, 2, size=(width, 3.6), sharey=True) as (figure, axes):
        for ax, (direction, title) in zip(axes, TITLES.items(), strict=True):
            for curve, name in CURVE_NAMES.items():
                values = curve_values(rows, curve, direction)
                relative = values.div(full_noise(rows, curve, direction), axis=0).dropna()
                draw_images(ax, relative, name, colour=METHOD_COLOURS[name], **_thin(curve))
            ax.xaxis.set_major_formatter(PercentFormatter(1.0))
            ax.set_xlabel(AXES[direction])
            ax.set_title(title)
            ax.set_ylim(bottom=0)
        axes[0].set_ylabel("share of full noise")
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize=9)
    return figure


def draw_hypothesis(sweep: pd.DataFrame, *, width: float | int = 8.0) -> Figure:
    """Draw the kept share of masks optimised with the label distortion and with l2, one panel per method."""
    with panels(1, 2, size=(width, 3.4), sharey=True) as (figure, axes):
        for ax, method in zip(axes, METHODS, strict=True):
            name = CURVE_NAMES[method]
            for optimised_with, style, label in HYPOTHESIS:
                values = _sweep_values(sweep, method, "sparsity", optimised_with)
                draw_images(ax, values, label, colour=METHOD_COLOURS[name], floor=SMALLEST_SHARE, linestyle=style)
            theirs = published_sweep().query("method == @method")
            published_values(
                ax,
                theirs["sparsity_weight"].to_numpy(),
                theirs["sparsity"].to_numpy(),
                method=name,
                label="published",
            )
            _log_axis(ax)
            ax.set_yscale("log")
            ax.set_title(name)
            if ax is axes[0]:
                handles = ax.get_legend_handles_labels()
        figure.legend(*_grey(handles), loc="outside lower center", ncols=3, fontsize=9)
        axes[0].set_ylabel("kept share ‖s‖₁/k")
    return figure


def named_values(curves: pd.DataFrame) -> pd.DataFrame:
    """Our corrected and the published curves (see `compare_with_published`), with the curves' names."""
    values = compare_with_published(curves[curves["variant"] == "corrected"]).drop(columns="variant")
    return values.replace({"curve": CURVE_NAMES}).astype({"percent": int})


def _grey(handles: tuple[list[Any], list[str]]) -> tuple[list[Line2D], list[str]]:
    """The handles in grey, for a legend of panels with different colours."""
    lines = [Line2D([], [], linestyle=h.get_linestyle(), marker=h.get_marker()) for h in handles[0]]
    for line in lines:
        line.set(color=METHOD_COLOURS["neutral"], markerfacecolor="none")
    return lines, handles[1]


def _draw_curves(axes: Axes, curves: pd.DataFrame, direction: str) -> None:
    theirs = published_curves()
    for curve, name in CURVE_NAMES.items():
        if not ((curves["curve"] == curve) & (curves["direction"] == direction)).any():
            continue
        values = curve_values(curves, curve, direction)
        draw_images(axes, values, name, colour=METHOD_COLOURS[name], **_thin(curve))
        points = theirs[(theirs["curve"] == curve) & (theirs["direction"] == direction)]
        published_values(axes, points["fraction"].to_numpy(), points["distortion"].to_numpy(), method=name)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set_xlabel(AXES[direction])
    axes.set_ylim(bottom=0)


def _draw_sweep(axes: Axes, sweep: pd.DataFrame, panel: str, column: str) -> None:
    floor = SMALLEST_SHARE if panel == "sparsity" else None
    for method in METHODS:
        name, theirs = CURVE_NAMES[method], published_sweep().query("method == @method")
        draw_images(axes, _sweep_values(sweep, method, column, "label"), name, colour=METHOD_COLOURS[name], floor=floor)
        published_values(axes, theirs["sparsity_weight"].to_numpy(), theirs[panel].to_numpy(), method=name)
    _log_axis(axes)
    if panel == "sparsity":
        axes.set_yscale("log")
    else:
        axes.set_ylim(bottom=0)


def _sweep_values(sweep: pd.DataFrame, method: str, column: str, optimised_with: str) -> pd.DataFrame:
    """One column of the sweep: one row per image, one column per λk."""
    rows = sweep[(sweep["method"] == method) & (sweep["optimised_with"] == optimised_with)]
    return rows.pivot(index="image", columns="sparsity_weight", values=column)


def _thin(curve: str) -> dict[str, float]:
    return {"linewidth": 1.2} if curve.startswith("random") else {}


def _log_axis(axes: Axes) -> None:
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_locator(LogLocator(base=2))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.set_xlabel(AXES["sweep"])


def _handles() -> list[Line2D]:
    """The legend of all panels."""
    lines = [Line2D([], [], color=METHOD_COLOURS[name], label=name) for name in CURVE_NAMES.values()]
    published = Line2D([], [], color=METHOD_COLOURS["neutral"], label="published (other network)", **PUBLISHED_MARKER)
    return [*lines, published]
