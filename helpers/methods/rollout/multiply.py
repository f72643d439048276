"""The arithmetic of rollout: fuse the heads, discard, multiply the layers along the class token's row.

Abnar and Zuidema (ACL 2020) multiply the layers' attention matrices; the discarding of the lowest entries comes from
the implementation that the reproduction of CartoonX used (jacobgil/vit-explain; [Re] CartoonX, section 4.2).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from helpers.core.types import Variant

Fusion = Literal["mean", "max", "min"]
Map = Float[Tensor, "batch tokens tokens"]

FUSIONS: tuple[Fusion, ...] = ("mean", "max", "min")
VARIANTS: tuple[Variant, ...] = ("corrected", "published")


def fuse_heads(attention: Float[Tensor, "batch heads tokens tokens"], fusion: Fusion) -> Map:
    """One map a layer: the mean, the largest or the smallest of what the heads give."""
    if fusion == "mean":
        return attention.mean(1)
    return attention.amax(1) if fusion == "max" else attention.amin(1)


def discard_lowest(fused: Map, ratio: float, variant: Variant = "corrected") -> Map:
    """Set the lowest entries of each image's map to 0, int(ratio * tokens²) of them.

    Entries are ranked over the whole map. `corrected` then spares the class token's row, what the class token itself
    reads, as a comment in the original code wants it ("don't drop the class token"); its column, how much the others
    read from it, is treated like any other. `published` spares the single entry of row 0 and column 0, which is what
    that code does. Entries that are equal to the lowest one kept are kept too, so a map of equal numbers stays whole.
    """
    tokens = fused.shape[-1]
    rank = int(tokens * tokens * ratio)
    if rank == 0:
        return fused
    lowest = fused.flatten(1).kthvalue(rank + 1, dim=1).values[:, None, None]  # batch, 1, 1
    kept = torch.where(fused >= lowest, fused, 0)
    spared = 1 if variant == "published" else tokens
    kept[:, 0, :spared] = fused[:, 0, :spared]
    return kept


def class_token_relevance(
    layers: Sequence[Map], *, residual: bool = True, variant: Variant = "corrected"
) -> Float[Tensor, "batch tokens"]:
    """The class token's row of the product of all layers' matrices, last layer first.

    A layer's matrix is N(A + I), with A the fused map, I the identity for the residual connection, and N the
    normalisation of rows to a sum of 1. Only one row of the product is wanted, so it is carried as a vector from the
    last layer to the first, and no matrix is multiplied with another. The published code lacks a `keepdim`, so that
    *columns* are divided by the sums of the *rows*: entry (i, j) by the sum of row j.
    """
    relevance = torch.zeros_like(layers[-1][:, 0])
    relevance[:, 0] = 1
    for fused in reversed(layers):
        sums = (fused.sum(-1) + float(residual)).clamp_min(torch.finfo(fused.dtype).tiny)
        if variant == "corrected":
            relevance = relevance / sums
        through = (relevance[:, None] @ fused)[:, 0]
        relevance = through + relevance if residual else through
        if variant == "published":
            relevance = relevance / sums
    return relevance
