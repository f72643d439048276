"""The explanations of a profile's images by both methods."""

from __future__ import annotations

import pandas as pd
import torch

from helpers.papers.recartoonx.experiments.study import METHODS, MethodName, Study

AT_ONCE = 128
"""The images whose explanations are in memory at the same time, or a batch of the profile if that has more."""


def explanation_table(study: Study) -> pd.DataFrame:
    """One row per image and method: the classifier's predictions for the image and for its kept part.

    The mask is optimised for the mean output under noise. The kept part without noise is another input, whose
    prediction may differ, so the table has both.

    Returns:
        Columns image, method, label (-1: not known), prediction, confidence, distortion (at the last step),
        sparsity, kept_prediction, kept_confidence (the probability of the prediction on the kept image), seconds.
    """
    size, count = study.profile.batch_size, len(study.images)
    at_once = max(1, AT_ONCE // size) * size  # whole batches, so that each image's batch is that of the whole study
    if count <= at_once:
        return pd.DataFrame([row for name in METHODS for row in _rows(study, name)])
    for name in METHODS:
        study.finish(name)  # on one grid, which shards divide among them; the parts then find everything stored
    parts = [study.subset(study.images[first : first + at_once]) for first in range(0, count, at_once)]
    return pd.DataFrame([row for name in METHODS for part in parts for row in _rows(part, name)])


def _rows(study: Study, name: MethodName) -> list[dict[str, str | int | float]]:
    """The rows of a method."""
    classes, confidence = study.predictions
    explanation = study.explain(name)
    with torch.no_grad():
        kept = [
            study.classifier(batch.to(study.device)).softmax(-1).cpu()
            for batch in explanation.kept.split(study.profile.batch_size)
        ]
    probabilities, last = torch.cat(kept), explanation.last()
    seconds = study.seconds(name)
    return [
        {
            "image": image,
            "method": name,
            "label": int(study.images.labels[index]),
            "prediction": int(classes[index]),
            "confidence": float(confidence[index]),
            "distortion": float(last["distortion"][index]),
            "sparsity": float(explanation.representation_mask[index].mean()),
            "kept_prediction": int(probabilities[index].argmax()),
            "kept_confidence": float(probabilities[index, classes[index]]),
            "seconds": seconds[index],
        }
        for index, image in enumerate(study.images.names)
    ]
