"""Tables of effects: an image counts once, and a column has one number of decimals."""

from __future__ import annotations

import pandas as pd

from helpers.core.statistics import Effect, mean_effect
from helpers.reporting.mean_table import effects_in_words, mean_table

ROWS = pd.DataFrame(
    {
        "dataset": ["voc"] * 8 + ["coco"] * 4,
        "image": [*"abcdabcd", *"abcd"],  # two classifiers see those of VOC
        "method": "rise",
        "iou": [0.1, 0.2, 0.3, 0.4, 0.3, 0.4, 0.5, 0.6, 0.5, 0.6, 0.7, 0.8],
    }
)


def test_an_image_with_several_rows_counts_once():
    shown = mean_table(ROWS, {"rise": "RISE"}, {"iou": "IoU"}, {"iou": (0, 1)})
    assert shown["method"].tolist() == ["RISE"]
    assert shown["IoU"].item() == str(mean_effect([0.2, 0.3, 0.4, 0.5, 0.5, 0.6, 0.7, 0.8]))
    one = mean_table(ROWS.drop(columns="dataset"), {"rise": "RISE"}, {"iou": "IoU"}, {"iou": (0, 1)})
    assert one["IoU"].item() == str(mean_effect([0.3, 0.4, 0.5, 0.6])), "without datasets, names tell images apart"


def test_the_effects_of_a_column_share_their_decimals():
    table = pd.DataFrame(
        {
            "method": ["a", "b", "c"],
            "score": [Effect(0.5, 0.4, 0.6, 9), Effect(0.00006, 0.0, 0.00012, 9), "–"],
            "seconds": [1.25, 2.5, 3.0],
        }
    )
    words = effects_in_words(table)
    assert words["score"].tolist() == ["0.50 [0.40, 0.60]", "0.00 [0.00, 0.00]", "–"]
    assert words["seconds"].tolist() == [1.25, 2.5, 3.0]
    assert isinstance(table["score"][0], Effect), "the table that was given stays as it is"
