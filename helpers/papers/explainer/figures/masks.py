"""Parts of several figures of "What You See is What You Classify"."""

from __future__ import annotations

from collections.abc import Sequence

from jaxtyping import Bool
from torch import Tensor

from helpers.methods.baselines.feature_layers import last_feature_layer
from helpers.papers.explainer.experiments.study import ClassStudy

FINE_ENOUGH = 4
"""The rows and columns that a last feature map must have for a comparison with Grad-CAM; VGG-16 has 7."""


def present_pairs(labels: Bool[Tensor, "images classes"], shown: int, count: int) -> tuple[list[int], list[int]]:
    """The indices of the first `shown` images with at least two classes, and those of `count` classes.

    The classes are those that these images show, filled up with others, in ascending order.
    """
    rows = (labels.sum(1) > 1).nonzero()[:shown, 0].tolist()
    present = list(dict.fromkeys(int(k) for row in rows for k in labels[row].nonzero()[:, 0]))
    absent = [k for k in range(labels.shape[1]) if k not in present]
    return rows, sorted((present + absent)[:count])


def last_map_cells(study: ClassStudy) -> tuple[int, int]:
    """The rows and columns of the classifier's last feature map: no mask of Grad-CAM can be finer."""
    return last_feature_layer(study.classifier, study.segmented.images[:1].images(study.device)).grid


def drawn_methods(study: ClassStudy, methods: Sequence[str]) -> tuple[str, ...]:
    """The methods that a figure draws: without Grad-CAM if its masks would only show how coarse the last map is."""
    coarse = min(last_map_cells(study)) < FINE_ENOUGH
    return tuple(name for name in methods if not (name == "grad-cam" and coarse))
