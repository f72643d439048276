"""Figure 1 of [Re] CartoonX: images on which one method is better than the other, chosen by a measure."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure
from scipy.stats import spearmanr

from helpers.metrics.truth_scores import region_of_class, relevance_mass_accuracy
from helpers.papers.recartoonx.experiments import Study
from helpers.papers.recartoonx.experiments.study import scene_truth
from helpers.papers.recartoonx.figures.claims import more_wins, relevance_on_the_object
from helpers.papers.recartoonx.figures.pictures import pictures_of
from helpers.papers.recartoonx.figures.selection import area_gap, largest_gaps
from helpers.reporting.claims import Claim
from helpers.reporting.pictures import draw_groups
from helpers.reporting.words import claims_in_words, join_words

GROUPS = ("CartoonX better", "Pixel RDE better")


def corrected_gap(curves: pd.DataFrame) -> pd.Series:
    """Each image's `area_gap` on the corrected curves, CartoonX − Pixel RDE: below 0, CartoonX is better."""
    return area_gap(curves[curves["variant"] == "corrected"])


def gap_table(study: Study, gap: pd.Series) -> pd.DataFrame:
    """One row per image, starting with CartoonX's largest advantage.

    Returns:
        Columns image, gap, prediction (the index of the class), confidence, brightness, and for scenes area (the
        predicted class's share of the image), inside_cartoonx and inside_pixel_rde (the share of the relevance on that
        class; nan if the image does not show it).
    """
    classes, confidence = study.predictions
    columns: dict[str, list] = {
        "image": list(study.images.names),
        "prediction": classes.tolist(),
        "confidence": confidence.tolist(),
    }
    truth = scene_truth(study.profile.images)
    if truth is not None:
        region = region_of_class(truth, classes)
        absent = ~region.flatten(1).any(1)
        columns["area"] = region.float().mean((1, 2, 3)).tolist()
        for method, column in (("cartoonx", "inside_cartoonx"), ("pixel-rde", "inside_pixel_rde")):
            inside = relevance_mass_accuracy(study.explain(method).mask, region)
            columns[column] = inside.masked_fill(absent, float("nan")).tolist()
    columns["brightness"] = study.images.images.mean((1, 2, 3)).tolist()
    return gap.reset_index().merge(pd.DataFrame(columns), on="image")


def draw_gaps(study: Study, table: pd.DataFrame, shown: int) -> Figure:
    """The images with the largest gaps in either direction, each with its prediction and gap.

    Args:
        study: the study of the images.
        table: the result of `gap_table`.
        shown: the largest number of images per side.
    """
    rows = {row.image: row for row in table.itertuples()}

    def title(image: str) -> str:
        row = rows[image]
        prediction = f"{study.classifier.class_names[row.prediction]}, {row.confidence:.0%}"
        return f"{prediction}\ngap {row.gap:+.2f}".replace("-", "−")

    groups = [
        pictures_of(study, study.images.select(*images), head, [title(image) for image in images])
        for head, images in zip(GROUPS, largest_gaps(_gap(table), shown), strict=True)
        if images
    ]
    return draw_groups(groups)


def fewer_words(table: pd.DataFrame, shown: int) -> str:
    """A sentence about sides with fewer than `shown` images; empty if both are full."""
    sides = zip(GROUPS, largest_gaps(_gap(table), shown), strict=True)
    short = [head for head, images in sides if len(images) < shown]
    return f"Fewer than {shown} images had a gap of that sign: {join_words(short)}." if short else ""


def gap_claims(table: pd.DataFrame) -> list[Claim]:
    """Claims: CartoonX is better on most images and, for scenes, more of its relevance lies on the object."""
    claims = [more_wins(_gap(table))]
    if "inside_cartoonx" in table:
        claims.append(relevance_on_the_object(table["inside_cartoonx"] - table["inside_pixel_rde"]))
    return claims


def brightness_words(table: pd.DataFrame) -> str:
    """The rank correlation of the gap and the image's brightness, in a sentence."""
    if len(table) <= 3:
        return "There are too few images to tell."
    rank = spearmanr(table["gap"], table["brightness"])
    return (
        f"The rank correlation of the gap and the mean brightness is {rank.statistic:.2f} over {len(table)} images "
        f"(p = {rank.pvalue:.2g}). Above 0, bright images favour Pixel RDE, and dark ones CartoonX."
    )


def photograph_words(curves: pd.DataFrame) -> str:
    """The results on the photographs of the profile `study`, which may not be published themselves."""
    gap = corrected_gap(curves)
    best = [join_words([name.split("_", 1)[-1].replace("_", " ") for name in images]) for images in largest_gaps(gap)]
    return (
        f"The same measure on {len(gap)} photographs of ImageNet, from the numbers in `results/study/`. "
        + claims_in_words([more_wins(gap)])
        + f"\n\nCartoonX is furthest ahead on: {best[0]}. Pixel RDE is furthest ahead on: {best[1]}. The pictures "
        "themselves may not be published here; `make figure ID=recartoonx-fig1 PROFILE=study` draws them for you."
    )


def _gap(table: pd.DataFrame) -> pd.Series:
    return table.set_index("image")["gap"]
