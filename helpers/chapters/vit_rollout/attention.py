"""Pictures and measures of the chapter on rollout: patches, attention maps, a token's share of its own patch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor
from torch.nn import functional

from helpers.methods.rollout import AttentionRollout, Attentions
from helpers.methods.rollout.multiply import Fusion
from helpers.plots import MASK_COLOURS, show_images


def patches_apart(
    image: Float[Tensor, "channels height width"], patch: int, gap: int = 2
) -> Float[Tensor, "channels _height _width"]:
    """The image cut into patches, with white gaps between them.

    Raises:
        ValueError: the sides are not multiples of the patch's.
    """
    channels, height, width = image.shape
    if height % patch or width % patch:
        raise ValueError(f"an image of {height} x {width} pixels cannot be cut into patches of {patch}; resize it")
    cut = image.unflatten(1, (-1, patch)).unflatten(3, (-1, patch))  # channels, row, y, column, x
    spread = functional.pad(cut.permute(0, 1, 3, 2, 4), (0, gap, 0, gap), value=1.0)
    joined = spread.permute(0, 1, 3, 2, 4).reshape(
        channels, height // patch * (patch + gap), width // patch * (patch + gap)
    )
    return joined[:, :-gap, :-gap] if gap else joined


def patch_map(
    values: Float[Tensor, " patches"], attentions: Attentions, size: tuple[int, int]
) -> Float[Tensor, "1 height width"]:
    """One value per patch as a picture of even squares, scaled to a maximum of 1."""
    square = values.reshape(1, 1, attentions.grid.rows, attentions.grid.columns)
    return functional.interpolate(square / values.max().clamp_min(1e-12), size, mode="nearest")[0]


def class_token_reads(attentions: Attentions, layer: int, fusion: Fusion = "mean") -> Float[Tensor, "batch patches"]:
    """The class token's attention to the patches in one layer, the heads fused."""
    row = attentions.layers[layer][:, :, 0, attentions.grid.prefix :]
    if fusion == "mean":
        return row.mean(1)
    return row.amax(1) if fusion == "max" else row.amin(1)


def show_heads(attentions: Attentions, image: int, size: tuple[int, int]) -> Figure:
    """The class token's attention in each layer (columns) and head (rows) for one image of the batch."""
    pictures, titles = [], []
    heads = attentions.layers[0].shape[1]
    for layer, maps in enumerate(attentions.layers):
        for head in range(heads):
            pictures.append(patch_map(maps[image, head, 0, attentions.grid.prefix :], attentions, size))
            titles.append(f"layer {layer + 1}, head {head + 1}")
    order = [layer * heads + head for head in range(heads) for layer in range(len(attentions.layers))]
    return show_images(
        [pictures[index] for index in order],
        [titles[index] for index in order],
        columns=len(attentions.layers),
        colours=MASK_COLOURS,
        width=9.5,
    )


def own_patch_share(attentions: Attentions) -> list[float]:
    """The mean share of its own patch in a token after each layer: the diagonal of the product of N(A + I)."""
    first = attentions.grid.prefix
    product = torch.eye(len(attentions.grid))
    shares = []
    for layer in attentions.layers:
        product = (layer.mean(1) + torch.eye(len(attentions.grid))) / 2 @ product
        shares.append(float(product.diagonal(dim1=-2, dim2=-1)[..., first:].mean()))
    return shares


def rollout_after_layers(
    method: AttentionRollout, attentions: Attentions, images: Sequence[int], layers: int, size: tuple[int, int]
) -> list[Tensor]:
    """The rollout of some images of the batch over the first `layers` layers, as pictures."""
    relevance = method.rollout(attentions, layers=layers)
    return [patch_map(relevance[image], attentions, size) for image in images]


def relevance_concentration(
    relevance: Float[Tensor, "batch patches"], share: float | int = 0.5
) -> Float[Tensor, " batch"]:
    """The smallest share of the patches that holds a share of the relevance."""
    order = relevance.sort(1, descending=True).values
    held = order.cumsum(1) / order.sum(1, keepdim=True)
    return ((held < share).sum(1) + 1) / relevance.shape[1]


def show_rollouts(
    images: Float[Tensor, "batch 3 height width"],
    method: AttentionRollout,
    attentions: Attentions,
    *,
    layers: int | None = None,
) -> Figure:
    """Images in a row, and below each its rollout.

    Args:
        images: the first images of the batch whose attention was captured.
        method: multiplies the attention.
        attentions: of the batch.
        layers: the number of layers to multiply, from the first; None for all.
    """
    size = (images.shape[2], images.shape[3])
    count = len(attentions.layers) if layers is None else layers
    maps = rollout_after_layers(method, attentions, range(len(images)), count, size)
    return show_images([*images, *maps], columns=len(images), colours=MASK_COLOURS, width=7)


def map_correlations(first: Float[Tensor, "batch 1 patches"], second: Float[Tensor, "batch 1 patches"]) -> list[float]:
    """Pearson's correlation of the two maps of each image."""
    return [float(torch.corrcoef(torch.stack(pair))[0, 1]) for pair in zip(first[:, 0], second[:, 0], strict=True)]
