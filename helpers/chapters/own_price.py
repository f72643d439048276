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
from helpers.core.statistics import mean_effect, proportion_effect
from helpers.methods.rde import RatePath
from helpers.metrics.truth_scores import relevance_mass_accuracy
from helpers.plots import METHOD_COLOURS, draw_image
from helpers.plots.figures import panels
from helpers.reporting.mean_table import effects_in_words

RED, GREY = METHOD_COLOURS["CartoonX"], METHOD_COLOURS["neutral"]
WEIGHTINGS = {"fixed": "one λk", "relative": "one λk, relative", "own": "own λk"}


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
    """The λk at which a mask's objective equals that of the black mask: (D(0) - D) / rate; inf for a black mask."""
    return (black - path.distortion).clamp_min(0) / path.sparsity.clamp_min(1e-12)


def draw_weight_lines(path: RatePath, black: Float[Tensor, " batch"], names: Sequence[str]) -> Figure:
    """The objective of each mask of a path as a function of λk, and that of the black mask: one panel per image.

    Args:
        path: masks optimised at several λk.
        black: the black mask's distortion, one per image.
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
            panel.axhline(level, color="black", linestyle="--", label="the black mask")
            panel.fill_between(
                weights, level, 1e3, where=(best > level).numpy(), color="black", alpha=0.15, linewidth=0
            )
            panel.set(xscale="log", xlabel="λk", title=name, ylim=(0, 1.25 * max(float(black.max()), 0.1)))
        np.atleast_1d(axes)[0].set_ylabel("objective")
        np.atleast_1d(axes)[-1].legend(loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def kept_entries(explanation: Explanation) -> Float[Tensor, " batch"]:
    """The number of entries that each mask keeps: the sum over the mask."""
    assert explanation.representation_mask is not None
    return explanation.representation_mask.sum((1, 2))


def draw_kept_entries(
    confidence: Float[Tensor, " batch"],
    explanations: Mapping[str, tuple[Explanation, Explanation]],
    weightings: tuple[str, str],
) -> Figure:
    """The number of kept entries against the confidence of the prediction, under two weightings.

    Args:
        confidence: p, one per image.
        explanations: by method, those under the two weightings.
        weightings: the names of the two.
    """
    with panels(1, len(explanations), size=(4.4 * len(explanations), 3.3)) as (figure, axes):
        for panel, (name, pair) in zip(np.atleast_1d(axes), explanations.items(), strict=True):
            counts = [kept_entries(explanation).clamp_min(0.03) for explanation in pair]
            panel.vlines(confidence, *counts, color=GREY, linewidth=0.7)
            for count, weighting, face in zip(counts, weightings, ("white", RED), strict=True):
                panel.plot(confidence, count, "o", color=RED, markerfacecolor=face, label=weighting)
            panel.axhspan(0.01, 1, color="black", alpha=0.15, linewidth=0)
            panel.set(title=name, yscale="log", xlabel="p, the confidence", ylim=(0.02, None), xlim=(0, 1.03))
        np.atleast_1d(axes)[0].set_ylabel("entries kept")
        np.atleast_1d(axes)[-1].legend(loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def weighting_summary(
    explanations: Mapping[str, Explanation],
    region: Bool[Tensor, "batch 1 height width"],
    confidence: Float[Tensor, " batch"],
) -> pd.DataFrame:
    """One row per weighting: black masks, kept entries, and the mask's share on the object.

    A mask is black if its entries sum to less than one; the unsure half are the images of lower confidence. The share
    on the object is the mean over images that show an object of the predicted class and whose mask is not black.

    Args:
        explanations: of the same images, by weighting.
        region: the pixels of the predicted class; empty where the image does not show it.
        confidence: p, one per image.
    """
    unsure = confidence <= confidence.median()
    with_object = region.flatten(1).any(1)
    rows = []
    for weighting, explanation in explanations.items():
        black = kept_entries(explanation) < 1
        inside = torch.where(with_object & ~black, relevance_mass_accuracy(explanation.mask, region), torch.nan)
        rows.append(
            {
                "weighting": weighting,
                "black, %": proportion_effect(black.numpy()).linear(100),
                "black, unsure half, %": f"{100 * float(black[unsure].float().mean()):.0f}",
                "entries, median": float(kept_entries(explanation).median()),
                "share on the object, %": mean_effect(100 * inside.numpy(), limits=(0, 100)),
                "of images": int((with_object & ~black).sum()),
            }
        )
    return effects_in_words(pd.DataFrame(rows))


def draw_path(path: RatePath, weight: float, names: Sequence[str]) -> Figure:
    """The rate-distortion paths of two images with the masks at one λk marked, and what these keep.

    Args:
        path: of two images, with relative distortion.
        weight: one of the path's λk.
        names: one per image.
    """
    index = path.weights.index(weight)
    with panels(1, 3, size=(9.2, 2.9), width_ratios=[1.7, 1, 1]) as (figure, axes):
        for image, (name, colour) in enumerate(zip(names, (RED, METHOD_COLOURS["Pixel RDE"]), strict=True)):
            rates, distortions = 100 * path.sparsity[:, image], path.distortion[:, image]
            axes[0].semilogx(rates, distortions, ".-", color=colour, linewidth=1.3, label=name)
            axes[0].semilogx(rates[index], distortions[index], "o", color=colour, markersize=11, markerfacecolor="none")
            kept = path.explanations[index].kept[image]
            draw_image(axes[1 + image], kept, f"{name}: keeps {float(rates[index]):.2f} %")
        axes[0].set(xlabel="rate, %", ylabel="relative distortion", ylim=(-0.03, 1.1))
        axes[0].legend()
    return figure


def black_share_table(table: pd.DataFrame) -> pd.DataFrame:
    """One row per model and weighting of the stored table `sparsity-weights`: its share of black explanations.

    The share has an exact interval over images; λk is a range, and all other numbers are means.
    """
    rows = []
    for (model, weighting), part in table.groupby(["model", "weighting"], sort=False):
        weights = part["sparsity_weight"]
        rows.append(
            {
                "model": model,
                "sparsity weight": WEIGHTINGS[weighting],
                "black, %": proportion_effect(part["black"]).linear(100),
                "λk": f"{weights.min():.0f} to {weights.max():.0f}",
                "rate, %": 100 * part["sparsity"].mean(),
                "relative distortion": part["distortion"].mean(),
                "confidence": part["confidence"].mean(),
                "images": len(part),
            }
        )
    return effects_in_words(pd.DataFrame(rows))
