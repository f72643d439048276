"""What a classifier says, in words."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from helpers.classifiers import Classifier


def tell_predictions(classifier: Classifier, images: Float[Tensor, "batch 3 height width"]) -> list[str]:
    """The predicted class of each image with its probability: "cup, 93 %"."""
    classes, confidences = classifier.predict(images)
    return [
        f"{classifier.class_names[place]}, {100 * confidence:.0f} %"
        for place, confidence in zip(classes.tolist(), confidences.tolist(), strict=True)
    ]
