"""Means over images with standard errors, as the figures draw them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from helpers.methods.rde.options import RDEOptions
from helpers.papers.recartoonx.experiments import published_curves, published_sweep

CURVE_NAMES = {
    "cartoonx": "CartoonX",
    "pixel-rde": "Pixel RDE",
    "random-wavelets": "random wavelets",
    "random-pixels": "random pixels",
}


def curve_summary(curves: pd.DataFrame) -> pd.DataFrame:
    """Columns variant, direction, curve, fraction, mean, standard_error (over images; nan for one), images."""
    return _means(curves, ["variant", "direction", "curve", "fraction"], "distortion")


def sweep_summary(sweep: pd.DataFrame) -> pd.DataFrame:
    """Columns quantity (distortion, distortion_one_draw, sparsity), method, optimised_with, sparsity_weight, mean, …"""
    quantities = ("distortion", "distortion_one_draw", "sparsity")
    keys = ["method", "optimised_with", "sparsity_weight"]
    return pd.concat([_means(sweep, keys, name).assign(quantity=name) for name in quantities], ignore_index=True)


def figure_three(curves: pd.DataFrame, sweep: pd.DataFrame) -> pd.DataFrame:
    """The numbers of Figure 3 in long form: panel, variant, curve, x, mean, standard_error, images.

    The panels are keep, randomise, distortion and sparsity; x is the fraction or λk. The variant of the sweep's
    distortion is "corrected" for many noise draws and "published" for one; it ends in "-l2" for masks optimised with
    the l2 distortion.
    """
    first = curve_summary(curves).rename(columns={"direction": "panel", "fraction": "x"})
    second = sweep_summary(sweep).rename(columns={"method": "curve", "sparsity_weight": "x"})
    variant = second["quantity"].map({"distortion_one_draw": "published"}).fillna("corrected")
    ending = second["optimised_with"].map({"label": ""}).fillna("-" + second["optimised_with"])
    panel = second["quantity"].map({"sparsity": "sparsity"}).fillna("distortion")
    second = second.assign(variant=variant + ending, panel=panel)
    columns = ["panel", "variant", "curve", "x", "mean", "standard_error", "images"]
    return pd.concat([first[columns], second[columns]], ignore_index=True)


def compare_with_published(curves: pd.DataFrame, percents: Sequence[int] = (1, 5, 10, 50)) -> pd.DataFrame:
    """Our mean distortion and the published one: one row per curve, direction and percentage measured in both."""
    ours = curve_summary(curves)
    ours = ours.assign(percent=(ours["fraction"] * 100).round(6))
    theirs = published_curves()
    theirs = theirs.assign(percent=(theirs["fraction"] * 100).round(6)).drop(columns="fraction")
    both = ours.merge(theirs, on=["curve", "direction", "percent"]).rename(columns={"distortion": "published"})
    chosen = both[both["percent"].isin(percents)]
    order = ["direction", "curve", "percent", "variant", "mean", "standard_error", "published"]
    return chosen[order].sort_values(order[:4]).reset_index(drop=True)


def published_non_sparsity(method: str) -> pd.DataFrame:
    """The reproduction's sweep of one method: sparsity_weight, distortion, sparsity."""
    rows = published_sweep()
    return rows[rows["method"] == method]


def _means(table: pd.DataFrame, keys: list[str], value: str) -> pd.DataFrame:
    grouped = table.groupby(keys, sort=False)[value]
    summary = grouped.agg(["mean", "std", "count"]).reset_index()
    error = summary["std"] / np.sqrt(summary["count"])
    return summary.assign(standard_error=error).rename(columns={"count": "images"}).drop(columns="std")


def recipe_line(options: RDEOptions) -> str:
    """The optimiser's options in one line, for captions."""
    signs = ", each used with both signs" if options.antithetic else ""
    return (
        f"{options.steps} steps at learning rate {options.learning_rate:g} ({options.schedule}), "
        f"{options.samples} noise draws per step{signs}"
    )
