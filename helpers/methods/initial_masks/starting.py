"""Every initial mask by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from helpers.core.inputs import ImageBatch, Target, checked_images
from helpers.core.names import refuse_unknown
from helpers.core.runtime import random_generator
from helpers.methods.initial_masks.constant import constant_mask
from helpers.methods.initial_masks.foreground import foreground_mask
from helpers.methods.initial_masks.learned import learned_mask
from helpers.methods.rde import RateDistortionExplainer

MASK_NAMES = ("ones", "random", "constant", "foreground", "learned")


def starting_mask(
    name: str,
    method: RateDistortionExplainer,
    images: ImageBatch,
    targets: Target = None,
    **options: Any,
) -> Float[Tensor, "batch 1 k"]:
    """The initial mask of this name, for `method.explain(images, targets, initial=...)`.

    - `ones`: all ones, as in the papers.
    - `random`: one uniform draw, shared by all images; option `seed`.
    - `constant`: see `constant_mask`; options `scan`, `samples`, `seed`.
    - `foreground`: see `foreground_mask`; options `rectangle`, `background`, `seed`.
    - `learned`: see `learned_mask`; options `network`, `lambda_shrink`, `ones_fraction`,
      `refinement_steps`, `sparsity_weights`, `seed`.

    Args:
        name: one of `MASK_NAMES`.
        method: Pixel RDE or CartoonX, with its classifier and options.
        images: pixels in [0, 1].
        targets: as for `method.explain`.
        options: of this initial mask.

    Raises:
        ValueError: the name is not known, the mask has no such option, or the arguments do not fit the mask.
    """
    if name not in MASK_NAMES:
        raise ValueError(f"initial mask {name!r} is not known; use one of {', '.join(MASK_NAMES)}")
    functions: dict[str, Callable[..., Tensor]] = {
        **{"ones": _ones, "random": _random, "foreground": foreground_mask},
        **{"constant": constant_mask, "learned": learned_mask},
    }
    function = functions[name]
    parameters = inspect.signature(function).parameters.values()
    refuse_unknown(f"the initial mask {name!r}", options, [p.name for p in parameters if p.kind is p.KEYWORD_ONLY])
    images = checked_images(images, method.classifier)
    if name in ("constant", "learned"):
        return function(method, images, targets, **options)
    return function(method, images, **options)


def _ones(method: RateDistortionExplainer, images: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch 1 k"]:
    """All ones."""
    return images.new_ones(len(images), 1, _entries(method, images))


def _random(
    method: RateDistortionExplainer, images: Float[Tensor, "batch 3 height width"], *, seed: int = 0
) -> Float[Tensor, "batch 1 k"]:
    """Uniform in [0, 1), the same for all images, so that an image's mask does not depend on the batch."""
    draw = torch.rand(1, 1, _entries(method, images), generator=random_generator(seed, images.device))
    return draw.to(images).repeat(len(images), 1, 1)


def _entries(method: RateDistortionExplainer, images: Tensor) -> int:
    """The number of mask entries per image."""
    bands = method.representation((images.shape[2], images.shape[3])).bands
    return max(band.stop for band in bands.values())
