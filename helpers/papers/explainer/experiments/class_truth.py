"""Beyond the paper: each class's mask against the visible region of that class, where this is known."""

from __future__ import annotations

import pandas as pd
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from helpers.core.centre import centre_gaussian
from helpers.core.runtime import random_generator
from helpers.metrics import pixel_auroc, pointing_game, relevance_mass_above_chance, segmentation_scores
from helpers.papers.explainer.experiments.methods import METHODS
from helpers.papers.explainer.experiments.segmentation import RANDOM
from helpers.papers.explainer.experiments.study import ClassStudy

Pairs = Int[Tensor, "pairs 2"]
"""The indices of images and of classes."""

CENTRE, CONSTANT = "centre", "constant"
"""Controls: a Gaussian in the middle of the image, and a mask of ones, the image dimmed or not."""

Regions = Bool[Tensor, "images classes height width"]


def class_truth_table(study: ClassStudy) -> pd.DataFrame:
    """One row per image, class shown in it, and method.

    Controls are masks that look neither at the image nor at the classifier: pixels in random order, a Gaussian in the
    middle, and a constant.

    Returns:
        Columns method, image, class, area (of the class's visible region), visible (the share of its object that
        nothing covers; nan for photographs), iou and iou_50 (with the visible region), pointing_game, pixel_auroc (the
        probability that a pixel of the class ranks above one outside it), mass_above_chance (the share of the mask's
        mass on the class, less its area), mass_above_chance_others (the same for the image's other objects). Pixels
        that annotators left undecided count neither as mass nor as area. Classes without any pixel are left out.

    Raises:
        ValueError: the regions of the classes are not known.
    """
    count = study.settings.evaluation.images
    regions = study.class_regions(count)
    if regions is None:
        raise ValueError(
            f"the images of {study.dataset} in profile {study.profile.name!r} have no masks of single classes"
        )
    truth = study.segmented[:count]
    pairs = (truth.images.labels & regions.flatten(2).any(2)).nonzero()
    tables = [_scores(study, name, pairs[pairs[:, 0] < study.count_of(name)], regions) for name in METHODS]
    tables += control_tables(study, pairs, regions)
    return pd.concat(tables, ignore_index=True)


def control_tables(study: ClassStudy, pairs: Pairs, regions: Regions) -> list[pd.DataFrame]:
    """The rows of the controls, which need no classifier.

    Args:
        study: the study.
        pairs: the images and classes.
        regions: of the classes.
    """
    shape = (len(pairs), *regions.shape[2:])
    controls = {
        RANDOM: torch.rand(shape, generator=random_generator(0)),
        CENTRE: centre_gaussian(*shape[1:]).expand(shape),
        CONSTANT: torch.ones(shape),
    }
    return [_table(study, name, pairs, regions, masks) for name, masks in controls.items()]


def _scores(study: ClassStudy, name: str, pairs: Pairs, regions: Regions) -> pd.DataFrame:
    """The rows of a method."""
    if not len(pairs):
        return pd.DataFrame()
    masks = study.masks(name, int(pairs[:, 0].max()) + 1)
    return _table(study, name, pairs, regions, masks[pairs[:, 0], pairs[:, 1]])


def _table(
    study: ClassStudy, name: str, pairs: Pairs, regions: Regions, masks: Float[Tensor, "pairs height width"]
) -> pd.DataFrame:
    """One row per pair of an image and a class."""
    image, target = pairs.unbind(1)
    images, counted = study.segmented.images, study.segmented.counted[image]
    truth = regions[image, target]
    others = regions.any(1)[image] & ~truth
    overlap = segmentation_scores(masks, truth.float(), counted)
    pixels = counted.sum((1, 2))
    scores = {
        "area": (truth & counted).sum((1, 2)) / pixels,
        "visible": _visible_shares(study, regions.shape[1])[image, target],
        "iou": overlap["iou"],
        "iou_50": overlap["iou_50"],
        "pointing_game": pointing_game(masks, truth, counted),
        "pixel_auroc": pixel_auroc(masks, truth, counted & ~truth),
        "mass_above_chance": relevance_mass_above_chance(masks, truth, counted),
        "mass_above_chance_others": relevance_mass_above_chance(masks, others, counted),
    }
    named = {
        "image": [images.names[row] for row in image.tolist()],
        "class": [images.class_names[column] for column in target.tolist()],
    }
    return pd.DataFrame({"method": name, **named, **{key: values.tolist() for key, values in scores.items()}})


def _visible_shares(study: ClassStudy, classes: int) -> Float[Tensor, "images classes"]:
    """The unoccluded share of each class's object; 0 where a scene has none, nan for photographs."""
    scenes = study.scenes
    if scenes is None:
        return torch.full((len(study.segmented), classes), torch.nan)
    seen, full = (masks.flatten(2).sum(2) for masks in (scenes.object_masks, scenes.object_full_masks))
    shares = torch.zeros(len(scenes), classes)
    return shares.scatter_add_(1, scenes.object_classes.clamp_min(0), seen / full.clamp_min(1))
