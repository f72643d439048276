"""Searches for masks, watched and stopped by the duality gap: tables and words of the page on convergence."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from jaxtyping import Float
from torch import Tensor

from helpers.core.explanation import Convergence, Explanation
from helpers.core.runtime import random_generator
from helpers.methods.rde import CartoonX, estimate_duality_gap
from helpers.methods.rde.convergence import FIRST_PAIRS, PAIRS, SECOND_PAIRS

OBJECTIVE_SAMPLES = 32


def watch_cycles(
    method: CartoonX, images: Float[Tensor, "batch 3 height width"], cycles: Sequence[int], *, pairs: int = PAIRS
) -> tuple[pd.DataFrame, list[Explanation]]:
    """A search in cycles: in each the rate falls along a cosine, and the next one starts from half the rate.

    Args:
        method: with the rate of the first cycle.
        images: pixels in [0, 1].
        cycles: the steps of each.
        pairs: antithetic pairs of noise draws per estimate of the gap.

    Returns:
        One row per image and cycle: image (its index), step (in all), gap, uncertainty, objective, and excess (the
        objective − the image's smallest); and the explanations after each cycle.
    """
    mask, rate, step, rows, explanations = None, method.options.learning_rate, 0, [], []
    for steps in cycles:
        cycle = method.with_options(steps=steps, learning_rate=rate, schedule="cosine")
        explanation = cycle.explain(images, initial=mask)
        mask, rate, step = explanation.representation_mask, rate / 2, step + steps
        problem = method.problem(images)
        gap = estimate_duality_gap(problem, mask, random_generator(step), pairs=pairs)
        objective = problem.evaluate(mask, samples=OBJECTIVE_SAMPLES)["objective"]
        columns = {"gap": gap.value, "uncertainty": gap.uncertainty, "objective": objective}
        numbers = {name: values.tolist() for name, values in columns.items()}
        rows.append(pd.DataFrame({"image": range(len(images)), "step": step, **numbers}))
        explanations.append(explanation)
    table = pd.concat(rows, ignore_index=True)
    table["excess"] = table["objective"] - table.groupby("image")["objective"].transform("min")
    return table, explanations


def covered_share(table: pd.DataFrame) -> float:
    """The share of a `watch_cycles` table's rows whose excess lies below the gap and its uncertainty, in [0, 1]."""
    return float((table["excess"] <= table["gap"] + table["uncertainty"]).mean())


def steps_needed(table: pd.DataFrame, tolerance: float) -> pd.DataFrame:
    """The steps until each run's gap was below the tolerance, with the objective then and at the end.

    Args:
        table: columns image, step, gap, objective, the steps of an image ascending.
        tolerance: of the gap.

    Returns:
        One row per image: image, needed (the first measured step with a gap below the tolerance, else nan), at_stop
        (the objective at that step), at_end (at the last step).
    """
    rows = []
    for image, steps in table.groupby("image", sort=False):
        below = steps[steps["gap"] < tolerance]
        first = below.iloc[0] if len(below) else None
        rows.append(
            {
                "image": image,
                "needed": np.nan if first is None else float(first["step"]),
                "at_stop": np.nan if first is None else float(first["objective"]),
                "at_end": float(steps.iloc[-1]["objective"]),
            }
        )
    return pd.DataFrame(rows)


def stopping_table(
    scenes: Sequence[str], convergence: Convergence, checks: Sequence[int], *, samples: int
) -> pd.DataFrame:
    """One row per image of a search with a tolerance: its end, and the noisy images that the classifier was shown.

    Args:
        scenes: a description of each image.
        convergence: of the images.
        checks: the steps at which the gap was measured.
        samples: noise samples per step.
    """
    per_check = 2 * (FIRST_PAIRS + SECOND_PAIRS)
    return pd.DataFrame(
        {
            "scene": scenes,
            "converged": convergence.converged.tolist(),
            "steps": convergence.steps.tolist(),
            "gap": convergence.gap.tolist(),
            "± uncertainty": convergence.uncertainty.tolist(),
            "samples, at most": [
                samples * steps + per_check * sum(steps >= check for check in checks)
                for steps in convergence.steps.tolist()
            ],
        }
    )


def describe_runs(table: pd.DataFrame, tolerance: float) -> str:
    """A stored table `convergence` in words, a paragraph of Markdown for each model.

    Args:
        table: columns model, image, step, steps (the budget), gap, uncertainty, objective.
        tolerance: of the gap.
    """
    paragraphs = []
    for model, rows in table.groupby("model"):
        needed, end = steps_needed(rows, tolerance), rows.groupby("image").last()
        below = needed[needed["needed"].notna()]
        budget = int(rows["steps"].iloc[0])
        text = (
            f"On {len(needed)} images (`{model}`), the gap at step {budget} is {end['gap'].mean():.3f} "
            f"± {end['uncertainty'].mean():.3f} in the mean, and the objective {end['objective'].mean():.3f}. "
            f"{len(below)} of {len(needed)} searches came below {tolerance:g} at some measurement"
        )
        if len(below):
            steps, change = below["needed"].mean(), -float((below["at_stop"] - below["at_end"]).mean())
            text += (
                f", these first after {steps:.0f} steps in the mean: {100 * steps / budget:.0f} % of the budget. "
                f"From there to the end their objective changes by {change:+.3f}".replace("-", "−")
            )
        paragraphs.append(f"{text}.\n\n")
    return "".join(paragraphs)


def describe_stored_runs(published: pd.DataFrame | None, photographs: pd.DataFrame | None, tolerance: float) -> str:
    """Markdown on the stored runs on scenes with the published recipe and on photographs; empty without any."""
    text = ""
    if published is not None:
        text += f"**Scenes, published recipe.** {describe_runs(published, tolerance)}"
    if photographs is not None:
        recipe = f"{int(photographs['steps'].iloc[0])} steps of the fast recipe"
        text += f"**Photographs of ImageNet, {recipe}.** {describe_runs(photographs, tolerance)}"
    return text
