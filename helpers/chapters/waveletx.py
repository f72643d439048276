"""WaveletX beside CartoonX: the scores of the CVPR 2023 paper, their null of dimming, and drawings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import pandas as pd
import torch
from jaxtyping import Bool, Float
from matplotlib.figure import Figure
from torch import Tensor, nn

from helpers.chapters.predictions import describe_predictions
from helpers.classifiers import Classifier
from helpers.core.explanation import Explanation
from helpers.core.statistics import column_words, mean_effect
from helpers.methods.rde import Representation, Wavelets
from helpers.metrics import (
    CannyEdges,
    conciseness_preciseness,
    hallucinated_edges,
    hallucination_score,
    preciseness,
)
from helpers.plots import draw_image, show_images
from helpers.plots.figures import panels

ORANGE = (0.84, 0.37, 0.0)

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


class EdgeCounts(NamedTuple):
    """Edge pixels of each image and its explanation.

    Attributes:
        invented: edges of the explanation that are no edges of the image.
        shown: edges of the explanation.
        true: edges of the image.
    """

    invented: Float[Tensor, " batch"]
    shown: Float[Tensor, " batch"]
    true: Float[Tensor, " batch"]


def count_edges(
    images: Float[Tensor, "batch channels height width"], pictures: Float[Tensor, "batch channels height width"]
) -> EdgeCounts:
    """The edges of images and of their explanations' pictures; thresholds are relative to the image's contrast."""
    invented, true = hallucinated_edges(images, pictures)
    shown = _edges(images, pictures)
    counts = (edges.sum((1, 2, 3)).float() for edges in (invented, shown, true))
    return EdgeCounts(*counts)


def invented_share(
    images: Float[Tensor, "batch channels height width"], pictures: Float[Tensor, "batch channels height width"]
) -> Float[Tensor, " batch"]:
    """The share of an explanation's edges that the image does not have; nan where it has no edges.

    The hallucination score divides by the edges of the image, so it falls when less is shown. This share does not.
    """
    counts = count_edges(images, pictures)
    return torch.where(counts.shown > 0, counts.invented / counts.shown.clamp_min(1), torch.nan)


def _edges(
    images: Float[Tensor, "batch channels height width"], pictures: Float[Tensor, "batch channels height width"]
) -> Bool[Tensor, "batch 1 height width"]:
    """The edges of pictures, with thresholds relative to the contrast of the images."""
    grey = images.mean(1, keepdim=True)
    return CannyEdges()(pictures.mean(1, keepdim=True), grey.amax((1, 2, 3)) - grey.amin((1, 2, 3)))


def dimmed(explanation: Explanation, other: Explanation) -> Explanation:
    """An explanation with each kept picture dimmed to the mean brightness of another explanation's; masks stay."""
    factors = other.kept.sum((1, 2, 3)) / explanation.kept.sum((1, 2, 3))
    return replace(explanation, kept=explanation.kept * factors.clamp(0, 1)[:, None, None, None])


def sharpness_summary(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """One row per measure: the means over images, and the differences to the first table, with intervals.

    The differences are paired by image.

    Args:
        tables: by name, as from `sharpness`.

    Raises:
        ValueError: there is no second table.
    """
    if len(tables) < 2:
        raise ValueError(f"a comparison needs two tables or more, not {len(tables)}")
    (first_name, first), *others = tables.items()
    rows = []
    for column, name in MEASURES.items():
        means = [_words(float(table[column].mean())) for table in tables.values()]
        effects = [mean_effect(table[column] - first[column]) for _, table in others]
        rows.append([name, *means, *column_words(effects)])  # each row has a unit, and so decimals, of its own
    differences = [f"{name} − {first_name}" for name, _ in others]
    return pd.DataFrame(rows, columns=["measure", *tables, *differences])


def _words(mean: float) -> str:
    return f"{mean:.0f}" if mean >= 10 else f"{mean:.2f}"


def draw_dropped_wave(representation: Wavelets, band: str) -> Figure:
    """A bright disc, its largest wave of a band, the disc without that wave, and the edges that this invents.

    Args:
        representation: for square images.
        band: such as "vertical-3".
    """
    size = representation.size[0]
    rows, columns = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    inside = (rows - size / 2) ** 2 + (columns - size / 2) ** 2 < (size / 4) ** 2
    disc = 0.3 + 0.4 * inside.float().expand(1, 3, -1, -1)
    h = representation.analyse(disc)
    indices = representation.transform.slices[band]
    largest = indices.start + int(h[0, 0, indices].abs().argmax())
    single = torch.zeros_like(h)
    single[..., largest] = h[..., largest]
    wave = representation.synthesise(single)
    without = (disc - wave).clamp(0, 1)
    pictures = [disc[0, :1], wave[0, :1] + 0.5, without[0, :1], _with_orange(disc, without)[0]]
    titles = ["a disc", "its largest wave", "without this wave", "invented edges"]
    return show_images(pictures, titles, columns=4)


def _with_orange(
    images: Float[Tensor, "batch channels height width"], pictures: Float[Tensor, "batch channels height width"]
) -> Float[Tensor, "batch 3 height width"]:
    """Pictures in grey, with the edges in orange that the images do not have."""
    invented, _ = hallucinated_edges(images, pictures)
    grey = pictures.mean(1, keepdim=True).expand(-1, 3, -1, -1)
    return torch.where(invented, torch.tensor(ORANGE)[:, None, None], grey)


def draw_invented_edges(
    classifier: Classifier, images: Float[Tensor, "batch 3 height width"], explanations: Mapping[str, Explanation]
) -> Figure:
    """A row for each image: the image, and each method's kept part, beside it in orange the edges that it invents.

    Args:
        classifier: names what it sees.
        images: pixels in [0, 1].
        explanations: of these images, by method.
    """
    columns: list[tuple[Sequence[Tensor], list[str]]] = [(list(images), describe_predictions(classifier, images))]
    for method, explanation in explanations.items():
        predictions = describe_predictions(classifier, explanation.kept)
        columns.append((list(explanation.kept), [f"{method}:\n{words}" for words in predictions]))
        columns.append((list(_with_orange(images, explanation.kept)), ["invented edges"] * len(images)))
    with panels(len(images), len(columns), size=(9, 2.15 * len(images)), squeeze=False) as (figure, axes):
        for number, (pictures, titles) in enumerate(columns):
            for panel, picture, title in zip(axes[:, number], pictures, titles, strict=True):
                draw_image(panel, picture, title)
    return figure
