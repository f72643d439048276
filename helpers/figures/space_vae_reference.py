"""Beyond the SpaCE-VAE paper: the white-background limit of its section 4.4, made visible and mended."""

from __future__ import annotations

import pandas as pd
import torch
from matplotlib.figure import Figure

from helpers.figures.claims import Claim
from helpers.figures.space_vae_flips import true_names
from helpers.figures.space_vae_grid import answered_column, answers, draw_columns
from helpers.figures.space_vae_words import METRIC_HEADS, METRIC_NAMES, difference, score, with_interval
from helpers.space_vae_experiments.reference import BACKGROUNDS, recomposed_scenes
from helpers.space_vae_experiments.study import SpaceStudy

BLACK, MEAN = "beta-10", "mean-colour"
NETWORK_NAMES = {BLACK: "against black", MEAN: "against the mean colour"}
MEASURES = {
    "object_kept": "brightness kept, object",
    "background_kept": "brightness kept, background",
    "contrast_kept": "contrast kept",
    "removed_inside": "of what is removed, on the object",
    "inside": "the object's share of the image",
}


def reference_summary(table: pd.DataFrame) -> pd.DataFrame:
    """A row a background and network: what is left of the object, of the background, and of the answers."""
    rows = []
    for _, row in table.iterrows():
        facts = {
            "background": row["background"],
            "sparsity measured": NETWORK_NAMES.get(row["training"], row["training"]),
        }
        facts |= {words: with_interval(score(row, name)) for name, words in MEASURES.items() if name in row}
        facts |= {
            "agreement": with_interval(score(row, "agreement")),
            METRIC_HEADS["l1"]: with_interval(score(row, "l1"), 1),
        }
        rows.append(facts)
    return pd.DataFrame(rows)


def reference_claims(table: pd.DataFrame, background: str = "white") -> list[Claim]:
    """On a bright background with a dark object, black drives the wrong thing away, and the mean colour does not."""
    rows = {row["training"]: row for _, row in table[table["background"] == background].iterrows()}
    claims = []
    for name in (BLACK, MEAN):
        if name in rows:
            effect = difference(score(rows[name], "background_kept"), score(rows[name], "object_kept"))
            claims.append(
                Claim(
                    f"{NETWORK_NAMES[name]}: more of the {background} background than of the dark object is kept",
                    "brightness kept, background − object",
                    effect,
                    1,
                )
            )
    if {BLACK, MEAN} <= rows.keys():
        for measure, words in (
            ("contrast_kept", "more of the contrast between object and background is kept"),
            ("agreement", "more predictions are kept"),
        ):
            claims.append(
                Claim(
                    f"on {background}, {words} where sparsity is measured against the mean colour",
                    f"mean colour − black, {METRIC_NAMES.get(measure, 'contrast kept')}",
                    difference(score(rows[MEAN], measure), score(rows[BLACK], measure)),
                    1,
                )
            )
    return claims


@torch.no_grad()
def draw_backgrounds(study: SpaceStudy, background: str, shown: int = 4) -> Figure:
    """Scenes on one kind of background, as both networks keep them, and what each took away (bright is much).

    Args:
        study: of scenes, with both networks trained.
        background: one of the table's.
        shown: how many, the first ones.

    Raises:
        ValueError: the background is not known.
    """
    made = recomposed_scenes(shown, background, seed=study.settings.data.seed)
    pixels = made.images.floats().to(study.device)
    before, _ = answers(study.classifier, pixels)
    names = made.images.class_names
    columns = [
        answered_column(
            "as drawn" if background == BACKGROUNDS[0] else background, study.classifier, pixels, before, names
        )
    ]
    for training, words in NETWORK_NAMES.items():
        if training in study.trained:
            kept = study.model(training).explain(pixels).kept
            columns.append(
                answered_column(
                    words.replace(" the ", "\nthe ").replace(" black", "\nblack"), study.classifier, kept, before, names
                )
            )
    return draw_columns(columns, true_names(made.images, list(range(shown))))
