"""Table 1: what the masks of five classes leave of the classifier's answer for each of them."""

from __future__ import annotations

import pandas as pd
import torch

from helpers.explainer_experiments.study import VARIANTS, ClassStudy
from helpers.metrics import masked_probabilities
from helpers.multilabel import MultiLabelImages

COMPARED = ("explainer", "grad-cam", "rise", "rtis")
"""The paper's choice: Extremal Perturbations and iGOS++ would need too long for five masks an image."""

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
        masks = study.masks(method, images=images, classes=wanted)[:, columns]
        for variant in VARIANTS:
            probabilities = torch.cat(
                [
                    masked_probabilities(
                        study.classifier,
                        pixels,
                        mask.to(study.device),
                        thresholds=study.settings.evaluation.thresholds,
                        variant=variant,
                    ).cpu()
                    for (pixels, _), mask in zip(
                        images.batches(study.profile.batch_size, study.device),
                        masks.split(study.profile.batch_size),
                        strict=True,
                    )
                ]
            )
            parts.append(_rows(images, probabilities[..., columns], names).assign(variant=variant, method=method))
    return pd.concat(parts, ignore_index=True)[["variant", "method", "image", "target", "mask", "probability"]]


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
