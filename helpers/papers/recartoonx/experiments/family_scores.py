"""The scores of the wavelet family: one row per image, the same for every method and control."""

from __future__ import annotations

import pandas as pd
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from helpers.classifiers import Classifier
from helpers.core.blur import gaussian_blur
from helpers.core.explanation import Explanation
from helpers.methods.rde import RateDistortion, Wavelets
from helpers.metrics import (
    CannyEdges,
    conciseness_preciseness,
    curve_area,
    hallucinated_edges,
    hallucination_score,
    information,
    pixel_curve,
    pointing_game,
    preciseness,
    rate_distortion_curve,
    relevance_mass_above_chance,
    relevance_rank_accuracy,
)
from helpers.metrics.regions import region_share
from helpers.profiles import FamilySettings

TRUTH = ("area", "rank", "iou", "pointing", "mass")
"""The columns that need the object; missing for photographs."""

_DECIMALS = 5


@torch.no_grad()
def picture_scores(
    classifier: Classifier, images: Float[Tensor, "batch 3 height width"], explanation: Explanation
) -> dict[str, Float[Tensor, " batch"]]:
    """The scores of kept pictures, each for the explained class.

    Returns:
        `kept_class` (1 if it is the most probable class of the kept picture), `probability` (the kept picture's,
        divided by the image's), the sizes `brightness`, `energy` (sum of squared pixels) and `entropy` (of db3
        coefficients, for all methods) relative to the image's, `hallucination` (invented edges per edge of the image),
        `invented` (invented edges per edge of the picture; nan without any), and `cp_pixels` and `cp_entropy`
        (probability by brightness and by entropy).
    """
    kept, targets = explanation.kept, explanation.targets
    wavelets = Wavelets((images.shape[2], images.shape[3])).to(images)
    grey = images.mean(1, keepdim=True)
    shown = CannyEdges()(kept.mean(1, keepdim=True), grey.amax((1, 2, 3)) - grey.amin((1, 2, 3))).sum((1, 2, 3))
    invented = hallucinated_edges(images, kept)[0].sum((1, 2, 3))
    whole = information(images, "entropy", wavelets)
    return {
        "kept_class": (classifier(kept).argmax(1) == targets).double(),
        "probability": preciseness(classifier, images, kept, targets),
        "brightness": kept.sum((1, 2, 3)) / images.sum((1, 2, 3)),
        "energy": kept.square().sum((1, 2, 3)) / images.square().sum((1, 2, 3)),
        "entropy": information(kept, "entropy", wavelets) / whole,
        "hallucination": hallucination_score(images, kept),
        "invented": torch.where(shown > 0, invented / shown.clamp_min(1), torch.nan),
        "cp_pixels": conciseness_preciseness(classifier, images, kept, targets),
        "cp_entropy": conciseness_preciseness(
            classifier, images, kept, targets, measure="entropy", representation=wavelets
        ),
    }


@torch.no_grad()
def map_scores(
    classifier: Classifier,
    images: Float[Tensor, "batch 3 height width"],
    explanation: Explanation,
    settings: FamilySettings,
    seed: int,
) -> dict[str, Float[Tensor, " batch"]]:
    """The scores of maps of pixels, of which only the order counts.

    Returns:
        `insertion` and `deletion`: areas under the explained class's probability as the most relevant pixels are shown
        (from a blurred image on) or blurred (from the image on), in the same steps for all methods.
    """
    hidden = gaussian_blur(images, settings.blur * images.shape[-1]).clamp(0, 1)
    areas = {}
    for column, direction in (("insertion", "insert"), ("deletion", "delete")):
        curve = pixel_curve(
            classifier,
            images,
            explanation.mask,
            explanation.targets,
            hidden,
            direction=direction,  # type: ignore[arg-type]
            steps=settings.steps,
            score="softmax",
            seed=seed,
        )
        areas[column] = curve_area(curve)
    return areas


def truth_scores(
    masks: Float[Tensor, "batch height width"],
    region: Bool[Tensor, "batch height width"] | None,
    tolerance: float | int,
) -> dict[str, Float[Tensor, " batch"]]:
    """The scores of maps against the objects of the explained class; nan without objects.

    Returns:
        `area` (the objects' share of the image), `rank` (relevance rank accuracy), `iou` (intersection over union of
        the objects and as many of the most relevant pixels), `pointing` and `mass` (the map's share on the objects,
        above their area).
    """
    if region is None:
        return {column: masks.new_full((len(masks),), torch.nan) for column in TRUTH}
    rank = relevance_rank_accuracy(masks, region)
    return {
        "area": region_share(region, torch.ones_like(region)),
        "rank": rank,
        "iou": rank / (2 - rank),  # of two sets of one size, of which a share `rank` is common
        "pointing": pointing_game(masks, region, tolerance=tolerance * masks.shape[-1]),
        "mass": relevance_mass_above_chance(masks, region),
    }


@torch.no_grad()
def entry_scores(
    problem: RateDistortion,
    mask: Float[Tensor, "batch 1 k"],
    order: Float[Tensor, "batch 1 k"],
    settings: FamilySettings,
    seed: int,
) -> dict[str, Float[Tensor, " batch"]]:
    """The scores in a method's own entries: pixels, or coefficients of wavelets or shearlets.

    Returns:
        `share` (of the entries that are kept) and `distortion` (that of the search, over fresh noise), and two gains
        over a random order of the same entries: `keep_gain`, by how much less the distortion is if only the most
        relevant ones are kept, and `randomise_gain`, by how much more it is if only they are replaced by noise. Both
        are means over the logarithm of the kept share.
    """
    found = problem.evaluate(mask, samples=settings.samples, seed=seed + 1)
    shares = torch.tensor([p for p in settings.fractions if 0 < p < 1])
    weights = torch.zeros(len(shares), dtype=torch.double)
    steps = shares.double().log().diff() / 2
    weights[:-1] += steps
    weights[1:] += steps
    weights /= weights.sum()  # the trapezoidal rule in the logarithm of the share
    columns = {"share": found["sparsity"], "distortion": found["distortion"]}
    for direction in ("keep", "randomise"):
        own, chance = (
            rate_distortion_curve(
                problem,
                each,
                shares.tolist(),
                direction=direction,  # type: ignore[arg-type]
                draws=settings.draws,
                seed=seed,
            )[0]
            for each in (order, torch.ones_like(order))
        )
        gain = ((chance - own) if direction == "keep" else (own - chance)).double().cpu() @ weights
        columns[f"{direction}_gain"] = gain
    return columns


def as_columns(scores: dict[str, Tensor]) -> pd.DataFrame:
    """Scores as columns, rounded: a table has the same numbers on every machine."""
    return pd.DataFrame(
        {name: values.double().cpu().round(decimals=_DECIMALS).tolist() for name, values in scores.items()}
    )
