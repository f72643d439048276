"""Pictures of the chapter on rollout: patches, attention maps and rollouts."""

from __future__ import annotations

import torch
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor
from torch.nn import functional

from helpers.methods.rollout import AttentionRollout, Attentions
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


def last_layer_maps(attentions: Attentions, size: tuple[int, int]) -> Float[Tensor, "batch 1 height width"]:
    """The class token's attention in the last layer, averaged over the heads, as pictures."""
    rows = attentions.layers[-1][:, :, 0, attentions.grid.prefix :].mean(1)
    return torch.stack([patch_map(row, attentions, size) for row in rows])


def show_heads(attentions: Attentions, image: int, size: tuple[int, int]) -> Figure:
    """The class token's attention in each layer (columns) and head (rows) for one image of the batch."""
    pictures, titles = [], []
    heads = attentions.layers[0].shape[1]
    for layer, maps in enumerate(attentions.layers):
        for head in range(heads):
            pictures.append(patch_map(maps[image, head, 0, attentions.grid.prefix :], attentions, size))
            titles.append(f"layer {layer + 1}" if head == 0 else "")
    order = [layer * heads + head for head in range(heads) for layer in range(len(attentions.layers))]
    return show_images(
        [pictures[index] for index in order],
        [titles[index] for index in order],
        columns=len(attentions.layers),
        colours=MASK_COLOURS,
        width=5.6,
    )


def show_rollouts(
    images: Float[Tensor, "batch 3 height width"], method: AttentionRollout, attentions: Attentions
) -> Figure:
    """Images in a row, and below each its rollout, one even square per patch.

    Args:
        images: the first images of the batch whose attention was captured.
        method: multiplies the attention.
        attentions: of the batch.
    """
    size = (images.shape[2], images.shape[3])
    maps = [patch_map(relevance, attentions, size) for relevance in method.rollout(attentions)[: len(images)]]
    return show_images([*images, *maps], columns=len(images), colours=MASK_COLOURS, width=5)
