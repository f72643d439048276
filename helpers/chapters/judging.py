"""Experiments on how explanations are judged: a truth, perturbations, a randomised network, and few images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import torch
from jaxtyping import Bool, Float, Int
from matplotlib.figure import Figure
from torch import Tensor, nn

from helpers.benchmark.agreement import spearman
from helpers.benchmark.randomisation import randomised as randomised
from helpers.chapters.what_is_an_explanation import REPLACEMENTS, replace
from helpers.classifiers import Classifier
from helpers.core.blur import gaussian_blur
from helpers.core.runtime import random_generator
from helpers.core.statistics.means import mean_p_values
from helpers.methods.baselines import OcclusionMaps
from helpers.metrics.perturbation import PixelDirection, curve_area, pixel_curve
from helpers.metrics.regions import pointing_game, region_share, relevance_rank_accuracy
from helpers.metrics.truth_scores import relevance_mass_accuracy
from helpers.plots import MASK_COLOURS, METHOD_COLOURS, panels, show_images

Maps = Mapping[str, Float[Tensor, "batch size size"]]
CONTROLS = ("centre", "brightness", "random")
"""Maps that know nothing of the classifier."""

_COLOURS = dict(zip(("occlusion", "gradient", *CONTROLS), METHOD_COLOURS.values(), strict=False))
_BLUR = 5.0  # of the random map, in pixels: blobs, as many methods show


def gradient_map(
    classifier: nn.Module, images: Float[Tensor, "batch 3 size size"], targets: Int[Tensor, " batch"]
) -> Float[Tensor, "batch size size"]:
    """The absolute gradient of the class's logit, summed over the channels (Simonyan et al., 2014, with their sum)."""
    pixels = images.clone().requires_grad_()
    score = classifier(pixels).gather(1, targets[:, None]).sum()
    (gradient,) = torch.autograd.grad(score, pixels)
    return gradient.abs().sum(1)


def maps_of(
    classifier: Classifier, images: Float[Tensor, "batch 3 size size"], targets: Int[Tensor, " batch"], *, seed: int = 0
) -> dict[str, Float[Tensor, "batch size size"]]:
    """Two methods and the three controls: maps whose largest value is 1.

    Args:
        classifier: pixels in [0, 1] to logits.
        images: pixels in [0, 1].
        targets: the class of each image.
        seed: of the random map.
    """
    size = images.shape[-1]
    chosen = nn.functional.one_hot(targets, len(classifier.class_names)).bool()  # batch, classes
    occlusion = OcclusionMaps(classifier, window=0.25, stride=0.125, score="softmax").class_masks(images, chosen)
    place = torch.linspace(-1, 1, size)
    centre = torch.exp(-(place[:, None] ** 2 + place[None] ** 2) / 0.5)  # size, size
    noise = torch.rand(len(images), 1, size, size, generator=random_generator(seed))
    found = {
        "occlusion": occlusion[chosen],
        "gradient": gradient_map(classifier, images, targets),
        "centre": centre.expand(len(images), size, size),
        "brightness": images.mean(1),
        "random": _stretched(gaussian_blur(noise, _BLUR)[:, 0]),
    }
    return {name: values / values.amax((1, 2), keepdim=True).clamp_min(1e-12) for name, values in found.items()}


def _stretched(values: Float[Tensor, "batch size size"]) -> Float[Tensor, "batch size size"]:
    """Each map stretched to [0, 1]."""
    return values - values.amin((1, 2), keepdim=True)


def draw_maps(
    images: Float[Tensor, "batch 3 size size"], maps: Maps, rows: Sequence[int], names: Sequence[str]
) -> Figure:
    """Some images, each beside its maps under names of one's choice."""
    pictures = [
        picture
        for row in rows
        for picture in (images[row], *(values[row][None].clamp(0, 1) for values in maps.values()))
    ]
    titles = ["image", *names] + [""] * (len(pictures) - len(names) - 1)
    return show_images(pictures, titles, columns=len(maps) + 1, colours=MASK_COLOURS, width=9)


def truth_scores(maps: Maps, regions: Bool[Tensor, "batch size size"]) -> pd.DataFrame:
    """Three scores of each map against the region of the object, one row per image and map.

    Returns:
        Columns image, map, mass (relevance mass accuracy), pointing (the pointing game), rank (relevance rank
        accuracy), area (the region's share of the image, which a constant map scores in all three).
    """
    area = region_share(regions, torch.ones_like(regions))
    rows = []
    for name, values in maps.items():
        scores = {
            "mass": relevance_mass_accuracy(values[:, None], regions[:, None]),
            "pointing": pointing_game(values, regions),
            "rank": relevance_rank_accuracy(values, regions),
            "area": area,
        }
        table = pd.DataFrame({key: column.float().numpy() for key, column in scores.items()})
        rows.append(table.assign(image=range(len(table)), map=name))
    return pd.concat(rows, ignore_index=True)


def curves_of(
    classifier: Classifier,
    images: Float[Tensor, "batch 3 size size"],
    maps: Maps,
    targets: Int[Tensor, " batch"],
    *,
    replacement: str,
    direction: PixelDirection,
    steps: int = 16,
) -> dict[str, Float[Tensor, "batch fractions"]]:
    """The deletion or insertion curve of each map, and of a random order of pixels ("random order")."""
    nothing = torch.zeros(len(images), 1, *images.shape[2:], dtype=torch.bool)
    baseline = replace(images, nothing, replacement)
    orders = {**maps, "random order": torch.zeros_like(images[:, 0])}
    return {
        name: pixel_curve(
            classifier, images, values[:, None], targets, baseline, direction=direction, steps=steps, score="softmax"
        )
        for name, values in orders.items()
    }


def draw_curves(curves: Mapping[str, Float[Tensor, "batch fractions"]], direction: PixelDirection) -> Figure:
    """The mean curve of each map over the images."""
    verb = "replaced" if direction == "delete" else "shown"
    with panels(size=(6.4, 3.6)) as (figure, axes):
        for name, values in curves.items():
            fractions = torch.linspace(0, 100, values.shape[1])
            style = "--" if name == "random order" else "-"
            axes.plot(fractions, values.mean(0), style, color=_COLOURS.get(name, METHOD_COLOURS["neutral"]), label=name)
        axes.set(xlabel=f"{verb} pixels, most relevant first (%)", ylabel="probability of the class", ylim=(0, 1.02))
        axes.legend(ncols=2)
    return figure


def area_table(
    classifier: Classifier,
    images: Float[Tensor, "batch 3 size size"],
    maps: Maps,
    targets: Int[Tensor, " batch"],
    *,
    steps: int = 16,
) -> pd.DataFrame:
    """The mean area under the deletion curve for each map and each replacement: columns map and `REPLACEMENTS`."""
    columns = {
        replacement: {
            name: float(curve_area(curve).mean())
            for name, curve in curves_of(
                classifier, images, maps, targets, replacement=replacement, direction="delete", steps=steps
            ).items()
        }
        for replacement in REPLACEMENTS
    }
    return pd.DataFrame(columns).rename_axis("map").reset_index()


def map_agreement(first: Maps, second: Maps) -> dict[str, float]:
    """The mean rank correlation (Spearman's) between the maps of the same name; a constant map agrees with none: 0."""
    return {
        name: float(spearman(*(maps[name].flatten(1).double().numpy() for maps in (first, second))).mean())
        for name in first
    }


@torch.no_grad()
def nothing_table(classifier: Classifier, images: Float[Tensor, "batch 3 size size"]) -> pd.DataFrame:
    """The classifier's answer to images of which nothing is left, for each replacement.

    Returns:
        One row per replacement; columns replacement, class (the most frequent prediction), share (of the images with
        that prediction), probability (the mean of the largest probability).
    """
    rows = []
    for replacement in REPLACEMENTS:
        nothing = replace(images, torch.zeros_like(images[:, :1], dtype=torch.bool), replacement)
        classes, confidence = classifier.predict(nothing)
        most = int(classes.mode().values)
        rows.append(
            {
                "replacement": replacement,
                "class": classifier.class_names[most],
                "share": float((classes == most).float().mean()),
                "probability": float(confidence.mean()),
            }
        )
    return pd.DataFrame(rows)


def percentile_interval(
    values: Float[np.ndarray, "*samples units"], *, resamples: int = 400, seed: int = 0
) -> tuple[Float[np.ndarray, "*samples"], Float[np.ndarray, "*samples"]]:
    """The 95 % percentile bootstrap interval of the mean of each sample."""
    draws = np.random.default_rng(seed).integers(values.shape[-1], size=(resamples, values.shape[-1]))
    means = values[..., draws].mean(-1)  # samples, resamples
    low, high = np.quantile(means, (0.025, 0.975), axis=-1)
    return low, high


def small_samples(
    differences: Float[np.ndarray, " units"], sizes: Sequence[int], *, runs: int = 2000, seed: int = 0
) -> pd.DataFrame:
    """How often few images mislead: samples with replacement from known differences between two methods.

    Returns:
        One row per size; columns size, wrong_sign (share of samples whose mean has the wrong sign), and the shares of
        samples that decide although the true difference is 0 (the differences, centred): bootstrap (by the percentile
        bootstrap) and test (by this book's test, `helpers.core.statistics.mean_effect`).
    """
    generator, truth = np.random.default_rng(seed), float(differences.mean())
    rows = []
    for size in sizes:
        samples = differences[generator.integers(len(differences), size=(runs, size))]  # runs, size
        low, high = percentile_interval(samples - truth)
        rows.append(
            {
                "size": size,
                "wrong_sign": float((samples.mean(1) * np.sign(truth) <= 0).mean()),
                "bootstrap": float(((low > 0) | (high < 0)).mean()),
                "test": float((mean_p_values(samples - truth) < 0.05).mean()),
            }
        )
    return pd.DataFrame(rows)


def draw_sample(differences: Float[np.ndarray, " units"], size: int, seed: int) -> Figure:
    """A few differences drawn at random, with their mean, above all differences with theirs."""
    sample = np.random.default_rng(seed).choice(differences, size, replace=False)
    with panels(size=(6.8, 2.4)) as (figure, axes):
        for height, values in ((1, sample), (0, differences)):
            colour = METHOD_COLOURS["CartoonX" if height else "neutral"]
            axes.plot(values, np.full(len(values), height), "o", color=colour, alpha=0.5, markersize=5)
            axes.plot([values.mean()] * 2, [height - 0.25, height + 0.25], color=colour, linewidth=3)
        axes.set_title(f"the mean of your {size}: {sample.mean():+.2f}")
        axes.axvline(0, color="black", linewidth=0.8)
        axes.set(yticks=[0, 1], yticklabels=[f"all {len(differences)}", f"your {size}"], ylim=(-0.5, 1.5))
        axes.set_xlabel("← the second method is better        difference        the first method is better →")
    return figure
