"""Figure 1 of the SpaCE-VAE paper: blacken the negatively attributed entries, and the prediction may change."""

from __future__ import annotations

import pandas as pd
import torch
from jaxtyping import Bool, Float
from matplotlib.figure import Figure
from torch import Tensor

from helpers.core.runtime import random_generator
from helpers.core.statistics import proportion_effect
from helpers.papers.spacevae.experiments.competitors import CHUNK, attributions, competitor_images
from helpers.papers.spacevae.experiments.study import SpaceStudy
from helpers.papers.spacevae.figures.controls import controls_at
from helpers.papers.spacevae.figures.grid import Column, draw_columns, predict_classes, predicted_column, true_names
from helpers.papers.spacevae.figures.words import METHOD_NAMES, row_name, share, with_interval
from helpers.papers.spacevae.measures.rows import COMPETITORS, score
from helpers.reporting.mean_table import effects_in_words

OURS = "beta-10"
"""The training whose kept images are compared."""

SHORT_NAMES = {
    "deeplift": "DeepLIFT",
    "integrated-gradients": "Integrated\nGradients",
    "feature-ablation": "Feature\nAblation",
}


def without_negative(
    images: Float[Tensor, "batch 3 height width"], attributed: Float[Tensor, "batch 3 height width"]
) -> Float[Tensor, "batch 3 height width"]:
    """The images with every negatively attributed entry set to 0."""
    return torch.where(attributed >= 0, images, 0.0)


def without_random(
    images: Float[Tensor, "batch 3 height width"], removed: Bool[Tensor, "batch 3 height width"], seed: int = 0
) -> Float[Tensor, "batch 3 height width"]:
    """The images with random entries set to 0, in each image as many as in `removed`."""
    order = torch.rand(images.shape, generator=random_generator(seed)).flatten(1).argsort(1).argsort(1)
    count = removed.flatten(1).sum(1, keepdim=True).cpu()
    return torch.where((order < count).reshape(images.shape).to(images.device), 0.0, images)


def flip_table(study: SpaceStudy) -> pd.DataFrame:
    """Whether the prediction changes without the negatively attributed entries: one row per method and image.

    Returns:
        Columns image, method, dropped (the share of blackened entries), flipped (whether the prediction changes),
        flipped_random (the same with as many random entries). For SpaCE-VAE, flipped refers to the kept image, and the
        other two are nan.
    """
    images = competitor_images(study, "test")
    pixels = images.floats().to(study.device)
    before, _ = predict_classes(study.classifier, pixels)
    rows = []
    for method in COMPETITORS:
        attributed = attributions(study, method, images).to(study.device)
        flipped = predict_classes(study.classifier, without_negative(pixels, attributed))[0] != before
        chance = predict_classes(study.classifier, without_random(pixels, attributed < 0))[0] != before
        dropped = (attributed < 0).flatten(1).float().mean(1)
        rows.append(_rows(method, dropped, flipped, chance))
    if OURS in study.trained:
        after, _ = predict_classes(study.classifier, study.model(OURS).explain(pixels).kept)
        missing = torch.full((len(pixels),), torch.nan)
        rows.append(_rows("space-vae", missing, after != before, missing))
    return pd.concat(rows, ignore_index=True)


def flip_summary(table: pd.DataFrame) -> pd.DataFrame:
    """One row per method: the share of dropped entries, and how often the class changed, also with random entries."""
    summary = []
    for method, rows in table.groupby("method", sort=False):
        attributed = method != "space-vae"
        summary.append(
            {
                "method": METHOD_NAMES[method] + ("" if attributed else ", β = 10"),
                "entries dropped": share(rows["dropped"].mean()) if attributed else "–",
                "class changed": proportion_effect(rows["flipped"]),
                "class changed, as many at random": proportion_effect(rows["flipped_random"]) if attributed else "–",
                "images": len(rows),
            }
        )
    return effects_in_words(pd.DataFrame(summary))


def sparsity_flips(table: pd.DataFrame) -> pd.DataFrame:
    """How often the class changes without the negative entries: the rows at threshold 0 of a table `sparsity`.

    The last rows are controls that explain nothing, as dark as the kept images of SpaCE-VAE (β = 10).
    """
    rows = table[(table["split"] == "test") & (table["threshold"] == 0) & table["method"].isin(COMPETITORS)]
    own = table[(table["split"] == "test") & (table["training"] == OURS)]
    summary = []
    for row in pd.concat([rows, own]).to_dict("records"):
        changed = score(row, "agreement").linear(-1.0, 1.0)
        summary.append(
            {
                "method": row_name(row),
                "class changed": with_interval(changed),
                "values that turn black, %": with_interval(score(row, "l0"), 1),
                "brightness removed, %": with_interval(score(row, "l1"), 1),
                "images": changed.count,
            }
        )
    for row in own.to_dict("records"):
        for name, kept in controls_at(table, row["l1"]).items():
            black = controls_at(table, row["l1"], "l0")[name]
            summary.append(
                {
                    "method": f"{METHOD_NAMES[name]}, as dark as SpaCE-VAE",
                    "class changed": with_interval(kept.linear(-1.0, 1.0)),
                    "values that turn black, %": with_interval(black, 1),
                    "brightness removed, %": with_interval(score(row, "l1"), 1),
                    "images": kept.count,
                }
            )
    return pd.DataFrame(summary)


def choose_examples(table: pd.DataFrame, right: list[bool], shown: int, method: str) -> list[int]:
    """The first `shown` correctly classified images that lose their class, and the first that keeps it."""
    flipped = table[table["method"] == method].sort_values("image")["flipped"].tolist()
    rows = [row for row, good in enumerate(right[:CHUNK]) if good]
    lost = [row for row in rows if flipped[row]]
    kept = [row for row in rows if not flipped[row]]
    return lost[:shown] + kept[:1]


def draw_flips(study: SpaceStudy, table: pd.DataFrame, shown: int = 3, method: str = "integrated-gradients") -> Figure:
    """One row per image: each method's signed map, the image without its negative entries, SpaCE-VAE's kept image.

    Args:
        study: of scenes.
        table: its `flip_table`.
        shown: the number of images that lose their class, above one that keeps it.
        method: the method by whose flips the images are chosen.
    """
    images = competitor_images(study, "test")
    pixels = images.floats().to(study.device)
    before, _ = predict_classes(study.classifier, pixels)
    rows = choose_examples(table, (before.cpu() == images.labels).tolist(), shown, method)
    pixels, classes = pixels[rows], before[rows]
    columns = [predicted_column("image", study.classifier, pixels, classes, images.class_names)]
    for name in COMPETITORS:
        attributed = attributions(study, name, images)[rows].to(study.device)
        signed = attributed.sum(1, keepdim=True)
        largest = signed.abs().amax((1, 2, 3), keepdim=True).clamp_min(1e-12)
        columns.append(Column(SHORT_NAMES[name], (signed / largest).cpu()))
        left = without_negative(pixels, attributed)
        columns.append(predicted_column("negatives\nblack", study.classifier, left, classes, images.class_names))
    if OURS in study.trained:
        kept = study.model(OURS).explain(pixels).kept
        columns.append(predicted_column("SpaCE-VAE\nβ = 10", study.classifier, kept, classes, images.class_names))
    return draw_columns(columns, true_names(images, rows))


def _rows(method: str, dropped: Tensor, flipped: Tensor, chance: Tensor) -> pd.DataFrame:
    values = {"dropped": dropped, "flipped": flipped, "flipped_random": chance}
    columns = {name: value.float().cpu().numpy() for name, value in values.items()}
    return pd.DataFrame({"image": range(len(flipped)), "method": method, **columns})
