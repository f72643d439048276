"""Projected stochastic gradient descent on the rate-distortion objective, or Frank-Wolfe steps at a given rate."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from helpers.core.explanation import Convergence
from helpers.core.runtime import progress, random_generator
from helpers.methods.rde.convergence import screen_duality_gap
from helpers.methods.rde.frank_wolfe import FrankWolfe
from helpers.methods.rde.options import RDEOptions
from helpers.methods.rde.problem import RateDistortion
from helpers.methods.rde.schedule import check_steps, learning_rate_at

LION_BETAS = (0.9, 0.95)


class Optimised(NamedTuple):
    """The result of an optimisation.

    Attributes:
        mask: the final masks, in [0, 1].
        history: distortion, sparsity and objective at each step; with a tolerance also the duality gap and its
            uncertainty, at the steps of the checks. NaN elsewhere, and after an image has stopped.
        convergence: whether and when each image converged; None without a tolerance.
    """

    mask: Float[Tensor, "batch 1 k"]
    history: dict[str, Float[Tensor, "batch steps"]]
    convergence: Convergence | None


def make_optimiser(mask: Float[Tensor, "batch 1 k"], options: RDEOptions) -> torch.optim.Optimizer:
    """Adam with PyTorch's defaults, as published, or Lion (Chen et al., 2023) with `LION_BETAS`, below its defaults."""
    if options.optimiser == "adam":
        return torch.optim.Adam([mask], lr=options.learning_rate, fused=True)  # one kernel, no host sync
    from timm.optim import Lion  # timm takes seconds to import

    return Lion([mask], lr=options.learning_rate, betas=LION_BETAS)


def initial_mask(problem: RateDistortion) -> Float[Tensor, "batch 1 k"]:
    """All ones, or one uniform draw shared by the batch."""
    coefficients, options = problem.coefficients, problem.options
    batch, _, k = coefficients.shape
    if options.initial_mask == "ones":
        return torch.ones_like(coefficients[:, :1])
    # a separate seed: the noise of the steps does not depend on the initial mask
    generator = random_generator(options.seed + 1_000_003, coefficients.device)
    draw = torch.rand((1, 1, k), generator=generator, device=coefficients.device, dtype=coefficients.dtype)
    return draw.repeat(batch, 1, 1)


def optimise(problem: RateDistortion, start: Float[Tensor, "batch 1 k"], *, show_progress: bool = False) -> Optimised:
    """Minimise each image's objective over its mask, from `start`.

    The images of the batch are independent problems: the gradient of the summed objective holds theirs side by side,
    the optimisers are element-wise, and all images share the draws of a step. So a converged image can leave the batch
    without an effect on the others. The logs stay on the device until the end; only the duality-gap checks synchronise.
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
    """The state of an optimisation: the active images, and the results of all."""

    def __init__(self, problem: RateDistortion, start: Float[Tensor, "batch 1 k"]) -> None:
        self.problem, self.options = problem, problem.options
        self.mask = start.detach().clone().requires_grad_()
        if problem.keep is None:
            self.optimiser = make_optimiser(self.mask, self.options)
        else:
            self.optimiser = FrankWolfe(self.mask, problem.keep, self.options.steps)
        batch, steps = len(start), self.options.steps
        self.active = torch.arange(batch, device=start.device)
        self.final = start.detach().clone()
        names = ["distortion", "sparsity", "objective"]
        names += ["gap", "gap_uncertainty"] if self.options.tolerance is not None else []
        self.logs = {name: start.new_full((steps, batch), torch.nan) for name in names}
        self.stopped = torch.full((batch,), steps, device=start.device)
        self.gap, self.uncertainty = start.new_full((2, batch), torch.nan)

    def step(self, step: int, noise: Float[Tensor, "draws channels k"]) -> None:
        """One optimiser step for all active images."""
        distortion = self.problem.distortions(self.mask, noise, antithetic=self.options.antithetic).mean(0)
        objective = distortion + self.problem.penalty(self.mask, slope_at_zero=self.options.slope_at_zero)
        (self.mask.grad,) = torch.autograd.grad(objective.sum(), self.mask)
        sparsity = self.problem.sparsity(self.mask.detach())
        self.optimiser.step()
        with torch.no_grad():
            self.mask.clamp_(0, 1)
        for name, value in (("distortion", distortion), ("sparsity", sparsity), ("objective", objective)):
            self.logs[name][step, self.active] = value.detach()

    def check(self, step: int) -> bool:
        """Estimate the duality gaps and retire the converged images; True when none is active any more."""
        tolerance = self.options.tolerance or 0.0
        seed = self.options.seed + 2_000_003 + 10 * step  # the checks leave the noise of the steps alone
        gap = screen_duality_gap(self.problem, self.mask.detach(), seed, tolerance)
        self.gap[self.active], self.uncertainty[self.active] = gap
        self.logs["gap"][step, self.active], self.logs["gap_uncertainty"][step, self.active] = gap
        running = gap.value >= tolerance
        if bool(running.all()):
            return False
        self.stopped[self.active[~running]] = step + 1
        self._keep(running)
        return not len(self.active)

    def _keep(self, running: Bool[Tensor, " active"]) -> None:
        """Drop the other images, along with their optimiser state."""
        self.final[self.active] = self.mask.detach()
        state = self.optimiser.state.pop(self.mask, {})
        kept = {name: value[running] if _per_image(value, self.mask) else value for name, value in state.items()}
        self.mask = self.mask.detach()[running].requires_grad_()
        self.optimiser.param_groups[0]["params"] = [self.mask]
        self.optimiser.state[self.mask] = kept
        self.problem, self.active = self.problem.select(running), self.active[running]

    def result(self) -> Optimised:
        """The final masks, the history and the convergence."""
        self.final[self.active] = self.mask.detach()
        history = {name: values.T.contiguous() for name, values in self.logs.items()}
        tolerance = self.options.tolerance
        if tolerance is None or not self.options.steps:
            return Optimised(self.final, history, None)
        convergence = Convergence(self.gap < tolerance, self.stopped, self.gap, self.uncertainty)
        return Optimised(self.final, history, convergence)


def _per_image(value: object, mask: Float[Tensor, "batch 1 k"]) -> bool:
    """Whether an entry of an optimiser's state has one part per image."""
    return isinstance(value, Tensor) and value.shape[:1] == mask.shape[:1]
