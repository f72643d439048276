"""The paper's closing idea in numbers: the effect of retraining with masked images on a classifier with a shortcut."""

from __future__ import annotations

import pandas as pd

from helpers.core.statistics import mean_effect
from helpers.reporting.claims import Claim
from helpers.reporting.mean_table import effects_in_words

TRAINED_FURTHER = {
    "original": "not at all",
    "plain": "its images again",
    "masked": "its images, and those under the Explainer's masks",
    "objects": "its images, and their true objects cut out",
}
"""The images of each classifier's further training (`helpers.papers.explainer.experiments.retraining`)."""


def retraining_measures(table: pd.DataFrame) -> pd.DataFrame:
    """The measures of the table `retraining`, one row per image and classifier.

    Returns:
        Columns classifier, image, label_alone (the probability of the marked class on marked images that do not show
        the class; else nan), object_alone (the same on unmarked images that show it; else nan), accuracy (the share of
        correct decisions on the plain image), object_recall (the recall on the objects cut out), background_positives
        (the number of classes predicted for the background alone).
    """
    by = {name: rows.set_index(["classifier", "image"]) for name, rows in table.groupby("condition")}
    plain, objects = by["plain"], by["objects"]
    counts = plain[["true_positives", "false_positives", "true_negatives", "false_negatives"]]
    measures = pd.DataFrame(
        {
            "label_alone": by["mark"]["probability"].where(~by["mark"]["shows"]),
            "object_alone": plain["probability"].where(plain["shows"]),
            "accuracy": (counts["true_positives"] + counts["true_negatives"]) / counts.sum(axis=1),
            "object_recall": objects["true_positives"] / (objects["true_positives"] + objects["false_negatives"]),
            "background_positives": by["background"]["false_positives"],
        }
    )
    return measures.reset_index()


def retraining_summary(measures: pd.DataFrame) -> pd.DataFrame:
    """One row per classifier: means over images with their intervals."""
    heads = {
        "label_alone": "fish, if only the label speaks for it",
        "object_alone": "fish, if there is one and no label",
        "object_recall": "classes recognised from the objects alone",
        "background_positives": "classes predicted for the background alone",
        "accuracy": "right decisions on whole images",
    }
    rows = []
    for name, description in TRAINED_FURTHER.items():
        group = measures[measures["classifier"] == name]
        if len(group):
            rows.append(
                {"trained further on": description} | {head: mean_effect(group[key]) for key, head in heads.items()}
            )
    return effects_in_words(pd.DataFrame(rows))


def retraining_claims(measures: pd.DataFrame) -> list[Claim]:
    """The paper's expectation (section 5): less influence of the background, at a high accuracy.

    The comparison, paired by image, is with a classifier trained equally long on its plain images.
    """
    claims = []
    for column, statement, measure, expected in (
        ("label_alone", "relies less on the label", "probability of fish if only the label speaks for it", -1),
        (
            "object_recall",
            "recognises more from the objects alone",
            "share of classes recognised from the objects alone",
            1,
        ),
        ("accuracy", "decides worse about whole images", "share of right decisions on whole images", -1),
    ):
        values = measures.pivot(index="image", columns="classifier", values=column)
        claims.append(
            Claim(
                f"a classifier retrained with masked images {statement}",
                f"with masked images − with plain ones, {measure}",
                mean_effect(values["masked"] - values["plain"]),
                expected,  # type: ignore[arg-type]
            )
        )
    return claims
