"""Pictures and numbers of the page on per-image sparsity weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import torch
from jaxtyping import Bool, Float
from matplotlib.figure import Figure
from torch import Tensor

from helpers.core.explanation import Explanation
from helpers.core.runtime import random_generator
from helpers.methods.rde import RateDistortionExplainer, RatePath
from helpers.metrics.truth_scores import relevance_mass_accuracy
from helpers.plots import METHOD_COLOURS, draw_image
from helpers.plots.figures import panels

RED, GREY = METHOD_COLOURS["CartoonX"], METHOD_COLOURS["neutral"]


def add_rising_noise(
    images: Float[Tensor, "batch 3 height width"], strongest: float, *, seed: int = 0
) -> Float[Tensor, "batch 3 height width"]:
    """The images with Gaussian noise that rises from none on the first image to the strongest on the last, in [0, 1].

    Args:
        images: pixels in [0, 1].
        strongest: the standard deviation of the noise on the last image.
        seed: of the noise.
    """
    levels = torch.linspace(0, strongest, len(images))[:, None, None, None]
    return (images + levels * torch.randn(images.shape, generator=random_generator(seed))).clamp(0, 1)


def break_even_weight(path: RatePath, black: Float[Tensor, " batch"]) -> Float[Tensor, "weights batch"]:
    """The λk at which a mask costs as much as the empty one: (D(0) - D) / rate; very large for a nearly empty mask."""
    return (black - path.distortion).clamp_min(0) / path.sparsity.clamp_min(1e-12)


def draw_weight_lines(path: RatePath, black: Float[Tensor, " batch"], names: Sequence[str]) -> Figure:
    """The objective of each mask of a path as a function of λk, and that of the empty mask: one panel per image.

    Args:
        path: masks optimised at several λk.
        black: the empty mask's distortion, one per image.
        names: one per image.
    """
    with panels(1, len(names), size=(4.4 * len(names), 3.2), sharex=True) as (figure, axes):
        weights = np.geomspace(1, 2 * max(path.weights), 200)
        for index, (panel, name) in enumerate(zip(np.atleast_1d(axes), names, strict=True)):
            lines = path.distortion[:, index, None] + path.sparsity[:, index, None] * torch.tensor(weights)
            for line in lines:
                panel.plot(weights, line, color=GREY, linewidth=0.8, alpha=0.8)
            best, level = lines.amin(0), float(black[index])
            panel.plot(weights, best, color=RED, label="the best of these masks")
            panel.axhline(level, color="black", linestyle="--", label="the empty mask")
            panel.fill_between(
                weights, level, 1e3, where=(best > 0.99 * level).numpy(), color="black", alpha=0.15, linewidth=0
            )
            panel.set(xscale="log", xlabel="λk", title=name, ylim=(0, 1.25 * max(float(black.max()), 0.1)))
        np.atleast_1d(axes)[0].set_ylabel("objective")
        np.atleast_1d(axes)[-1].legend(loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def kept_entries(explanation: Explanation) -> Float[Tensor, " batch"]:
    """The number of entries that each mask keeps: the sum over the mask."""
    assert explanation.representation_mask is not None
    return explanation.representation_mask.sum((1, 2))


def against_empty(
    method: RateDistortionExplainer, images: Float[Tensor, "batch 3 height width"], explanation: Explanation
) -> Float[Tensor, " batch"]:
    """The objective of each mask divided by that of the empty mask, on the same 64 noise draws: above 1, it is worse.

    Args:
        method: the one that made the masks, with its λk.
        images: pixels in [0, 1].
        explanation: of the images.
    """
    problem, mask = method.problem(images), explanation.representation_mask
    assert mask is not None
    found, empty = (problem.evaluate(each, samples=64)["objective"] for each in (mask, torch.zeros_like(mask)))
    return found / empty


def draw_kept_entries(
    confidence: Float[Tensor, " batch"],
    explanations: Mapping[str, Explanation],
    ratios: Mapping[str, Float[Tensor, " batch"]],
) -> Figure:
    """Kept entries, and the objective in units of the empty mask's, against the confidence of the prediction.

    Args:
        confidence: p, one per image.
        explanations: by weighting; the first is drawn hollow.
        ratios: of `against_empty`, by weighting.
    """
    with panels(1, 2, size=(9.2, 3.2)) as (figure, (left, right)):
        for number, (weighting, explanation) in enumerate(explanations.items()):
            face = RED if number else "white"
            style = {"color": RED, "markerfacecolor": face, "label": weighting}
            left.plot(confidence, kept_entries(explanation).clamp_min(0.1), "o", **style)
            right.plot(confidence, ratios[weighting], "o", **style)
        left.axhspan(0.05, 1, color="black", alpha=0.15, linewidth=0)
        left.set(yscale="log", xlabel="p, the confidence", title="entries kept", ylim=(0.07, None), xlim=(0, 1.03))
        right.axhline(1, color="black", linestyle="--", linewidth=1)
        right.set(xlabel="p, the confidence", title="objective / that of the empty mask", xlim=(0, 1.03))
        right.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def shares_on_the_object(
    explanation: Explanation, region: Bool[Tensor, "batch 1 height width"]
) -> Float[np.ndarray, " batch"]:
    """The share of each mask on the object of its class; nan where the image shows none, or where the mask is empty."""
    known = region.flatten(1).any(1) & (kept_entries(explanation) >= 1)
    return torch.where(known, relevance_mass_accuracy(explanation.mask, region), torch.nan).numpy()


def draw_path(path: RatePath, weight: float, names: Sequence[str], empty: Float[Tensor, " batch"]) -> Figure:
    """The rate-distortion paths of two images with the masks at one λk marked, and what these keep.

    Args:
        path: of two images.
        weight: one of the path's λk.
        names: one per image.
        empty: the empty mask's distortion, one per image: a dashed line, and said above masks that cost more.
    """
    index = path.weights.index(weight)
    costs = path.distortion[index] + weight * path.sparsity[index]
    with panels(1, 3, size=(9.2, 2.9), width_ratios=[1.7, 1, 1]) as (figure, axes):
        for image, (name, colour) in enumerate(zip(names, (RED, METHOD_COLOURS["Pixel RDE"]), strict=True)):
            rates, distortions = 100 * path.sparsity[:, image], path.distortion[:, image]
            drawn = rates.clamp_min(0.06)
            axes[0].semilogx(drawn, distortions, ".-", color=colour, linewidth=1.3, label=name)
            axes[0].semilogx(drawn[index], distortions[index], "o", color=colour, markersize=11, markerfacecolor="none")
            kept = path.explanations[index].kept[image]
            axes[0].axhline(float(empty[image]), color=colour, linewidth=1, linestyle="--")
            verdict = "no better than none" if costs[image] >= 0.99 * empty[image] else "better than none"
            draw_image(axes[1 + image], kept, f"{name}: keeps {float(rates[index]):.2f} %,\n{verdict}")
        axes[0].set(xlabel="rate, %", ylabel="distortion", ylim=(-0.03, 1.1))
        axes[0].set(xlim=(0.05, 5), xticks=[0.1, 0.3, 1, 3], xticklabels=["0.1", "0.3", "1", "3"])
        axes[0].minorticks_off()
        axes[0].legend()
    return figure


def photograph_table(table: pd.DataFrame) -> pd.DataFrame:
    """One row per model and photograph of the stored table `sparsity-weights`, those with the smallest p first.

    Columns model, image, p, and by weighting ("fixed", "relative") whether the explanation is black.
    """
    black = table.pivot(index=["model", "image", "confidence"], columns="weighting", values="black")
    return (
        black[["fixed", "relative"]]
        .reset_index()
        .rename_axis(columns=None)
        .rename(columns={"confidence": "p"})
        .sort_values(["model", "p"], ignore_index=True)
    )
