"""The steps of attention rollout: fuse the heads, discard the lowest entries, multiply the layers.

Abnar and Zuidema (ACL 2020) multiply the layers' attention matrices. The discarding comes from the implementation used
in the reproduction of CartoonX (jacobgil/vit-explain; [Re] CartoonX, section 4.2).
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
    """One map per layer: the mean, maximum or minimum over the heads."""
    if fusion == "mean":
        return attention.mean(1)
    return attention.amax(1) if fusion == "max" else attention.amin(1)


def discard_lowest(fused: Map, ratio: float, variant: Variant = "corrected", *, gradient: bool = False) -> Map:
    """Set the lowest int(ratio * tokens²) entries of each image's map to 0.

    Entries are ranked over the whole map; ties with the lowest kept entry are kept, so that a constant map stays as it
    is. `corrected` exempts the class token's row, its attention to the other tokens, as a comment in the original code
    intends ("don't drop the class token"). `published` exempts only the entry of row 0 and column 0, as that code does,
    and in gradient rollout (`gradient=True`) none.
    """
    tokens = fused.shape[-1]
    rank = int(tokens * tokens * ratio)
    if rank == 0:
        return fused
    lowest = fused.flatten(1).kthvalue(rank + 1, dim=1).values[:, None, None]  # batch, 1, 1
    kept = torch.where(fused >= lowest, fused, 0)  # batch, tokens, tokens
    exempt = tokens if variant == "corrected" else int(not gradient)
    kept[:, 0, :exempt] = fused[:, 0, :exempt]
    return kept


def class_token_relevance(
    layers: Sequence[Map], *, residual: bool = True, variant: Variant = "corrected"
) -> Float[Tensor, "batch tokens"]:
    """The class token's row of the product of all layers' matrices, last layer first.

    A layer's matrix is N(A + I), with A the fused map, I the identity for the residual connection, and N the
    normalisation of rows to a sum of 1. Only one row of the product is needed: a vector-matrix product per layer, from
    the last to the first. The published code lacks a `keepdim`, so that it divides *columns* by the sums of *rows*:
    entry (i, j) by the sum of row j.
    """
    relevance = torch.zeros_like(layers[-1][:, 0])  # batch, tokens
    relevance[:, 0] = 1
    for fused in reversed(layers):
        sums = (fused.sum(-1) + float(residual)).clamp_min(torch.finfo(fused.dtype).tiny)  # batch, tokens
        if variant == "corrected":
            relevance = relevance / sums
        attended = (relevance[:, None] @ fused)[:, 0]  # batch, tokens
        relevance = attended + relevance if residual else attended
        if variant == "published":
            relevance = relevance / sums
    return relevance
