"""Table 3: how long each method takes for the same images on the same machine, one method after another."""

from __future__ import annotations

import time

import pandas as pd
import torch

from helpers.data.multilabel import MultiLabelImages
from helpers.papers.explainer.experiments.methods import IMMEDIATE, METHODS
from helpers.papers.explainer.experiments.study import ClassStudy

TIMED = 8
"""Images are timed, at most; other tables may need more, and read finished masks."""


def compute_time_table(study: ClassStudy) -> pd.DataFrame:
    """One row per method: the time for the masks of all classes that each image shows; nothing is read from the store.

    Each method gets all images in one call, after a first pass of the classifier that is not counted. The training
    of a trained network is not counted, as in the paper; an image's masks are computed once for each class, also
    where it shows several objects of that class.

    Returns:
        Columns method, images, masks (how many in all), seconds (in all), seconds_an_image.
    """
    images = study.segmented.images[: min(TIMED, study.settings.evaluation.images)]
    return pd.DataFrame([_timed(study, name, images) for name in METHODS])


def _timed(study: ClassStudy, name: str, images: MultiLabelImages) -> dict[str, object]:
    method, pixels, classes = study.method(name), images.images(study.device), images.labels.to(study.device)
    with torch.no_grad():
        study.classifier(pixels)
    if name in IMMEDIATE:  # what takes milliseconds must not be timed while it starts
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
        "seconds_an_image": seconds / len(images),
    }


def _wait(device: torch.device) -> None:
    """A GPU is done only when it says so."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
