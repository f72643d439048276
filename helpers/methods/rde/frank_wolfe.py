"""The Frank-Wolfe method: a given number of coefficients instead of a price λ.

The masks are those of the k-sparse polytope {s in [0, 1]^k : Σ s ≤ keep}. A step needs no projection: it solves a
linear problem, whose solution is the mask of the `keep` entries with the steepest descent, and goes part of the way
there (Frank & Wolfe, 1956; Jaggi, 2013). For masks of pixels it is due to Macdonald, Besançon and Pokutta (2022).

The objective is not convex. At a small rate nearly all masks hide the class, and the gradient of a saturated softmax
says nothing: from such a mask the method seldom finds a better one. So the sum that a mask may have falls during the
first half of the steps, geometrically, from that of the initial mask (all entries, by default) to `keep`.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

Mask = Float[Tensor, "batch 1 k"]
Sums = Float[Tensor, "batch 1 1"] | int  # the largest sum of each mask, or of all masks
STEP = 0.3  # the step size while the sum falls; with 0.1 the masks lag behind a sum that falls in 50 steps


def best_corner(gradient: Mask, keep: Sums | None = None) -> Mask:
    """The binary mask that minimises ⟨gradient, mask⟩: the linear oracle of the Frank-Wolfe method.

    Without `keep` it has a 1 wherever the gradient is negative. With `keep` only at the `keep` most negative entries
    (a sum is rounded down), and at all negative ones if there are fewer.
    """
    if keep is None:
        return (gradient < 0).to(gradient)
    most = min(int(keep if isinstance(keep, int) else keep.amax()), gradient.shape[2])
    values, places = gradient.topk(most, dim=2, largest=False)  # batch, 1, most
    chosen = (values < 0) & (torch.arange(1, most + 1, device=gradient.device) <= keep)  # batch, 1, most
    return torch.zeros_like(gradient).scatter(2, places, chosen.to(gradient))  # batch, 1, k


def feasible(mask: Mask, keep: Sums) -> Mask:
    """The mask, scaled down where its entries add up to more than `keep`."""
    return mask * (keep / mask.sum(2, keepdim=True).clamp_min(torch.finfo(mask.dtype).tiny)).clamp_max(1)


def largest_entries(mask: Mask, keep: int) -> Mask:
    """The binary mask of the `keep` largest entries of a mask, or of fewer if fewer are above 0."""
    return best_corner(-mask, keep)


def falling_steps(steps: int) -> int:
    """The number of steps in which the sum falls: half of them."""
    return steps // 2


def step_size(step: int, steps: int) -> float:
    """The share of the way to the corner: `STEP` while the sum falls, then as 2 / (t + 2) does from there (Jaggi)."""
    return 2 / (max(0, step - falling_steps(steps)) + 2 / STEP)


class FrankWolfe(torch.optim.Optimizer):
    """Stochastic Frank-Wolfe steps s ← s + γ (v - s), with v the best corner for the averaged gradient.

    A noisy gradient would choose a corner at random; so the gradients are averaged with weights that fall slowly,
    d ← (1 - ρ) d + ρ g with ρ = 4 / (t + 8)^⅔ (Mokhtari et al., 2020). A mask is scaled down to the falling sum
    at first and after each step.

    Args:
        mask: the masks, optimised in place.
        keep: the largest sum of a mask after the first half of the steps.
        steps: their number.
    """

    def __init__(self, mask: Mask, keep: int, steps: int) -> None:
        super().__init__([mask], {"lr": STEP})  # γ, set before each step
        self.keep, self.falling = keep, falling_steps(steps)
        first = mask.detach().sum(2, keepdim=True).clamp_min(keep)  # batch, 1, 1
        self.state[mask] = {"step": 0, "average": torch.zeros_like(mask), "first": first}
        with torch.no_grad():  # the gradient at a mask of ones is nothing but rounding errors
            mask.copy_(feasible(mask, self._sums(1, first)))

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        """One step for all masks."""
        for group in self.param_groups:
            for mask in group["params"]:
                state = self.state[mask]
                state["step"] += 1
                state["average"].lerp_(mask.grad, min(1.0, 4 / (state["step"] + 7) ** (2 / 3)))  # batch, 1, k
                keep = self._sums(state["step"], state["first"])
                mask.lerp_(best_corner(state["average"], keep), group["lr"])  # batch, 1, k
                mask.copy_(feasible(mask, keep))

    def _sums(self, steps: int, first: Float[Tensor, "batch 1 1"]) -> Sums:
        """The largest sums after so many steps."""
        if steps >= self.falling:
            return self.keep
        return first * (self.keep / first) ** (steps / self.falling)
