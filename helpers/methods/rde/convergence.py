"""Stochastic estimate of the duality gap of the box-constrained objective: an upper bound on its suboptimality."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from helpers.core.runtime import random_generator
from helpers.methods.rde.frank_wolfe import best_corner
from helpers.methods.rde.problem import RateDistortion

Mask = Float[Tensor, "batch 1 k"]
PAIRS = 32  # antithetic pairs per estimate: 64 samples, as many as one step of the published recipe
FIRST_PAIRS, SECOND_PAIRS = 8, 16  # per stage of a stopping decision: images far from converged skip the second stage


def duality_gap(
    mask: Mask, gradient: Mask, *, corner_of: Mask | None = None, keep: int | None = None
) -> Float[Tensor, " batch"]:
    """The Frank-Wolfe duality gap of each mask over the box [0, 1]^k (Jaggi, 2013), or over its masks of sum ≤ `keep`.

    The gap is the first-order decrease of the objective on the way from the mask s to the corner v of the box that
    minimises the linearised objective, which is 0 where the gradient g > 0, and 1 where g < 0:

        G(s) = ⟨g, s - v⟩ = Σ s·max(g, 0) + (1 - s)·max(-g, 0).

    It is 0 exactly where the first-order conditions of a minimum in the box hold (g = 0 inside, g ≥ 0 at 0, g ≤ 0
    at 1). For a convex objective it bounds the suboptimality: no mask is better than s by more than G(s).

    With `keep`, v has a 1 only at the `keep` most negative entries of g (`best_corner`), and G = ⟨g, s - v⟩ bounds how
    much better any mask of that sum can be.

    Args:
        mask: in [0, 1].
        gradient: of the objective at the mask.
        corner_of: the gradient that chooses the corner, if it is another one.
        keep: the largest sum of a mask; None for the box.
    """
    chooser = gradient if corner_of is None else corner_of
    return ((mask - best_corner(chooser, keep).to(mask)) * gradient).sum((1, 2))


class DualityGap(NamedTuple):
    """The estimated duality gap of each image.

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
    """Estimate each image's duality gap at a fixed mask, on fresh noise.

    The gradients of past steps would be biased: the mask has followed their noise and fits it better than new noise.
    The gradient of the distortion is averaged over antithetic pairs of draws, in two halves. If the same noisy
    gradient chooses and values the corner, the estimate is biased upwards; if one half chooses the corner and the
    other values it, the estimate is biased downwards. In expectation the gap lies between these two bounds, which
    converge with more pairs.

    Args:
        problem: the images' objective.
        mask: in [0, 1].
        generator: of the noise; all images of the batch share the draws.
        pairs: total number of antithetic pairs, even.

    Raises:
        ValueError: `pairs` is odd or less than 2.
    """
    if pairs < 2 or pairs % 2:
        raise ValueError(f"pairs={pairs} must be an even number of at least 2: the estimate takes them in two halves")
    first, second = (_gradient(problem, mask, generator, pairs // 2) for _ in range(2))
    keep = problem.keep
    upper = duality_gap(mask, (first + second) / 2, keep=keep)
    crossed = duality_gap(mask, first, corner_of=second, keep=keep)
    lower = (crossed + duality_gap(mask, second, corner_of=first, keep=keep)) / 2
    return DualityGap(((upper + lower) / 2).clamp_min(0), (upper - lower) / 2)


def screen_duality_gap(problem: RateDistortion, mask: Mask, seed: int, tolerance: float) -> DualityGap:
    """Estimate each image's duality gap in two stages, as accurately as the stopping decision requires.

    The first stage takes FIRST_PAIRS pairs. The second replaces the estimates below twice the tolerance by new ones,
    from SECOND_PAIRS independent pairs. With a tolerance of 0 no image can stop, and one stage with PAIRS pairs does.

    Args:
        problem, mask: as in `estimate_duality_gap`.
        seed: of the noise. Each stage has its own generator, so that an image's draws do not depend on its batch.
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
    """The objective's gradient, averaged over antithetic pairs, one pair per backward pass to bound the memory."""
    leaf = mask.detach().clone().requires_grad_()
    mean = torch.zeros_like(mask)
    for _ in range(pairs):
        distortion = problem.distortions(leaf, problem.draw(1, generator), antithetic=True).mean(0)
        (gradient,) = torch.autograd.grad(distortion.sum(), leaf)
        mean.add_(gradient, alpha=1 / pairs)
    (penalty,) = torch.autograd.grad(problem.penalty(leaf).sum(), leaf)
    return mean + penalty
