"""Table 3: the computing time of each method on the same images and machine, one method after another."""

from __future__ import annotations

import time

import pandas as pd
import torch

from helpers.data.multilabel import MultiLabelImages
from helpers.papers.explainer.experiments.methods import IMMEDIATE, METHODS
from helpers.papers.explainer.experiments.study import ClassStudy

TIMED = 8
"""At most this many images are timed."""


def compute_time_table(study: ClassStudy) -> pd.DataFrame:
    """One row per method: the time for the masks of all classes shown in each image, without the stored masks.

    Each method gets all images in one call, after a warm-up pass of the classifier. As in the paper, the training
    of a network is not counted. A class has one mask, however many of its objects an image shows.

    Returns:
        Columns method, images, masks (total number), seconds (total), seconds_per_image.
    """
    images = study.segmented.images[: min(TIMED, study.settings.evaluation.images)]
    return pd.DataFrame([_timed(study, name, images) for name in METHODS])


def _timed(study: ClassStudy, name: str, images: MultiLabelImages) -> dict[str, object]:
    method, pixels, classes = study.method(name), images.images(study.device), images.labels.to(study.device)
    with torch.no_grad():
        study.classifier(pixels)
    if name in IMMEDIATE:  # milliseconds: the first call would time the start-up
        method.class_masks(pixels, classes)
    _wait(study.device)
    begin = time.perf_counter()
    method.class_masks(pixels, classes)
    _wait(study.device)
    seconds = time.perf_counter() - begin
    return {
        "method": name,
        "images": len(images),
        "masks": int(images.labels.sum()),
        "seconds": seconds,
        "seconds_per_image": seconds / len(images),
    }


def _wait(device: torch.device) -> None:
    """Wait for the GPU's queued work."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
