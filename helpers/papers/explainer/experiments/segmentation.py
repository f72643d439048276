"""Table 2: the merged masks of all methods against the objects of each image, with the four sanity columns.

Beside these stands a mask in random order: on each pixel a number that says nothing.
"""

from __future__ import annotations

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from helpers.core.runtime import random_generator
from helpers.data.multilabel import SegmentedImages
from helpers.metrics import saliency_score, sanity_masks, segmentation_scores
from helpers.papers.explainer.experiments.methods import METHODS
from helpers.papers.explainer.experiments.study import VARIANTS, ClassStudy
from helpers.profiles import Variant

RANDOM = "random"
"""The name of the control in the table."""


def segmentation_table(study: ClassStudy) -> pd.DataFrame:
    """One row per image, method (or sanity column) and variant.

    The masks of an image's true classes are merged by their pixelwise maximum (section 4.3). Methods may have fewer
    images than others (`ClassStudy.count_of`).

    Returns:
        Columns image, method, variant, area (the mask's mean), truth (the objects' share of the image), saliency, and
        the scores of `metrics.segmentation_scores`.
    """
    tables = []
    for variant in VARIANTS:
        truth = study.truth(variant)[: study.settings.evaluation.images]
        masks = {name: study.merged_masks(name, truth.images[: study.count_of(name)]) for name in METHODS}
        controls = {**sanity_masks(truth.objects), RANDOM: random_masks(truth)}
        for name, mask in {**masks, **controls}.items():
            tables.append(_scores(study, truth[: len(mask)], mask, variant).assign(method=name, variant=variant))
    table = pd.concat(tables, ignore_index=True)
    first = ["image", "method", "variant", "area", "truth", "saliency"]
    return table[[*first, *(column for column in table.columns if column not in first)]]


def random_masks(truth: SegmentedImages) -> Float[Tensor, "count height width"]:
    """A mask of independent, evenly distributed numbers for each image."""
    return torch.rand(truth.objects.shape, generator=random_generator(0))


def _scores(study: ClassStudy, truth: SegmentedImages, masks: Tensor, variant: Variant) -> pd.DataFrame:
    scores = segmentation_scores(masks, truth.objects, truth.counted)
    saliency, size = [], study.profile.batch_size
    for start in range(0, len(truth), size):
        rows = slice(start, start + size)
        pixels, mask = truth.images[rows].images(study.device), masks[rows].to(study.device)
        instances = truth.instances[rows].to(study.device)
        saliency += saliency_score(study.classifier, pixels, mask, instances, variant=variant).tolist()
    columns = {name: values.tolist() for name, values in scores.items()}
    areas = {"area": masks.mean((1, 2)).tolist(), "truth": truth.objects.mean((1, 2)).tolist()}
    return pd.DataFrame({"image": truth.images.names, **areas, "saliency": saliency, **columns})
