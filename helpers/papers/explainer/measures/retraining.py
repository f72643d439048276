"""Quantities of retraining on masked images (section 5), paired with training as long on plain ones."""

from __future__ import annotations

import pandas as pd

from helpers.core.statistics import Effect, mean_effect


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


def masked_change(table: pd.DataFrame, column: str) -> Effect:
    """A measure after retraining with masked images − after training as long on plain ones, on the same image.

    Args:
        table: `retraining`.
        column: a column of `retraining_measures`.
    """
    values = retraining_measures(table).pivot(index="image", columns="classifier", values=column)
    return mean_effect(values["masked"] - values["plain"])
