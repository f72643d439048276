"""Figure 3 of [Re] CartoonX: the curves and the sweep over λk, our values and the published ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullLocator, PercentFormatter, ScalarFormatter

from helpers.papers.recartoonx.experiments import published_curves, published_sweep
from helpers.papers.recartoonx.figures.claims import figure_three_claims
from helpers.papers.recartoonx.figures.summaries import CURVE_NAMES, compare_with_published, figure_three
from helpers.plots import METHOD_COLOURS, curve_with_band, published_values
from helpers.plots.figures import panels
from helpers.reporting.words import claim_table

METHODS = ("cartoonx", "pixel-rde")
HYPOTHESIS = (("corrected-l2", "-", "ours, optimised with l2"), ("corrected", "--", "ours, optimised with label"))
AXES = {
    "keep": "kept, most relevant first",
    "randomise": "randomised, most relevant first",
    "sweep": "sparsity weight λk",
}
TITLES = ("keep the most relevant", "randomise the most relevant", "raise the sparsity weight λk")


def draw_curves_and_sweep(curves: pd.DataFrame, sweep: pd.DataFrame, *, width: float | int = 10.0) -> Figure:
    """Draw one row per variant: keep, randomise, and the sweep over λk.

    Lines are our means with a band of two standard errors over images; hollow markers are the published values. In
    the sweep the distortion is solid and the non-sparsity ‖s‖₁/k dashed; the second row has one noise draw, as
    published.

    Args:
        curves: the result of `experiments.curve_table`, with one or both variants.
        sweep: the result of `experiments.sweep_table`.
        width: the figure's width in inches.
    """
    summary = figure_three(curves, sweep)
    variants = [name for name in ("corrected", "published") if name in set(curves["variant"])]
    with panels(len(variants), 3, size=(width, 2.9 * len(variants) + 0.7), squeeze=False) as (figure, axes):
        for ax, title in zip(axes[0], TITLES, strict=True):
            ax.set_title(title)
        for row, variant in zip(axes, variants, strict=True):
            for ax, direction in zip(row, ("keep", "randomise"), strict=False):
                _draw_curves(ax, summary[summary["variant"] == variant], direction)
            _draw_sweep(row[2], summary, variant)
            row[0].set_ylabel(f"distortion\n(variant “{variant}”)")
        figure.legend(handles=_handles(), loc="outside lower center", ncols=4, fontsize=9)
    return figure


def draw_hypothesis(sweep: pd.DataFrame, *, width: float | int = 8.0) -> Figure:
    """Draw the non-sparsity of masks optimised with the label distortion and with l2, one panel per method."""
    summary = figure_three_sparsity(sweep)
    with panels(1, 2, size=(width, 3.4), sharey=True) as (figure, axes):
        for ax, method in zip(axes, METHODS, strict=True):
            name = CURVE_NAMES[method]
            for variant, style, label in HYPOTHESIS:
                rows = _rows(summary, variant, method)
                curve_with_band(
                    ax,
                    *_points(rows),
                    label,
                    colour=METHOD_COLOURS[name],
                    linestyle=style,
                )
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
        axes[0].set_ylabel("non-sparsity ‖s‖₁/k")
    return figure


def claims_of_both_variants(curves: pd.DataFrame, sweep: pd.DataFrame) -> pd.DataFrame:
    """One row per claim of Figure 3: its effect and outcome with the corrected and with the published curves."""
    corrected, published = (
        claim_table(figure_three_claims(curves, sweep, variant)) for variant in ("corrected", "published")
    )
    columns = ["measure", "effect [95 % interval]", "outcome"]
    return corrected[[*columns, "images"]].merge(
        published[columns], on="measure", suffixes=(", corrected", ", published")
    )


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


def figure_three_sparsity(sweep: pd.DataFrame) -> pd.DataFrame:
    """The rows of `figure_three` with the sweep's non-sparsity."""
    no_curves = pd.DataFrame(columns=["image", "curve", "direction", "fraction", "distortion", "variant"])
    summary = figure_three(no_curves, sweep)
    return summary[summary["panel"] == "sparsity"]


def _draw_curves(axes: Axes, summary: pd.DataFrame, direction: str) -> None:
    theirs = published_curves()
    for curve, name in CURVE_NAMES.items():
        rows = summary[(summary["panel"] == direction) & (summary["curve"] == curve)]
        if rows.empty:
            continue
        thin = {"linewidth": 1.2} if curve.startswith("random") else {}
        curve_with_band(axes, *_points(rows), name, **thin)
        points = theirs[(theirs["curve"] == curve) & (theirs["direction"] == direction)]
        published_values(axes, points["fraction"].to_numpy(), points["distortion"].to_numpy(), method=name)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set_xlabel(AXES[direction])
    axes.set_ylim(bottom=0)


def _draw_sweep(axes: Axes, summary: pd.DataFrame, variant: str) -> None:
    for method in METHODS:
        name, theirs = CURVE_NAMES[method], published_sweep().query("method == @method")
        for panel, rows_of, style, marker in (
            ("distortion", variant, "-", "o"),
            ("sparsity", "corrected", "--", "s"),  # a mask's sparsity does not depend on the noise draws
        ):
            rows = _rows(summary[summary["panel"] == panel], rows_of, method)
            curve_with_band(
                axes,
                *_points(rows),
                f"{name}, {panel}",
                colour=METHOD_COLOURS[name],
                linestyle=style,
            )
            axes.plot(
                theirs["sparsity_weight"],
                theirs[panel],
                marker,
                color=METHOD_COLOURS[name],
                markerfacecolor="none",
                markersize=5,
                label=f"{name}, {panel}, published",
            )
    _log_axis(axes)
    axes.set_ylim(bottom=0)


def _points(rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x, mean and standard error, which is 0 for a single image."""
    return rows["x"].to_numpy(float), rows["mean"].to_numpy(float), rows["standard_error"].fillna(0).to_numpy(float)


def _rows(summary: pd.DataFrame, variant: str, method: str) -> pd.DataFrame:
    return summary[(summary["variant"] == variant) & (summary["curve"] == method)].sort_values("x")


def _log_axis(axes: Axes) -> None:
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_locator(LogLocator(base=2))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.set_xlabel(AXES["sweep"])


def _handles() -> list[Line2D]:
    """The legend of all panels."""
    lines = [Line2D([], [], color=METHOD_COLOURS[name], label=name) for name in CURVE_NAMES.values()]
    grey = METHOD_COLOURS["neutral"]
    hollow = {"color": grey, "linestyle": "none", "markerfacecolor": "none"}
    return [
        *lines,
        Line2D([], [], color=grey, label="right: distortion"),
        Line2D([], [], color=grey, linestyle="--", label="right: non-sparsity ‖s‖₁/k"),
        Line2D([], [], marker="o", label="published", **hollow),
        Line2D([], [], marker="s", label="published non-sparsity", **hollow),
    ]
