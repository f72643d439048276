"""The choice of a recipe: several candidates on a few photographs, on which the chosen one is never tested.

The candidates vary the steps, the rate, the noise draws, the optimiser, the schedule, the initial mask and the number
of phases. A learned initial mask is not among them, since there is no network for the classifier of the photographs.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import pandas as pd
from torch import Tensor

from helpers.methods.rde import RateDistortionExplainer
from helpers.papers.recartoonx.experiments.initial_masks import initial_mask
from helpers.papers.recartoonx.experiments.objectives import EVALUATION_SAMPLES
from helpers.papers.recartoonx.experiments.study import InitialMask, Study

CHOICE = 4
"""The number of photographs, from the first, on which recipes are chosen."""

SHARED = {"samples": 2, "antithetic": True, "optimiser": "lion", "schedule": "cosine", "tolerance": None}


class Candidate(NamedTuple):
    """One recipe: the options in which it differs from `SHARED`, those of an earlier phase, and the initial mask."""

    changes: dict[str, Any]
    first: dict[str, Any] | None = None
    start: str = "ones"


class FirstPhase:
    """The final masks of a first phase, as the initial masks of a second one.

    Args:
        changes: the options of the first phase.
    """

    def __init__(self, changes: dict[str, Any]) -> None:
        self.changes = {**SHARED, **changes}

    def __call__(self, method: RateDistortionExplainer, images: Tensor) -> Tensor:
        """The masks of some images after the first phase: (batch, 1, k)."""
        return method.with_options(**self.changes).explain(images).representation_mask

    def parts(self, method: RateDistortionExplainer, images: Tensor) -> dict[str, Any]:
        """The options of the first phase."""
        return {"first": method.options.with_options(**self.changes).stored()}


CANDIDATES: dict[str, Candidate] = {
    **{
        f"lion, {steps} steps at {rate:g}": Candidate({"steps": steps, "learning_rate": rate})
        for steps, rates in ((400, (0.01, 0.02, 0.03)), (800, (0.005, 0.01, 0.02, 0.03)), (1600, (0.01, 0.02, 0.03)))
        for rate in rates
    },
    **{
        f"adam, {steps} steps at {rate:g}": Candidate({"optimiser": "adam", "steps": steps, "learning_rate": rate})
        for steps, rate in ((400, 0.03), (800, 0.01), (800, 0.02))
    },
    "lion, 400 steps at 0.02, 4 draws": Candidate({"samples": 4, "steps": 400, "learning_rate": 0.02}),
    "lion, 800 steps at 0.02, draws of one sign": Candidate({"antithetic": False, "steps": 800, "learning_rate": 0.02}),
    "lion, 800 steps at 0.03 with restarts": Candidate({"schedule": "restarts", "steps": 800, "learning_rate": 0.03}),
    "lion, 600 steps at 0.03, then 200 at 0.004 with 8 draws": Candidate(
        {"samples": 8, "steps": 200, "learning_rate": 0.004}, first={"steps": 600, "learning_rate": 0.03}
    ),
    "lion, 800 steps at 0.02 from a constant": Candidate({"steps": 800, "learning_rate": 0.02}, start="constant"),
}
"""The candidates by name."""


def recipe_search_table(study: Study) -> pd.DataFrame:
    """The final objective of CartoonX under each candidate, on fresh noise, for the photographs of the choice.

    Returns:
        Columns image, recipe, distortion, distortion_error, sparsity, objective, seconds.
    """
    rows = []
    for name, candidate in CANDIDATES.items():
        changes = {**SHARED, **candidate.changes}
        start: InitialMask | None = initial_mask(candidate.start)  # type: ignore[arg-type]
        if candidate.first is not None:
            start = FirstPhase(candidate.first)
        masks = study.explain("cartoonx", count=CHOICE, start=start, **changes).representation_mask
        seconds = study.seconds("cartoonx", count=CHOICE, start=start, **changes)
        for index, image in enumerate(study.images.names[:CHOICE]):
            problem = study.method("cartoonx").problem(study.images.images[index : index + 1].to(study.device))
            mask = masks[index : index + 1].to(study.device)
            values = problem.evaluate(mask, samples=EVALUATION_SAMPLES, seed=study.profile.seed + 1)
            measured = {key: float(value[0]) for key, value in values.items()}
            rows.append({"image": image, "recipe": name, **measured, "seconds": seconds[index]})
    return pd.DataFrame(rows)
