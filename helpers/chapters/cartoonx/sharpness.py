"""Sharpness of explanations: the scores of the CVPR 2023 paper per image and in summary."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor, nn

from helpers.core.explanation import Explanation
from helpers.core.statistics import column_words, mean_effect
from helpers.methods.rde import Representation
from helpers.metrics import (
    CannyEdges,
    conciseness_preciseness,
    hallucinated_edges,
    hallucination_score,
    preciseness,
)

# column: its name on the page
MEASURES = {
    "rate": "rate, %",
    "brightness": "brightness kept, %",
    "hallucination": "hallucination score",
    "invented": "shown edges that are invented, %",
    "probability": "probability kept, %",
    "cp_pixels": "CP, pixels",
    "cp_coefficients": "CP, coefficients",
    "cp_entropy": "CP, entropy",
}

LIMITS = {"rate": (0.0, 100.0), "invented": (0.0, 100.0)}
"""The bounded measures: an explanation may be brighter and surer than its image."""


@torch.no_grad()
def sharpness(
    classifier: nn.Module,
    images: Float[Tensor, "batch 3 height width"],
    explanation: Explanation,
    representation: Representation,
) -> pd.DataFrame:
    """The scores of each explanation: one row per image, one column for each of `MEASURES`.

    `rate`, `brightness` (of the kept picture relative to the image) and `invented` (the share of the explanation's
    edges that the image does not have) are in per cent; undefined scores are nan.

    Args:
        classifier: pixels in [0, 1] to logits.
        images: the images.
        explanation: the images' explanations, with masks on a representation.
        representation: its coefficients are counted by the CP score `cp_coefficients`.
    """
    kept, targets = explanation.kept, explanation.targets
    assert explanation.representation_mask is not None
    columns = {
        "rate": 100 * explanation.representation_mask.mean((1, 2)),
        "brightness": 100 * kept.sum((1, 2, 3)) / images.sum((1, 2, 3)),
        "hallucination": hallucination_score(images, kept),
        "invented": 100 * invented_share(images, kept),
        "probability": 100 * preciseness(classifier, images, kept, targets),
        "cp_pixels": conciseness_preciseness(classifier, images, kept, targets),
        "cp_coefficients": conciseness_preciseness(
            classifier, images, kept, targets, measure="coefficients", representation=representation
        ),
        "cp_entropy": conciseness_preciseness(
            classifier, images, kept, targets, measure="entropy", representation=representation
        ),
    }
    return pd.DataFrame({name: values.tolist() for name, values in columns.items()})


def invented_share(
    images: Float[Tensor, "batch channels height width"], pictures: Float[Tensor, "batch channels height width"]
) -> Float[Tensor, " batch"]:
    """The share of an explanation's edges that the image does not have; nan where it has no edges.

    The hallucination score divides by the edges of the image, so it falls when less is shown. This share does not.
    """
    invented, _ = hallucinated_edges(images, pictures)
    grey = images.mean(1, keepdim=True)
    edges = CannyEdges()(pictures.mean(1, keepdim=True), grey.amax((1, 2, 3)) - grey.amin((1, 2, 3)))
    count = edges.sum((1, 2, 3))
    return torch.where(count > 0, invented.sum((1, 2, 3)) / count.clamp_min(1), torch.nan)


def sharpness_summary(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """One row per measure: the means of two methods over images and their difference, with intervals.

    The difference is paired by image, second method − first method.

    Raises:
        ValueError: there are not two tables.
    """
    if len(tables) != 2:
        raise ValueError(f"a comparison needs two tables, not {len(tables)}")
    (first_name, first), (second_name, second) = tables.items()
    rows = []
    for column, name in MEASURES.items():
        least, most = LIMITS.get(column, (-math.inf, math.inf))
        effects = [mean_effect(values[column], limits=(least, most)) for values in (first, second)]
        effects.append(mean_effect(second[column] - first[column], limits=(least - most, most - least)))
        rows.append([name, *column_words(effects)])  # each row has a unit, and so decimals, of its own
    return pd.DataFrame(rows, columns=["measure", first_name, second_name, "difference"])
