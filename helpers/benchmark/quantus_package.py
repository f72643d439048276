"""The package Quantus, which the book does not require, and a classifier as its metrics ask for one."""

from __future__ import annotations

import importlib.util
from types import ModuleType

from jaxtyping import Float
from torch import Tensor, nn

from helpers.core.outputs import class_scores, score_name

INSTALL = "pip install --no-deps quantus cachetools"
"""Without its dependencies: the book has all but one, and OpenCV twice would be one too many."""


class QuantusMissingError(ValueError):
    """Quantus is not installed."""


def load_quantus() -> ModuleType:
    """The package Quantus.

    Raises:
        QuantusMissingError: it is not installed; the message says how to.
    """
    if importlib.util.find_spec("quantus") is None:
        raise QuantusMissingError(f"Quantus is not installed, and the book does not require it: run `{INSTALL}`")
    return importlib.import_module("quantus")


class Probabilities(nn.Module):
    """A classifier that answers with the probabilities of its classes, as `helpers.metrics` score them.

    Args:
        classifier: pixels to logits.
    """

    def __init__(self, classifier: nn.Module) -> None:
        super().__init__()
        self.classifier = classifier
        self.eval()

    def forward(self, images: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch classes"]:
        """The sigmoid of each logit, or the softmax of all, by the kind of the classifier."""
        logits = self.classifier(images)
        return class_scores(logits, score_name(self.classifier, "auto", logits.shape[1]))
