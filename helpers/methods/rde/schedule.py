"""The learning rate of each step, and the steps at which the duality gap is estimated."""

from __future__ import annotations

import math

from helpers.methods.rde.frank_wolfe import falling_steps, step_size
from helpers.methods.rde.options import RDEOptions


def cycles(options: RDEOptions) -> list[tuple[int, int]]:
    """The cycles of a run, each as (first step, length): one for a schedule without restarts.

    With restarts the first cycle has `check_every` steps, and each further one as many as all before it together, so
    that each doubles the length of the run. The last cycle is cut off at `steps`.
    """
    if options.schedule != "restarts":
        return [(0, options.steps)]
    result, start, end = [], 0, options.check_every
    while start < options.steps:
        result.append((start, min(end, options.steps) - start))
        start, end = end, 2 * end
    return result


def learning_rate_at(step: int, options: RDEOptions) -> float:
    """The learning rate of a step.

    - `constant`: the same for all steps;
    - `cosine`: half a cosine, down to the share `final_rate` (Loshchilov & Hutter, 2017);
    - `restarts`: half a cosine in each cycle, which starts from half the rate of the cycle before.

    With `keep`, the step size of the Frank-Wolfe method (`frank_wolfe.step_size`).
    """
    if options.keep is not None:
        return step_size(step, options.steps)
    rate = options.learning_rate
    if options.schedule == "constant":
        return rate
    number, (start, length) = next((n, c) for n, c in enumerate(cycles(options)) if step < c[0] + c[1])
    final = options.final_rate
    return rate * 0.5**number * (final + (1 - final) * 0.5 * (1 + math.cos(math.pi * (step - start) / length)))


def check_steps(options: RDEOptions) -> frozenset[int]:
    """The numbers of steps after which the duality gap is estimated, the last included; none without a tolerance.

    With `keep`, none before the masks have come down to it.
    """
    if options.tolerance is None:
        return frozenset()
    if options.keep is not None:
        first = max(options.check_every, falling_steps(options.steps))
        return frozenset(range(first, options.steps, options.check_every)) | {options.steps}
    if options.schedule == "restarts":
        return frozenset(start + length for start, length in cycles(options)) | {options.steps}
    return frozenset(range(options.check_every, options.steps, options.check_every)) | {options.steps}
