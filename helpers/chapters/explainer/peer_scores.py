"""The Explainer beside its peers: scores on scenes with the published settings, from the stored tables."""

from __future__ import annotations

import pandas as pd

from helpers.chapters.peers.scores import published_seconds
from helpers.reporting.committed import evidence_table
from helpers.reporting.mean_table import mean_table

HEADS = {
    "iou": "overlap (IoU)",
    "mass": "relevance mass above chance",
}
_CHOSEN = {"dataset": "voc2007", "classifier": "vgg16"}


def peer_scores() -> pd.DataFrame:
    """One row per method and image, of the profile `scenes`: the classifier `scenes-multilabel`, scenes of one or two
    objects, and the published settings of all peers.

    Returns:
        Columns method, image, iou and mass; means over the classes of an image.

    Raises:
        FileNotFoundError: the tables are not stored.
    """
    truth, segmentation = (evidence_table("scenes", f"explainer-{name}") for name in ("class-truth", "segmentation"))
    if truth is None or segmentation is None:
        raise FileNotFoundError("the tables of the profile scenes are not in results/")
    truth, segmentation = (
        table[(table["dataset"] == _CHOSEN["dataset"]) & (table["classifier"] == _CHOSEN["classifier"])]
        for table in (truth, segmentation)
    )
    keys = ["method", "image"]
    mass = truth.groupby(keys)["mass_above_chance"].mean().rename("mass")
    overlap = segmentation[segmentation["variant"] == "corrected"].groupby(keys)["iou"].mean()
    return pd.concat([mass, overlap], axis=1, join="inner").reset_index()


def peers_in_words(scores: pd.DataFrame) -> pd.DataFrame:
    """One row per method, the largest overlap first: means over the images with their intervals, and the seconds."""
    means = scores.groupby("method")["iou"].mean().sort_values(ascending=False)
    table = mean_table(scores, {name: name for name in means.index}, HEADS, {"iou": (0, 1)})
    seconds = published_seconds()
    return table.assign(**{"seconds": [f"{seconds[name]:.2g}" if name in seconds else "" for name in means.index]})
