"""Pictures of a codebook in the plane: its regions, its steps, and how a gradient passes through it."""

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

from helpers.chapters.space_vae.toy import Walk
from helpers.plots import METHOD_COLOURS
from helpers.plots.style import BOOK_STYLE

WINDOW = (-2.2, 5.4, -1.8, 4.0)  # left, right, bottom, top
CODE, DEAD = METHOD_COLOURS["CartoonX"], "white"


def draw_walks(walks: dict[str, Walk], points: Float[Tensor, "points 2"], look: int) -> Figure:
    """Each codebook at one look: the region of each code, the points, live codes filled and dead ones hollow."""
    with mpl.rc_context(BOOK_STYLE):
        figure, axes = plt.subplots(1, len(walks), figsize=(4.4 * len(walks), 3.7), squeeze=False, layout="constrained")
        plt.close(figure)
        for place, (name, walk) in zip(axes[0], walks.items(), strict=True):
            _regions(place, walk.codebooks[look])
            place.plot(*points.T.tolist(), ".", color=METHOD_COLOURS["neutral"], markersize=2, zorder=2)
            trails = walk.codebooks[: look + 1]
            for code in range(trails.shape[1]):
                place.plot(*trails[:, code].T.tolist(), "-", color=CODE, linewidth=0.9, alpha=0.6, zorder=3)
            _codes(place, walk.codebooks[look], walk.used[look] > 0)
            dead = int((walk.used[look] == 0).sum())
            place.set_title(f"{name}\n{dead} unused, mean squared distance {float(walk.errors[look]):.2f}")
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
    for some, colour in ((live, CODE), (~live, DEAD)):
        axes.plot(*codebook[some].T.tolist(), markerfacecolor=colour, **style)


def draw_straight_through(
    vector: Float[Tensor, " 2"],
    codebook: Float[Tensor, "codes 2"],
    wanted: Float[Tensor, " 2"],
    step: float | int = 0.3,
) -> Figure:
    """The step that a loss asks of the code, and the same arrow at the vector that was rounded to it.

    Args:
        vector: the encoder's answer.
        codebook: the codes; the vector is replaced by the nearest.
        wanted: where the loss, half the squared distance to this point, would have the code.
        step: the learning rate: the length of the arrows for a gradient of length 1.
    """
    code = codebook[torch.cdist(vector[None], codebook)[0].argmin()]
    downhill = -step * (code - wanted)
    blue = METHOD_COLOURS["Pixel RDE"]
    with mpl.rc_context(BOOK_STYLE):
        figure, axes = plt.subplots(figsize=(6.2, 4.8), layout="constrained")
        plt.close(figure)
        _regions(axes, codebook)
        for radius in np.arange(0.5, 5, 0.5):
            axes.add_patch(Circle(_at(wanted), radius, fill=False, color="black", alpha=0.2, zorder=2))
        _codes(axes, codebook, torch.ones(len(codebook), dtype=torch.bool))
        axes.plot(*wanted.tolist(), "*", color="black", markersize=13, zorder=4)
        axes.plot(*vector.tolist(), "s", color=blue, markersize=8, zorder=5)
        axes.annotate("", _at(code), _at(vector), arrowprops={"arrowstyle": "->", "linestyle": ":"}, zorder=5)
        for start, colour in ((code, CODE), (vector, blue)):
            end, arrow = _at(start + downhill), {"arrowstyle": "-|>", "color": colour, "lw": 3}
            axes.annotate("", end, _at(start), arrowprops=arrow, zorder=6)
        told = ((vector, "$z_e$: the encoder's answer"), (code, "$z_q$: its code"), (wanted, "where the loss is least"))
        for place, words in told:
            axes.annotate(words, _at(place), xytext=(9, 7), textcoords="offset points", zorder=7)
        near = torch.stack([*codebook, vector, wanted])
        (left, bottom), (right, top) = (near.amin(0) - 0.6).tolist(), (near.amax(0) + 0.6).tolist()
        axes.set(xlim=(left, right), ylim=(bottom, top))
    return figure


def _at(place: Float[Tensor, " 2"]) -> tuple[float, float]:
    return float(place[0]), float(place[1])
