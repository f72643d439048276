"""Beyond the SpaCE-VAE paper: the capacity of the grid of codes, the calibration of α, and β as an input."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from helpers.core.statistics import Effect
from helpers.papers.spacevae.experiments.study import SpaceStudy
from helpers.papers.spacevae.figures.controls import CONTROL_HEADS, controls_at
from helpers.papers.spacevae.figures.grid import draw_columns, predict_classes, predicted_column, true_names
from helpers.papers.spacevae.figures.words import COLOURS, METHOD_NAMES, metric_cells, number, with_interval
from helpers.plots import METHOD_COLOURS
from helpers.plots.figures import panels

TARGET_AGREEMENT, TARGET_SPARSITY = 0.90, 50.0
"""The targets for a finer grid: 0.90 of the predictions kept, at an L1 sparsity of at least 50 %."""

_CONTROL_MARKERS = {"darkened": "v", "subtracted": "^"}
_RULES = {"color": METHOD_COLOURS["neutral"], "linestyle": ":", "linewidth": 1.2}


def grid_name(row: Any) -> str:
    """ "16 × 16, 64 codes"."""
    return f"{row['grid']:.0f} × {row['grid']:.0f}, {row['codes']:.0f} codes"


def draw_bottleneck(table: pd.DataFrame, sparsity: pd.DataFrame, *, width: float | int = 9.5) -> Figure:
    """Two panels against the bits per image: agreement and accuracy on the left, L1 sparsity on the right.

    Args:
        table: the table `bottleneck`.
        sparsity: the table `sparsity` of the same profile, with the controls that are drawn at each network's sparsity.
        width: in inches.
    """
    with panels(1, 2, size=(width, 0.42 * width)) as (figure, axes):
        rows = table.sort_values(["bits", "codes"])
        _points(axes[0], rows, "bits", "agreement", COLOURS["space-vae"], "D", "agreement (predicted labels)")
        _points(axes[0], rows, "bits", "accuracy", METHOD_COLOURS["neutral"], "o", "accuracy (true labels)")
        for name, marker in _CONTROL_MARKERS.items():
            _control_points(axes[0], rows, sparsity, name, marker)
        _points(axes[1], rows, "bits", "l1", COLOURS["space-vae"], "D", "L1 sparsity")
        for row in rows.to_dict("records"):
            for ax, metric in zip(axes, ("agreement", "l1"), strict=True):
                ax.annotate(
                    grid_name(row).replace(", ", "\n"),
                    (row["bits"], row[f"{metric}_high"]),
                    xytext=(0, 5),
                    textcoords="offset points",
                    ha="center",
                    fontsize=8,
                )
        axes[0].axhline(TARGET_AGREEMENT, **_RULES)
        axes[1].axhline(TARGET_SPARSITY, **_RULES)
        axes[0].set(ylim=(0, 1.12), yticks=np.linspace(0, 1, 6), ylabel="share of test images")
        axes[1].set(ylim=(0, 105), ylabel="brightness removed, %")
        axes[0].legend(loc="lower right", fontsize=9)
        for ax in axes:
            ax.set_xscale("log", base=2)
            ax.set(xlabel="bits per image", xticks=rows["bits"].unique())
            ax.set_xlim(rows["bits"].min() / 1.7, rows["bits"].max() * 1.7)
            ax.minorticks_off()
            ax.xaxis.set_major_formatter(mpl.ticker.FuncFormatter(lambda bits, _: f"{bits:.0f}"))
    return figure


@torch.no_grad()
def draw_grids(study: SpaceStudy, table: pd.DataFrame, shown: int = 4) -> Figure:
    """The first test images, and the kept images of each network of the table, from few bits to many.

    Args:
        study: a study of scenes.
        table: its table `bottleneck`.
        shown: the number of images.
    """
    images = study.test[:shown]
    pixels = images.floats().to(study.device)
    before, _ = predict_classes(study.classifier, pixels)
    columns = [predicted_column("image", study.classifier, pixels, before, images.class_names)]
    for row in table.sort_values(["bits", "codes"]).to_dict("records"):
        kept = study.model(row["training"]).explain(pixels).kept
        head = grid_name(row).replace(", ", "\n")
        columns.append(predicted_column(head, study.classifier, kept, before, images.class_names))
    return draw_columns(columns, true_names(images, list(range(shown))), cell=1.35)


def bottleneck_summary(table: pd.DataFrame, sparsity: pd.DataFrame) -> pd.DataFrame:
    """One row per network: its grid, codes and bits, α, β, all metrics, and the agreement of equally dark controls.

    Args:
        table: the table `bottleneck`.
        sparsity: the table `sparsity` of the same profile.
    """
    rows = []
    for row in table.sort_values(["bits", "codes"]).to_dict("records"):
        cells = {"training": row["training"], "grid and codebook": grid_name(row), "bits": f"{row['bits']:.0f}"}
        cells |= {"α": f"{row['alpha']:g}"} if "alpha" in row else {}
        cells |= {"β": f"{row['beta']:g}", **metric_cells(row)}
        controls = controls_at(sparsity, row["l1"]).items()
        rows.append(cells | {CONTROL_HEADS[name]: with_interval(effect) for name, effect in controls})
    return pd.DataFrame(rows)


def conditioned_table(study: SpaceStudy) -> pd.DataFrame | None:
    """The table `conditioned` of a profile; None if no trained network takes β as an input."""
    conditioned = any(study.settings.options(name).network.conditioned for name in study.trained)
    return study.table("space-vae-conditioned") if conditioned else None


def conditioned_summary(table: pd.DataFrame, sparsity: pd.DataFrame) -> pd.DataFrame:
    """One row per β and network: the metrics of the network with β as an input, and of those trained for one β.

    Args:
        table: the table `conditioned`.
        sparsity: the table `sparsity` of the same profile, for the agreement of equally dark controls.
    """
    rows = []
    for row in table.sort_values(["beta", "conditioned"]).to_dict("records"):
        network = "one for all β" if row["conditioned"] else "one for this β"
        controls = {CONTROL_HEADS[name]: with_interval(each) for name, each in controls_at(sparsity, row["l1"]).items()}
        rows.append({"β": f"{row['beta']:g}", "network": network, **metric_cells(row), **controls})
    return pd.DataFrame(rows)


def alpha_summary(table: pd.DataFrame) -> pd.DataFrame:
    """One row per α: the metrics of a short training with it."""
    rows = table.sort_values(["beta", "alpha"]).to_dict("records")
    return pd.DataFrame([{"α": f"{row['alpha']:g}", "β": f"{row['beta']:g}", **metric_cells(row)} for row in rows])


def draw_alpha(table: pd.DataFrame, chosen: float | int, target: float | int = TARGET_SPARSITY) -> Figure:
    """L1 sparsity and agreement of short trainings against α, with the target sparsity and the chosen α."""
    rows = table.sort_values("alpha")
    with panels(1, 2, size=(8.6, 3.0)) as (figure, axes):
        _points(axes[0], rows, "alpha", "l1", COLOURS["space-vae"], "D", line="-")
        _points(axes[1], rows, "alpha", "agreement", COLOURS["space-vae"], "D", line="-")
        axes[0].axhline(target, **_RULES)
        axes[0].set_ylabel("L1 sparsity, %")
        axes[1].set(ylabel="agreement", ylim=(0, 1.02))
        for ax in axes:
            ax.axvline(chosen, **_RULES)
            ax.set_xlabel("α, the weight of brightness (dotted: chosen)")
    return figure


def interpolated_alpha(table: pd.DataFrame, target: float | int = TARGET_SPARSITY) -> Effect:
    """The α at which these short trainings would reach the target sparsity, by linear interpolation.

    The interval comes from those of the sparsities; nan if no α in the table reaches the target.
    """
    rows = table.sort_values("alpha")
    ends = []
    for name in ("l1", "l1_high", "l1_low"):  # a higher sparsity needs a smaller α
        l1, alpha = np.maximum.accumulate(rows[name].to_numpy(dtype=float)), rows["alpha"].to_numpy(dtype=float)
        ends.append(float(np.interp(target, l1, alpha, left=np.nan, right=np.nan)))
    return Effect(*ends, int(rows["images"].min()))


def alpha_words(table: pd.DataFrame, chosen: float | int, target: float | int = TARGET_SPARSITY) -> str:
    """The result of the calibration, in a sentence or two."""
    alpha = interpolated_alpha(table, target)
    if np.isnan(alpha.value):
        return f"None of these α reaches an L1 sparsity of {target:g} %; the profile takes α = {chosen:g}."
    return (
        f"By linear interpolation, an L1 sparsity of {target:g} % is reached at α = "
        f"{number(alpha.value, 1)}. The profile takes α = {chosen:g} for all its trainings."
    )


def _control_points(ax: Axes, rows: pd.DataFrame, sparsity: pd.DataFrame, name: str, marker: str) -> None:
    """The agreement of a control at the L1 sparsity of each network; nothing if the table has no controls."""
    effects = [controls_at(sparsity, l1).get(name) for l1 in rows["l1"]]
    if None not in effects:
        values = [effect.value for effect in effects]
        label = f"agreement, {METHOD_NAMES[name]}"
        ax.plot(rows["bits"], values, linestyle="none", marker=marker, markersize=6, color=COLOURS[name], label=label)


def _points(
    ax: Axes, rows: pd.DataFrame, x: str, metric: str, colour: str, marker: str, label: str = "", line: str = "none"
) -> None:
    ends: Callable[[str], np.ndarray] = lambda end: np.abs(rows[f"{metric}_{end}"] - rows[metric]).to_numpy()  # noqa: E731
    ax.errorbar(
        rows[x],
        rows[metric],
        yerr=np.nan_to_num(np.array([ends("low"), ends("high")])),
        color=colour,
        marker=marker,
        markersize=6,
        elinewidth=0.9,
        linestyle=line,
        linewidth=1.4,
        label=label or None,
    )
