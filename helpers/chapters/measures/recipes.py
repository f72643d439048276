"""The quantities that decide what README and chapters claim: of recipes, sparsity weights, the gap, and SpaCE-VAE."""

from __future__ import annotations

import numpy as np
import pandas as pd

from helpers.core.statistics import Effect, mean_effect
from helpers.papers.recartoonx.measures.recipes import late_change, objective_ratio
from helpers.papers.spacevae.measures.rows import score, training_row

__all__ = [
    "fewer_black_explanations",
    "gap_and_excess",
    "kept_predictions",
    "late_change",
    "objective_ratio",
    "recipe_seconds",
    "time_ratio",
]


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


def recipe_seconds(objectives: pd.DataFrame, method: str, recipe: str) -> Effect:
    """The seconds per image of one recipe: the geometric mean over images.

    Args:
        objectives: the table `objectives`.
        method: "cartoonx" or "pixel-rde".
        recipe: "fast", "published" or "study".
    """
    rows = objectives[(objectives["method"] == method) & (objectives["recipe"] == recipe)]
    return mean_effect(np.log(rows.set_index("image")["seconds"])).exponential()


def gap_and_excess(convergence: pd.DataFrame, model: str) -> Effect:
    """The rank correlation, over the steps of an image, of the gap and the objective above the image's best one.

    Args:
        convergence: the table `convergence`.
        model: "cnn" or "vit".
    """
    rows = convergence[convergence["model"] == model]
    correlations = {
        image: steps["gap"].corr(steps["objective"] - steps["objective"].min(), method="spearman")
        for image, steps in rows.groupby("image", sort=False)
    }
    return mean_effect(pd.Series(correlations, dtype=float), limits=(-1, 1))


def kept_predictions(sparsity: pd.DataFrame, training: str) -> Effect:
    """The share of test images whose prediction SpaCE-VAE's darker image keeps.

    Args:
        sparsity: the table `space-vae-sparsity`.
        training: the network, such as "beta-10".
    """
    return score(training_row(sparsity, training), "agreement")
