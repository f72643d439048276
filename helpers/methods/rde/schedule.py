"""The learning rate of each step, and the steps at which the gap is measured."""

from __future__ import annotations

import math

from helpers.methods.rde.options import RDEOptions


def cycles(options: RDEOptions) -> list[tuple[int, int]]:
    """The cycles of a run, each as (first step, length): one for a schedule without restarts.

    With restarts the first lasts `check_every` steps, and each of the others as long as all before it together, so
    that the run's length doubles; the last is as long as what is left.
    """
    if options.schedule != "restarts":
        return [(0, options.steps)]
    found, start, end = [], 0, options.check_every
    while start < options.steps:
        found.append((start, min(end, options.steps) - start))
        start, end = end, 2 * end
    return found


def learning_rate_at(step: int, options: RDEOptions) -> float:
    """The learning rate of a step.

    - `constant`: the same for all;
    - `cosine`: falls along half a cosine to `final_rate` of it (Loshchilov & Hutter, 2017);
    - `restarts`: does so in each cycle, and each cycle starts from half the rate of the one before.
    """
    rate = options.learning_rate
    if options.schedule == "constant":
        return rate
    number, (start, length) = next((n, c) for n, c in enumerate(cycles(options)) if step < c[0] + c[1])
    least = options.final_rate
    return rate * 0.5**number * (least + (1 - least) * 0.5 * (1 + math.cos(math.pi * (step - start) / length)))


def check_steps(options: RDEOptions) -> frozenset[int]:
    """After how many steps the gap is measured: none without a tolerance, and always after the last otherwise."""
    if options.tolerance is None:
        return frozenset()
    if options.schedule == "restarts":
        return frozenset(start + length for start, length in cycles(options)) | {options.steps}
    return frozenset(range(options.check_every, options.steps, options.check_every)) | {options.steps}
