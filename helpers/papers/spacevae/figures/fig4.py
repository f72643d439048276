"""Figure 4 of the SpaCE-VAE paper: accuracy against sparsity, for all methods."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from helpers.core.statistics import Effect
from helpers.papers.spacevae.figures.tab1 import on_test_images
from helpers.papers.spacevae.figures.words import COLOURS, COMPETITORS, METHOD_NAMES, difference, number, score
from helpers.papers.spacevae.published import published_table_one
from helpers.plots import PUBLISHED_MARKER
from helpers.plots.figures import panels
from helpers.reporting.claims import Claim

CONTROLS = ("subtracted", "darkened")
"""Controls that explain nothing; a table may have them next to the methods."""

LABELS = {"accuracy": "accuracy (true labels)", "agreement": "agreement (predicted labels)"}
NORMS = {"l0": "L0 sparsity, %: pixel values that are black", "l1": "L1 sparsity, %: brightness removed"}


def draw_accuracy_against_sparsity(table: pd.DataFrame, *, paper: bool = True, width: float | int = 9.5) -> Figure:
    """Four panels: true labels above, predicted ones below; L0 sparsity left, L1 sparsity right.

    A competitor's thresholds are joined by a line; each point of SpaCE-VAE is labelled with its β. The paper's points
    (hollow, on CIFAR-10) are in the panels of true labels only.
    """
    rows = on_test_images(table)
    with panels(2, 2, size=(width, 0.78 * width), sharex="col", sharey=True, squeeze=False) as (figure, axes):
        for axes_row, label in zip(axes, LABELS, strict=True):
            for ax, norm in zip(axes_row, NORMS, strict=True):
                for method in (*COMPETITORS, *CONTROLS):
                    _draw_thresholds(ax, rows[rows["method"] == method], norm, label)
                for method in ("space-vae", "vq-vae", "original"):
                    _draw_points(ax, rows[rows["method"] == method], norm, label)
                if paper and label == "accuracy":
                    _draw_published(ax, norm)
                ax.set(ylim=(0, 1.04))
            axes_row[0].set_ylabel(LABELS[label])
        for ax, words in zip(axes[1], NORMS.values(), strict=True):
            ax.set_xlabel(words)
        handles, labels = axes[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=4, fontsize=9)
    return figure


def all_claims(table: pd.DataFrame) -> list[Claim]:
    """The claims about Figure 4."""
    return curve_claims(table) + sparse_claims(table)


def at_sparsity(table: pd.DataFrame, method: str, norm: str, sparsity: float | int, metric: str = "accuracy") -> Effect:
    """A competitor's metric at a given sparsity, by linear interpolation between its thresholds.

    Beyond the range of its thresholds, the value of the nearest one counts.
    """
    rows = on_test_images(table)
    rows = rows[rows["method"] == method].sort_values(norm)
    if rows.empty:
        raise ValueError(f"the table has no rows of {method!r} on test images")
    ends = [np.interp(sparsity, rows[norm], rows[f"{metric}{end}"]) for end in ("", "_low", "_high")]
    return Effect(*map(float, ends), int(rows["images"].iloc[0]))


def curve_claims(table: pd.DataFrame) -> list[Claim]:
    """The main comparison of Figure 4: SpaCE-VAE (β = 10) and each competitor at equal sparsity."""
    rows = on_test_images(table)
    own = rows[(rows["method"] == "space-vae") & (rows["beta"] == 10)]
    competitors = [name for name in COMPETITORS if name in set(rows["method"])]
    claims = []
    for norm, words in (("l1", "brightness is gone"), ("l0", "pixel values are black")):
        for row in own.to_dict("records"):
            for name in competitors:
                effect = difference(score(row, "agreement"), at_sparsity(table, name, norm, row[norm], "agreement"))
                statement = f"where {number(row[norm], 0)} % of the {words}, SpaCE-VAE keeps"
                statement += f" more predictions than {METHOD_NAMES[name]}"
                measure = f"SpaCE-VAE − {METHOD_NAMES[name]} at the same {norm.upper()} sparsity, agreement"
                claims.append(Claim(statement, measure, effect, 1))
    return claims


def sparse_claims(table: pd.DataFrame) -> list[Claim]:
    """ "An accuracy above 70 % for 20 % of the pixels being black in average" (section 4.2, of β = 1)."""
    rows = on_test_images(table)
    own = rows[(rows["method"] == "space-vae") & (rows["beta"] == 1)]
    claims = []
    for row in own.to_dict("records"):
        claims += [
            Claim("SpaCE-VAE (β = 1): accuracy above 0.70", "accuracy (true labels)", score(row, "accuracy"), 1, 0.7),
            Claim("SpaCE-VAE (β = 1): 20 % of the pixel values black", "L0 sparsity, %", score(row, "l0"), 1, 20.0),
        ]
    return claims


def _draw_thresholds(ax: Axes, rows: pd.DataFrame, norm: str, label: str) -> None:
    if rows.empty:
        return
    method = rows["method"].iloc[0]
    ends = np.array([rows[label] - rows[f"{label}_low"], rows[f"{label}_high"] - rows[label]])
    control = method in CONTROLS
    ax.errorbar(
        rows[norm],
        rows[label],
        yerr=np.nan_to_num(ends).clip(0),
        color=COLOURS[method],
        marker="o",
        markersize=3,
        linewidth=1.4,
        linestyle="--" if control else "-",
        elinewidth=0.7,
        label=METHOD_NAMES[method] if control else f"{METHOD_NAMES[method]}, by σ",
    )


def _draw_points(axes: Axes, rows: pd.DataFrame, norm: str, label: str) -> None:
    for index, row in enumerate(rows.to_dict("records")):
        x, y = score(row, norm), score(row, label)
        ends = [[max(0, v.value - v.low)] for v in (x, y)], [[max(0, v.high - v.value)] for v in (x, y)]
        bars = {
            f"{axis}err": np.nan_to_num([low, high]) for axis, low, high in zip("xy", ends[0], ends[1], strict=True)
        }
        method = row["method"]
        name = f"{METHOD_NAMES[method]}, by β" if method == "space-vae" else METHOD_NAMES[method]
        shape = {"space-vae": "D", "vq-vae": "s", "original": "*"}[method]
        axes.errorbar(
            x.value,
            y.value,
            **bars,
            color=COLOURS[method],
            fmt=shape,
            markersize=8 if shape == "*" else 6,
            elinewidth=0.9,
            label=name if index == 0 else None,
        )
        if method == "space-vae":
            axes.annotate(
                f"{row['beta']:g}",
                (x.value, y.value),
                xytext=(0, -13),
                textcoords="offset points",
                ha="center",
                fontsize=9,
            )


def _draw_published(axes: Axes, norm: str) -> None:
    rows = published_table_one()
    last = rows["method"].iloc[-1]
    for method, points in rows.groupby("method", sort=False):
        style = {**PUBLISHED_MARKER, "marker": {"space-vae": "D", "vq-vae": "s", "original": "*"}.get(method, "o")}
        style["markersize"] = 8 if method == "original" else 6
        label = "the paper's Table 1 (CIFAR-10)" if method == last else None
        axes.plot(points[norm], points["accuracy"], color=COLOURS[method], label=label, **style)
