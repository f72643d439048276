"""Changes of maps whose effect on a good metric is known: degraded by degrees, or made no better."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from helpers.core.blur import gaussian_blur
from helpers.core.centre import centre_gaussian
from helpers.core.runtime import random_generator

Maps = Float[Tensor, "batch height width"]

LEVELS = (0.0, 0.1, 0.25, 0.5, 1.0)
"""The shares of a map's cells that change places."""

CELLS = 16
"""The cells per side that change places."""

_BLUR, _REACH = 0.05, 0.05  # shares of the side: a standard deviation and a radius


def permute_cells(maps: Maps, share: float, *, seed: int = 0) -> Maps:
    """Maps of which a share of the square cells changed places; a larger share moves the same cells and more.

    Args:
        maps: of a side that `CELLS` divides.
        share: in [0, 1].
        seed: of the order, which differs between the images and does not depend on the maps.

    Raises:
        ValueError: the cells do not divide the side, or the share is outside [0, 1].
    """
    batch, height, width = maps.shape
    if height % CELLS or width % CELLS or not 0 <= share <= 1:
        raise ValueError(f"expected a side that {CELLS} divides and a share in [0, 1], not {height}x{width}, {share}")
    rows, columns = height // CELLS, width // CELLS
    cells = functional.unfold(maps[:, None], (rows, columns), stride=(rows, columns))  # batch, pixels, cells
    order = torch.rand(batch, CELLS**2, generator=random_generator(seed)).argsort(1).to(maps.device)
    moved = order[:, : round(share * CELLS**2)]  # batch, moved
    source = torch.arange(CELLS**2, device=maps.device).expand(batch, -1).scatter(1, moved, moved.roll(1, 1))
    changed = cells.gather(2, source[:, None].expand_as(cells))
    return functional.fold(changed, (height, width), (rows, columns), stride=(rows, columns))[:, 0]


def blur(maps: Maps) -> Maps:
    """Maps smoothed by a Gaussian of a twentieth of the side."""
    return gaussian_blur(maps, _BLUR * maps.shape[-1]).clamp(0, 1)


def dilate(maps: Maps) -> Maps:
    """The largest value within a twentieth of the side around each pixel."""
    reach = max(1, round(_REACH * maps.shape[-1]))
    return functional.max_pool2d(maps[:, None], 2 * reach + 1, stride=1, padding=reach)[:, 0]


def centre_bias(maps: Maps) -> Maps:
    """Maps times a Gaussian in the centre, whose standard deviation is a quarter of the side."""
    return maps * centre_gaussian(*maps.shape[1:]).to(maps)


def sharpen(maps: Maps) -> Maps:
    """Maps with twice their difference from their blur, cut to [0, 1]."""
    return (2 * maps - blur(maps)).clamp(0, 1)


def threshold(maps: Maps) -> Maps:
    """Binary maps of the same area: as many of the largest values as the map's sum become 1, the others 0."""
    flat = maps.flatten(1)
    count = flat.sum(1).round().long().clamp(1, flat.shape[1])[:, None]  # batch, 1
    order = flat.sort(dim=1, descending=True, stable=True).indices  # batch, pixels
    ranks = torch.empty_like(order).scatter_(1, order, torch.arange(flat.shape[1]).to(order).expand_as(order))
    return (ranks < count).to(maps.dtype).view_as(maps)


LUNCHES: dict[str, Callable[[Maps], Maps]] = {
    "blur": blur,
    "dilate": dilate,
    "centre": centre_bias,
    "sharpen": sharpen,
    "threshold": threshold,
}
"""The changes that know nothing of the classifier, so that no metric should reward them."""
