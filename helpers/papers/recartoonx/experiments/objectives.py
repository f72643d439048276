"""The objective that a recipe reaches, and its time."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pandas as pd
import torch

from helpers.methods.rde.options import RECIPES, Recipe
from helpers.papers.recartoonx.experiments.study import METHODS, MethodName, Study

EVALUATION_SAMPLES = 256
COMPARED: tuple[Recipe, ...] = ("published", "fast")


def recipe_changes(recipe: Recipe) -> dict[str, object]:
    """The options in which recipes differ: those of the optimiser, not of the problem.

    The slope of the rate at 0 belongs to the problem: every recipe is compared with the profile's, by default the right
    one, though the published recipe by itself takes 0 (`RDEOptions.slope_at_zero`).
    """
    options = RECIPES[recipe]
    names = ("samples", "antithetic", "optimiser", "steps", "learning_rate", "schedule", "initial_mask")
    names += ("tolerance", "check_every")
    return {name: getattr(options, name) for name in names}


def compared_objectives(study: Study) -> pd.DataFrame:
    """CartoonX under the published and the fast recipe; the published one of Pixel RDE would take as long again."""
    return objective_table(study, COMPARED, ("cartoonx",))


def objective_table(study: Study, recipes: Sequence[Recipe], methods: Sequence[MethodName] = METHODS) -> pd.DataFrame:
    """The final distortion, sparsity and objective of each image under each recipe, on the same fresh noise.

    Returns:
        Columns image, method, recipe, sparsity_weight, distortion, distortion_error, sparsity, objective, seconds.
    """
    rows = []
    for name in methods:
        for recipe in recipes:
            changes = recipe_changes(recipe)
            masks = study.explain(name, **changes).representation_mask
            seconds = study.seconds(name, **changes)
            method = study.method(name, **changes)
            for index, image in enumerate(study.images.names):
                problem = method.problem(study.images.images[index : index + 1].to(study.device))
                result = problem.evaluate(
                    masks[index : index + 1].to(study.device), samples=EVALUATION_SAMPLES, seed=study.profile.seed + 1
                )
                values = {key: float(value[0]) for key, value in result.items()}
                rows.append(
                    {
                        "image": image,
                        "method": name,
                        "recipe": recipe,
                        "sparsity_weight": method.options.sparsity_weight,
                        **values,
                        "seconds": seconds[index],
                    }
                )
    return pd.DataFrame(rows)


def step_seconds(study: Study, name: MethodName, recipe: Recipe, *, steps: int = 3, repeats: int = 3) -> list[float]:
    """The seconds of one step of a recipe on one image, measured `repeats` times after a warm-up."""
    changes = {**recipe_changes(recipe), "steps": steps}
    method = study.method(name, **changes)
    image = study.images.images[:1].to(study.device)
    method.explain(image)
    measured = []
    for _ in range(repeats):
        begin = time.perf_counter()
        method.explain(image)
        if study.device.type == "cuda":
            torch.cuda.synchronize(study.device)
        measured.append((time.perf_counter() - begin) / steps)
    return measured
