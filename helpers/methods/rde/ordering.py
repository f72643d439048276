"""An order of relevance: masks of the same images at several rates.

Macdonald, Besançon and Pokutta (2022) order the pixels of an image by the masks at several rates: an entry that is
kept even where little may be kept comes first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from jaxtyping import Float, Int
from torch import Tensor

from helpers.core.explanation import Explanation
from helpers.core.inputs import ImageBatch, Target, checked_images
from helpers.methods.rde.methods import RateDistortionExplainer


@dataclass(frozen=True)
class RelevanceOrder:
    """The coefficients of images in order of relevance.

    Attributes:
        keeps: the rates as they were given, ascending.
        explanations: one per rate.
        score: the mean of the masks over the rates, in [0, 1].
        order: the places of the coefficients, the most relevant first; those that no mask keeps come last.
    """

    keeps: tuple[int | float, ...]
    explanations: tuple[Explanation, ...]
    score: Float[Tensor, "batch 1 k"]
    order: Int[Tensor, "batch k"]


def first_mask(order: Float[Tensor, "batch 1 k"], count: int) -> Float[Tensor, "batch 1 k"]:
    """The binary mask of the first coefficients of an order, in which the largest values come first, of either sign."""
    return torch.zeros_like(order).scatter(2, order.topk(count, dim=2).indices, 1.0)


def relevance_order(
    method: RateDistortionExplainer,
    images: ImageBatch,
    targets: Target = None,
    *,
    keeps: Sequence[int | float],
    steps: int | None = None,
) -> RelevanceOrder:
    """Explain images at several rates, and order their coefficients by the mean of the masks.

    From the largest rate to the smallest: each search starts from the mask before it.

    Args:
        method: CartoonX or Pixel RDE.
        images: pixels in [0, 1].
        targets: as in `explain`.
        keeps: the rates, as the option `keep`: ascending, either all numbers or all shares.
        steps: for all rates but the largest; None for as many as that has, the method's.

    Raises:
        ValueError: the rates do not ascend, are of both kinds or out of range.
    """
    if len({isinstance(keep, int) for keep in keeps}) != 1 or any(low >= high for low, high in pairwise(keeps)):
        raise ValueError(f"keeps must ascend, all numbers of coefficients or all shares of them, not {list(keeps)}")
    images = checked_images(images, method.classifier)
    methods = [method.with_options(keep=keep) for keep in keeps]
    later = method.options.steps if steps is None else steps
    explanations: list[Explanation] = []
    for each in reversed(methods):
        if not explanations:
            explanations.append(each.explain(images, targets))
        else:
            shorter = each.with_options(steps=later)
            explanations.append(shorter.explain(images, targets, initial=explanations[-1].representation_mask))
    explanations.reverse()
    masks = [explanation.representation_mask for explanation in explanations]
    score = torch.stack([mask for mask in masks if mask is not None]).mean(0)  # batch, 1, k
    order = score[:, 0].argsort(dim=1, descending=True, stable=True)  # batch, k
    return RelevanceOrder(tuple(keeps), tuple(explanations), score, order)
