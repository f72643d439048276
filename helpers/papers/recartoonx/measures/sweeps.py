"""Quantities of Figure 3 (right) and Figure 7: masks at several sparsity weights λk."""

from __future__ import annotations

import numpy as np
import pandas as pd

from helpers.core.statistics import Effect, mean_effect, proportion_effect
from helpers.papers.recartoonx.measures.transformer import BLACK

SMALLEST_SHARE = 1e-5
"""Stands for 0 in logarithms of ‖s‖₁/k, so that ratios and slopes of empty masks are finite."""
MUCH = 0.05
"""A mask that keeps more than this share of its entries is not sparse."""


def non_sparsity_at_every_weight(sweep: pd.DataFrame) -> Effect:
    """Pixel RDE − CartoonX, ‖s‖₁/k, at the λk where it is least clearly above 0.

    A claim about each λk needs all of them.
    """
    values = _by_weight(sweep, "sparsity", "label")
    return min(_difference_at_each(values, "pixel-rde", "cartoonx"), key=lambda effect: effect.low)


def distortion_at_every_weight(sweep: pd.DataFrame) -> Effect:
    """CartoonX − Pixel RDE, distortion, at the λk where it is least clearly below 0."""
    values = _by_weight(sweep, "distortion", "label")
    return max(_difference_at_each(values, "cartoonx", "pixel-rde"), key=lambda effect: effect.high)


def l2_ratio(sweep: pd.DataFrame, method: str) -> Effect:
    """How many times as much a method's masks keep if optimised with l2 instead of label: geometric mean over λk."""
    both = [_by_weight(sweep, "sparsity", name)[method].clip(lower=SMALLEST_SHARE) for name in ("l2", "label")]
    return mean_effect((np.log(both[0]) - np.log(both[1])).groupby("image").mean()).exponential()


def sensitivity_difference(transformer_sweep: pd.DataFrame) -> Effect:
    """ViT − CNN, slope of log ‖s‖₁/k on log λk over the λk that both sweeps cover: below 0, the ViT's falls faster.

    The two models are explained at different λk. Each image's values are interpolated, on logarithmic axes, at the ends
    of the common range.
    """
    ranges = transformer_sweep.groupby("model")["sparsity_weight"].agg(["min", "max"])
    ends = np.log([ranges["min"].max(), ranges["max"].min()])
    slopes = {
        model: rows.groupby("image").apply(_slope_between, ends=ends, include_groups=False)
        for model, rows in transformer_sweep.groupby("model")
    }
    return mean_effect(slopes["vit"] - slopes["cnn"])


def black_share(transformer_sweep: pd.DataFrame, weight: float | int) -> Effect:
    """The share of images whose cartoon of the transformer is black at a λk."""
    return proportion_effect((_of_transformer(transformer_sweep, weight)["brightness"] < BLACK).astype(float))


def dense_share(transformer_sweep: pd.DataFrame, weight: float | int) -> Effect:
    """The share of images whose mask of the transformer keeps more than `MUCH` of its entries at a λk."""
    return proportion_effect((_of_transformer(transformer_sweep, weight)["sparsity"] > MUCH).astype(float))


def trade_off_share(transformer: pd.DataFrame) -> Effect:
    """The share of images whose cartoon of the transformer is neither black nor dense at the paper's λk = 10."""
    rows = transformer[transformer["explanation"] == "vit"]
    return proportion_effect(((rows["brightness"] >= BLACK) & (rows["sparsity"] <= MUCH)).astype(float))


def _by_weight(sweep: pd.DataFrame, column: str, optimised_with: str) -> pd.DataFrame:
    """One column of the sweep: one row per image and λk, one column per method."""
    rows = sweep[sweep["optimised_with"] == optimised_with]
    return rows.pivot(index=["image", "sparsity_weight"], columns="method", values=column)


def _difference_at_each(values: pd.DataFrame, first: str, second: str) -> list[Effect]:
    differences = values[first] - values[second]
    return [mean_effect(rows) for _, rows in differences.groupby("sparsity_weight")]


def _of_transformer(sweep: pd.DataFrame, weight: float | int) -> pd.DataFrame:
    rows = sweep[(sweep["model"] == "vit") & (sweep["sparsity_weight"] == weight)]
    if rows.empty:
        weights = sorted(sweep.loc[sweep["model"] == "vit", "sparsity_weight"].unique())
        known = ", ".join(f"{value:g}" for value in weights)
        raise ValueError(f"the transformer was not explained at λk = {weight:g}; its sweep has: {known}")
    return rows


def _slope_between(rows: pd.DataFrame, ends: np.ndarray) -> float:
    ordered = rows.sort_values("sparsity_weight")
    logarithms = np.log(ordered["sparsity"].clip(lower=SMALLEST_SHARE))
    low, high = np.interp(ends, np.log(ordered["sparsity_weight"]), logarithms)
    return float((high - low) / (ends[1] - ends[0]))
