"""How alike two maps are: the correlation over their pixels, which several chapters ask for."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor


def correlations(
    first: Float[Tensor, "maps rows *columns"], second: Float[Tensor, "maps rows *columns"]
) -> Float[Tensor, " maps"]:
    """Pearson's correlation of each map with its partner over the pixels; nan if one of them is constant."""
    a, b = (maps.flatten(1) - maps.flatten(1).mean(1, keepdim=True) for maps in (first, second))
    return (a * b).sum(1) / (a.norm(dim=1) * b.norm(dim=1))
