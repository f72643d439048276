"""The constant initial mask, found by pre-optimisation."""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from helpers.core.inputs import Target, is_score
from helpers.core.runtime import random_generator
from helpers.methods.rde import RateDistortion, RateDistortionExplainer

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
    """The smallest constant mask under which the classifier keeps its prediction ([Re] CartoonX, section 3.4).

    The prediction is that of the logits averaged over the noise draws, which all images and all constants share.

    `scan="bisection"` halves the interval from 0 (taken as failing) to 1 seven times, for all images at once, in 8
    forward passes of `samples` obfuscations per image. If the prediction is monotone in the constant, the result is the
    smallest multiple of 1/128 that passes; otherwise it passes too, and the next smaller multiple fails (or is 0), but
    a smaller one may pass. `scan="published"` descends from 1 by hundredths to the first failure and takes one step
    back, in up to 100 forward passes; it ignores constants below the first failure. An image that fails at 1 gets 1.

    Args:
        method: Pixel RDE or CartoonX, with its representation and its noise.
        images: pixels in [0, 1].
        targets: one class for all images, one per image, or None for the predicted classes.
        scan: the search over the constants.
        samples: noise draws.
        seed: of the noise.

    Raises:
        ValueError: the targets are a callable (there is no prediction to keep), or the scan is not known.
    """
    if is_score(targets):
        raise ValueError("a constant mask keeps the prediction of a class; give classes as targets, not a callable")
    if scan not in ("bisection", "published"):
        raise ValueError(f"scan {scan!r} is not known; use 'bisection' or 'published'")
    problem = method.problem(images, targets)
    noise = problem.draw(samples, random_generator(seed, images.device))
    search = _bisect if scan == "bisection" else _scan_down
    constants = search(problem, noise)
    return constants[:, None, None].expand_as(problem.coefficients[:, :1]).contiguous()


def _bisect(problem: RateDistortion, noise: Tensor) -> Float[Tensor, " batch"]:
    """The upper end of the bracket around a threshold, after `HALVINGS` halvings."""
    high = problem.coefficients.new_ones(len(problem.coefficients))
    low = torch.zeros_like(high)
    full_passes = keeps_prediction(problem, high, noise)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        passed = keeps_prediction(problem, middle, noise)
        high, low = torch.where(passed, middle, high), torch.where(passed, low, middle)
    return torch.where(full_passes, high, 1.0)


def _scan_down(problem: RateDistortion, noise: Tensor) -> Float[Tensor, " batch"]:
    """1, 0.99, ..., 0.01 until the first failure of each image, then one step back; 0.01 where none fails."""
    constants = problem.coefficients.new_full((len(problem.coefficients),), 0.01)
    running = torch.ones_like(constants, dtype=torch.bool)
    for percent in range(100, 0, -1):
        failed = running & ~keeps_prediction(problem, torch.full_like(constants, percent / 100), noise)
        constants[failed] = min(percent + 1, 100) / 100
        running &= ~failed
        if not running.any():
            break
    return constants


@torch.no_grad()
def keeps_prediction(
    problem: RateDistortion,
    constants: Float[Tensor, " batch"],
    noise: Float[Tensor, "draws channels k"],
    *,
    chunk: int = 16,
) -> Bool[Tensor, " batch"]:
    """Whether the logits of each image, averaged over its obfuscations by a constant mask, still predict the target.

    The draws are classified `chunk` at a time, to bound the memory.
    """
    mask = constants[:, None, None].expand_as(problem.coefficients[:, :1])
    total: Tensor | float = 0.0
    for draws in noise.split(chunk):
        obfuscated = problem.obfuscate(mask, draws)  # draws, batch, channels, height, width
        total = total + problem.classifier(obfuscated.flatten(0, 1)).unflatten(0, obfuscated.shape[:2]).sum(0)
    assert isinstance(total, Tensor)
    return total.argmax(-1) == problem.measure.targets
