"""The paper's closing idea, in numbers: what retraining with masked images did to a classifier that took a shortcut."""

from __future__ import annotations

import pandas as pd

from helpers.core.statistics import mean_effect
from helpers.reporting.claims import Claim

TRAINED_FURTHER = {
    "original": "not at all",
    "plain": "its images again",
    "masked": "its images, and what the Explainer's masks keep",
    "objects": "its images, and their true objects cut out",
}
"""What each classifier of `explainer_experiments.retraining` was trained on further."""


def retraining_measures(table: pd.DataFrame) -> pd.DataFrame:
    """One row per image and classifier, from `explainer_experiments.retraining.retraining_table`.

    Returns:
        Columns classifier, image, label_alone (the probability of the marked class where only the mark speaks for it;
        nan on images that show the class), seen (the same without the mark where the class is shown; else nan),
        right (the share of right decisions on the plain image), found (the share of an image's classes that are said
        when only its objects are left), background (how many classes are said of what is left without them).
    """
    by = {name: rows.set_index(["classifier", "image"]) for name, rows in table.groupby("condition")}
    plain, objects = by["plain"], by["objects"]
    counts = plain[["right_yes", "wrong_yes", "right_no", "wrong_no"]]
    found = pd.DataFrame(
        {
            "label_alone": by["mark"]["probability"].where(~by["mark"]["shows"]),
            "seen": plain["probability"].where(plain["shows"]),
            "right": (counts["right_yes"] + counts["right_no"]) / counts.sum(axis=1),
            "found": objects["right_yes"] / (objects["right_yes"] + objects["wrong_no"]),
            "background": by["background"]["wrong_yes"],
        }
    )
    return found.reset_index()


def retraining_summary(measures: pd.DataFrame) -> pd.DataFrame:
    """A row per classifier: means over images with their bootstrap intervals."""
    heads = {
        "label_alone": "fish, where only the label speaks for it",
        "seen": "fish, where there is one and no label",
        "found": "classes found in the objects alone",
        "background": "classes said of the background alone",
        "right": "right decisions on whole images",
    }
    rows = []
    for name, words in TRAINED_FURTHER.items():
        found = measures[measures["classifier"] == name]
        if len(found):
            rows.append(
                {"trained further on": words} | {head: str(mean_effect(found[key])) for key, head in heads.items()}
            )
    return pd.DataFrame(rows)


def retraining_claims(measures: pd.DataFrame) -> list[Claim]:
    """The paper's expectation (section 5): less influence of what is no object, at a high accuracy.

    The comparison is with a classifier that was trained equally long on its plain images, image by image.
    """
    parts = []
    for column, words, measure, expected in (
        ("label_alone", "leans less on the label", "probability of fish where only the label speaks for it", -1),
        ("found", "recognises more from the objects alone", "share of classes found in the objects alone", 1),
        ("right", "decides worse about whole images", "share of right decisions on whole images", -1),
    ):
        values = measures.pivot(index="image", columns="classifier", values=column)
        parts.append(
            Claim(
                f"a classifier retrained with masked images {words}",
                f"with masked images − with plain ones, {measure}",
                mean_effect(values["masked"] - values["plain"]),
                expected,  # type: ignore[arg-type]
            )
        )
    return parts
