"""Rate-distortion curves: the distortion as the most relevant entries are kept, or replaced by noise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor

from helpers.core.mask_inputs import checked_masks
from helpers.core.runtime import random_generator
from helpers.methods.rde import RateDistortion

Direction = Literal["keep", "randomise"]


def random_ranks(
    mask: Shaped[Tensor, "batch k"], draws: int, generator: torch.Generator
) -> Int[Tensor, "draws batch k"]:
    """The rank of each entry of a mask, 0 for the largest, with ties broken at random in each draw.

    Most entries of a converged mask are exactly 0, so that their order is random: the spread over draws shows how
    much of a curve is due to chance.

    Args:
        mask: any finite values.
        draws: the number of random orders.
        generator: of the random orders.

    Raises:
        TypeError, ValueError: the mask has a wrong shape, or values that are not finite.
    """
    mask = checked_masks(mask, ("batch", "entries"), name="mask", values="any")
    # a stable sort after a random permutation, which the batch shares, keeps ties in the permuted order
    k = mask.shape[-1]
    permutations = torch.stack(
        [torch.randperm(k, generator=generator, device=generator.device) for _ in range(draws)]
    ).to(mask.device)
    shuffled = mask[:, permutations].transpose(0, 1)  # (draws, batch, k)
    order = shuffled.argsort(dim=-1, descending=True, stable=True)  # (draws, batch, k)
    entries = permutations.unsqueeze(1).expand_as(order).gather(-1, order)  # (draws, batch, k): the entry at each rank
    ranks = torch.arange(k, device=mask.device).expand_as(entries)
    return torch.empty_like(entries).scatter_(-1, entries, ranks)


@torch.no_grad()
def rate_distortion_curve(
    problem: RateDistortion,
    mask: Shaped[Tensor, "batch 1 k"],
    fractions: Sequence[float],
    *,
    direction: Direction = "keep",
    draws: int = 8,
    seed: int = 0,
    chunk: int = 64,
) -> tuple[Float[Tensor, "batch fractions"], Float[Tensor, "batch fractions"]]:
    """The distortion when the most relevant share p of the entries is kept, or replaced by noise, for each p.

    "keep" replaces all but the ⌈p·k⌉ entries with the largest mask by noise; "randomise" replaces these and keeps the
    rest ([Re] CartoonX, section 3.4, Figure 3). Noise and distortion are those of the problem. All fractions, images
    and methods share the noise draws.

    Args:
        problem: the images, the classifier, the representation and the distortion.
        mask: the relevance of each entry; only the order counts. A constant mask is the random baseline.
        fractions: shares of the entries, in [0, 1].
        direction: "keep" or "randomise".
        draws: noise draws and tie-breaks; the published curves use 1.
        seed: of the noise and the tie-breaks.
        chunk: obfuscations per forward pass.

    Returns:
        The mean over the draws and its standard error (nan for one draw), both (batch, fractions).

    Raises:
        TypeError, ValueError: a fraction outside [0, 1], no draw, an unknown direction, or a mask of the wrong shape
            or with values that are not finite.
    """
    _check(fractions, direction, draws)
    mask = checked_masks(mask, (len(problem.coefficients), 1, problem.coefficients.shape[2]), name="mask", values="any")
    generator = random_generator(seed, mask.device)
    batch, _, k = mask.shape
    noise = problem.draw(draws, generator)  # (draws, channels, k)
    ranks = random_ranks(mask[:, 0], draws, generator)
    counts = torch.tensor([_count(p, k) for p in fractions], device=mask.device)
    cases = torch.arange(len(counts) * draws, device=mask.device)  # (fraction, draw), flattened
    distortions = []
    for image in range(batch):
        single = problem.select(slice(image, image + 1))
        for case in cases.split(chunk):
            fraction, draw = case // draws, case % draws
            relevant = ranks[draw, image] < counts[fraction, None]  # (chunk, k)
            keep = relevant if direction == "keep" else ~relevant
            distortions.append(single.replacement_distortions(keep.unsqueeze(1), noise[draw]))
    values = torch.cat(distortions).view(batch, len(counts), draws)
    error = values.std(-1) / draws**0.5 if draws > 1 else torch.full_like(values[..., 0], torch.nan)
    return values.mean(-1), error


def _count(fraction: float, k: int) -> int:
    """⌈fraction·k⌉, robust against float rounding, as in 0.07 * 100."""
    return -int(-round(fraction * k, 6) // 1)


def _check(fractions: Sequence[float], direction: str, draws: int) -> None:
    outside = [p for p in fractions if not 0 <= p <= 1]
    if outside:
        raise ValueError(f"fractions must lie in [0, 1]; these do not: {outside}")
    if draws < 1:
        raise ValueError(f"draws must be at least 1, not {draws}")
    if direction not in get_args(Direction):
        raise ValueError(f"direction {direction!r} is not known; use 'keep' or 'randomise'")
