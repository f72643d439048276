"""Figure 5 of the SpaCE-VAE paper: the kept images of all methods, and the claims about their appearance."""

from __future__ import annotations

import pandas as pd
import torch
from matplotlib.figure import Figure

from helpers.core.statistics import mean_effect
from helpers.papers.spacevae.experiments.competitors import attributions_at, keep_above
from helpers.papers.spacevae.experiments.networks import measures
from helpers.papers.spacevae.experiments.study import SpaceStudy
from helpers.papers.spacevae.figures.fig1 import SHORT_NAMES
from helpers.papers.spacevae.figures.grid import draw_columns, predict_classes, predicted_column
from helpers.papers.spacevae.figures.tab1 import chosen_row
from helpers.papers.spacevae.figures.words import COMPETITORS, METHOD_NAMES, difference, number, one_row, score
from helpers.reporting.claims import Claim

SMOOTH, TEXTURED = "beta-1", "beta-100"
NETWORKS = {
    "vq-vae": "VQ-VAE",
    "beta-1": "SpaCE-VAE\nβ = 1",
    "beta-10": "SpaCE-VAE\nβ = 10",
    "beta-100": "SpaCE-VAE\nβ = 100",
}


def example_rows(table: pd.DataFrame, figure: str) -> list[int]:
    """The indices of the test images that the table `examples` chose for a figure, in its order."""
    return list(dict.fromkeys(table[table["figure"] == figure]["image"].astype(int)))


def draw_kept_images(study: SpaceStudy, table: pd.DataFrame) -> Figure:
    """One row per image: the image, and its kept images by the competitors at their thresholds and by the networks.

    Args:
        study: a study of scenes.
        table: its table `examples`.
    """
    images, rows = study.test, example_rows(table, "fig5")
    pixels = images.floats()[rows].to(study.device)
    before, _ = predict_classes(study.classifier, pixels)
    names = images.class_names
    columns = [predicted_column("image", study.classifier, pixels, before, names)]
    for method in COMPETITORS:
        chosen = table[(table["figure"] == "fig5") & (table["method"] == method)]
        threshold = float(chosen["threshold"].iloc[0])
        attributed = attributions_at(study, method, rows).to(study.device)
        kept = keep_above(attributed, threshold)(pixels, slice(0, len(rows)))
        head = SHORT_NAMES[method] + f"\nσ = {number(threshold, 1)}"
        columns.append(predicted_column(head, study.classifier, kept, before, names))
    for training, head in NETWORKS.items():
        if training in study.trained:
            kept = study.model(training).explain(pixels).kept
            columns.append(predicted_column(head, study.classifier, kept, before, names))
    truth = [names[images.labels[row]] for row in rows]
    labels = [name if names[k] == name else f"truly: {name}" for name, k in zip(truth, before.tolist(), strict=True)]
    return draw_columns(columns, labels)


@torch.no_grad()
def appearance_table(study: SpaceStudy) -> pd.DataFrame:
    """The appearance of the kept images of two networks: one row per training and test image.

    Returns:
        Columns training, image, brightness (the mean pixel value), and as in the table `extensions` contrast, colours,
        smoothness (the total variation: low is smooth).
    """
    rows = []
    pixels = study.test.floats().to(study.device)
    for training in (SMOOTH, TEXTURED):
        if training in study.trained:
            kept = study.model(training).explain(pixels).kept
            values = {"brightness": kept.mean((1, 2, 3)), **measures(kept)}
            columns = {name: value.cpu().numpy() for name, value in values.items()}
            rows.append(pd.DataFrame({"training": training, "image": range(len(kept)), **columns}))
    return pd.concat(rows, ignore_index=True)


def appearance_claims(table: pd.DataFrame) -> list[Claim]:
    """ "β = 1 leads to rather smooth, darker images that seem to be composed of a smaller color palette" (4.3)."""
    first, last = (table[table["training"] == training].set_index("image") for training in (SMOOTH, TEXTURED))
    if first.empty or last.empty:
        return []
    return [
        Claim(f"kept images are {words} with β = 1 than with β = 100", f"β = 1 − β = 100, {measure}", effect, -1)
        for words, measure, effect in (
            ("smoother", "total variation", mean_effect(first["smoothness"] - last["smoothness"])),
            ("darker", "mean brightness", mean_effect(first["brightness"] - last["brightness"])),
            ("poorer in colours", "number of colours", mean_effect(first["colours"] - last["colours"])),
        )
    ]


def mask_claims(table: pd.DataFrame) -> list[Claim]:
    """ "Feature Ablation suffers less from misclassification" (4.3), and SpaCE-VAE least, from the table `sparsity`."""
    rows = {name: row for name in COMPETITORS if (row := chosen_row(table, name)) is not None}
    if "feature-ablation" not in rows:
        return []
    best = rows.pop("feature-ablation")
    return [
        Claim(
            f"Feature Ablation's masks change the class less often than those of {METHOD_NAMES[name]}",
            f"Feature Ablation − {METHOD_NAMES[name]}, agreement at the σ of Table 1",
            difference(score(best, "agreement"), score(row, "agreement")),
            1,
        )
        for name, row in rows.items()
    ]


def misclassified_words(table: pd.DataFrame) -> str:
    """The class of the misclassified image of Figure 5, its prediction, and that for its kept image, in Markdown."""
    rows = table[(table["figure"] == "fig5") & (table["label"] != table["predicted"])]
    if rows.empty:
        return "The classifier gets all of these images right."
    first = rows.iloc[0]
    kept = rows[rows["training"] == SMOOTH]
    words = f"The last image shows a **{first['label']}**, and the classifier predicts **{first['predicted']}**."
    if kept.empty:
        return words
    after = one_row(rows, training=SMOOTH)["predicted_after"]
    words += f" For the image that SpaCE-VAE (β = 1) keeps, it predicts **{after}**."
    if after == first["predicted"]:
        return f"{words} So the mistake is kept, and the kept image may show the reason for it."
    return f"{words} So the mistake is not kept: on this image the explanation explains something else."
