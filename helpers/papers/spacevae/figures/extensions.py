"""Beyond the SpaCE-VAE paper: the three loss terms that its conclusion suggests."""

from __future__ import annotations

import pandas as pd
import torch
from matplotlib.figure import Figure

from helpers.papers.spacevae.experiments.study import SpaceStudy
from helpers.papers.spacevae.figures.controls import control_cells
from helpers.papers.spacevae.figures.grid import draw_columns, predict_classes, predicted_column, true_names
from helpers.papers.spacevae.figures.words import metric_cells, with_interval
from helpers.papers.spacevae.measures.rows import score

PLAIN = "beta-10"
MEASURE_NAMES = {
    "contrast": "contrast: the spread of an image's brightness",
    "colours": "number of colours",
    "smoothness": "total variation: low is smooth",
}
TRAINING_NAMES = {PLAIN: "no term", "contrast": "contrast", "colours": "few colours", "smooth": "smooth"}


def extension_summary(table: pd.DataFrame) -> pd.DataFrame:
    """One row per network: its three measures, its metrics, and the agreement of equally dark controls."""
    rows = []
    for training, measured in table.groupby("training", sort=False):
        measures = {MEASURE_NAMES.get(row["measure"], row["measure"]): row for row in measured.to_dict("records")}
        values = {
            head: with_interval(score(row, "value"), 1 if row["value"] >= 2 else 3) for head, row in measures.items()
        }
        cells = metric_cells(measured.iloc[0]) | control_cells(measured.iloc[0])
        rows.append({"network": TRAINING_NAMES.get(training, training), **values, **cells})
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
