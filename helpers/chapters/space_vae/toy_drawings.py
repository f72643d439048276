"""Pictures of a codebook in the plane: its regions, its history, and the straight-through gradient."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import torch
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from torch import Tensor

from helpers.chapters.space_vae.toy import CodebookHistory
from helpers.plots import METHOD_COLOURS
from helpers.plots.style import BOOK_STYLE

WINDOW = (-2.2, 5.4, -1.8, 4.0)  # left, right, bottom, top
CODE, DEAD = METHOD_COLOURS["CartoonX"], "white"


def draw_codebooks(histories: dict[str, CodebookHistory], points: Float[Tensor, "points 2"], checkpoint: int) -> Figure:
    """Each codebook at one recorded step: regions of the codes, points, used codes filled, unused ones hollow."""
    with mpl.rc_context(BOOK_STYLE):
        figure, axes = plt.subplots(
            1, len(histories), figsize=(3.7 * len(histories), 3.1), squeeze=False, layout="constrained"
        )
        plt.close(figure)
        for ax, (name, history) in zip(axes[0], histories.items(), strict=True):
            _regions(ax, history.codebooks[checkpoint])
            ax.plot(*points.T.tolist(), ".", color=METHOD_COLOURS["neutral"], markersize=2, zorder=2)
            trails = history.codebooks[: checkpoint + 1]
            for code in range(trails.shape[1]):
                ax.plot(*trails[:, code].T.tolist(), "-", color=CODE, linewidth=0.9, alpha=0.6, zorder=3)
            _codes(ax, history.codebooks[checkpoint], history.used[checkpoint] > 0)
            dead = int((history.used[checkpoint] == 0).sum())
            ax.set_title(f"{name}\n{dead} unused, mean squared distance {float(history.errors[checkpoint]):.2f}")
    return figure


def _regions(axes: Axes, codebook: Float[Tensor, "codes 2"]) -> None:
    left, right, bottom, top = WINDOW
    x, y = torch.meshgrid(torch.linspace(left, right, 380), torch.linspace(bottom, top, 290), indexing="xy")
    nearest = torch.cdist(torch.stack([x, y], -1).reshape(-1, 2), codebook).argmin(1).reshape(x.shape)
    tints = ListedColormap(0.55 + 0.45 * plt.get_cmap("tab20")(np.arange(len(codebook)) % 20)[:, :3])
    axes.imshow(
        nearest.numpy(), extent=WINDOW, origin="lower", cmap=tints, vmin=-0.5, vmax=len(codebook) - 0.5, aspect="equal"
    )
    axes.set(xlim=(left, right), ylim=(bottom, top), xticks=[], yticks=[])
    axes.grid(False)


def _codes(axes: Axes, codebook: Float[Tensor, "codes 2"], live: Tensor) -> None:
    style: dict[str, Any] = {
        "linestyle": "none",
        "marker": "o",
        "markersize": 9,
        "markeredgecolor": "black",
        "zorder": 4,
    }
    for selected, colour in ((live, CODE), (~live, DEAD)):
        axes.plot(*codebook[selected].T.tolist(), markerfacecolor=colour, **style)


def draw_straight_through(
    vector: Float[Tensor, " 2"],
    codebook: Float[Tensor, "codes 2"],
    target: Float[Tensor, " 2"],
    step: float | int = 0.3,
) -> Figure:
    """The gradient step at the code, and its copy at the vector that was quantised to the code.

    Args:
        vector: the encoder's output.
        codebook: the codes; the vector is replaced by the nearest.
        target: the minimum of the loss, half the squared distance to this point.
        step: the learning rate: the length of the arrows for a gradient of length 1.
    """
    code = codebook[torch.cdist(vector[None], codebook)[0].argmin()]
    downhill = -step * (code - target)
    blue = METHOD_COLOURS["Pixel RDE"]
    with mpl.rc_context(BOOK_STYLE):
        figure, axes = plt.subplots(figsize=(4.4, 3.0), layout="constrained")
        plt.close(figure)
        _regions(axes, codebook)
        for radius in np.arange(0.5, 5, 0.5):
            axes.add_patch(Circle(_at(target), radius, fill=False, color="black", alpha=0.2, zorder=2))
        _codes(axes, codebook, torch.ones(len(codebook), dtype=torch.bool))
        axes.plot(*target.tolist(), "*", color="black", markersize=12, zorder=4)
        axes.plot(*vector.tolist(), "s", color=blue, markersize=8, zorder=5)
        axes.annotate("", _at(code), _at(vector), arrowprops={"arrowstyle": "->", "linestyle": ":"}, zorder=5)
        for start, colour in ((code, CODE), (vector, blue)):
            end, arrow = _at(start + downhill), {"arrowstyle": "-|>", "color": colour, "lw": 3}
            axes.annotate("", end, _at(start), arrowprops=arrow, zorder=6)
        labels = (
            (vector, "$z_e$: the encoder's output"),
            (code, "$z_q$: its code"),
            (target, "minimum of the loss"),
        )
        for point, label in labels:
            axes.annotate(label, _at(point), xytext=(9, 7), textcoords="offset points", zorder=7)
        shown = torch.stack([*codebook, vector, target])
        (left, bottom), (right, top) = (shown.amin(0) - 0.6).tolist(), (shown.amax(0) + 0.6).tolist()
        axes.set(xlim=(left, right), ylim=(bottom, top))
    return figure


def _at(point: Float[Tensor, " 2"]) -> tuple[float, float]:
    return float(point[0]), float(point[1])
