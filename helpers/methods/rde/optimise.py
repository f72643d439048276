"""Stochastic gradient steps with projection to [0, 1]: how the rate-distortion masks are found."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from helpers.core.explanation import Convergence
from helpers.core.runtime import progress, random_generator
from helpers.methods.rde.convergence import judge_duality_gap
from helpers.methods.rde.options import RDEOptions
from helpers.methods.rde.problem import RateDistortion
from helpers.methods.rde.schedule import check_steps, learning_rate_at

LION_BETAS = (0.9, 0.95)


class Optimised(NamedTuple):
    """What an optimisation found.

    Attributes:
        mask: the final masks, in [0, 1].
        history: distortion, sparsity and objective at each step, and with a tolerance the gap after the steps at which
            it was measured, with its uncertainty; NaN elsewhere, and after an image's stop.
        convergence: whether and when each image stopped; None without a tolerance.
    """

    mask: Float[Tensor, "batch 1 k"]
    history: dict[str, Float[Tensor, "batch steps"]]
    convergence: Convergence | None


def make_optimiser(mask: Float[Tensor, "batch 1 k"], options: RDEOptions) -> torch.optim.Optimizer:
    """Adam with PyTorch's defaults, as published, or Lion (Chen et al., 2023) with a shorter memory than usual."""
    if options.optimiser == "adam":
        return torch.optim.Adam([mask], lr=options.learning_rate, fused=True)  # one kernel, no host sync
    from timm.optim import Lion  # here, since timm takes seconds to import

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


def optimise(problem: RateDistortion, start: Float[Tensor, "batch 1 k"], *, show_progress: bool = False) -> Optimised:
    """Minimise each image's objective over its mask, from `start`.

    Every image of the batch is a problem of its own: the sum of the objectives has their gradients side by side, and
    the optimisers work entry by entry. An image that stops leaves the batch, and its mates do not notice: all share
    the draws of a step. Losses stay on the device until the end; only a check of the gap waits for the device.
    """
    options = problem.options
    generator = random_generator(options.seed, start.device)
    draws = options.samples // 2 if options.antithetic else options.samples
    run = _Run(problem, start)
    checks = check_steps(options)
    for step in progress(range(options.steps), label="optimising masks", show=show_progress):
        run.optimiser.param_groups[0]["lr"] = learning_rate_at(step, options)
        run.step(step, run.problem.draw(draws, generator))
        if step + 1 in checks and run.check(step):
            break
    return run.result()


class _Run:
    """An optimisation under way: the images that are still in it, and what is known of all."""

    def __init__(self, problem: RateDistortion, start: Float[Tensor, "batch 1 k"]) -> None:
        self.problem, self.options = problem, problem.options
        self.mask = start.detach().clone().requires_grad_()
        self.optimiser = make_optimiser(self.mask, self.options)
        batch, steps = len(start), self.options.steps
        self.active = torch.arange(batch, device=start.device)
        self.final = start.detach().clone()
        names = ["distortion", "sparsity", "objective"]
        names += ["gap", "gap_uncertainty"] if self.options.tolerance is not None else []
        self.logs = {name: start.new_full((steps, batch), torch.nan) for name in names}
        self.stopped = torch.full((batch,), steps, device=start.device)
        self.gap, self.uncertainty = start.new_full((2, batch), torch.nan)

    def step(self, step: int, noise: Float[Tensor, "draws channels k"]) -> None:
        """One step of all images that are still in the run."""
        distortion = self.problem.distortions(self.mask, noise, antithetic=self.options.antithetic).mean(0)
        objective = distortion + self.problem.penalty(self.mask)
        (self.mask.grad,) = torch.autograd.grad(objective.sum(), self.mask)
        sparsity = self.problem.sparsity(self.mask.detach())
        self.optimiser.step()
        with torch.no_grad():
            self.mask.clamp_(0, 1)
        for name, value in (("distortion", distortion), ("sparsity", sparsity), ("objective", objective)):
            self.logs[name][step, self.active] = value.detach()

    def check(self, step: int) -> bool:
        """Measure the gaps and let the images go whose gap is below the tolerance; True when none is left."""
        tolerance = self.options.tolerance or 0.0
        seed = self.options.seed + 2_000_003 + 10 * step  # checks do not move the noise of the steps
        gap = judge_duality_gap(self.problem, self.mask.detach(), seed, tolerance)
        for mine, value in ((self.gap, gap.value), (self.uncertainty, gap.uncertainty)):
            mine[self.active] = value
        self.logs["gap"][step, self.active], self.logs["gap_uncertainty"][step, self.active] = gap
        stay = gap.value >= tolerance
        if bool(stay.all()):
            return False
        self.stopped[self.active[~stay]] = step + 1
        self._keep(stay)
        return not len(self.active)

    def _keep(self, stay: Bool[Tensor, " active"]) -> None:
        """Go on with some images; the optimiser's memory of the others goes with them."""
        self.final[self.active] = self.mask.detach()
        state = self.optimiser.state.pop(self.mask, {})
        kept = {name: value[stay] if value.shape == self.mask.shape else value for name, value in state.items()}
        self.mask = self.mask.detach()[stay].requires_grad_()
        self.optimiser.param_groups[0]["params"] = [self.mask]
        self.optimiser.state[self.mask] = kept
        self.problem, self.active = self.problem.select(stay), self.active[stay]

    def result(self) -> Optimised:
        """The masks, what was logged, and the stops."""
        self.final[self.active] = self.mask.detach()
        history = {name: values.T.contiguous() for name, values in self.logs.items()}
        tolerance = self.options.tolerance
        if tolerance is None or not self.options.steps:
            return Optimised(self.final, history, None)
        convergence = Convergence(self.gap < tolerance, self.stopped, self.gap, self.uncertainty)
        return Optimised(self.final, history, convergence)
