"""Figure 5 of the SpaCE-VAE paper: the kept images of all methods, and the claims about their appearance."""

from __future__ import annotations

import pandas as pd
import torch
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor
from torch.nn import functional

from helpers.core.statistics import column_words, mean_effect
from helpers.papers.spacevae.experiments.competitors import attributions_at, keep_above
from helpers.papers.spacevae.experiments.networks import measures
from helpers.papers.spacevae.experiments.study import SpaceStudy
from helpers.papers.spacevae.figures.fig1 import SHORT_NAMES
from helpers.papers.spacevae.figures.grid import draw_columns, predict_classes, predicted_column
from helpers.papers.spacevae.figures.words import number
from helpers.papers.spacevae.measures.rows import COMPETITORS, one_row

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
    """The appearance of the kept images of two networks, and of controls: one row per training and test image.

    Returns:
        Columns training (also `original`, the images themselves, and `dimmed to beta-1` and so on, each image dimmed to
        the brightness of its kept image), image, brightness (the mean pixel value), as in the table `extensions`
        contrast, colours, smoothness (the total variation: low is smooth), saturation (`mean_saturation`), and detail
        (`fine_detail` as a share of that of the image dimmed to the same brightness).
    """
    pixels = study.test.floats().to(study.device)
    pictures = {"original": pixels}
    for training in (SMOOTH, TEXTURED):
        if training in study.trained:
            kept = study.model(training).explain(pixels).kept
            factor = (kept.mean((1, 2, 3)) / pixels.mean((1, 2, 3))).clamp(0, 1)
            pictures |= {training: kept, f"dimmed to {training}": factor[:, None, None, None] * pixels}
    rows = []
    for training, shown in pictures.items():
        factor = shown.mean((1, 2, 3)) / pixels.mean((1, 2, 3))
        values = {
            "brightness": shown.mean((1, 2, 3)),
            **measures(shown),
            "saturation": mean_saturation(shown),
            "detail": fine_detail(shown) / (factor.square() * fine_detail(pixels)),
        }
        columns = {name: value.cpu().numpy() for name, value in values.items()}
        rows.append(pd.DataFrame({"training": training, "image": range(len(shown)), **columns}))
    return pd.concat(rows, ignore_index=True)


def mean_saturation(images: Float[Tensor, "images 3 height width"]) -> Float[Tensor, " images"]:
    """The saturation of HSV, (max − min) / max over the channels, averaged over the pixels with weights max.

    Dimming an image does not change it. Black pixels have no colour and no weight; a black image has nan.
    """
    largest, smallest = images.amax(1), images.amin(1)
    return (largest - smallest).sum((1, 2)) / largest.sum((1, 2))


def fine_detail(images: Float[Tensor, "images 3 height width"]) -> Float[Tensor, " images"]:
    """The sum of the squared differences of each pixel value from the mean of its block of 2 × 2 px.

    It is the energy of the finest Haar wavelets. Dimming an image by a factor multiplies it by the factor's square.
    """
    blocks = functional.avg_pool2d(images, 2).repeat_interleave(2, 2).repeat_interleave(2, 3)
    return (images - blocks).square().sum((1, 2, 3))


def appearance_summary(table: pd.DataFrame) -> pd.DataFrame:
    """One row per network and control: the mean of each measure with its interval."""
    heads = {
        "brightness": "mean brightness",
        "smoothness": "total variation",
        "colours": "number of colours",
        "detail": "fine detail, share",
        "saturation": "saturation",
    }
    rows = []
    for training, shown in table.groupby("training", sort=False):
        name = str(training).replace("beta-", "β = ")
        rows.append({"image": name, **{head: mean_effect(shown[measure]) for measure, head in heads.items()}})
    columns = {head: column_words([row[head] for row in rows]) for head in heads.values()}
    return pd.DataFrame({"image": [row["image"] for row in rows], **columns})


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
