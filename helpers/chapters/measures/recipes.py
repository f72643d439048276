"""The fast recipe against the published one, and a sparsity weight for each image against one for all."""

from __future__ import annotations

import numpy as np
import pandas as pd

from helpers.core.statistics import Effect, mean_effect
from helpers.papers.recartoonx.measures.recipes import late_change, objective_ratio

__all__ = ["fewer_black_explanations", "late_change", "objective_ratio", "time_ratio"]


def time_ratio(objectives: pd.DataFrame, method: str) -> Effect:
    """The seconds of the published recipe as a factor of the fast one's: the geometric mean over images.

    Args:
        objectives: the table `objectives`.
        method: "cartoonx" or "pixel-rde".
    """
    rows = objectives[objectives["method"] == method]
    values = rows.pivot(index="image", columns="recipe", values="seconds")
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
