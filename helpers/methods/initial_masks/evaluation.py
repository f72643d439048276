"""The objective of initial masks, before and after some optimisation steps."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from copy import copy

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from helpers.core.runtime import progress
from helpers.core.statistics import bootstrap
from helpers.methods.rde import RateDistortionExplainer

SAMPLES = 64
AT_ONCE = 16


def compare_starts(
    method: RateDistortionExplainer,
    images: Float[Tensor, "batch 3 height width"],
    starts: Mapping[str, Float[Tensor, "batch 1 k"]],
    steps: Sequence[int],
    *,
    rates: Mapping[str, float] | None = None,
    samples: int = SAMPLES,
    show_progress: bool = False,
) -> pd.DataFrame:
    """The objective of each image, for each initial mask and number of steps, on the same fresh noise.

    Args:
        method: Pixel RDE or CartoonX; `steps`, the tolerance (none here) and the rates in `rates` replace its options.
        images: pixels in [0, 1].
        starts: initial masks by name.
        steps: numbers of steps, each a separate run with its own schedule; 0: the initial mask itself.
        rates: learning rates by the name of the initial mask; the method's for any other.
        samples: noise draws of the evaluation.
        show_progress: show a progress bar over runs.

    Returns:
        Columns start, steps, image, distortion, sparsity, objective.
    """
    rows = []
    runs = [(name, count) for name in starts for count in steps]
    for name, count in progress(runs, label="comparing starts", show=show_progress):
        rate = (rates or {}).get(name, method.options.learning_rate)
        runner = copy(method)
        runner.options = method.options.with_options(steps=count, learning_rate=rate, tolerance=None)
        for first in range(0, len(images), AT_ONCE):
            batch, start = images[first : first + AT_ONCE], starts[name][first : first + AT_ONCE]
            mask = runner.explain(batch, initial=start).representation_mask if count else start
            assert mask is not None
            result = runner.problem(batch).evaluate(mask, samples=samples)
            rows += [
                {
                    "start": name,
                    "steps": count,
                    "image": first + index,
                    **{key: float(result[key][index]) for key in ("distortion", "sparsity", "objective")},
                }
                for index in range(len(batch))
            ]
    return pd.DataFrame(rows)


def paired_difference(table: pd.DataFrame, first: str, second: str, steps: int) -> Float[Tensor, " images"]:
    """The objective of each image from the first initial mask, minus that from the second, after `steps` steps."""
    objective = table[table["steps"] == steps].pivot(index="image", columns="start", values="objective")
    return torch.tensor((objective[first] - objective[second]).to_numpy())


def mean_interval(values: Float[Tensor, " images"], *, draws: int = 2000, seed: int = 0) -> tuple[float, float, float]:
    """The mean, and the bounds of its 95 % bootstrap interval over images."""
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randint(len(values), (draws, len(values)), generator=generator)
    counts = torch.zeros(draws, len(values), dtype=torch.int64).scatter_add_(1, rows, torch.ones_like(rows))
    effect = bootstrap(values.double().numpy()[:, None], lambda means: means[..., 0], counts.numpy())
    return effect.value, effect.low, effect.high


def seconds_per_call(function: Callable[[], object], *, repeats: int = 5) -> float:
    """The median duration of a call, after a warm-up."""
    function()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return sorted(times)[repeats // 2]
