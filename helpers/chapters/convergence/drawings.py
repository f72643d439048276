"""Drawings of the page on convergence: a box-constrained problem, its duality gap, and real runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from helpers.chapters.convergence.searches import steps_needed
from helpers.chapters.predictions import describe_predictions
from helpers.classifiers import Classifier
from helpers.core.explanation import Explanation
from helpers.plots import METHOD_COLOURS, show_images
from helpers.plots.figures import panels

BLUE, RED, GREY, GREEN = (METHOD_COLOURS[name] for name in ("Pixel RDE", "CartoonX", "neutral", "truth"))


def draw_tangent(objective: Callable[[Tensor], Tensor], entry: float | int, title: str = "") -> Figure:
    """An objective of one mask entry on [0, 1], its tangent at a point, and the gap: how deep the tangent falls there.

    Args:
        objective: a differentiable function of the entry.
        entry: the point of the tangent, in [0, 1].
        title: above the picture.
    """
    values = torch.linspace(0, 1, 201)
    point = torch.tensor(float(entry), requires_grad=True)
    height = objective(point)
    (slope,) = torch.autograd.grad(height, point)
    height, slope = height.detach(), float(slope)
    corner = 0.0 if slope > 0 else 1.0
    end = float(height) + slope * (corner - entry)
    with panels(size=(5.6, 2.7)) as (figure, axes):
        curve = objective(values)
        axes.plot(values, curve, color=GREY, label="objective")
        axes.plot(
            [0, 1], [float(height) - slope * entry, float(height) + slope * (1 - entry)], color=BLUE, label="tangent"
        )
        axes.plot(entry, height, "o", color=RED, label="the mask entry")
        axes.plot(corner, end, "s", color=BLUE, label="the corner it points to")
        axes.annotate("", (corner, end), (corner, float(height)), arrowprops={"arrowstyle": "<->", "color": RED})
        axes.axhline(float(height), color=RED, linewidth=0.8, linestyle=":")
        axes.axhline(float(curve.min()), color=GREEN, linewidth=1, linestyle="--", label="the best value")
        axes.set(xlabel="s", ylabel="objective", title=title, xlim=(-0.06, 1.06))
        low, high = float(curve.min()), float(curve.max())
        axes.set_ylim(low - 1.1 * (high - low), high + 0.15 * (high - low))
        axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def draw_box(
    objective: Callable[[Tensor], Tensor],
    path: Float[Tensor, "steps 2"],
    gaps: Float[Tensor, " steps"],
    norms: Float[Tensor, " steps"],
    excess: Float[Tensor, " steps"],
) -> Figure:
    """A descent in the unit square with the gradient at its end, and three measures of its convergence.

    Args:
        objective: (points, 2) -> (points,).
        path: the descent.
        gaps, norms, excess: at each point the gap, the gradient's norm, and the objective − its minimum.
    """
    with panels(1, 2, size=(9.2, 3.7), width_ratios=[1, 1.25]) as (figure, (left, right)):
        grid = torch.linspace(-0.25, 1.45, 120)
        points = torch.cartesian_prod(grid, grid)
        left.contour(grid, grid, objective(points).view(120, 120).T, levels=14, colors=GREY, linewidths=0.7, alpha=0.7)
        left.add_patch(Rectangle((0, 0), 1, 1, fill=False, color="black", linewidth=1.5))
        left.plot(*path.T, ".-", color=RED, linewidth=1.2)
        end = path[-1:].clone().requires_grad_()
        (slope,) = torch.autograd.grad(objective(end).sum(), end)
        arrow = (path[-1] - 0.3 * slope[0] / slope[0].norm()).tolist()
        left.annotate("", arrow, path[-1].tolist(), arrowprops={"arrowstyle": "->", "color": BLUE, "linewidth": 2})
        left.set(xlabel="$s_1$", ylabel="$s_2$", aspect="equal", title="the box, a descent, and the final slope")
        left.grid(visible=False)
        steps = np.arange(len(path))
        for values, label, colour in (
            (norms, "norm of the gradient", BLUE),
            (gaps, "the gap", RED),
            (excess, "objective above the best", GREEN),
        ):
            right.semilogy(steps, values.clamp_min(1e-7), label=label, color=colour)
        right.set(xlabel="step", title="gradient, gap and excess")
        right.legend(loc="upper right", bbox_to_anchor=(1, 0.9))
    return figure


def draw_bounds(
    pairs: Sequence[int], bounds: Mapping[str, tuple[Sequence[float], Sequence[float]]], truth: float | None = None
) -> Figure:
    """The upper and lower estimates of a gap against the number of antithetic pairs of draws.

    Args:
        pairs: ascending.
        bounds: by panel, the lower and the upper estimates.
        truth: the gap of the first panel, if known.
    """
    with panels(1, len(bounds), size=(4.4 * len(bounds), 3.1), squeeze=False) as (figure, axes):
        for panel, (name, (lower, upper)) in zip(axes[0], bounds.items(), strict=True):
            panel.plot(pairs, upper, ".-", color=RED, label="same draws choose and measure")
            panel.plot(pairs, lower, ".-", color=BLUE, label="one half chooses, the other measures")
            panel.fill_between(pairs, lower, upper, color=GREY, alpha=0.15, linewidth=0)
            panel.set(title=name, xlabel="antithetic pairs", xscale="log", xticks=list(pairs), xticklabels=list(pairs))
            panel.minorticks_off()
        if truth is not None:
            axes[0, 0].axhline(truth, color="black", linestyle="--", linewidth=1, label="the gap")
        axes[0, 0].set_ylabel("estimate of the gap")
        axes[0, 0].legend()
    return figure


def draw_searches(table: pd.DataFrame) -> Figure:
    """The upper estimate of each image's gap, and its objective above its best, against the steps.

    Args:
        table: of `watch_cycles`.
    """
    steps = sorted(table["step"].unique())
    with panels(1, 2, size=(9.2, 3.2)) as (figure, (left, right)):
        for _, rows in table.groupby("image"):
            left.plot(rows["step"], rows["upper"], ".-", color=RED, linewidth=0.9, alpha=0.7)
            right.plot(rows["step"], rows["objective"], ".-", color=BLUE, linewidth=0.9, alpha=0.7)
        for axes, title in ((left, "gap, upper estimate"), (right, "objective")):
            axes.set(xscale="log", yscale="log", xlabel="step", title=title)
            axes.set(xticks=steps, xticklabels=[str(step) for step in steps])
            axes.minorticks_off()
    return figure


def draw_repeats(scenes: Mapping[str, Mapping[str, pd.DataFrame]]) -> Figure:
    """Repeated measurements of the gaps of masks as bars, and each mask's reference as a band: one panel per scene.

    Args:
        scenes: by scene, the tables of `repeated_gaps` by mask.
    """
    with panels(1, len(scenes), size=(4.6 * len(scenes), 3.1), sharey=True) as (figure, axes):
        for panel, (scene, masks) in zip(np.atleast_1d(axes), scenes.items(), strict=True):
            for (mask, table), colour in zip(masks.items(), (RED, "black"), strict=False):
                reference, repeats = table.iloc[0], table.iloc[1:]
                panel.axhspan(reference["lower"], reference["upper"], color=colour, alpha=0.25, linewidth=0)
                shift = 0.0 if colour == RED else 0.35
                panel.vlines(np.arange(1, len(repeats) + 1) + shift, repeats["lower"], repeats["upper"], color=colour)
                panel.plot([], [], color=colour, label=mask)
            panel.axhline(0, color=GREY, linewidth=0.8)
            panel.set(title=scene, xlabel="measurement")
        np.atleast_1d(axes)[0].set_ylabel("gap: lower to upper estimate")
        np.atleast_1d(axes)[-1].legend(loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def draw_published(table: pd.DataFrame) -> Figure:
    """The objective and the upper estimate of the gap of each image along the published recipe.

    Args:
        table: the stored table `convergence`.
    """
    with panels(1, 2, size=(9.2, 3.1), sharex=True) as (figure, (left, right)):
        for _, rows in table.groupby("image"):
            left.semilogy(rows["step"], rows["objective"], color=BLUE, linewidth=1)
            right.semilogy(rows["step"], rows["gap"] + rows["uncertainty"], color=RED, linewidth=1)
        left.set(xlabel="step", title="objective")
        right.set(xlabel="step", title="gap, upper estimate")
    return figure


def draw_stopped(
    classifier: Classifier,
    images: Float[Tensor, "batch 3 height width"],
    explanations: Sequence[Explanation],
    table: pd.DataFrame,
    tolerance: float,
) -> Figure:
    """The images, and what is kept if each search stops at the first upper estimate of its gap below a tolerance.

    Args:
        classifier: names what it sees, above each picture.
        images: the first of the images that were watched.
        explanations: of all of them, after each cycle (`watch_cycles`).
        table: of the same run; a search that is never below the tolerance stops after the last cycle.
        tolerance: of the upper estimate of the gap.
    """
    steps = sorted(table["step"].unique())
    needed = steps_needed(table, tolerance).fillna(steps[-1])
    at = table.set_index(["image", "step"])["excess"]
    excess = np.mean([at[image, step] for image, step in needed.items()])
    kept = torch.stack([explanations[steps.index(needed[i])].kept[i] for i in range(len(images))])
    predictions = describe_predictions(classifier, kept)
    return show_images(
        [*images, *kept],
        describe_predictions(classifier, images)
        + [f"{step:.0f} steps:\n{prediction}" for step, prediction in zip(needed, predictions, strict=False)],
        columns=len(images),
        width=7,
        caption=f"all {len(needed)} scenes: {needed.mean():.0f} steps on average, {excess:.2f} above the best",
    )
