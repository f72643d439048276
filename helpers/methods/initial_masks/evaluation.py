"""How good a starting mask is: at once, and after some steps."""

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
    """The objective of each image from each start after each number of steps, on the same fresh noise.

    Args:
        method: its options are those of the steps, but for their number, the stopping rule (none) and, where `rates`
            says so, their rate.
        images: pixels in [0, 1].
        starts: starting masks by name.
        steps: numbers of steps, each a run of its own with its own schedule; 0 is the start itself.
        rates: learning rates by the start's name; the method's where a name is missing.
        samples: noise draws of the evaluation.
        show_progress: show a bar that counts runs.

    Returns:
        Columns start, steps, image, distortion, sparsity, objective.
    """
    rows = []
    runs = [(name, count) for name in starts for count in steps]
    for name, count in progress(runs, label="comparing starts", show=show_progress):
        rate = (rates or {}).get(name, method.options.learning_rate)
        runner = copy(method)
        runner.options = method.options.but(steps=count, learning_rate=rate, tolerance=None)
        for first in range(0, len(images), AT_ONCE):
            part, start = images[first : first + AT_ONCE], starts[name][first : first + AT_ONCE]
            mask = runner.explain(part, initial=start).representation_mask if count else start
            assert mask is not None
            result = runner.problem(part).evaluate(mask, samples=samples)
            rows += [
                {
                    "start": name,
                    "steps": count,
                    "image": first + place,
                    **{key: float(result[key][place]) for key in ("distortion", "sparsity", "objective")},
                }
                for place in range(len(part))
            ]
    return pd.DataFrame(rows)


def paired_difference(table: pd.DataFrame, one: str, other: str, steps: int) -> Float[Tensor, " images"]:
    """The objective from one start less that from another after so many steps, image by image."""
    at = table[table["steps"] == steps].pivot(index="image", columns="start", values="objective")
    return torch.tensor((at[one] - at[other]).to_numpy())


def mean_interval(values: Float[Tensor, " images"], *, draws: int = 2000, seed: int = 0) -> tuple[float, float, float]:
    """The mean, and the ends of its 95 % bootstrap interval over images."""
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randint(len(values), (draws, len(values)), generator=generator)
    counts = torch.zeros(draws, len(values), dtype=torch.int64).scatter_add_(1, rows, torch.ones_like(rows))
    effect = bootstrap(values.double().numpy()[:, None], lambda means: means[..., 0], counts.numpy())
    return effect.value, effect.low, effect.high


def seconds_a_call(function: Callable[[], object], *, repeats: int = 5) -> float:
    """The median time of a call, after a warm-up."""
    function()
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        function()
        times.append(time.perf_counter() - begin)
    return sorted(times)[repeats // 2]
