"""The rate-distortion curves of a profile: [Re] CartoonX, Figure 3, left and middle."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pandas as pd
import torch
from torch import Tensor

from helpers.metrics import Direction, rate_distortion_curve
from helpers.papers.recartoonx.experiments.study import MethodName, Study
from helpers.profiles import Variant
from helpers.results import code_digest

CURVES: dict[str, MethodName] = {  # curve: the method in whose representation it is measured
    "cartoonx": "cartoonx",
    "pixel-rde": "pixel-rde",
    "random-wavelets": "cartoonx",
    "random-pixels": "pixel-rde",
}
REPRESENTATIONS: dict[str, MethodName] = {**CURVES, "rollout": "pixel-rde"}  # a rollout is ranked as pixels
VARIANTS: tuple[Variant, ...] = ("corrected", "published")
DIRECTIONS: tuple[Direction, ...] = ("keep", "randomise")
Relevance = Callable[[Study, Variant, int], tuple[Tensor, dict[str, object]]]
"""Returns the masks that rank a curve's entries, (images, 1, k), and their part of the cache key."""


def both_curve_tables(study: Study) -> pd.DataFrame:
    """The curves of a profile in both variants."""
    return pd.concat([curve_table(study, variant) for variant in VARIANTS], ignore_index=True)


def curve_table(
    study: Study,
    variant: Variant | None = None,
    *,
    curves: Sequence[str] = tuple(CURVES),
    count: int | None = None,
    relevance: Relevance | None = None,
) -> pd.DataFrame:
    """The distortion of each image at each fraction, for both methods and their random baselines.

    The distortion is the Euclidean norm, not squared, of the difference of the probability vectors, as in the
    reproduction. The two variants differ in two points:

    - "published": one noise draw; obfuscations of pixels are not clamped to [0, 1], while those of wavelets are;
    - "corrected": the profile's number of draws; all obfuscations are clamped, so that methods are comparable.

    Args:
        study: missing explanations are computed first; finished images are stored.
        variant: None for the profile's.
        curves: some of `REPRESENTATIONS`; "rollout" needs a transformer's study.
        count: the number of images; None for the profile's.
        relevance: returns the masks of the curve "rollout".

    Returns:
        Columns image, curve, direction, fraction, distortion, standard_error (over draws), variant.
    """
    variant = variant or study.profile.curves.variant
    draws = 1 if variant == "published" else study.profile.curves.draws
    count = count or study.profile.curves.images
    tables = [
        _one_curve(study, curve, variant, draws, count, relevance if curve == "rollout" else None) for curve in curves
    ]
    return pd.concat(tables, ignore_index=True).assign(variant=variant)


def _one_curve(
    study: Study, curve: str, variant: Variant, draws: int, count: int | None, relevance: Relevance | None
) -> pd.DataFrame:
    settings, name = study.profile.curves, REPRESENTATIONS[curve]
    images, relevance_key, masks = study.images[:count], {}, None
    if relevance is not None:
        masks, relevance_key = relevance(study, variant, len(images))
    elif not curve.startswith("random"):
        masks = study.explain(name, count=len(images)).representation_mask

    def compute(rows: list[int]) -> list[dict[str, Tensor]]:
        mask = None if masks is None else masks[rows]
        return [_measure(study, curve, variant, draws, images.images[rows], mask)]

    curve_key = {"points": list(settings.points), "seed": study.profile.seed, "draws": draws, "variant": variant}
    curve_key |= {"curve": curve, "measure": code_digest(rate_distortion_curve), "relevance": relevance_key}
    store = study.store("curves", **study.method_parts(name, study.method(name)), **curve_key)
    items = study.stored(store, study.items[:count], compute, label=f"curve of {curve}")
    return pd.DataFrame(
        [
            (image, curve, direction, fraction, float(mean), float(error))
            for image, item in zip(images.names, items, strict=True)
            for direction in DIRECTIONS
            for fraction, mean, error in zip(settings.points, *item.tensors[direction], strict=True)
        ],
        columns=["image", "curve", "direction", "fraction", "distortion", "standard_error"],
    )


def _measure(
    study: Study, curve: str, variant: Variant, draws: int, image: Tensor, mask: Tensor | None
) -> dict[str, Tensor]:
    """The curves of one image: means and standard errors for each direction, (2, fractions)."""
    name = REPRESENTATIONS[curve]
    clamp = name == "cartoonx" or variant == "corrected"
    problem = study.method(name, distortion="l2", clamp=clamp).problem(image.to(study.device))
    # the random baseline: a constant mask, whose ties are broken at random
    relevance = torch.ones_like(problem.coefficients[:, :1]) if mask is None else mask.to(study.device)
    return {
        direction: torch.cat(
            rate_distortion_curve(
                problem,
                relevance,
                study.profile.curves.points,
                direction=direction,
                draws=draws,
                seed=study.profile.seed,
            )
        ).cpu()
        for direction in DIRECTIONS
    }
