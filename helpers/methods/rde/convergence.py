"""How far a mask is from a solution: a measure with a meaning, for a problem with bounds and a noisy gradient."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from helpers.core.runtime import random_generator
from helpers.methods.rde.problem import RateDistortion

Mask = Float[Tensor, "batch 1 k"]
PAIRS = 32  # antithetic pairs of a measurement: 64 samples, as many as one step of the published recipe
FIRST_PAIRS, SECOND_PAIRS = 8, 16  # of a decision: a first look spares the images that are far from done the second


def duality_gap(mask: Mask, gradient: Mask, *, corner_of: Mask | None = None) -> Float[Tensor, " batch"]:
    """The decrease of the objective that its slope promises on the way to the best corner of the box [0, 1]^k.

    A projected gradient step goes to P(s - η g). As its length η grows, it ends in the corner v of the box to which
    the gradient g points: 0 where g > 0, and 1 where g < 0. To first order the way there lowers the objective by

        G(s) = ⟨g, s - v⟩ = Σ s·max(g, 0) + (1 - s)·max(-g, 0),

    the projected-gradient residual in units of the objective. It is 0 exactly where the conditions of a minimum in
    the box hold (g = 0 inside, g ≥ 0 at 0, g ≤ 0 at 1), and for a convex objective no mask is better by more than it
    (Jaggi, 2013, where it is called the duality gap).

    Args:
        mask: in [0, 1].
        gradient: of the objective at the mask.
        corner_of: another gradient, which chooses the corner; None for the same.
    """
    chooser = gradient if corner_of is None else corner_of
    return ((mask - (chooser < 0).to(mask)) * gradient).sum((1, 2))


class DualityGap(NamedTuple):
    """A measured gap of each image.

    Attributes:
        value: the middle of the two bounds below, at least 0, in units of the objective.
        uncertainty: half their distance.
    """

    value: Float[Tensor, " batch"]
    uncertainty: Float[Tensor, " batch"]

    @property
    def upper(self) -> Float[Tensor, " batch"]:
        """The upper bound."""
        return self.value + self.uncertainty


def estimate_duality_gap(
    problem: RateDistortion, mask: Mask, generator: torch.Generator, *, pairs: int = PAIRS
) -> DualityGap:
    """Measure each image's gap at a mask that rests, over fresh noise.

    Fresh, because the gradients of the past steps will not do: the mask has followed their noise, and against them
    it looks better than it is. The gradient of the distortion is a running mean over antithetic pairs of draws, in
    two halves. Noise in a gradient that also chooses the corner makes the gap look too large, in the mean; a corner
    that one half chooses and the other values makes it look too small. The gap lies between the two, in the mean, and
    both meet as the pairs grow more.

    Args:
        problem: the images' objective.
        mask: in [0, 1].
        generator: of the noise; the draws serve all images of the batch.
        pairs: antithetic pairs of draws in all, an even number.

    Raises:
        ValueError: `pairs` is odd or less than 2.
    """
    if pairs < 2 or pairs % 2:
        raise ValueError(f"pairs={pairs} must be an even number of at least 2: they are taken in two halves")
    first, second = (_gradient(problem, mask, generator, pairs // 2) for _ in range(2))
    upper = duality_gap(mask, (first + second) / 2)
    lower = (duality_gap(mask, first, corner_of=second) + duality_gap(mask, second, corner_of=first)) / 2
    return DualityGap(((upper + lower) / 2).clamp_min(0), (upper - lower) / 2)


def judge_duality_gap(problem: RateDistortion, mask: Mask, seed: int, tolerance: float) -> DualityGap:
    """Measure each image's gap as well as a decision about the tolerance needs it.

    A first look with FIRST_PAIRS pairs; the images whose gap may be below the tolerance by it are measured again, with
    SECOND_PAIRS other pairs, and only that measurement counts. With a tolerance of 0 there is nothing to decide, and
    all are measured with PAIRS.

    Args:
        problem, mask: as in `estimate_duality_gap`.
        seed: of the noise. Each look has a generator of its own, so that no image's draws depend on its batch mates.
        tolerance: at least 0.
    """
    device = mask.device
    if tolerance == 0:
        return estimate_duality_gap(problem, mask, random_generator(seed, device))
    value, uncertainty = estimate_duality_gap(problem, mask, random_generator(seed, device), pairs=FIRST_PAIRS)
    near = value < 2 * tolerance
    if bool(near.any()):
        again = estimate_duality_gap(
            problem.select(near), mask[near], random_generator(seed + 1, device), pairs=SECOND_PAIRS
        )
        value[near], uncertainty[near] = again
    return DualityGap(value, uncertainty)


def _gradient(problem: RateDistortion, mask: Mask, generator: torch.Generator, pairs: int) -> Mask:
    """The objective's gradient, the mean over so many antithetic pairs; a pair at a time, as a fast step does."""
    moving = mask.detach().clone().requires_grad_()
    mean = torch.zeros_like(mask)
    for _ in range(pairs):
        distortion = problem.distortions(moving, problem.draw(1, generator), antithetic=True).mean(0)
        (gradient,) = torch.autograd.grad(distortion.sum(), moving)
        mean.add_(gradient, alpha=1 / pairs)
    (penalty,) = torch.autograd.grad(problem.penalty(moving).sum(), moving)
    return mean + penalty
