"""Quantities of Figures 4 and 5: CartoonX of a CNN and of a vision transformer, and the transformer's rollout."""

from __future__ import annotations

import numpy as np
import pandas as pd

from helpers.core.statistics import Effect, mean_effect, proportion_effect, ratio_effect, statistic_effect
from helpers.papers.recartoonx.measures.selection import (
    NOISE_END,
    SMALL_END,
    area_under_curve,
    chosen_variant,
    curve_values,
)

BLACK = 0.05
"""A cartoon counts as black if its mean brightness is below this share of the image's."""

ENDS = (0.0, 1.0)
"""The fractions at which normalised curves are equal by construction."""


def by_explanation(table: pd.DataFrame, column: str) -> pd.DataFrame:
    """One column of `experiments.transformer_table` as a table: one row per image, one column per explanation."""
    return table.pivot(index="image", columns="explanation", values=column)


def normalise_corrected(curves: pd.DataFrame) -> pd.DataFrame:
    """Each image's curve in per cent of its own distortion under full noise.

    Every curve of every image then goes from 100 to 0 or from 0 to 100, whatever its height. Images with a distortion
    below `SMALL_END` under full noise are left out.

    Args:
        curves: the result of `experiments.transformer_curve_table`, with one variant.

    Returns:
        The same table with `distortion` in per cent, without curves that lack their end.
    """
    parts = []
    for direction, end in NOISE_END.items():
        rows = curves[curves["direction"] == direction]
        ends = rows[np.isclose(rows["fraction"], end)].set_index(["image", "curve"])["distortion"]
        full = rows.join(ends.rename("full"), on=["image", "curve"])
        full = full[full["full"] >= SMALL_END]
        parts.append(full.assign(distortion=100 * full["distortion"] / full["full"]).drop(columns="full"))
    return pd.concat(parts, ignore_index=True)


def sparser_share(transformer: pd.DataFrame) -> Effect:
    """The share of images on which the transformer's ‖s‖₁/k is smaller than the CNN's; a tie counts half."""
    kept = by_explanation(transformer, "sparsity")
    return proportion_effect((kept["vit"] < kept["cnn"]) + 0.5 * (kept["vit"] == kept["cnn"]))


def black_for_transformer_only(transformer: pd.DataFrame) -> Effect:
    """The share of images with a black cartoon of the transformer and none of the CNN, where both models are right."""
    bright = by_explanation(_both_right(transformer), "brightness")
    return proportion_effect(((bright["vit"] < BLACK) & (bright["cnn"] >= BLACK)).astype(float))


def rollout_agreement(transformer: pd.DataFrame) -> Effect:
    """The rank correlation of the transformer's CartoonX and its rollout.

    Over the images on which both models are right and neither cartoon is black.
    """
    rows = _both_right(transformer)
    bright = by_explanation(rows, "brightness")[["cnn", "vit"]].min(axis=1) >= BLACK
    return mean_effect(by_explanation(rows, "correlation_rollout")["vit"][bright], limits=(-1, 1))


def agreement_difference(transformer: pd.DataFrame) -> Effect:
    """ViT − CNN, the rank correlation of a CartoonX with the transformer's rollout, over all images."""
    like = by_explanation(transformer, "correlation_rollout")
    return mean_effect(like["vit"] - like["cnn"], limits=(-2, 2))


def seconds_factor(transformer: pd.DataFrame) -> Effect:
    """The seconds of both models' CartoonX as a multiple of the CNN's, over batches of images.

    Images of one batch share its seconds, so the batch is the unit.
    """
    seconds = by_explanation(transformer, "seconds")[["cnn", "vit"]].drop_duplicates()
    return ratio_effect(seconds.sum(axis=1), seconds["cnn"])


def curve_difference(transformer_curves: pd.DataFrame, first: str, second: str, direction: str) -> Effect:
    """`first` − `second`, mean over the first tenth, in per cent of each curve's own full noise."""
    table = normalise_corrected(chosen_variant(transformer_curves, "corrected"))
    return mean_effect(_area(table, first, direction) - _area(table, second, direction))


def gain_over_rollout(transformer_curves: pd.DataFrame, direction: str) -> Effect:
    """(ViT − random wavelets) − (rollout − random pixels), mean over the first tenth, in per cent of full noise.

    The entries of the two methods differ in kind, so each is compared with a random order of its own kind.
    """
    table = normalise_corrected(chosen_variant(transformer_curves, "corrected"))
    own = _area(table, "vit", direction) - _area(table, "random-wavelets", direction)
    rollout = _area(table, "rollout", direction) - _area(table, "random-pixels", direction)
    return mean_effect(own - rollout)


def shape_correlation(transformer_curves: pd.DataFrame, direction: str) -> Effect:
    """The correlation of the two mean normalised curves of CartoonX, CNN and ViT, over the inner fractions."""
    table = normalise_corrected(chosen_variant(transformer_curves, "corrected"))
    curves = [curve_values(table, name, direction) for name in ("cnn", "vit")]
    inner = [fraction for fraction in curves[0].columns if fraction not in ENDS]
    both = pd.concat([curve[inner] for curve in curves], axis=1, join="inner").to_numpy()

    def correlation(means: np.ndarray) -> np.ndarray:
        first, second = (half - half.mean(-1, keepdims=True) for half in np.split(means, 2, axis=-1))
        return np.asarray((first * second).sum(-1) / np.sqrt((first**2).sum(-1) * (second**2).sum(-1)))

    return statistic_effect(both, correlation, limits=(-1, 1))


def _both_right(transformer: pd.DataFrame) -> pd.DataFrame:
    return transformer[transformer["both_correct"]]


def _area(table: pd.DataFrame, curve: str, direction: str) -> pd.Series:
    """The mean over the first tenth of a normalised curve; empty if no image is left of it."""
    rows = table[(table["curve"] == curve) & (table["direction"] == direction)]
    return area_under_curve(table, curve, direction) if len(rows) else pd.Series(dtype=float)
