"""The objective that a recipe reaches, and its time."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Literal

import pandas as pd
import torch

from helpers.methods.rde.options import RECIPES, Recipe
from helpers.papers.recartoonx.experiments.study import METHODS, MethodName, Study
from helpers.profiles import load_profile

EVALUATION_SAMPLES = 256
COMPARED: tuple[Recipe, ...] = ("published", "fast")
OF_PROFILE: Literal["study"] = "study"
"""The name of one more recipe: that of the profile of this name, which explains all photographs."""

RecipeName = Recipe | Literal["study"]


def recipe_changes(recipe: RecipeName, method: MethodName = "cartoonx") -> dict[str, Any]:
    """The options in which recipes differ: those of the optimiser, not of the problem.

    The slope of the rate at 0 belongs to the problem: every recipe is compared with the profile's, by default the right
    one, though the published recipe by itself takes 0 (`RDEOptions.slope_at_zero`).
    """
    names = ("samples", "antithetic", "optimiser", "steps", "learning_rate", "schedule", "initial_mask")
    names += ("tolerance", "check_every")
    if recipe == OF_PROFILE:
        profile = load_profile(OF_PROFILE)
        options = profile.cartoonx.options if method == "cartoonx" else profile.pixel_rde
    else:
        options = RECIPES[recipe]
    return {name: getattr(options, name) for name in names}


def compared_objectives(study: Study) -> pd.DataFrame:
    """The published and the fast recipe of CartoonX and, with the classifier of `study`, also its recipe and Pixel RDE.

    Pixel RDE is compared on the images of the curves, which need it, too.
    """
    if not _explains_for_study(study):
        return objective_table(study, COMPARED, ("cartoonx",))
    recipes = (*COMPARED, OF_PROFILE)
    second = objective_table(study, recipes, ("pixel-rde",), count=study.profile.curves.images)
    return pd.concat([objective_table(study, recipes, ("cartoonx",)), second], ignore_index=True)


def compared_inputs(study: Study) -> dict[str, Any]:
    """The recipes of the profile `study` and the number of images of Pixel RDE, where they are compared."""
    if not _explains_for_study(study):
        return {}
    recipes = {method: recipe_changes(OF_PROFILE, method) for method in METHODS}
    return {"recipes": recipes, "pixel_rde_images": {"count": study.profile.curves.images or len(study.images)}}


def objective_table(
    study: Study,
    recipes: Sequence[RecipeName],
    methods: Sequence[MethodName] = METHODS,
    *,
    count: int | None = None,
) -> pd.DataFrame:
    """The final distortion, sparsity and objective of each image under each recipe, on the same fresh noise.

    Args:
        study: missing explanations are computed first; finished images are stored.
        recipes: the recipes.
        methods: the methods.
        count: the number of images; None for all.

    Returns:
        Columns image, method, recipe, sparsity_weight, distortion, distortion_error, sparsity, objective, seconds.
    """
    rows = []
    for name in methods:
        for recipe in recipes:
            changes = recipe_changes(recipe, name)
            masks = study.explain(name, count=count, **changes).representation_mask
            seconds = study.seconds(name, count=count, **changes)
            method = study.method(name, **changes)
            for index, image in enumerate(study.images.names[:count]):
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


def _explains_for_study(study: Study) -> bool:
    """Whether a study has the classifier of the profile `study`, prepared in the same way."""
    return study.profile.name != OF_PROFILE and study.profile.classifier == load_profile(OF_PROFILE).classifier


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
