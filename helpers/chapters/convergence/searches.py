"""Searches for masks, watched by the duality gap: tables of the page on convergence."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from jaxtyping import Float
from torch import Tensor

from helpers.core.explanation import Explanation
from helpers.core.runtime import random_generator
from helpers.methods.rde import CartoonX, RateDistortion, estimate_duality_gap
from helpers.methods.rde.convergence import PAIRS

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
        One row per image and cycle: image (its index), step (in all), gap, uncertainty, upper (of the gap),
        objective, and excess (the objective − the image's smallest); and the explanations after each cycle.
    """
    mask, rate, step, rows, explanations = None, method.options.learning_rate, 0, [], []
    for steps in cycles:
        cycle = method.with_options(steps=steps, learning_rate=rate, schedule="cosine")
        explanation = cycle.explain(images, initial=mask)
        mask, rate, step = explanation.representation_mask, rate / 2, step + steps
        problem = method.problem(images)
        gap = estimate_duality_gap(problem, mask, random_generator(step), pairs=pairs)
        objective = problem.evaluate(mask, samples=OBJECTIVE_SAMPLES)["objective"]
        columns = {"gap": gap.value, "uncertainty": gap.uncertainty, "upper": gap.upper, "objective": objective}
        numbers = {name: values.tolist() for name, values in columns.items()}
        rows.append(pd.DataFrame({"image": range(len(images)), "step": step, **numbers}))
        explanations.append(explanation)
    table = pd.concat(rows, ignore_index=True)
    table["excess"] = table["objective"] - table.groupby("image")["objective"].transform("min")
    return table, explanations


def steps_needed(table: pd.DataFrame, tolerance: float) -> pd.Series:
    """The first measured step of each image at which the upper estimate of its gap is below the tolerance, else nan.

    Args:
        table: columns image, step and upper, the steps of an image ascending.
        tolerance: of the upper estimate.
    """
    below = table[table["upper"] < tolerance].groupby("image")["step"].first()
    return below.reindex(table["image"].unique()).astype(float)


def repeated_gaps(
    problem: RateDistortion, mask: Float[Tensor, "1 1 k"], *, times: int, pairs: int, reference_pairs: int
) -> pd.DataFrame:
    """Measurements of the gap of one mask, each with draws of its own.

    Args:
        problem: of one image.
        mask: in [0, 1].
        times: how many measurements.
        pairs: antithetic pairs of each.
        reference_pairs: of one more measurement, the first row, with many more.

    Returns:
        Columns pairs, lower and upper, in units of the objective.
    """
    counts = [reference_pairs, *[pairs] * times]
    gaps = [
        estimate_duality_gap(problem, mask, random_generator(seed), pairs=count) for seed, count in enumerate(counts)
    ]
    return pd.DataFrame(
        {
            "pairs": counts,
            "lower": [float(gap.value - gap.uncertainty) for gap in gaps],
            "upper": [float(gap.upper) for gap in gaps],
        }
    )


def published_means(table: pd.DataFrame) -> pd.DataFrame:
    """Means over the images of a stored table `convergence`, by step: objective, sparsity, gap and upper estimate."""
    return (
        table.assign(upper=table["gap"] + table["uncertainty"])
        .groupby("step")[["objective", "sparsity", "gap", "upper"]]
        .mean()
    )
