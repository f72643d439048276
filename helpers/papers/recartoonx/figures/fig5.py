"""Figure 5 of [Re] CartoonX: distortion in per cent of that of full noise, as published and corrected."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import PercentFormatter

from helpers.core.statistics import mean_effect
from helpers.papers.recartoonx.experiments import published_normalised
from helpers.papers.recartoonx.measures.transformer import normalise_corrected
from helpers.plots import METHOD_COLOURS
from helpers.plots.figures import panels
from helpers.plots.style import PUBLISHED_MARKER

NAMES = {
    "cnn": "CartoonX, CNN",
    "vit": "CartoonX, ViT",
    "rollout": "rollout, ViT",
    "random-wavelets": "random wavelets, ViT",
    "random-pixels": "random pixels, ViT",
}
COLOURS = {
    "cnn": METHOD_COLOURS["CartoonX"],
    "vit": METHOD_COLOURS["other"],
    "rollout": METHOD_COLOURS["truth"],
    "random-wavelets": METHOD_COLOURS["random wavelets"],
    "random-pixels": METHOD_COLOURS["random pixels"],
}
AXES = {"keep": "kept, most relevant first", "randomise": "randomised, most relevant first"}


def normalise_published(curves: pd.DataFrame) -> pd.DataFrame:
    """The mean curve over images in per cent, by the rule of the published code.

    It divides by the last value if the maximum lies within 0.1 of it, else by the first one. A curve that should end
    at full noise but overshoots by 0.1 or more is then divided by its start, about 0; its means are nan here.

    Returns:
        Columns curve, direction, fraction, mean (per cent).
    """
    means = curves.groupby(["curve", "direction", "fraction"], sort=False)["distortion"].mean().reset_index()
    parts = []
    for _, rows in means.groupby(["curve", "direction"], sort=False):
        values = rows.sort_values("fraction")["distortion"].to_numpy()
        ends_at_maximum = abs(values.max() - values[-1]) < 0.1
        divisor = values[-1] if ends_at_maximum else values[0]
        ordered = rows.sort_values("fraction").drop(columns="distortion")
        parts.append(ordered.assign(mean=100 * values / divisor if divisor > 1e-3 else np.full(len(values), np.nan)))
    return pd.concat(parts, ignore_index=True)


def normalised_summary(curves: pd.DataFrame) -> pd.DataFrame:
    """The numbers of Figure 5: variant, curve, direction, fraction, mean, low, high (per cent), images.

    The corrected ones are means over images with 95 % intervals; the published rule has no interval.
    """
    corrected = normalise_corrected(curves[curves["variant"] == "corrected"])
    rows = []
    for (curve, direction, fraction), group in corrected.groupby(["curve", "direction", "fraction"], sort=False):
        effect = mean_effect(group["distortion"])
        rows.append(("corrected", curve, direction, fraction, effect.value, effect.low, effect.high, effect.count))
    columns = ["variant", "curve", "direction", "fraction", "mean", "low", "high", "images"]
    first = curves[curves["variant"] == "published"]
    second = normalise_published(first).assign(
        variant="published", low=np.nan, high=np.nan, images=first["image"].nunique()
    )
    return pd.concat([pd.DataFrame(rows, columns=columns), second[columns]], ignore_index=True)


def draw_normalised(summary: pd.DataFrame, variant: str = "corrected", *, width: float | int = 9.0) -> Figure:
    """Draw keep and randomise for one variant; lines are our values, hollow markers the published ones.

    Args:
        summary: the result of `normalised_summary`.
        variant: of the curves.
        width: the figure's width in inches.
    """
    theirs = published_normalised()
    with panels(1, 2, size=(width, 3.9)) as (figure, axes):
        for ax, direction in zip(axes, AXES, strict=True):
            ours = summary[(summary["variant"] == variant) & (summary["direction"] == direction)]
            _draw_panel(ax, ours, theirs[theirs["direction"] == direction])
            ax.set_xlabel(AXES[direction])
        axes[0].set_ylabel("% of full noise")
        figure.legend(handles=_handles(), loc="outside lower center", ncols=3, fontsize=9)
    return figure


def _draw_panel(axes: Axes, ours: pd.DataFrame, theirs: pd.DataFrame) -> None:
    for curve in NAMES:
        rows = ours[ours["curve"] == curve].sort_values("fraction")
        thin = {"linewidth": 1.2} if curve.startswith("random") else {}
        axes.plot(rows["fraction"], rows["mean"], color=COLOURS[curve], label=NAMES[curve], **thin)
        axes.fill_between(rows["fraction"], rows["low"], rows["high"], color=COLOURS[curve], alpha=0.18, linewidth=0)
        points = theirs[theirs["curve"] == curve]
        axes.plot(points["fraction"], points["percent"], color=COLOURS[curve], **PUBLISHED_MARKER)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set_ylim(bottom=0)


def _handles() -> list[Line2D]:
    lines = [Line2D([], [], color=COLOURS[curve], label=name) for curve, name in NAMES.items()]
    return [*lines, Line2D([], [], color=METHOD_COLOURS["neutral"], label="published", **PUBLISHED_MARKER)]


def compare_with_published(summary: pd.DataFrame, percents: tuple[int, ...] = (1, 5, 10, 50)) -> pd.DataFrame:
    """Our normalised distortion and the paper's: direction, curve, at (kept or randomised %), and three values."""
    keys = ["direction", "curve", "at"]
    ours = summary.assign(at=(100 * summary["fraction"]).round(6))
    ours = ours.pivot(index=keys, columns="variant", values="mean").reset_index()
    theirs = published_normalised()
    theirs = theirs.assign(at=(100 * theirs["fraction"]).round(6)).drop(columns="fraction")
    both = ours.merge(theirs.rename(columns={"percent": "paper"}), on=keys)
    names = {"corrected": "ours, corrected", "published": "ours, published rule"}
    return both[both["at"].isin(percents)].rename(columns=names).astype({"at": int}).reset_index(drop=True)


def left_out(curves: pd.DataFrame) -> int:
    """The number of images left out of the transformer's corrected curves (see `SMALL_END`)."""
    chosen = curves[curves["variant"] == "corrected"]
    kept = normalise_corrected(chosen[(chosen["curve"] == "vit") & (chosen["direction"] == "keep")])
    return chosen["image"].nunique() - kept["image"].nunique()
