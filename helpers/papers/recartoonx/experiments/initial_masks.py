"""The effect of the initial mask on the optimisation: [Re] CartoonX, section 4.2, Figure 6."""

from __future__ import annotations

from typing import Any

import pandas as pd
from torch import Tensor

from helpers.methods.initial_masks import starting_mask
from helpers.methods.initial_masks.files import find_mask_network
from helpers.methods.rde import RateDistortionExplainer
from helpers.papers.recartoonx.experiments.study import Study
from helpers.profiles import InitialMaskSettings, Start
from helpers.results import code_digest

EVALUATION_SAMPLES = 64
POINTS = 100  # of a loss curve, at most; each is the mean over a window of steps
OWN, PUBLISHED = "profile", "published"  # the recipes


def loss_curve_table(study: Study) -> pd.DataFrame:
    """The loss of CartoonX along the optimisation, for each initial mask, image and recipe.

    A step's loss is noisy, as each step has few noise draws of its own; a point is the mean over a window of steps.
    All initial masks see the same noise at the same step.

    Returns:
        Columns recipe ("profile" or "published"), start, image, step (the middle of the window, from 1), distortion,
        sparsity, objective.
    """
    tables = []
    for recipe, count, changes in _recipes(study):
        for start in _settings(study).starts:
            history = study.explain("cartoonx", count=count, start=initial_mask(start), **changes).history
            for index, image in enumerate(study.images.names[:count]):
                logged = {name: history[name][index].numpy() for name in ("distortion", "sparsity", "objective")}
                rows = _windows(pd.DataFrame(logged))
                tables.append(rows.assign(recipe=recipe, start=start, image=image))
    columns = ["recipe", "start", "image", "step", "distortion", "sparsity", "objective"]
    return pd.concat(tables, ignore_index=True)[columns]


def loss_end_table(study: Study) -> pd.DataFrame:
    """The first and the last mask of each optimisation, evaluated on the same fresh noise.

    Returns:
        Columns recipe, start, image, then first_ and last_ each with distortion, distortion_error, sparsity and
        objective, and seconds (including those of the initial mask).
    """
    rows = []
    for recipe, count, changes in _recipes(study):
        method = study.method("cartoonx", **changes)
        for start in _settings(study).starts:
            last = study.explain("cartoonx", count=count, start=initial_mask(start), **changes)
            first = study.explain("cartoonx", count=count, start=initial_mask(start), **{**changes, "steps": 0})
            seconds = study.seconds("cartoonx", count=count, start=initial_mask(start), **changes)
            for index, image in enumerate(study.images.names[:count]):
                problem = method.problem(study.images.images[index : index + 1].to(study.device))
                values: dict[str, Any] = {}
                for name, explanation in (("first", first), ("last", last)):
                    mask = explanation.representation_mask[index : index + 1].to(study.device)
                    evaluation = problem.evaluate(mask, samples=EVALUATION_SAMPLES, seed=study.profile.seed + 1)
                    values |= {f"{name}_{key}": float(value[0]) for key, value in evaluation.items()}
                rows.append({"recipe": recipe, "start": start, "image": image, **values, "seconds": seconds[index]})
    return pd.DataFrame(rows)


class NamedStart:
    """An initial mask of `helpers.methods.initial_masks`, by its name.

    Args:
        name: one of those that a profile's section `initial_masks` may list, except "ones".
    """

    def __init__(self, name: Start) -> None:
        self.name = name

    def __call__(self, method: RateDistortionExplainer, images: Tensor) -> Tensor:
        """The initial masks of some images: (batch, 1, k)."""
        return starting_mask(self.name, method, images)

    def parts(self, method: RateDistortionExplainer, images: Tensor) -> dict[str, Any]:
        """The name, the digest of the code and, for a learned mask, that of the network."""
        network = find_mask_network(method, images).digest if self.name == "learned" else None
        return {"name": self.name, "code": code_digest(starting_mask), "network": network}


def initial_mask(name: Start) -> NamedStart | None:
    """The initial mask of that name; None for "ones", the default of the options."""
    return None if name == "ones" else NamedStart(name)


def _recipes(study: Study) -> list[tuple[str, int, dict[str, Any]]]:
    """Each recipe with its number of images and the options that it changes."""
    settings = _settings(study)
    recipes: list[tuple[str, int, dict[str, Any]]] = [(OWN, settings.images, {})]
    if settings.published is not None:
        changes = settings.published.model_dump(exclude={"images"})
        changes |= {"optimiser": "adam", "schedule": "constant", "antithetic": False}
        recipes.append((PUBLISHED, settings.published.images, changes))
    return recipes


def _settings(study: Study) -> InitialMaskSettings:
    settings = study.profile.initial_masks
    if settings is None:
        raise ValueError(
            f"profile {study.profile.name!r} has no section `initial_masks`; add one to its file, as quick.yaml has"
        )
    return settings


def _windows(logged: pd.DataFrame) -> pd.DataFrame:
    """The means over at most POINTS windows of equally many steps, with the middle of each."""
    width = max(1, -(-len(logged) // POINTS))
    window = (logged.index // width).rename("window")
    means = logged.groupby(window).mean()
    steps = (logged.index.to_series() + 1).groupby(window).mean()
    return means.assign(step=steps).reset_index(drop=True)
