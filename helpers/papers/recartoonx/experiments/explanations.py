"""All images of a profile explained by both methods, as one table."""

from __future__ import annotations

import pandas as pd
import torch

from helpers.papers.recartoonx.experiments.study import METHODS, Study


def explanation_table(study: Study) -> pd.DataFrame:
    """One row per image and method: what the classifier says of the image, and of what the method keeps of it.

    The mask makes the classifier's output close under noise, in the mean; the kept image alone is another input, and
    its prediction may differ. Both are here.

    Returns:
        Columns image, method, label (-1: not known), prediction, confidence, distortion (of the image's last step),
        sparsity, kept_prediction, kept_confidence (the probability of the prediction on the kept image), seconds.
    """
    classes, confidence = study.predictions
    rows = []
    for name in METHODS:
        explanation = study.explain(name)
        with torch.no_grad():
            kept = [
                study.classifier(batch.to(study.device)).softmax(-1).cpu()
                for batch in explanation.kept.split(study.profile.batch_size)
            ]
        probabilities, last = torch.cat(kept), explanation.last()
        seconds = study.seconds(name)
        for place, image in enumerate(study.images.names):
            rows.append(
                {
                    "image": image,
                    "method": name,
                    "label": int(study.images.labels[place]),
                    "prediction": int(classes[place]),
                    "confidence": float(confidence[place]),
                    "distortion": float(last["distortion"][place]),
                    "sparsity": float(explanation.representation_mask[place].mean()),
                    "kept_prediction": int(probabilities[place].argmax()),
                    "kept_confidence": float(probabilities[place, classes[place]]),
                    "seconds": seconds[place],
                }
            )
    return pd.DataFrame(rows)
