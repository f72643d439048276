"""The accuracy of a profile's networks, on its photographs and on images that no network has been trained on.

A mistake in the preparation of the pixels would show here first: the accuracies of the weights' own sources are known.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
import torch

from helpers.classifiers import load_classifier
from helpers.core.files import data_file, file_digest
from helpers.data.images import Resize
from helpers.data.photographs import ImageSet, imagenet_samples, imagenet_validation
from helpers.papers.recartoonx.experiments.study import Study
from helpers.results import none_if_missing

BATCH = 20
RESIZES: tuple[Resize, ...] = ("stretch", "crop")


def accuracy_table(study: Study) -> pd.DataFrame:
    """The top-1 accuracy of the profile's classifiers, with normalised pixels and, as published, without.

    Returns:
        Columns network, images ("study": the paper's 100 photographs; "validation": those of ILSVRC-2012's validation
        set), size (pixels), resize, normalised, count, correct, accuracy, confidence (the mean probability of the
        predicted class).
    """
    sources = [study] if study.profile.transformer is None else [study, study.with_transformer()]
    rows = []
    for resize in RESIZES:
        for size in dict.fromkeys(source.profile.images.size for source in sources):
            sets = {
                "study": imagenet_samples(size=size, resize=resize),
                "validation": imagenet_validation(None, size, resize),
            }
            for source in sources:
                if source.profile.images.size == size:
                    rows += [
                        {"network": source.classifier.name, "images": name, "size": size, "resize": resize, **values}
                        for name, images in sets.items()
                        for values in _accuracies(source, images)
                    ]
    return pd.DataFrame(rows)


def accuracy_inputs(study: Study) -> dict[str, Any]:
    """The digests of the lists of both sets of images, in place of the profile's, and of the transformer's weights."""
    lists = {name: f"imagenet-{name}/labels.csv" for name in ("samples", "val")}
    inputs: dict[str, Any] = {
        "images": {
            name: none_if_missing(lambda file=file: file_digest(data_file(file))) for name, file in lists.items()
        }
    }
    if study.profile.transformer is not None:
        inputs["transformer"] = none_if_missing(lambda: study.with_transformer().classifier.digest)
    return inputs


def _accuracies(source: Study, images: ImageSet) -> list[dict[str, Any]]:
    """The values of one network on one set of images, with and without normalisation."""
    rows = []
    for normalised in (True, False):
        settings = source.profile.classifier.model_copy(update={"normalise": normalised})
        classifier = load_classifier(**settings.arguments(), device=source.device)
        with torch.no_grad():
            outputs = [classifier(batch.to(source.device)).softmax(-1).cpu() for batch in images.images.split(BATCH)]
        confidence, classes = torch.cat(outputs).max(-1)
        correct = classes == images.labels
        rows.append(
            {
                "normalised": normalised,
                "count": len(images),
                "correct": int(correct.sum()),
                "accuracy": int(correct.sum()) / len(images),
                "confidence": float(confidence.mean()),
            }
        )
    return rows
