"""Beyond the SpaCE-VAE paper: the three loss terms that its conclusion suggests."""

from __future__ import annotations

from typing import Literal

import pandas as pd
import torch
from matplotlib.figure import Figure

from helpers.papers.spacevae.experiments.study import SpaceStudy
from helpers.papers.spacevae.figures.grid import draw_columns, predict_classes, predicted_column, true_names
from helpers.papers.spacevae.figures.words import difference, metric_cells, score, with_interval
from helpers.reporting.claims import Claim

PLAIN = "beta-10"
# by measure: the training with the term, the expected sign of its effect, the description of the measure
EXTENSIONS: dict[str, tuple[str, Literal[1, -1], str]] = {
    "contrast": ("contrast", 1, "contrast: the spread of an image's brightness"),
    "colours": ("colours", -1, "number of colours"),
    "smoothness": ("smooth", -1, "total variation: low is smooth"),
}
MEASURE_NAMES = {name: description for name, (_, _, description) in EXTENSIONS.items()}
TRAINING_NAMES = {PLAIN: "no term", "contrast": "contrast", "colours": "few colours", "smooth": "smooth"}


def extension_claims(table: pd.DataFrame) -> list[Claim]:
    """Claims: each term moves its own measure in the intended direction, and costs little agreement."""
    rows = {(row["training"], row["measure"]): row for row in table.to_dict("records")}
    claims = []
    for measure, (training, expected, description) in EXTENSIONS.items():
        with_term, without = rows.get((training, measure)), rows.get((PLAIN, measure))
        if with_term is None or without is None:
            continue
        claims.append(
            Claim(
                f"the term for {measure} {'raises' if expected > 0 else 'lowers'} its own measure",
                f"with − without, {description}",
                difference(score(with_term, "value"), score(without, "value")),
                expected,
            )
        )
        claims.append(
            Claim(
                f"the term for {measure} costs at most 0.05 of the agreement",
                "with − without, agreement",
                difference(score(with_term, "agreement"), score(without, "agreement")),
                1,
                -0.05,
            )
        )
    return claims


def extension_summary(table: pd.DataFrame) -> pd.DataFrame:
    """One row per network: its three measures and its metrics."""
    rows = []
    for training, measured in table.groupby("training", sort=False):
        measures = {MEASURE_NAMES.get(row["measure"], row["measure"]): row for row in measured.to_dict("records")}
        values = {
            head: with_interval(score(row, "value"), 1 if row["value"] >= 2 else 3) for head, row in measures.items()
        }
        rows.append({"network": TRAINING_NAMES.get(training, training), **values, **metric_cells(measured.iloc[0])})
    return pd.DataFrame(rows)


@torch.no_grad()
def draw_extensions(study: SpaceStudy, shown: int = 5) -> Figure:
    """The first test images and the kept images of each network, with the prediction above each.

    Args:
        study: a study of scenes.
        shown: the number of images.
    """
    images = study.test[:shown]
    pixels = images.floats().to(study.device)
    before, _ = predict_classes(study.classifier, pixels)
    columns = [predicted_column("image", study.classifier, pixels, before, images.class_names)]
    for training, name in TRAINING_NAMES.items():
        if training in study.trained:
            kept = study.model(training).explain(pixels).kept
            columns.append(predicted_column(name, study.classifier, kept, before, images.class_names))
    return draw_columns(columns, true_names(images, list(range(shown))), cell=1.35)
