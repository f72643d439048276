"""The rate-distortion curves of a profile: [Re] CartoonX, Figure 3, left and middle."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict

import pandas as pd
import torch
from torch import Tensor

from helpers.core.runtime import progress
from helpers.metrics import Direction, rate_distortion_curve
from helpers.papers.recartoonx.experiments.study import NUMERICS, MethodName, Study, running_code
from helpers.profiles import Variant
from helpers.results import ItemStore, results_folder, run_key

CURVES: dict[str, MethodName] = {  # the curve, and the method whose representation it is measured in
    "cartoonx": "cartoonx",
    "pixel-rde": "pixel-rde",
    "random-wavelets": "cartoonx",
    "random-pixels": "pixel-rde",
}
REPRESENTATIONS: dict[str, MethodName] = {**CURVES, "rollout": "pixel-rde"}  # a rollout is ranked as pixels
MEASURED_BY = (*NUMERICS, "helpers.metrics.curves")  # the code that a stored curve depends on
DIRECTIONS: tuple[Direction, ...] = ("keep", "randomise")


def curve_table(
    study: Study, variant: Variant | None = None, *, curves: Sequence[str] = tuple(CURVES), count: int | None = None
) -> pd.DataFrame:
    """The distortion of each image at each fraction, for both methods and their random baselines.

    The distortion is the Euclidean norm, not squared, of the difference of the probability vectors, as in the
    reproduction. The two variants differ in two points:

    - "published": one noise draw; obfuscations of pixels are not clamped to [0, 1], while those of wavelets are;
    - "corrected": the profile's number of draws, and all are clamped, so that methods stand on one footing.

    Args:
        study: the profile at work; explanations that are missing are computed first, and finished images are stored.
        variant: None for the profile's.
        curves: which ones, of `REPRESENTATIONS`; "rollout" is for a transformer's study.
        count: on the first so many images; None: as many as the profile says.

    Returns:
        Columns image, curve, direction, fraction, distortion, standard_error (over draws), variant.
    """
    variant = variant or study.profile.curves.variant
    draws = 1 if variant == "published" else study.profile.curves.draws
    count = count or study.profile.curves.images
    tables = [_one_curve(study, curve, variant, draws, count) for curve in curves]
    return pd.concat(tables, ignore_index=True).assign(variant=variant)


def curve_seconds(
    study: Study, variant: Variant, *, curves: Sequence[str] = tuple(CURVES), count: int | None = None
) -> float:
    """How long the stored curves of a variant took in all, of every run that contributed."""
    draws = 1 if variant == "published" else study.profile.curves.draws
    items = study.items[: count or study.profile.curves.images]
    stores = [_store(study, curve, variant, draws) for curve in curves]
    return sum(store.load(item).metadata["seconds"] for store in stores for item in items)


def _one_curve(study: Study, curve: str, variant: Variant, draws: int, count: int | None) -> pd.DataFrame:
    settings = study.profile.curves
    images = study.images[:count]
    store = _store(study, curve, variant, draws)
    items = study.items[:count]
    missing = set(store.missing(items))
    masks = _masks(study, curve, variant, len(images))
    label = f"{study.profile.name}: curve of {curve}"
    for place in progress(range(len(images)), label=label, show=study.show_progress and bool(missing)):
        if items[place] in missing:
            begin = time.perf_counter()
            mask = None if masks is None else masks[place : place + 1]
            curves = _measure(study, curve, variant, draws, images.images[place : place + 1], mask)
            store.save(items[place], curves, {"seconds": time.perf_counter() - begin})
    stored = [(name, store.load(item).tensors) for name, item in zip(images.names, items, strict=True)]
    return pd.DataFrame(
        [
            (name, curve, direction, fraction, float(mean), float(error))
            for name, tensors in stored
            for direction in DIRECTIONS
            for fraction, mean, error in zip(settings.points, *tensors[direction], strict=True)
        ],
        columns=["image", "curve", "direction", "fraction", "distortion", "standard_error"],
    )


def _masks(study: Study, curve: str, variant: Variant, count: int) -> Tensor | None:
    """The masks whose order the curve follows: (images, 1, k); None for a random order."""
    if curve.startswith("random"):
        return None
    if curve == "rollout":  # a patch has one value, so that its pixels would tie: upsampled, as published
        return study.rollout(count=count, variant=variant).mask.flatten(2)
    return study.explain(REPRESENTATIONS[curve], count=count).representation_mask


def _measure(
    study: Study, curve: str, variant: Variant, draws: int, image: Tensor, mask: Tensor | None
) -> dict[str, Tensor]:
    """The curves of one image: for each direction the means and the standard errors, (2, fractions)."""
    name = REPRESENTATIONS[curve]
    clamp = name == "cartoonx" or variant == "corrected"
    problem = study.method(name, distortion="l2", clamp=clamp).problem(image.to(study.device))
    # a constant mask is all ties, which are broken at random: the baseline
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


def _store(study: Study, curve: str, variant: Variant, draws: int) -> ItemStore:
    method = study.method(REPRESENTATIONS[curve])
    rollout = study.profile.transformer.rollout.model_dump() if study.profile.transformer else {}
    more = {"rollout": {**rollout, "code": running_code("helpers.methods.rollout")}} if curve == "rollout" else {}
    key = run_key(
        curve=curve,
        variant=variant,
        draws=draws,
        points=list(study.profile.curves.points),
        seed=study.profile.seed,
        options=asdict(method.options),
        transform=study.profile.cartoonx.transform,
        classifier=study.classifier.digest,
        normalise=study.profile.classifier.normalise,
        code=running_code(*MEASURED_BY),
        **more,
    )
    return ItemStore(results_folder(study.profile, study.root) / "work" / "curves", key)
