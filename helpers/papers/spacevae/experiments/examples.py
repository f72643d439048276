"""The test images of Figures 1, 2 and 5, chosen by a stated rule, and the predictions for their kept images."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import pandas as pd
import torch
from jaxtyping import Float, Int
from torch import Tensor

from helpers.data.labelled import LabelledImages
from helpers.papers.spacevae.experiments.competitors import (
    COMPETITORS,
    attributions,
    attributions_at,
    competitor_images,
    keep_above,
)
from helpers.papers.spacevae.experiments.networks import PLAIN
from helpers.papers.spacevae.experiments.sparsity import chosen_thresholds
from helpers.papers.spacevae.experiments.study import SpaceStudy

NEGATIVE = 0.0
"""The threshold of Figure 1: entries with negative attributions are dropped."""

SHOWN = 4
"""Rows of Figure 5: correctly classified images of different classes, then a misclassified one."""

QUARTERS = ("top left", "top right", "bottom left", "bottom right")
"""The four regions of Figure 2."""


@dataclass(frozen=True)
class Predictions:
    """The classifier's predictions for some images.

    Attributes:
        predicted: the class of the largest logit.
        confidence: its probability.
    """

    predicted: Int[Tensor, " images"]
    confidence: Float[Tensor, " images"]


def examples_of_table(study: SpaceStudy) -> pd.DataFrame:
    """`example_table` with the thresholds of the study's table `sparsity`."""
    return example_table(study, study.table("space-vae-sparsity"))


def example_table(study: SpaceStudy, sparsity: pd.DataFrame) -> pd.DataFrame:
    """The images of Figures 1, 2 and 5, with the predictions for each image and for its kept images by each method.

    Figure 1: the correctly classified test image whose class flips for the most competitors when entries with negative
    attributions are dropped; the first one in a tie. Figure 2: the first correctly classified test image with one
    quarter for the class and another against it (else the first correctly classified one). Figure 5: the first
    correctly classified images of different classes and the first misclassified one; each competitor has the threshold
    of the published rule.

    Args:
        study: the profile.
        sparsity: the table of that name, which has the thresholds.

    Returns:
        Columns figure (`"fig1"`, `"fig2"`, `"fig5"`), image (its index in the test split), label, predicted, confidence
        (of the predicted class), method, training, threshold, region (Figure 2: one of `QUARTERS`; else ""),
        predicted_after, confidence_after (of the class predicted for the original), drop (confidence −
        confidence_after), flips (Figure 1's competitors: the share of test images whose class flips; else nan), source.
    """
    images = competitor_images(study, "test")
    before = predict(study, images.floats())
    rows = _figure_one(study, images, before) + _figure_two(study, images, before)
    return pd.DataFrame(rows + _figure_five(study, sparsity)).assign(source=images.source)


@torch.no_grad()
def predict(study: SpaceStudy, pixels: Tensor, classes: Tensor | None = None) -> Predictions:
    """The predicted classes of images, with the probabilities of these or of other classes; on the CPU."""
    probabilities = torch.cat(
        [study.classifier(batch.to(study.device)).softmax(1).cpu() for batch in pixels.split(250)]
    )
    predicted = probabilities.argmax(1)
    targets = predicted if classes is None else classes
    return Predictions(predicted, probabilities.gather(1, targets[:, None])[:, 0])


def quarters(images: Float[Tensor, "images 3 height width"]) -> Float[Tensor, "images 4 3 height width"]:
    """Each image with one of its quarters set to 0, in the order of `QUARTERS`."""
    height, width = images.shape[2] // 2, images.shape[3] // 2
    masked = images[:, None].repeat(1, 4, 1, 1, 1)
    for quarter in range(4):
        top, left = (quarter // 2) * height, (quarter % 2) * width
        bottom = height if quarter < 2 else images.shape[2]
        right = width if quarter % 2 == 0 else images.shape[3]
        masked[:, quarter, :, top:bottom, left:right] = 0
    return masked


def _figure_one(study: SpaceStudy, images: LabelledImages, before: Predictions) -> list[dict[str, Any]]:
    attributed = {name: attributions(study, name, images) for name in COMPETITORS}
    pixels, all_rows = images.floats(), slice(0, len(images))
    kept = {name: keep_above(values, NEGATIVE)(pixels, all_rows) for name, values in attributed.items()}
    after = {name: predict(study, predictions, before.predicted) for name, predictions in kept.items()}
    flips = {name: predictions.predicted != before.predicted for name, predictions in after.items()}
    right = before.predicted == images.labels
    # argmax takes the first of several images with the most votes
    votes = torch.stack(list(flips.values())).sum(0) * right
    index = int(votes.argmax())
    setting = {"figure": "fig1", "threshold": NEGATIVE, "training": ""}
    rows = [
        _row(images, before, after[name], index, index, method=name, flips=flips[name].float().mean().item(), **setting)
        for name in attributed
    ]
    return rows + _network_rows(study, images, before, [index], "fig1")


def _figure_two(study: SpaceStudy, images: LabelledImages, before: Predictions) -> list[dict[str, Any]]:
    hidden = quarters(images.floats())
    classes = before.predicted.repeat_interleave(4)
    after = predict(study, hidden.flatten(0, 1), classes)
    drops = before.confidence[:, None] - after.confidence.unflatten(0, (-1, 4))
    right = before.predicted == images.labels
    two_sided = right & (drops.amax(1) > 0.01) & (drops.amin(1) < -0.01)  # smaller changes do not show in a figure
    index = int((two_sided.float() * 2 + right.float()).argmax())
    setting = {"figure": "fig2", "method": "feature-ablation", "training": "", "threshold": math.nan}
    return [
        _row(images, before, after, index, 4 * index + quarter, region=QUARTERS[quarter], **setting)
        for quarter in range(4)
    ]


def _figure_five(study: SpaceStudy, sparsity: pd.DataFrame) -> list[dict[str, Any]]:
    images = study.test  # a good classifier makes no mistake on the competitors' few images
    before = predict(study, images.floats())
    indices = figure_five_rows(images.labels, before.predicted)
    pixels = images.floats()[indices]
    rows: list[dict[str, Any]] = []
    for name in COMPETITORS:
        threshold = chosen_thresholds(sparsity, name).get("published", NEGATIVE)
        kept = keep_above(attributions_at(study, name, indices), threshold)(pixels, slice(0, len(indices)))
        after = predict(study, kept, before.predicted[indices])
        setting = {"figure": "fig5", "method": name, "training": "", "threshold": threshold}
        rows += [_row(images, before, after, index, row, **setting) for row, index in enumerate(indices)]
    return rows + _network_rows(study, images, before, indices, "fig5")


def figure_five_rows(labels: Int[Tensor, " images"], predicted: Int[Tensor, " images"]) -> list[int]:
    """The indices of the first correct images of different classes, and of the first misclassified image, if any."""
    correctness = (labels == predicted).tolist()
    classes: set[int] = set()
    indices: list[int] = []
    wrong = [index for index, correct in enumerate(correctness) if not correct][:1]
    for index, correct in enumerate(correctness):
        if correct and int(labels[index]) not in classes and len(indices) < SHOWN - len(wrong):
            classes.add(int(labels[index]))
            indices.append(index)
    return indices + wrong


def _network_rows(
    study: SpaceStudy, images: LabelledImages, before: Predictions, indices: list[int], figure: str
) -> list[dict[str, Any]]:
    """The rows of the paper's SpaCE-VAEs and of the plain VQ-VAE for some images."""
    rows, chosen = [], images[torch.tensor(indices)]
    names = [name for name in study.trained if name == "vq-vae" or name == PLAIN or name in study.settings.betas()]
    for name in names:
        after = predict(study, study.kept_by(name, chosen), before.predicted[indices])
        setting = {"figure": figure, "method": study.model(name).name, "training": name, "threshold": math.nan}
        rows += [_row(images, before, after, index, row, **setting) for row, index in enumerate(indices)]
    return rows


def _row(
    images: LabelledImages, before: Predictions, after: Predictions, index: int, row: int, **setting: Any
) -> dict[str, Any]:
    """One row: the predictions for the image `index` before, and for the kept image `row` after."""
    confidence, later = before.confidence[index].item(), after.confidence[row].item()
    return {
        "figure": setting.pop("figure"),
        "image": index,
        "label": images.class_names[int(images.labels[index])],
        "predicted": images.class_names[int(before.predicted[index])],
        "confidence": confidence,
        "method": setting.pop("method"),
        "training": setting.pop("training"),
        "threshold": setting.pop("threshold"),
        "region": setting.pop("region", ""),
        "predicted_after": images.class_names[int(after.predicted[row])],
        "confidence_after": later,
        "drop": confidence - later,
        "flips": setting.pop("flips", math.nan),
        **setting,
    }
