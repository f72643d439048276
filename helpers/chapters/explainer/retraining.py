"""The paper's closing idea in numbers: the effect of retraining with masked images on a classifier with a shortcut."""

from __future__ import annotations

import pandas as pd

from helpers.core.statistics import mean_effect
from helpers.papers.explainer.measures.retraining import retraining_measures
from helpers.reporting.mean_table import effects_in_words

TRAINED_FURTHER = {
    "original": "not at all",
    "plain": "its images again",
    "masked": "its images, and those under the Explainer's masks",
    "objects": "its images, and their true objects cut out",
}
"""The images of each classifier's further training (`helpers.papers.explainer.experiments.retraining`)."""


def retraining_summary(table: pd.DataFrame) -> pd.DataFrame:
    """One row per classifier of the table `retraining`: means over images with their intervals."""
    heads = {
        "label_alone": "fish, if only the mark speaks for it",
        "object_alone": "fish, if there is one and no mark",
        "object_recall": "classes recognised from the objects alone",
        "background_positives": "classes predicted for the background alone",
        "accuracy": "right decisions on whole images",
    }
    measures = retraining_measures(table)
    shares = {key: (0, 1) for key in heads if key != "background_positives"}  # which is a number of classes
    rows = []
    for name, description in TRAINED_FURTHER.items():
        group = measures[measures["classifier"] == name]
        if len(group):
            rows.append(
                {"trained further on": description}
                | {head: mean_effect(group[key], limits=shares.get(key)) for key, head in heads.items()}
            )
    return effects_in_words(pd.DataFrame(rows))
