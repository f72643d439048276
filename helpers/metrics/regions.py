"""How much of a mask speaks of one region of the image, in measures that do not depend on how a mask is scaled."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor


def relevance_mass_above_chance(
    masks: Float[Tensor, "batch height width"], region: Bool[Tensor, "batch height width"]
) -> Float[Tensor, " batch"]:
    """The share of a mask's mass in a region, minus the region's share of the image.

    0 for a mask that knows nothing (a constant, also the empty one), 1 - area for a mask that lies in the region
    alone, -area for one that avoids it. A factor on the mask changes nothing.

    Args:
        masks: not negative.
        region: which pixels are meant.
    """
    total = masks.sum((1, 2))
    area = region.to(masks.dtype).mean((1, 2))
    inside = masks.masked_fill(~region, 0).sum((1, 2))
    share = inside / total.clamp_min(torch.finfo(masks.dtype).tiny)
    return torch.where(total > 0, share - area, torch.zeros_like(total))


def pixel_auroc(
    masks: Float[Tensor, "batch height width"],
    region: Bool[Tensor, "batch height width"],
    other: Bool[Tensor, "batch height width"],
) -> Float[Tensor, " batch"]:
    """The probability that a random pixel of a region stands higher in a mask than a random one of another region.

    The area under the ROC curve, and the Mann-Whitney statistic. A tie counts half: a constant mask scores 0.5. Only
    the order of the mask's values counts, so that methods of any calibration can be compared. nan where one of the
    two regions is empty.

    Args:
        masks: any values.
        region, other: which pixels are compared.
    """
    values = masks.flatten(1)
    inside, outside = region.flatten(1), other.flatten(1)
    # pixels that are not compared go to the end of the sorted row, where no value reaches
    ordered = values.masked_fill(~outside, torch.inf).sort(1).values
    below, up_to = (torch.searchsorted(ordered, values.contiguous(), right=right) for right in (False, True))
    wins = (below + up_to).masked_fill(~inside, 0).sum(1).double() / 2  # whole numbers beyond what float32 can hold
    pairs = inside.sum(1) * outside.sum(1)
    return torch.where(pairs > 0, wins / pairs.clamp_min(1), torch.nan).to(masks.dtype)


def pointing_game(
    masks: Float[Tensor, "batch height width"], region: Bool[Tensor, "batch height width"]
) -> Float[Tensor, " batch"]:
    """The pointing game: whether the largest value of a mask lies in the region, 1 or 0.

    Where several pixels share the largest value, the share of them inside: what a random choice among them scores.

    Args:
        masks: any values.
        region: which pixels count as a hit.
    """
    top = masks == masks.amax((1, 2), keepdim=True)
    return (top & region).sum((1, 2)) / top.sum((1, 2))
