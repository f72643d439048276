"""Figures 4 and 5 of "What You See is What You Classify" in numbers: the mask activations of all classes."""

from __future__ import annotations

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from helpers.data.multilabel import MultiLabelImages
from helpers.methods.explainer import Explainer
from helpers.papers.explainer.experiments.mask_measures import share
from helpers.papers.explainer.experiments.study import ClassStudy

MEASURED = 600
"""The most test images whose activations are measured."""


@torch.no_grad()
def activation_table(study: ClassStudy, count: int = MEASURED) -> pd.DataFrame:
    """Mask activation and score of every class of the first test images: one row per image and class (appendix C).

    Returns:
        Columns image, class, present, ama (average mask activation, 0 to 100), cls (the classifier's probability of
        the class on the whole image, 0 to 100), overlap (the largest share of the mask that the mask of one other class
        covers) and area (of the class's visible region, 0 to 100; nan if it is not known).
    """
    images = study.images[:count]
    masks, scores = all_class_masks(study, count)
    return pd.DataFrame(
        {
            "image": [name for name in images.names for _ in images.class_names],
            "class": [*images.class_names] * len(images),
            "present": images.labels.flatten().tolist(),
            "ama": (100 * masks.mean((2, 3))).flatten().tolist(),
            "cls": (100 * scores).flatten().tolist(),
            "overlap": torch.cat([_overlaps(image) for image in masks]).tolist(),
            "area": _visible_areas(study, images).flatten().tolist(),
        }
    )


def _overlaps(masks: Float[Tensor, "classes height width"]) -> Float[Tensor, " classes"]:
    """The largest share of each mask's mass that the mask of one other class covers; nan for an empty mask."""
    common = torch.minimum(masks[:, None], masks[None]).sum((2, 3))
    return share(common.fill_diagonal_(0).amax(1), masks.sum((1, 2)))


def _visible_areas(study: ClassStudy, images: MultiLabelImages) -> Float[Tensor, "images classes"]:
    """The visible area of each class, 0 to 100; nan for photographs, and beyond the scenes whose objects are kept."""
    areas = torch.full(images.labels.shape, torch.nan)
    regions = study.class_regions(len(images))
    if regions is not None and study.segmented.images.names[: len(regions)] == images.names[: len(regions)]:
        areas[: len(regions)] = 100 * regions.float().mean((2, 3))
    return areas


@torch.no_grad()
def all_class_masks(
    study: ClassStudy, count: int
) -> tuple[Float[Tensor, "count classes height width"], Float[Tensor, "count classes"]]:
    """The Explainer's masks of all classes for the first test images, and the classifier's probabilities."""
    pixels = study.images[:count].images(study.device)
    method = study.method("explainer")
    assert isinstance(method, Explainer)
    scores = torch.cat([study.classifier(batch).sigmoid() for batch in pixels.split(study.profile.batch_size)])
    return method.class_masks(pixels, None).cpu(), scores.cpu()
