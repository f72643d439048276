"""How concentrated a map is, whatever the image: the Gini index and the entropy of its values."""

from __future__ import annotations

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from helpers.core.mask_inputs import checked_masks
from helpers.metrics.regions import PIXELS


def gini_index(maps: Shaped[Tensor, "batch height width"]) -> Float[Tensor, " batch"]:
    """The Gini index of a map's values: 0 if all are equal, 1 - 1/n if one of n pixels has all the mass.

    A map without any mass prefers no pixel, as a constant one: 0. The "sparseness" of Chalasani et al. (ICML 2020).

    Args:
        maps: not negative; only the values' ratios count.

    Raises:
        TypeError, ValueError: the maps have a wrong shape, type or range.
    """
    values = checked_masks(maps, PIXELS, values="positive").flatten(1).double().sort(1).values  # batch, pixels
    count = values.shape[1]
    weights = 2 * torch.arange(1, count + 1, dtype=values.dtype, device=values.device) - count - 1
    total = values.sum(1)
    index = (values @ weights) / (count * total.clamp_min(torch.finfo(values.dtype).tiny))
    return torch.where(total > 0, index, torch.zeros_like(index))


def entropy(maps: Shaped[Tensor, "batch height width"]) -> Float[Tensor, " batch"]:
    """The entropy of a map's mass over the pixels, in nats: 0 if one pixel has it all, log n for a constant map of n.

    A map without any mass prefers no pixel, as a constant one: log n. The "complexity" of Bhatt et al. (IJCAI 2020).

    Args:
        maps: not negative; only the values' ratios count.

    Raises:
        TypeError, ValueError: the maps have a wrong shape, type or range.
    """
    values = checked_masks(maps, PIXELS, values="positive").flatten(1).double()  # batch, pixels
    total = values.sum(1, keepdim=True)
    shares = torch.where(total > 0, values / total, 1 / values.shape[1])  # batch, pixels
    return torch.special.entr(shares).sum(1)
