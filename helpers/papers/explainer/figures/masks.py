"""Measures of masks shared by several figures of "What You See is What You Classify"."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from helpers.methods.baselines.feature_layers import last_feature_layer
from helpers.papers.explainer.experiments.study import ClassStudy


def soft_pixel_fraction(masks: Float[Tensor, "*batch height width"]) -> Float[Tensor, "*batch"]:
    """The share of a mask's pixels between 0.1 and 0.9: 0 for a mask of zeros and ones, 1 for an even grey."""
    return ((masks > 0.1) & (masks < 0.9)).float().mean((-2, -1))


def present_pairs(labels: Bool[Tensor, "images classes"], shown: int, count: int) -> tuple[list[int], list[int]]:
    """The indices of the first `shown` images with at least two classes, and those of `count` classes.

    The classes are those that these images show, filled up with others, in ascending order.
    """
    rows = (labels.sum(1) > 1).nonzero()[:shown, 0].tolist()
    present = list(dict.fromkeys(int(k) for row in rows for k in labels[row].nonzero()[:, 0]))
    absent = [k for k in range(labels.shape[1]) if k not in present]
    return rows, sorted((present + absent)[:count])


def share(amount: Float[Tensor, "*batch"], whole: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
    """An amount as a share of the whole; nan if the whole is 0."""
    return torch.where(whole > 0, amount / whole.clamp_min(1e-12), torch.nan)


def last_map_cells(study: ClassStudy) -> tuple[int, int]:
    """The rows and columns of the classifier's last feature map: no mask of Grad-CAM can be finer."""
    return last_feature_layer(study.classifier, study.segmented.images[:1].images(study.device)).grid
