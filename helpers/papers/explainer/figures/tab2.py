"""Table 2 of "What You See is What You Classify": masks as segmentations."""

from __future__ import annotations

from typing import Literal

import pandas as pd
from matplotlib.figure import Figure

from helpers.core.statistics import mean_effect
from helpers.metrics.segmentation import IOU_THRESHOLDS, SANITY_COLUMNS
from helpers.papers.explainer.experiments import METHOD_NAMES, METHODS
from helpers.papers.explainer.figures.names import PAPER_NAMES
from helpers.plots.figures import panels
from helpers.reporting.claims import Claim
from helpers.reporting.mean_table import effects_in_words, mean_table

SCORES = {"accuracy": "Acc ↑", "iou": "IoU ↑", "saliency": "Sal ↓", "mae": "MAE ↓"}
"""The four measures of Table 2; the arrow points towards better masks."""

TRUTHS = {
    "iou": "IoU ↑",
    "pointing_game": "pointing game ↑",
    "pixel_auroc": "pixel AUROC ↑",
    "mass_above_chance": "mass above chance ↑",
    "mass_above_chance_others": "mass on other objects ↓",
}


UNIT = ["dataset", "image"]
"""An independent unit: an image, whichever classifiers see it."""


def method_title(name: str) -> str:
    """The displayed name of a method or a sanity column."""
    return METHOD_NAMES.get(name, f"mask {name}")


def table_two(table: pd.DataFrame, variant: str = "corrected") -> pd.DataFrame:
    """One row per mask, sanity columns first: means of the four measures with intervals."""
    titles = {name: method_title(name) for name in (*SANITY_COLUMNS, *METHODS)}
    return mean_table(table[table["variant"] == variant], titles, SCORES).rename(columns={"method": "mask"})


def sanity_numbers(table: pd.DataFrame) -> dict[str, float]:
    """The numbers of images and pairs, and the corrected scores of masks of ones and of halves."""
    rows = table[table["variant"] == "corrected"]
    ones, halves = rows[rows["method"] == "1"], rows[rows["method"] == "0.5"]
    pairs = table.groupby(["dataset", "classifier"], sort=False)["image"].nunique()
    return {
        "images": int(pairs.iloc[0]),
        "pairs": len(pairs),
        "object-area": float(ones["truth"].mean()),
        "ones-iou": float(ones["iou"].mean()),
        "ones-accuracy": float(ones["accuracy"].mean()),
        "half-iou": float(halves["iou"].mean()),
        "gray-score": float(halves["accuracy"].mean()),
    }


def compare_variants(table: pd.DataFrame) -> pd.DataFrame:
    """One row per method: the corrected and the published saliency score, and their paired difference."""
    values = table.pivot_table(index=["dataset", "classifier", "image", "method"], columns="variant", values="saliency")
    rows = []
    for name in ("G.T.", *METHODS):
        scores = values.xs(name, level="method").groupby(UNIT).mean()
        both = {variant: mean_effect(scores[variant]) for variant in ("corrected", "published")}
        change = mean_effect(scores["published"] - scores["corrected"])
        rows.append({"mask": method_title(name), **both, "published − corrected": change})
    return effects_in_words(pd.DataFrame(rows))


def segmentation_claims(table: pd.DataFrame) -> list[Claim]:
    """The claims of section 4.3 about Table 2: the Explainer's masks segment better than all others."""
    rows = table[table["variant"] == "corrected"]
    claims = []
    expected: dict[str, Literal[1, -1]] = {"iou": 1, "mae": -1, "saliency": -1}
    for score, side in expected.items():
        values = rows.pivot_table(index=UNIT, columns="method", values=score)  # the mean over classifiers
        rivals = values[[name for name in METHODS if name != "explainer"]].mean()
        best = str(rivals.idxmax() if side == 1 else rivals.idxmin())
        head = SCORES[score].split()[0]
        claims.append(
            Claim(
                f"the Explainer has the best {head} of all methods",
                f"{head}, Explainer − {METHOD_NAMES[best]} (the best of the others)",
                mean_effect(values["explainer"] - values[best]),
                side,
            )
        )
    return claims


def class_truth_summary(table: pd.DataFrame) -> pd.DataFrame:
    """One row per method: scores of the class masks against the visible part of their class, with intervals."""
    return mean_table(table, {name: METHOD_NAMES[name] for name in METHODS}, TRUTHS)


def draw_thresholds(table: pd.DataFrame, *, width: float | int = 8.5) -> Figure:
    """The IoU of the masks binarised at nine thresholds, one panel per classifier, one line per method."""
    rows = table[table["variant"] == "corrected"]
    columns = [f"iou_{round(100 * threshold)}" for threshold in IOU_THRESHOLDS]
    classifiers = list(dict.fromkeys(rows["classifier"]))
    with panels(1, len(classifiers), size=(width, 3.4), sharey=True, squeeze=False) as (figure, axes):
        for panel, classifier in zip(axes[0], classifiers, strict=True):
            for number, name in enumerate(METHODS):
                chosen = rows[(rows["classifier"] == classifier) & (rows["method"] == name)]
                strong = name == "explainer"
                panel.plot(
                    IOU_THRESHOLDS,
                    chosen[columns].mean(),
                    label=METHOD_NAMES[name],
                    color="black" if strong else f"C{number}",
                    linewidth=2.6 if strong else 1.4,
                    marker="osv^Dx."[number],
                    markersize=4,
                )
            panel.set_xlabel("threshold of the mask")
            panel.set_title(PAPER_NAMES[classifier])
        axes[0, 0].set_ylabel("IoU with the objects")
        axes[0, 0].set_ylim(bottom=0)
        axes[0, -1].legend(fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure
