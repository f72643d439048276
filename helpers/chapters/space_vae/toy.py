"""A codebook in the plane, whose training can be drawn."""

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
    """Points in five clusters of unequal size, away from the origin.

    Raises:
        ValueError: there are fewer points than clusters.
    """
    if count < len(CENTRES):
        raise ValueError(f"count={count}: expected at least one point for each of the {len(CENTRES)} clusters")
    generator = torch.Generator().manual_seed(seed)
    shares = torch.tensor(SIZES).float()
    clusters = torch.multinomial(shares, count, replacement=True, generator=generator)
    return torch.tensor(CENTRES)[clusters] + 0.27 * torch.randn(count, 2, generator=generator)


@dataclass(frozen=True)
class CodebookHistory:
    """A codebook at several steps of its training.

    Attributes:
        steps: the recorded steps.
        codebooks: the codes at these steps.
        used: the share of the points that each code is nearest to.
        errors: the mean squared distance of the points to their nearest code.
    """

    steps: tuple[int, ...]
    codebooks: Float[Tensor, "steps codes 2"]
    used: Float[Tensor, "steps codes"]
    errors: Float[Tensor, " steps"]


def train_codebook(
    points: Float[Tensor, "points 2"],
    codes: int,
    record: Sequence[int],
    *,
    restart_dead_codes: bool,
    decay: float = 0.9,
    batch: int = 64,
    seed: int = 0,
) -> CodebookHistory:
    """Train a `VectorQuantiser` on random batches of points, and record it at some steps.

    Args:
        points: the points to quantise.
        codes: the number of codes.
        record: the steps to record, ascending; 0 is the initial codebook.
        restart_dead_codes: whether dead codes are restarted; if not, codes are initialised as standard normal vectors.
        decay: of the moving averages.
        batch: points per step.
        seed: of the initial codes and of the batches.

    Raises:
        ValueError: `record` does not ascend from 0 or more.
    """
    if not record or record[0] < 0 or any(a >= b for a, b in pairwise(record)):
        raise ValueError(f"record={tuple(record)} must ascend, from 0 or more")
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        quantiser = VectorQuantiser(codes, 2, decay=decay, dead_below=0.01 if restart_dead_codes else 0.0)
    generator = torch.Generator().manual_seed(seed)
    states = []
    for step in range(record[-1] + 1):
        if step in record:
            states.append(_state(quantiser, points))
        chosen = torch.randint(len(points), (batch,), generator=generator)
        quantiser.train()(as_grid(points[chosen]))
    return CodebookHistory(tuple(record), *(torch.stack(values) for values in zip(*states, strict=True)))


def as_grid(points: Float[Tensor, "points 2"]) -> Float[Tensor, "1 2 points 1"]:
    """Points in the quantiser's layout: the vectors of one image of a single column."""
    return points.T[None, :, :, None]


def _state(quantiser: VectorQuantiser, points: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    nearest = quantiser.nearest(points)
    codebook = quantiser.codebook.clone()
    used = torch.bincount(nearest, minlength=len(codebook)) / len(points)
    return codebook, used, (points - codebook[nearest]).square().sum(1).mean()
