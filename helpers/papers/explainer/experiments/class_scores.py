"""Table 1: the classifier's probability of each of five classes under the mask of each of them."""

from __future__ import annotations

import pandas as pd
import torch
from torch import Tensor

from helpers.data.multilabel import MultiLabelImages
from helpers.metrics import masked_probabilities
from helpers.papers.explainer.experiments.study import VARIANTS, ClassStudy
from helpers.profiles import Variant

COMPARED = ("explainer", "grad-cam", "rise", "rtis")
"""The paper's choice: Extremal Perturbations and iGOS++ would need too long for five masks per image."""

_AT_ONCE = 64  # images per batch of masks: a quarter of a gigabyte at the paper's size

CHOSEN = {
    "photographs": ("bottle", "car", "cat", "dog", "person"),
    "voc-animals": ("cat", "cow", "dog", "horse", "person"),  # bottles and cars are on fewer than 20 test images
    "scenes": ("star", "gear", "flower", "fish", "house"),  # three similar shapes, two different ones
}


def chosen_classes(study: ClassStudy) -> tuple[str, ...]:
    """The five classes of Table 1: the paper's for its photographs, five of ours for others."""
    return CHOSEN.get(study.data.source, CHOSEN["photographs"])


def class_score_images(study: ClassStudy) -> MultiLabelImages:
    """The first test images that show any of the five classes, as many as the profile sets."""
    columns = [study.images.class_names.index(name) for name in chosen_classes(study)]
    showing = study.images.labels[:, columns].any(1).nonzero().flatten().tolist()
    return study.images.select(showing[: study.settings.evaluation.scores])


def class_score_table(study: ClassStudy) -> pd.DataFrame:
    """One row per variant, method, image, target class shown in it, and mask.

    Returns:
        Columns variant, method, image, target, mask (a class, or "none" for the unmasked image), probability (the
        softmax of the target class, averaged over the thresholds), classes (the number of the classifier's classes).
        Methods may have fewer images than others (`ClassStudy.count_of`).
    """
    names, all_images = chosen_classes(study), class_score_images(study)
    columns = [all_images.class_names.index(name) for name in names]
    requested = torch.zeros_like(all_images.labels)
    requested[:, columns] = True
    tables = []
    for method in COMPARED:
        images = all_images[: study.settings.evaluation.images_of.get(method)]
        probabilities: dict[Variant, list[Tensor]] = {variant: [] for variant in VARIANTS}
        for start in range(0, len(images), _AT_ONCE):
            batch = images[start : start + _AT_ONCE]
            masks = study.masks(method, images=batch, classes=requested[start : start + _AT_ONCE])[:, columns]
            for variant in VARIANTS:
                probabilities[variant].append(_probabilities(study, batch, masks, variant)[..., columns])
        for variant in VARIANTS:
            rows = _rows(images, torch.cat(probabilities[variant]), names)
            tables.append(rows.assign(variant=variant, method=method))
    table = pd.concat(tables, ignore_index=True).assign(classes=len(all_images.class_names))
    return table[["variant", "method", "image", "target", "mask", "probability", "classes"]]


def _probabilities(study: ClassStudy, images: MultiLabelImages, masks: Tensor, variant: Variant) -> Tensor:
    """The class probabilities without a mask and under each mask: (images, 1 + masks, classes), on the CPU."""
    size, thresholds = study.profile.batch_size, study.settings.evaluation.thresholds
    probabilities = [
        masked_probabilities(study.classifier, pixels, batch.to(study.device), thresholds=thresholds, variant=variant)
        for (pixels, _), batch in zip(images.batches(size, study.device), masks.split(size), strict=True)
    ]
    return torch.cat(probabilities).cpu()


def _rows(images: MultiLabelImages, probabilities: torch.Tensor, names: tuple[str, ...]) -> pd.DataFrame:
    """One row per image, class shown in it, and mask; probabilities are (images, masks, targets)."""
    rows = []
    for target, name in enumerate(names):
        showing = images.labels[:, images.class_names.index(name)]
        for column, mask_name in enumerate(("none", *names)):
            values = probabilities[showing, column, target].tolist()
            image_names = [image for image, shown in zip(images.names, showing.tolist(), strict=True) if shown]
            rows += [
                {"image": image, "target": name, "mask": mask_name, "probability": value}
                for image, value in zip(image_names, values, strict=True)
            ]
    return pd.DataFrame(rows)
