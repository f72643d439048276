"""Beyond the paper: masks of all methods against the objects of photographs, and on images that no network has seen."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Num
from torch import Tensor

from helpers.classifiers import Classifier
from helpers.core.blur import gaussian_blur
from helpers.data.class_regions import ClassRegions, load_class_regions
from helpers.data.images import image_digest
from helpers.metrics import pixel_curve, pointing_game, relevance_mass_above_chance, relevance_rank_accuracy
from helpers.metrics.regions import region_share, widened
from helpers.papers.recartoonx.experiments.study import Study
from helpers.papers.recartoonx.experiments.truth_masks import (
    CONTROLS,
    Asked,
    ask,
    control_maps,
    explained_by,
    method_parts,
    stored_masks,
)
from helpers.profiles import TruthSettings
from helpers.results import code_digest, digest_of_images, none_if_missing

BOXES = "imagenet-val"
CURVE_CONTROLS = ("centre", "random")


def truth_table(study: Study) -> pd.DataFrame:
    """One row per source, photograph, class in it, and method or control.

    Methods explain the most probable ImageNet class that is a kind of the photograph's class, whether or not the
    classifier predicts it.

    Returns:
        Columns source, image, class, method, target and prediction (ImageNet indices), correct (the prediction is a
        kind of the class), probability (of the target), silent (the mask is constant), share (the object's, of the
        counted pixels), near (the share within the tolerance), pointing, mass (the mask's in the object, above its
        share), rank (relevance rank accuracy), seconds (missing for controls). For controls, target and prediction are
        those of the CNN.
    """
    settings = _settings(study)
    tables = []
    for source in settings.sources:
        tables += [_method_rows(study, source, name) for name in settings.methods]
        regions, asked = _asked(source, study.profile.images.size, settings.seed, study.classifier)
        for name in CONTROLS:
            maps = control_maps(name, regions.pixels, settings.seed)
            tables.append(_rows(settings, source, regions, asked, maps).assign(method=name, seconds=np.nan))
    table = pd.concat([rows for rows in tables if len(rows)], ignore_index=True)
    return table[["source", "image", "class", "method", *(c for c in table if c not in _FIRST)]]


_FIRST = ("source", "image", "class", "method")


def curve_table(study: Study) -> pd.DataFrame:
    """The class's probability when only the most relevant pixels are kept, on photographs seen and unseen in training.

    The seen ones are the study's, the unseen ones the validation images with boxes. Their true class is explained, and
    measured with the CNN. Hidden pixels are blurred.

    Returns:
        Columns images (seen, unseen), image, method (or control), fraction (of the kept pixels), probability.
    """
    settings = _settings(study)
    seen, unseen = study.images, _regions(BOXES, study.profile.images.size).photographs(None, settings.seed)
    groups = {
        "seen": (seen.names, (seen.images * 255).round().byte(), tuple((int(label),) for label in seen.labels)),
        "unseen": (unseen.names, unseen.pixels, unseen.kinds),
    }
    rows = []
    for images, (names, pixels, kinds) in groups.items():
        for name in (*settings.curves.methods, *CURVE_CONTROLS):
            count = settings.methods[name].count(BOXES) if name in settings.methods else None  # type: ignore[index]
            if count == 0:
                continue
            curves = _curves(study, name, pixels[:count], kinds[:count])
            for image, curve in zip(names, curves.tolist(), strict=False):
                rows += [(images, image, name, step / settings.curves.steps, value) for step, value in enumerate(curve)]
    return pd.DataFrame(rows, columns=["images", "image", "method", "fraction", "probability"])


def truth_inputs(study: Study) -> dict[str, Any]:
    """The digests of the photographs with their regions, and the options and code of each method."""
    settings = _settings(study)
    return {
        "regions": {source: none_if_missing(lambda s=source: _digest(s, study)) for source in settings.sources},
        "methods": {name: none_if_missing(lambda n=name: method_parts(study, n)) for name in settings.methods},
    }


@lru_cache(maxsize=6)
def _regions(source: str, size: int) -> ClassRegions:
    return load_class_regions(source, size=size)  # type: ignore[arg-type]


def _digest(source: str, study: Study) -> str:
    regions = _regions(source, study.profile.images.size)
    return digest_of_images(regions.pixels, regions.regions, regions.counted)


def _settings(study: Study) -> TruthSettings:
    assert study.profile.truth is not None, "the table needs the profile's section `truth`"
    return study.profile.truth


def _method_rows(study: Study, source: str, name: str) -> pd.DataFrame:
    settings, own = _settings(study), explained_by(study, name)
    regions, asked = _asked(source, own.profile.images.size, settings.seed, own.classifier)
    method = settings.methods[name]  # type: ignore[index]
    right = method.right.get(source, 0)  # type: ignore[call-overload]
    rows = explained_rows(regions.names, asked.correct.tolist(), method.count(source), right)
    if not rows:
        return pd.DataFrame()
    regions, asked = (each[torch.tensor(rows)] for each in (regions, asked))
    items = stored_masks(study, name, regions.pixels, asked.targets)
    masks = torch.stack([item.tensors["mask"] for item in items])
    seconds = [item.metadata["seconds"] for item in items]
    return _rows(settings, source, regions, asked, masks).assign(method=name, seconds=seconds)


def explained_rows(names: Sequence[str], correct: Sequence[bool], count: int | None, right: int) -> list[int]:
    """The pairs that a method explains: of the first `count` photographs, and of the first `right` that are predicted.

    Args:
        names: the photograph of each pair, in random order.
        correct: whether the classifier predicts the pair's class.
        count: the number of photographs of all; None for all.
        right: the number of photographs of those with a pair that is predicted; of these, only such pairs.
    """
    of_all = set(list(dict.fromkeys(names))[:count])
    predicted = dict.fromkeys(name for name, sure in zip(names, correct, strict=True) if sure)
    of_right = set(list(predicted)[:right])
    return [
        row
        for row, (name, sure) in enumerate(zip(names, correct, strict=True))
        if name in of_all or (sure and name in of_right)
    ]


@lru_cache(maxsize=8)
def _asked(source: str, size: int, seed: int, classifier: Classifier) -> tuple[ClassRegions, Asked]:
    """All pairs of a source in random order, and what a classifier says about them."""
    regions = _regions(source, size).photographs(None, seed)
    return regions, ask(classifier, regions.pixels, regions.kinds)


def _rows(
    settings: TruthSettings,
    source: str,
    regions: ClassRegions,
    asked: Asked,
    masks: Float[Tensor, "pairs height width"],
) -> pd.DataFrame:
    """The scores of some masks, one row per pair."""
    inside, counted, reach = regions.regions, regions.counted, settings.tolerance * masks.shape[-1]
    scores = {
        "share": region_share(inside, counted),
        "near": region_share(widened(inside & counted, reach), counted),
        "pointing": pointing_game(masks, inside, counted, tolerance=reach),
        "mass": relevance_mass_above_chance(masks, inside, counted),
        "rank": relevance_rank_accuracy(masks, inside, counted),
    }
    return pd.DataFrame(
        {
            "source": source,
            "image": regions.names,
            "class": regions.classes,
            "target": asked.targets.tolist(),
            "prediction": asked.predictions.tolist(),
            "correct": asked.correct.tolist(),
            "probability": asked.probability.double().round(decimals=5).tolist(),
            "silent": (masks.amax((1, 2)) == masks.amin((1, 2))).tolist(),
            **{column: values.double().round(decimals=5).tolist() for column, values in scores.items()},
        }
    )


def _curves(
    study: Study, name: str, pixels: Num[Tensor, "pairs 3 height width"], kinds: tuple[tuple[int, ...], ...]
) -> Float[Tensor, "pairs fractions"]:
    """The curves of one method, from the store or computed."""
    settings, classifier = _settings(study), study.classifier
    targets = ask(classifier, pixels, kinds).targets
    if name in settings.methods:
        parts = method_parts(study, name)
        masks = torch.stack([item.tensors["mask"] for item in stored_masks(study, name, pixels, targets)])
    else:
        parts = {"control": name, "classifier": classifier.digest, "code": code_digest(control_maps)}
        masks = control_maps(name, pixels, settings.seed)

    def compute(rows: list[int]) -> list[dict[str, Tensor]]:
        images = pixels[rows].to(study.device).float() / 255
        hidden = gaussian_blur(images, settings.curves.blur * images.shape[-1]).clamp(0, 1)
        found = pixel_curve(
            classifier,
            images,
            masks[rows, None].to(study.device),
            targets[rows].to(study.device),
            hidden,
            direction="insert",
            steps=settings.curves.steps,
            score="softmax",
            seed=settings.seed,
        )
        return [{"curve": curve} for curve in found.cpu()]

    key = {"curves": settings.curves.model_dump(), "seed": settings.seed, "measure": code_digest(pixel_curve)}
    store = study.store("truth-curves", **parts, **key)
    items = [f"{image_digest(image)} {target}" for image, target in zip(pixels, targets.tolist(), strict=True)]
    found = study.stored(store, items, compute, label=f"curve of {name}")
    return torch.stack([item.tensors["curve"] for item in found])
