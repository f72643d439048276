"""Tables 2 and 3 of "What You See is What You Classify": masks as segmentations, and what they cost."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from helpers.core.statistics import mean_effect
from helpers.metrics.segmentation import IOU_THRESHOLDS, SANITY_COLUMNS
from helpers.papers.explainer.experiments import METHOD_NAMES, METHODS
from helpers.papers.explainer.figures.pictures import PAPER_NAMES
from helpers.plots.figures import panels
from helpers.reporting.claims import Claim

SCORES = {"accuracy": "Acc ↑", "iou": "IoU ↑", "saliency": "Sal ↓", "mae": "MAE ↓"}
"""The four measures of Table 2; the arrow points where good masks lie."""

TRUTHS = {
    "iou": "IoU ↑",
    "pointing_game": "points inside ↑",
    "pixel_auroc": "outranks the rest ↑",
    "mass_above_chance": "mass beyond chance ↑",
    "mass_above_chance_others": "mass on other objects ↓",
}
_PAPER_IMAGES = {"VOC-2007": 210, "COCO-2014": 1000}


def method_title(name: str) -> str:
    """What a page calls a method or a sanity column."""
    return METHOD_NAMES.get(name, f"mask {name}")


def table_two(table: pd.DataFrame, variant: str = "corrected") -> pd.DataFrame:
    """One row per method, sanity columns first, and a column for each of the four measures: means with intervals."""
    rows = table[table["variant"] == variant]
    shown = []
    for name in (*SANITY_COLUMNS, *METHODS):
        found = rows[rows["method"] == name]
        shown.append({"mask": method_title(name)} | {h: str(mean_effect(found[s])) for s, h in SCORES.items()})
    return pd.DataFrame(shown)


def variants_beside(table: pd.DataFrame) -> pd.DataFrame:
    """One row per method: the saliency score as corrected and as published, and their difference over images."""
    values = table.pivot_table(index=["dataset", "classifier", "image", "method"], columns="variant", values="saliency")
    rows = []
    for name in ("G.T.", *METHODS):
        found = values.xs(name, level="method")
        both = {variant: str(mean_effect(found[variant])) for variant in ("corrected", "published")}
        change = mean_effect(found["published"] - found["corrected"])
        rows.append({"mask": method_title(name), **both, "published − corrected": str(change)})
    return pd.DataFrame(rows)


def segmentation_claims(table: pd.DataFrame) -> list[Claim]:
    """What section 4.3 says of Table 2: the Explainer's masks segment better than all others."""
    rows = table[table["variant"] == "corrected"]
    claims = []
    for score, wanted in (("iou", 1), ("mae", -1), ("saliency", -1)):
        values = rows.pivot(index=["dataset", "classifier", "image"], columns="method", values=score)
        rivals = values[[name for name in METHODS if name != "explainer"]].mean()
        best = str(rivals.idxmax() if wanted == 1 else rivals.idxmin())
        head = SCORES[score].split()[0]
        claims.append(
            Claim(
                f"the Explainer has the best {head} of all methods",
                f"{head}, Explainer − {METHOD_NAMES[best]} (the best of the others)",
                mean_effect(values["explainer"] - values[best]),
                1 if wanted == 1 else -1,
            )
        )
    return claims


def class_truth_summary(table: pd.DataFrame) -> pd.DataFrame:
    """One row per method: how well each class's own mask finds the visible part of that class; means with intervals."""
    rows = []
    for name in METHODS:
        found = table[table["method"] == name]
        rows.append(
            {"method": METHOD_NAMES[name]} | {head: str(mean_effect(found[key])) for key, head in TRUTHS.items()}
        )
    return pd.DataFrame(rows)


def draw_thresholds(table: pd.DataFrame, *, width: float | int = 8.5) -> Figure:
    """The IoU of the masks cut at nine thresholds, one panel per classifier, one line per method."""
    rows = table[table["variant"] == "corrected"]
    columns = [f"iou_{round(100 * threshold)}" for threshold in IOU_THRESHOLDS]
    classifiers = list(dict.fromkeys(rows["classifier"]))
    with panels(1, len(classifiers), size=(width, 3.4), sharey=True, squeeze=False) as (figure, axes):
        for place, panel in zip(axes[0], classifiers, strict=True):
            for number, name in enumerate(METHODS):
                found = rows[(rows["classifier"] == panel) & (rows["method"] == name)]
                strong = name == "explainer"
                place.plot(
                    IOU_THRESHOLDS,
                    found[columns].mean(),
                    label=METHOD_NAMES[name],
                    color="black" if strong else f"C{number}",
                    linewidth=2.6 if strong else 1.4,
                    marker="osv^Dx."[number],
                    markersize=4,
                )
            place.set_xlabel("threshold of the mask")
            place.set_title(PAPER_NAMES[panel])
        axes[0, 0].set_ylabel("IoU with the objects")
        axes[0, 0].set_ylim(bottom=0)
        axes[0, -1].legend(fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def table_three(times: pd.DataFrame) -> pd.DataFrame:
    """One row per method: seconds per image, the multiple of the Explainer's, and the time for the paper's images."""
    explainer = float(times.loc[times["method"] == "explainer", "seconds_per_image"].iloc[0])
    rows = []
    for row in times.itertuples():
        projected = {
            f"{count} images ({name})": _clock(count * row.seconds_per_image) for name, count in _PAPER_IMAGES.items()
        }
        rows.append(
            {
                "method": METHOD_NAMES[str(row.method)],
                "seconds per image": f"{row.seconds_per_image:.3g}",
                "÷ Explainer": f"{row.seconds_per_image / explainer:,.0f}" if row.method != "explainer" else "1",
                **projected,
            }
        )
    return pd.DataFrame(rows)


def _clock(seconds: float) -> str:
    """hh:mm:ss, as in the paper."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{rest:02d}"
