"""Table 1: what the masks of five classes leave of the classifier's answer for each of them."""

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

_AT_ONCE = 64  # images whose masks are in memory together: a quarter of a gigabyte at the paper's size

CHOSEN = {
    "photographs": ("bottle", "car", "cat", "dog", "person"),
    "scenes": ("star", "gear", "flower", "fish", "house"),  # three that are alike, and two that are not
}


def chosen_classes(study: ClassStudy) -> tuple[str, ...]:
    """The five classes of Table 1, the paper's or some of the scenes'."""
    return CHOSEN["scenes" if study.data.source == "scenes" else "photographs"]


def class_score_images(study: ClassStudy) -> MultiLabelImages:
    """The first test images that show one of the five classes, as many as the profile says."""
    columns = [study.images.class_names.index(name) for name in chosen_classes(study)]
    showing = study.images.labels[:, columns].any(1).nonzero().flatten().tolist()
    return study.images.select(showing[: study.settings.evaluation.scores])


def class_score_table(study: ClassStudy) -> pd.DataFrame:
    """One row for each variant, method, image, target class that it shows, and mask.

    Returns:
        Columns variant, method, image, target, mask (a class, or "none": the image as it is), probability (the
        softmax of the target class, averaged over the thresholds).
    """
    names, images = chosen_classes(study), class_score_images(study)
    columns = [images.class_names.index(name) for name in names]
    wanted = torch.zeros_like(images.labels)
    wanted[:, columns] = True
    parts = []
    for method in COMPARED:
        found: dict[Variant, list[Tensor]] = {variant: [] for variant in VARIANTS}
        for first in range(0, len(images), _AT_ONCE):
            part = images[first : first + _AT_ONCE]
            masks = study.masks(method, images=part, classes=wanted[first : first + _AT_ONCE])[:, columns]
            for variant in VARIANTS:
                found[variant].append(_probabilities(study, part, masks, variant)[..., columns])
        for variant in VARIANTS:
            rows = _rows(images, torch.cat(found[variant]), names)
            parts.append(rows.assign(variant=variant, method=method))
    table = pd.concat(parts, ignore_index=True)
    return table[["variant", "method", "image", "target", "mask", "probability"]]


def _probabilities(study: ClassStudy, images: MultiLabelImages, masks: Tensor, variant: Variant) -> Tensor:
    """The probabilities of all classes under no mask and under each: (images, 1 + masks, classes), on the CPU."""
    size, thresholds = study.profile.batch_size, study.settings.evaluation.thresholds
    found = [
        masked_probabilities(study.classifier, pixels, part.to(study.device), thresholds=thresholds, variant=variant)
        for (pixels, _), part in zip(images.batches(size, study.device), masks.split(size), strict=True)
    ]
    return torch.cat(found).cpu()


def _rows(images: MultiLabelImages, probabilities: torch.Tensor, names: tuple[str, ...]) -> pd.DataFrame:
    """A row for each image, class that it shows, and mask; probabilities are (images, masks, targets)."""
    rows = []
    for target, name in enumerate(names):
        shown = images.labels[:, images.class_names.index(name)]
        for mask, kind in enumerate(("none", *names)):
            values = probabilities[shown, mask, target].tolist()
            chosen = [image for image, there in zip(images.names, shown.tolist(), strict=True) if there]
            rows += [
                {"image": image, "target": name, "mask": kind, "probability": value}
                for image, value in zip(chosen, values, strict=True)
            ]
    return pd.DataFrame(rows)
