"""The predictions of a classifier as words, such as for the titles of pictures."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from helpers.classifiers import Classifier


def class_name(class_names: Sequence[str], index: int) -> str:
    """The name of a class; its number where the classifier has no name for it."""
    return class_names[index] if index < len(class_names) and class_names[index] else f"class {index}"


def describe_predictions(classifier: Classifier, images: Float[Tensor, "batch 3 height width"]) -> list[str]:
    """The predicted class of each image with its probability: "cup, 93 %"."""
    classes, confidences = classifier.predict(images)
    return [
        f"{class_name(classifier.class_names, index)}, {100 * confidence:.0f} %"
        for index, confidence in zip(classes.tolist(), confidences.tolist(), strict=True)
    ]


@torch.no_grad()
def describe_classes(
    classifier: nn.Module,
    images: Float[Tensor, "batch 3 height width"],
    classes: Bool[Tensor, " classes"],
    class_names: Sequence[str],
) -> list[str]:
    """A multi-label classifier's probability of some classes for each image: "heart 100 %, house 98 %"."""
    probabilities = 100 * classifier(images).sigmoid()
    indices = classes.nonzero()[:, 0].tolist()
    return [", ".join(f"{class_names[k]} {row[k]:.0f} %" for k in indices) for row in probabilities.tolist()]
