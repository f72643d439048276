"""Measures of a mask against a region of the image, invariant to the scale of the mask."""

from __future__ import annotations

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from helpers.core.mask_inputs import checked_booleans, checked_masks

PIXELS = ("batch", "height", "width")


def relevance_mass_above_chance(
    masks: Shaped[Tensor, "batch height width"], region: Shaped[Tensor, "batch height width"]
) -> Float[Tensor, " batch"]:
    """The share of a mask's mass in a region, minus the region's share of the image.

    0 for a constant mask (also the empty one), 1 - area for a mask that lies inside the region, -area for a mask that
    lies outside.

    Args:
        masks: not negative.
        region: its pixels.

    Raises:
        TypeError, ValueError: masks or region have a wrong shape, type or range.
    """
    masks = checked_masks(masks, PIXELS, values="positive")
    region = checked_booleans(region, masks.shape, name="region", device=masks.device)
    total = masks.sum((1, 2))
    area = region.to(masks.dtype).mean((1, 2))
    inside = masks.masked_fill(~region, 0).sum((1, 2))  # (batch,)
    share = inside / total.clamp_min(torch.finfo(masks.dtype).tiny)
    return torch.where(total > 0, share - area, torch.zeros_like(total))


def pixel_auroc(
    masks: Shaped[Tensor, "batch height width"],
    region: Shaped[Tensor, "batch height width"],
    other: Shaped[Tensor, "batch height width"],
) -> Float[Tensor, " batch"]:
    """Pixel AUROC: the probability that a random pixel of a region has a larger mask value than one of another region.

    The area under the ROC curve, or the normalised Mann-Whitney statistic. Ties count half: a constant mask scores 0.5.
    Only the order of the mask's values matters, so that methods of any calibration can be compared. nan if one of the
    two regions is empty.

    Args:
        masks: any finite values.
        region, other: the pixels that are compared.

    Raises:
        TypeError, ValueError: masks or regions have a wrong shape, type or range.
    """
    masks = checked_masks(masks, PIXELS, values="any")
    values = masks.flatten(1)
    inside, outside = (
        checked_booleans(pixels, masks.shape, name=name, device=masks.device).flatten(1)
        for name, pixels in (("region", region), ("other region", other))
    )
    # pixels outside `other` are sorted to the end, as infinities
    ordered = values.masked_fill(~outside, torch.inf).sort(1).values
    below, up_to = (torch.searchsorted(ordered, values.contiguous(), right=right) for right in (False, True))
    wins = (below + up_to).masked_fill(~inside, 0).sum(1).double() / 2  # float32 cannot hold counts this large
    pairs = inside.sum(1) * outside.sum(1)
    return torch.where(pairs > 0, wins / pairs.clamp_min(1), torch.nan).to(values.dtype)


def pointing_game(
    masks: Shaped[Tensor, "batch height width"], region: Shaped[Tensor, "batch height width"]
) -> Float[Tensor, " batch"]:
    """The pointing game: 1 if the largest value of a mask lies in the region, else 0.

    If several pixels share the largest value, the share of them in the region.

    Args:
        masks: any finite values.
        region: the pixels that count as a hit.

    Raises:
        TypeError, ValueError: masks or region have a wrong shape, type or range.
    """
    masks = checked_masks(masks, PIXELS, values="any")
    region = checked_booleans(region, masks.shape, name="region", device=masks.device)
    top = masks == masks.amax((1, 2), keepdim=True)
    return (top & region).sum((1, 2)) / top.sum((1, 2))
