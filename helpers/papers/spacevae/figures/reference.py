"""Beyond the SpaCE-VAE paper: the limitation of white backgrounds (section 4.4), measured and mended."""

from __future__ import annotations

import pandas as pd
import torch
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor

from helpers.methods.space_vae.loss import reference_colour
from helpers.papers.spacevae.experiments.reference import BACKGROUNDS, recomposed_scenes
from helpers.papers.spacevae.experiments.rows import interval_columns
from helpers.papers.spacevae.experiments.study import SpaceStudy
from helpers.papers.spacevae.figures.controls import control_cells
from helpers.papers.spacevae.figures.grid import draw_columns, predict_classes, predicted_column, true_names
from helpers.papers.spacevae.figures.words import METRIC_HEADS, number, with_interval
from helpers.papers.spacevae.measures.rows import score

BLACK, MEAN = "beta-10", "mean-colour"
NETWORK_NAMES = {BLACK: "against black", MEAN: "against the mean colour"}
SCENES = 400
"""The number of scenes per background on which the distances are measured."""


@torch.no_grad()
def distance_table(study: SpaceStudy, count: int = SCENES) -> pd.DataFrame:
    """How much of the distance to each network's reference colour is left on the object and on the background.

    The distance is that of each pixel value to the reference colour: the brightness, for black.

    Returns:
        One row per background and network: training, background, `object_kept` and `background_kept` (the remaining
        share of the distance), `object_share` and `object_share_before` (the object's share of the distance in the kept
        image and in the image), each with `_low` and `_high`; images, source.
    """
    rows = []
    for background in BACKGROUNDS:
        scenes = recomposed_scenes(count, background, seed=study.settings.data.seed)
        images, inside = scenes.images.floats(), scenes.objects[:, None].float()
        for training in (name for name in NETWORK_NAMES if name in study.trained):
            colour = reference_colour(images, study.settings.options(training).loss.reference)
            before, after = ((each - colour).abs() for each in (images, study.kept_by(training, scenes.images)))
            object_before, background_before = _sums(before, inside)
            object_after, background_after = _sums(after, inside)
            values = {
                "object_kept": (object_after, object_before),
                "background_kept": (background_after, background_before),
                "object_share": (object_after, object_after + background_after),
                "object_share_before": (object_before, object_before + background_before),
            }
            row = {"training": training, "background": background}
            for name, (numerator, denominator) in values.items():
                row |= interval_columns(name, numerator, denominator)
            rows.append({**row, "images": count, "source": scenes.images.source})
    return pd.DataFrame(rows)


def distance_summary(table: pd.DataFrame) -> pd.DataFrame:
    """One row per background and network: the remaining shares, and the object's share before and after."""
    heads = {
        "object_kept": "left on the object",
        "background_kept": "left on the background",
        "object_share_before": "on the object, of the image",
        "object_share": "on the object, of the kept image",
    }
    rows = []
    for row in table.to_dict("records"):
        cells = {
            "background": row["background"],
            "distance to": NETWORK_NAMES[row["training"]].removeprefix("against "),
        }
        rows.append(cells | {head: with_interval(score(row, name)) for name, head in heads.items()})
    return pd.DataFrame(rows)


def reference_summary(table: pd.DataFrame) -> pd.DataFrame:
    """One row per background and network of table `reference`: sparsity against black, contrast and agreement.

    Dimming every pixel by one factor keeps of the contrast exactly the share that it keeps of the brightness.
    """
    rows = []
    for row in table[table["training"].isin(NETWORK_NAMES)].to_dict("records"):
        cells = {"background": row["background"], "sparsity measured": NETWORK_NAMES[row["training"]]}
        cells |= {METRIC_HEADS["l1"]: with_interval(score(row, "l1"), 1)}
        cells |= {"contrast kept": with_interval(score(row, "contrast_kept"))}
        cells |= {"contrast kept, all pixels dimmed": number(1 - row["l1"] / 100)}
        cells |= {metric: with_interval(score(row, metric)) for metric in ("agreement", "accuracy")}
        rows.append(cells | control_cells(row))
    return pd.DataFrame(rows)


def place_summary(table: pd.DataFrame) -> pd.DataFrame:
    """One row per network of the paper: the share of the brightness left on objects and on backgrounds, as drawn."""
    rows = []
    drawn = table[(table["background"] == BACKGROUNDS[0]) & (table["reference"] == "black")]
    for row in drawn.sort_values("l1", ascending=False).to_dict("records"):
        cells = {
            "network": row["training"].replace("beta-", "β = "),
            METRIC_HEADS["l1"]: with_interval(score(row, "l1"), 1),
        }
        cells |= {"left on the object": with_interval(score(row, "object_kept"))}
        rows.append({**cells, "left on the background": with_interval(score(row, "background_kept"))})
    return pd.DataFrame(rows)


@torch.no_grad()
def draw_backgrounds(study: SpaceStudy, background: str, shown: int = 4) -> Figure:
    """Scenes on one kind of background, and the kept images of both networks.

    Args:
        study: a study of scenes.
        background: one of `BACKGROUNDS`.
        shown: the number of scenes.

    Raises:
        ValueError: there is no such background.
    """
    scenes = recomposed_scenes(shown, background, seed=study.settings.data.seed)
    pixels = scenes.images.floats().to(study.device)
    before, _ = predict_classes(study.classifier, pixels)
    names = scenes.images.class_names
    first = "as drawn" if background == BACKGROUNDS[0] else background
    columns = [predicted_column(first, study.classifier, pixels, before, names)]
    for training, name in NETWORK_NAMES.items():
        if training in study.trained:
            kept = study.model(training).explain(pixels).kept
            head = name.replace(" the ", "\nthe ").replace(" black", "\nblack")
            columns.append(predicted_column(head, study.classifier, kept, before, names))
    return draw_columns(columns, true_names(scenes.images, list(range(shown))))


def _sums(
    distance: Float[Tensor, "images 3 height width"], inside: Float[Tensor, "images 1 height width"]
) -> tuple[Tensor, Tensor]:
    """The sums over the object and over the background, per image."""
    return (distance * inside).sum((1, 2, 3)), (distance * (1 - inside)).sum((1, 2, 3))
