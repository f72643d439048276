"""Measures of a mask against a region of the image, invariant to the scale of the mask."""

from __future__ import annotations

import math

import torch
from jaxtyping import Bool, Float, Shaped
from torch import Tensor
from torch.nn import functional

from helpers.core.mask_inputs import checked_booleans, checked_masks

PIXELS = ("batch", "height", "width")


def relevance_mass_above_chance(
    masks: Shaped[Tensor, "batch height width"],
    region: Shaped[Tensor, "batch height width"],
    counted: Shaped[Tensor, "batch height width"] | None = None,
) -> Float[Tensor, " batch"]:
    """The share of a mask's mass in a region, minus the region's share of the image.

    0 for a constant mask (also the empty one), 1 - area for a mask that lies inside the region, -area for a mask that
    lies outside. The share of the mass alone is the relevance mass accuracy of Arras et al. (Information Fusion 81,
    2022).

    Args:
        masks: not negative.
        region: its pixels.
        counted: the pixels to score, in mass and area; None for all.

    Raises:
        TypeError, ValueError: masks, region or counted pixels have a wrong shape, type or range.
    """
    masks = checked_masks(masks, PIXELS, values="positive")
    region, counted = _checked_regions(masks, region, counted)
    masks = masks.masked_fill(~counted, 0)
    total = masks.sum((1, 2))
    area = region_share(region, counted).to(masks.dtype)
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
    masks: Shaped[Tensor, "batch height width"],
    region: Shaped[Tensor, "batch height width"],
    counted: Shaped[Tensor, "batch height width"] | None = None,
    *,
    tolerance: float | int = 0,
) -> Float[Tensor, " batch"]:
    """The pointing game: 1 if the largest value of a mask lies in the region, else 0 (Zhang et al., ECCV 2016).

    If several pixels share the largest value, the share of them in the region: a constant mask scores as a pixel drawn
    at random would on average.

    Args:
        masks: any finite values.
        region: the pixels that count as a hit.
        counted: the pixels among which the largest value is sought; None for all.
        tolerance: a hit may lie outside the region, at less than this distance in pixels (`widened`).

    Raises:
        TypeError, ValueError: masks, region or counted pixels have a wrong shape, type or range, or the tolerance is
            negative.
    """
    masks = checked_masks(masks, PIXELS, values="any")
    region, counted = _checked_regions(masks, region, counted)
    values = masks.masked_fill(~counted, -torch.inf)
    top = (values == values.amax((1, 2), keepdim=True)) & counted
    return (top & widened(region, tolerance)).sum((1, 2)) / top.sum((1, 2))


def relevance_rank_accuracy(
    masks: Shaped[Tensor, "batch height width"],
    region: Shaped[Tensor, "batch height width"],
    counted: Shaped[Tensor, "batch height width"] | None = None,
) -> Float[Tensor, " batch"]:
    """Relevance rank accuracy: the share of a region that a mask's K largest values cover, K being the region's size.

    So mask and region have one area, and the measure is the intersection of the two over that area (Arras et al.,
    Information Fusion 81, 2022). Only the order of the values matters. Pixels that share the K-th largest value share
    the places that are left, so that a constant mask scores the region's share of the image. nan for an empty region.

    Args:
        masks: any finite values.
        region: its pixels.
        counted: the pixels that are ranked; None for all.

    Raises:
        TypeError, ValueError: masks, region or counted pixels have a wrong shape, type or range.
    """
    masks = checked_masks(masks, PIXELS, values="any")
    region, counted = _checked_regions(masks, region, counted)
    inside, values = region.flatten(1), masks.masked_fill(~counted, -torch.inf).flatten(1)
    size = inside.sum(1, keepdim=True)  # batch, 1
    last = values.sort(1, descending=True).values.gather(1, (size - 1).clamp_min(0))  # the K-th largest value
    above, tied = values > last, (values == last) & counted.flatten(1)
    left = (size - above.sum(1, keepdim=True)) / tied.sum(1, keepdim=True)  # places per tied pixel
    hits = (above & inside).sum(1) + (tied & inside).sum(1) * left[:, 0]
    return torch.where(size[:, 0] > 0, hits / size[:, 0].clamp_min(1), torch.nan)


def widened(region: Bool[Tensor, "batch height width"], tolerance: float | int) -> Bool[Tensor, "batch height width"]:
    """The pixels at less than some distance, in pixels, from a region; a distance of 0 leaves the region as it is.

    Raises:
        ValueError: the distance is negative.
    """
    if tolerance < 0:
        raise ValueError(f"tolerance={tolerance} is a distance in pixels: it must not be negative")
    if tolerance <= 1:
        return region
    reach = math.ceil(tolerance) - 1  # the largest whole distance below the tolerance
    steps = torch.arange(-reach, reach + 1, device=region.device)
    disc = (steps[:, None] ** 2 + steps**2 < tolerance**2).float()
    near = functional.conv2d(region[:, None].float(), disc[None, None], padding=reach)
    return near[:, 0] > 0.5


def region_share(
    region: Bool[Tensor, "batch height width"], counted: Bool[Tensor, "batch height width"]
) -> Float[Tensor, " batch"]:
    """The share of the counted pixels that lie in a region, which chance hits; nan without any."""
    return (region & counted).sum((1, 2)) / counted.sum((1, 2))


def _checked_regions(masks: Tensor, region: Tensor, counted: Tensor | None) -> tuple[Tensor, Tensor]:
    """The counted pixels of a region, and the counted pixels, both of the masks' shape."""
    region = checked_booleans(region, masks.shape, name="region", device=masks.device)
    if counted is None:
        return region, torch.ones_like(region)
    counted = checked_booleans(counted, masks.shape, name="counted pixels", device=masks.device)
    return region & counted, counted
