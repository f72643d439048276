"""The constant starting mask, found by pre-optimisation."""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from helpers.core.runtime import random_generator
from helpers.methods.rde import RateDistortion, RateDistortionExplainer
from helpers.methods.rde.distortions import Target

HALVINGS = 7  # a resolution of 1/128, finer than the published hundredth
Scan = Literal["bisection", "published"]


def constant_mask(
    method: RateDistortionExplainer,
    images: Float[Tensor, "batch 3 height width"],
    targets: Target = None,
    *,
    scan: Scan = "bisection",
    samples: int = 64,
    seed: int = 0,
) -> Float[Tensor, "batch 1 k"]:
    """The smallest constant mask under which the classifier still decides as it did ([Re] CartoonX, section 3.4).

    It decides by the mean of the logits over the noise draws; one fixed draw serves all images and all constants.

    `scan="bisection"` halves the interval from 0 (taken as failing) to 1 seven times, all images at once: 8 forwards
    of `samples` obfuscations an image. Where the decision is monotone in the constant this is the smallest multiple of
    1/128 that passes. Where it is not, it is still one that passes, with the one 1/128 below it failing (or 0), though
    a smaller one may pass too. `scan="published"` goes down from 1 by hundredths to the first failure and takes one
    step back, in up to 100 forwards; what lies below the first failure it does not see. An image that fails at 1
    starts from 1.

    Args:
        method: whose representation is masked and whose noise is drawn.
        images: pixels in [0, 1].
        targets: a class, one class an image, or None for the predicted classes.
        scan: how the constants are searched.
        samples: noise draws.
        seed: of the noise.

    Raises:
        ValueError: the targets are a callable (there is no decision to keep), or the scan is not known.
    """
    if callable(targets):
        raise ValueError("a constant mask keeps the decision for a class; give classes as targets, not a callable")
    if scan not in ("bisection", "published"):
        raise ValueError(f"scan {scan!r} is not known; use 'bisection' or 'published'")
    problem = method.problem(images, targets)
    noise = problem.draw(samples, random_generator(seed, images.device))
    search = _bisect if scan == "bisection" else _scan_down
    constants = search(problem, noise)
    return constants[:, None, None].expand_as(problem.coefficients[:, :1]).contiguous()


def _bisect(problem: RateDistortion, noise: Tensor) -> Float[Tensor, " batch"]:
    """The upper end of the interval that holds a threshold, after `HALVINGS` halvings."""
    high = problem.coefficients.new_ones(len(problem.coefficients))
    low = torch.zeros_like(high)
    sound = keeps_decision(problem, high, noise)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        passed = keeps_decision(problem, middle, noise)
        high, low = torch.where(passed, middle, high), torch.where(passed, low, middle)
    return torch.where(sound, high, 1.0)


def _scan_down(problem: RateDistortion, noise: Tensor) -> Float[Tensor, " batch"]:
    """1, 0.99, ..., 0.01 until the first failure of each image, then one step back; 0.01 where none fails."""
    found = problem.coefficients.new_full((len(problem.coefficients),), 0.01)
    going = torch.ones_like(found, dtype=torch.bool)
    for percent in range(100, 0, -1):
        failed = going & ~keeps_decision(problem, torch.full_like(found, percent / 100), noise)
        found[failed] = min(percent + 1, 100) / 100
        going &= ~failed
        if not going.any():
            break
    return found


@torch.no_grad()
def keeps_decision(
    problem: RateDistortion,
    constants: Float[Tensor, " batch"],
    noise: Float[Tensor, "draws channels k"],
    *,
    chunk: int = 16,
) -> Bool[Tensor, " batch"]:
    """Whether the mean logits of each image's obfuscations by its constant mask still have the target as the largest.

    `chunk` draws are worked on at a time, to bound the memory.
    """
    mask = constants[:, None, None].expand_as(problem.coefficients[:, :1])
    total: Tensor | float = 0.0
    for part in noise.split(chunk):
        obfuscated = problem.obfuscate(mask, part)
        total = total + problem.classifier(obfuscated.flatten(0, 1)).unflatten(0, obfuscated.shape[:2]).sum(0)
    assert isinstance(total, Tensor)
    return total.argmax(-1) == problem.measure.targets
