"""The fast recipe against the published one, and a sparsity weight for each image against one for all."""

from __future__ import annotations

import numpy as np
import pandas as pd

from helpers.core.statistics import Effect, mean_effect
from helpers.papers.recartoonx.measures.recipes import late_change

__all__ = ["fewer_black_explanations", "late_change", "objective_ratio", "time_ratio"]


def objective_ratio(objectives: pd.DataFrame, method: str) -> Effect:
    """The final objective of the fast recipe as a factor of the published one's: the geometric mean over images.

    Args:
        objectives: the table `objectives`.
        method: "cartoonx" or "pixel-rde".
    """
    values = _by_recipe(objectives, method, "objective")
    return mean_effect(np.log(values["fast"] / values["published"])).exponential()


def time_ratio(objectives: pd.DataFrame, method: str) -> Effect:
    """The seconds of the published recipe as a factor of the fast one's: the geometric mean over images."""
    values = _by_recipe(objectives, method, "seconds")
    return mean_effect(np.log(values["published"] / values["fast"])).exponential()


def fewer_black_explanations(weights: pd.DataFrame, model: str) -> Effect:
    """The share of black explanations with one sparsity weight for all images, minus that with a relative distortion.

    Args:
        weights: the table `sparsity-weights`.
        model: "cnn" or "vit".
    """
    rows = weights[weights["model"] == model].astype({"black": float})
    black = rows.pivot(index="image", columns="weighting", values="black")
    return mean_effect(black["fixed"] - black["relative"], limits=(-1, 1))


def _by_recipe(objectives: pd.DataFrame, method: str, column: str) -> pd.DataFrame:
    return objectives[objectives["method"] == method].pivot(index="image", columns="recipe", values=column)
