"""A codebook in the plane, where one can watch it learn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor

from helpers.methods.space_vae.quantiser import VectorQuantiser

CENTRES = ((1.6, 1.3), (2.7, 2.4), (3.1, 0.7), (0.7, 2.8), (4.2, 2.0))
SIZES = (5, 4, 3, 2, 2)


def toy_points(count: int = 640, *, seed: int = 0) -> Float[Tensor, "{count} 2"]:
    """Points in five heaps of unequal size, all of them away from the origin.

    Raises:
        ValueError: there are fewer points than heaps.
    """
    if count < len(CENTRES):
        raise ValueError(f"count={count}: expected at least one point for each of the {len(CENTRES)} heaps")
    generator = torch.Generator().manual_seed(seed)
    shares = torch.tensor(SIZES).float()
    heaps = torch.multinomial(shares, count, replacement=True, generator=generator)
    return torch.tensor(CENTRES)[heaps] + 0.27 * torch.randn(count, 2, generator=generator)


@dataclass(frozen=True)
class Walk:
    """How a codebook moved.

    Attributes:
        steps: after how many steps each look was taken.
        codebooks: the codes at each look.
        used: for each look, the share of all points that each code is nearest to.
        errors: for each look, the mean squared distance of the points to their nearest code.
    """

    steps: tuple[int, ...]
    codebooks: Float[Tensor, "looks codes 2"]
    used: Float[Tensor, "looks codes"]
    errors: Float[Tensor, " looks"]


def watch_codebook(
    points: Float[Tensor, "points 2"],
    codes: int,
    looks: Sequence[int],
    *,
    restart_dead_codes: bool,
    decay: float = 0.9,
    batch: int = 64,
    seed: int = 0,
) -> Walk:
    """Show random batches of points to a `VectorQuantiser` in training mode, and look at it now and then.

    Args:
        points: what is to be quantised.
        codes: how many codes there are.
        looks: after how many steps to look, ascending; 0 is the codebook as it begins.
        restart_dead_codes: whether dead codes are restarted; without it codes begin as standard normal vectors.
        decay: of the moving averages.
        batch: points a step.
        seed: of the codes' beginning and of the batches.

    Raises:
        ValueError: the looks are not ascending numbers of steps.
    """
    if not looks or looks[0] < 0 or any(a >= b for a, b in pairwise(looks)):
        raise ValueError(f"looks={tuple(looks)} must be numbers of steps that ascend, from 0 on")
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        quantiser = VectorQuantiser(codes, 2, decay=decay, dead_below=0.01 if restart_dead_codes else 0.0)
    generator = torch.Generator().manual_seed(seed)
    seen = []
    for step in range(looks[-1] + 1):
        if step in looks:
            seen.append(_look(quantiser, points))
        chosen = torch.randint(len(points), (batch,), generator=generator)
        quantiser.train()(as_grid(points[chosen]))
    return Walk(tuple(looks), *(torch.stack(parts) for parts in zip(*seen, strict=True)))


def as_grid(points: Float[Tensor, "points 2"]) -> Float[Tensor, "1 2 points 1"]:
    """Points as a quantiser takes them: vectors at the places of one tall image."""
    return points.T[None, :, :, None]


def _look(quantiser: VectorQuantiser, points: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    nearest = quantiser.nearest(points)
    codebook = quantiser.codebook.clone()
    used = torch.bincount(nearest, minlength=len(codebook)) / len(points)
    return codebook, used, (points - codebook[nearest]).square().sum(1).mean()
