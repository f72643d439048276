"""Stochastic gradient steps with projection to [0, 1]: how the rate-distortion masks are found."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from timm.optim import Lion
from torch import Tensor

from helpers.rde.options import RDEOptions, Schedule
from helpers.rde.problem import RateDistortion
from helpers.runtime import progress, random_generator

LION_BETAS = (0.9, 0.95)


def learning_rate_at(step: int, steps: int, rate: float, schedule: Schedule) -> float:
    """The learning rate of a step: constant, or falling along half a cosine to a hundredth of the rate."""
    if schedule == "constant":
        return rate
    return rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * step / steps)))


def make_optimiser(mask: Float[Tensor, "batch 1 k"], options: RDEOptions) -> torch.optim.Optimizer:
    """Adam with PyTorch's defaults, as published, or Lion (Chen et al., 2023) with a shorter memory than usual."""
    if options.optimiser == "adam":
        return torch.optim.Adam([mask], lr=options.learning_rate, fused=True)  # one kernel, no host sync
    return Lion([mask], lr=options.learning_rate, betas=LION_BETAS)


def initial_mask(problem: RateDistortion) -> Float[Tensor, "batch 1 k"]:
    """All ones, or one uniform draw that all images of the batch share."""
    coefficients, options = problem.coefficients, problem.options
    batch, _, k = coefficients.shape
    if options.initial_mask == "ones":
        return torch.ones_like(coefficients[:, :1])
    # a seed of its own: the noise of the steps is then the same for every initial mask
    generator = random_generator(options.seed + 1_000_003, coefficients.device)
    draw = torch.rand((1, 1, k), generator=generator, device=coefficients.device, dtype=coefficients.dtype)
    return draw.repeat(batch, 1, 1)


def optimise(
    problem: RateDistortion, start: Float[Tensor, "batch 1 k"], *, show_progress: bool = False
) -> tuple[Float[Tensor, "batch 1 k"], dict[str, Float[Tensor, "batch steps"]]]:
    """Minimise each image's objective over its mask, from `start`.

    Every image of the batch is a problem of its own: the sum of the objectives has their gradients side by side, and
    the optimisers work entry by entry. Losses stay on the device until the end.

    Returns:
        The final masks, in [0, 1], and the distortion, the sparsity and the objective at each step.
    """
    options = problem.options
    generator = random_generator(options.seed, start.device)
    draws = options.samples // 2 if options.antithetic else options.samples
    mask = start.detach().clone().requires_grad_()
    optimiser = make_optimiser(mask, options)
    logs = {name: mask.new_empty(options.steps, len(mask)) for name in ("distortion", "sparsity")}
    for step in progress(range(options.steps), label="optimising masks", show=show_progress):
        optimiser.param_groups[0]["lr"] = learning_rate_at(step, options.steps, options.learning_rate, options.schedule)
        noise = problem.draw(draws, generator)
        distortion = problem.distortions(mask, noise, antithetic=options.antithetic).mean(0)
        sparsity = problem.sparsity(mask)
        objective = distortion + options.sparsity_weight * sparsity
        (mask.grad,) = torch.autograd.grad(objective.sum(), mask)
        optimiser.step()
        with torch.no_grad():
            mask.clamp_(0, 1)
        logs["distortion"][step], logs["sparsity"][step] = distortion.detach(), sparsity.detach()
    history = {name: values.T.contiguous() for name, values in logs.items()}
    history["objective"] = history["distortion"] + options.sparsity_weight * history["sparsity"]
    return mask.detach(), history
