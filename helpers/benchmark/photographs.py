"""Photographs with official masks: the benchmark's images of classifiers of ImageNet, beside drawn scenes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from helpers.benchmark.case import Case
from helpers.data.class_regions import masked_photographs
from helpers.data.photographs import ImageSet, imagenet_samples
from helpers.papers.recartoonx.experiments.truth_masks import ask
from helpers.results import digest_of_images, none_if_missing

LEAST: Mapping[str, float] = {"voc-animals": 0.05, "coco-tiny": 0.0}
"""The smallest probability of the explained class, by source: 50 times chance; any for the few of COCO."""

METRICS = (
    *("iou", "pointing-game", "relevance-mass", "rank-accuracy", "pixel-auroc"),
    *("deletion-mean", "deletion-blur", "insertion-mean", "insertion-blur", "srg-mean", "srg-blur"),
    "sparse-accuracy",
)
"""The metrics that are computed: those of where the object is, and those without truth that predict it on scenes.

The others (with noise in the place of pixels, and those of pictures) would take more time than the methods.
"""

_STUDY = 100  # as many as in profile benchmark-photographs


def photographs_case(study: Any) -> Case:
    """The photographs of a profile with their objects; void pixels do not count.

    Each photograph has the class of its largest region. The most probable class of ImageNet that is a kind of it is
    explained, whether or not the classifier predicts it, if its probability is at least that of `LEAST`.
    """
    settings = study.profile.images
    regions = masked_photographs(settings.source, settings.size, settings.count, settings.seed)
    asked = ask(study.classifier, regions.pixels, regions.kinds)
    rows = torch.nonzero(asked.probability >= LEAST[settings.source])[:, 0]
    regions, targets = regions[rows], asked.targets[rows]
    device = study.device
    inside, counted = (regions.regions & regions.counted).to(device), regions.counted.to(device)
    images = regions.images(device)
    return Case(study.classifier, images, targets.to(device), inside, seed=study.profile.seed, counted=counted)


def study_photographs(size: int) -> ImageSet:
    """The study photographs of profile benchmark-photographs, of another size."""
    return imagenet_samples(size=size, count=_STUDY, seed=0)


def has_masks(study: Any) -> bool:
    """Whether a study's images are photographs with masks."""
    return study.profile.images.source in LEAST


def is_scored(study: Any, metric: str) -> bool:
    """Whether a metric scores the maps of a study's images: those of photographs with masks have `METRICS` only."""
    return not has_masks(study) or metric in METRICS


def photographs_inputs(study: Any) -> dict[str, Any]:
    """The digests of the masks, and of the photographs that choose settings; empty for other images."""
    if not has_masks(study):
        return {}
    settings = study.profile.images

    def masks() -> str:
        regions = masked_photographs(settings.source, settings.size, settings.count, settings.seed)
        return digest_of_images(regions.regions, regions.counted)

    return {
        "masks": none_if_missing(masks),
        "tuning": none_if_missing(lambda: digest_of_images(study_photographs(settings.size).images)),
    }
