"""Quantities of recipes: the running time, the objective at the end, and the last steps of the published one."""

from __future__ import annotations

import numpy as np
import pandas as pd

from helpers.core.statistics import Effect, mean_effect


def method_seconds_ratio(explanations: pd.DataFrame) -> Effect:
    """CartoonX's seconds as a multiple of Pixel RDE's, geometric mean over batches of images.

    Images of one batch share its seconds, so the batch is the unit.
    """
    seconds = explanations.pivot(index="image", columns="method", values="seconds").drop_duplicates()
    return mean_effect(np.log(seconds["cartoonx"] / seconds["pixel-rde"])).exponential()


def objective_ratio(objectives: pd.DataFrame, method: str, recipe: str = "fast", without: int = 0) -> Effect:
    """The final objective of a recipe as a multiple of the published one's: the geometric mean over images.

    Args:
        objectives: the table `objectives`.
        method: "cartoonx" or "pixel-rde".
        recipe: the recipe.
        without: the number of images, from the first, that are left out since the recipe was chosen on them.
    """
    rows = objectives[objectives["method"] == method]
    values = rows.pivot(index="image", columns="recipe", values="objective").loc[rows["image"].unique()[without:]]
    return mean_effect(np.log(values[recipe] / values["published"])).exponential()


def late_change(convergence: pd.DataFrame, column: str, first: int = 1000, last: int = 2000) -> Effect:
    """A quantity at step `last` as a multiple of that at step `first` of the same run, geometric mean.

    Args:
        convergence: the table `convergence`.
        column: objective or sparsity.
        first, last: steps at which the table has values.
    """
    rows = convergence[convergence["model"] == "cnn"]
    values = rows.pivot(index="image", columns="step", values=column)
    if missing := {first, last} - set(values.columns):
        raise ValueError(f"the run was not measured at step {min(missing)}; it was at: {', '.join(map(str, values))}")
    return mean_effect(np.log(values[last] / values[first])).exponential()
