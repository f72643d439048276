"""Beyond the SpaCE-VAE paper: the book's other methods on its test."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure

from helpers.papers.spacevae.experiments.cross_method import evaluate_methods, kept_images, rde_methods
from helpers.papers.spacevae.experiments.study import SpaceStudy
from helpers.papers.spacevae.figures.grid import draw_columns, predict_classes, predicted_column, true_names
from helpers.papers.spacevae.figures.words import COLOURS, METHOD_NAMES, metric_cells, row_name
from helpers.papers.spacevae.measures.rows import score
from helpers.plots.figures import panels

OURS = "beta-10"
_PANELS = {"agreement": "agreement", "confidence": "confidence", "l0": "L0 sparsity, %", "l1": "L1 sparsity, %"}


def draw_cross_method(table: pd.DataFrame, *, width: float | int = 9.5) -> Figure:
    """Dots with intervals: one row per method, one panel per metric."""
    rows = table.to_dict("records")
    size = (width, 0.32 * len(rows) + 0.7)
    with panels(1, len(_PANELS), size=size, sharey=True, style={"axes.titlesize": 10}) as (figure, axes):
        for panel, (metric, words) in zip(axes, _PANELS.items(), strict=True):
            for height, row in enumerate(rows):
                effect = score(row, metric)
                ends = np.nan_to_num([[effect.value - effect.low], [effect.high - effect.value]]).clip(0)
                colour = COLOURS.get(row["method"], "black")
                panel.errorbar(effect.value, height, xerr=ends, fmt="o", color=colour, markersize=5)
            panel.set_title(words)
            panel.set_xlim((-0.03, 1.03) if metric in ("agreement", "confidence") else (None, 103))
        axes[0].set_yticks(range(len(rows)), [row_name(row) for row in rows])
        axes[0].set_ylim(len(rows) - 0.5, -0.5)
    return figure


def scene_table(study: SpaceStudy) -> pd.DataFrame:
    """Every method of the table `cross-method`, scene by scene.

    Returns:
        Columns image, method, training, agreed (1 if the kept image has the class predicted for the image), removed
        (the share of the image's brightness).
    """
    tables = []
    for each in evaluate_methods(study):
        scores = each.scores
        columns = {
            "agreed": (scores.predicted_after == scores.predicted).int(),
            "removed": 1 - scores.l1_after / scores.l1_before,
        }
        rows = pd.DataFrame({name: values.cpu().numpy() for name, values in columns.items()})
        named = {"image": range(len(rows)), "method": each.setting["method"], "training": each.setting["training"]}
        tables.append(rows.assign(**named))
    return pd.concat(tables, ignore_index=True)[["image", "method", "training", "agreed", "removed"]]


@torch.no_grad()
def black_numbers(study: SpaceStudy) -> dict[str, str | float]:
    """The predicted class of a black image and its probability."""
    black, confidence = predict_classes(study.classifier, torch.zeros_like(study.test.floats()[:1]).to(study.device))
    return {"black": study.test.class_names[int(black)], "black-confidence": float(confidence)}


def cross_method_summary(table: pd.DataFrame) -> pd.DataFrame:
    """One row per method: all metrics with intervals."""
    return pd.DataFrame([{"method": row_name(row), **metric_cells(row)} for row in table.to_dict("records")])


def draw_cross_method_pictures(study: SpaceStudy, shown: int = 5) -> Figure:
    """The first test scenes, and the kept images of CartoonX, Pixel RDE and SpaCE-VAE.

    Args:
        study: a study of scenes.
        shown: the number of scenes, at most that of the table `cross-method`.
    """
    images = study.test[:shown]
    pixels = images.floats().to(study.device)
    before, _ = predict_classes(study.classifier, pixels)
    names = images.class_names
    columns = [predicted_column("image", study.classifier, pixels, before, names)]
    for name, method in rde_methods(study).items():
        kept = kept_images(study, name, method, images).to(study.device)
        columns.append(predicted_column(METHOD_NAMES[name], study.classifier, kept, before, names))
    for training in ("beta-1", OURS, "beta-100"):
        if training in study.trained:
            kept = study.model(training).explain(pixels).kept
            head = f"SpaCE-VAE\nβ = {study.settings.options(training).loss.beta:g}"
            columns.append(predicted_column(head, study.classifier, kept, before, names))
    return draw_columns(columns, true_names(images, list(range(shown))), cell=1.35)
