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
from helpers.papers.spacevae.figures.grid import draw_columns, predict_classes, predicted_column, true_names
from helpers.papers.spacevae.figures.words import METRIC_HEADS, difference, score, with_interval
from helpers.reporting.claims import Claim

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
    """One row per background and network of table `reference`: contrast, agreement, and the sparsity against black."""
    rows = []
    for row in table.to_dict("records"):
        name = NETWORK_NAMES.get(row["training"], row["training"])
        cells = {"background": row["background"], "sparsity measured": name}
        cells |= {"contrast kept": with_interval(score(row, "contrast_kept"))}
        cells |= {metric: with_interval(score(row, metric)) for metric in ("agreement", "accuracy")}
        rows.append({**cells, METRIC_HEADS["l1"]: with_interval(score(row, "l1"), 1)})
    return pd.DataFrame(rows)


def reference_claims(distances: pd.DataFrame, background: str = "white") -> list[Claim]:
    """Claims: black keeps less of a dark object than of its background (section 4.4), the mean colour keeps more."""
    rows = {row["training"]: row for row in distances[distances["background"] == background].to_dict("records")}
    words = {
        BLACK: f"measured against black, more is left of the {background} background than of the dark object",
        MEAN: f"measured against the mean colour, more is left of the dark object than of the {background} background",
    }
    claims = []
    for name, expected in ((BLACK, -1), (MEAN, 1)):
        if name in rows:
            effect = difference(score(rows[name], "object_kept"), score(rows[name], "background_kept"))
            claims.append(Claim(words[name], "share left, object − background", effect, expected))  # type: ignore[arg-type]
    return claims


def cost_claims(table: pd.DataFrame, background: str = "white") -> list[Claim]:
    """The effect of the mean colour on kept predictions and contrast, from the table `reference`."""
    rows = {row["training"]: row for row in table[table["background"] == background].to_dict("records")}
    if not {BLACK, MEAN} <= rows.keys():
        return []
    return [
        Claim(
            f"on {background} backgrounds, {words} when sparsity is measured against the mean colour",
            f"mean colour − black, {measure.replace('_', ' ')}",
            difference(score(rows[MEAN], measure), score(rows[BLACK], measure)),
            1,
        )
        for measure, words in (("agreement", "more predictions are kept"), ("contrast_kept", "more contrast is kept"))
    ]


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
