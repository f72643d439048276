"""What rollout is compared with in its chapter: tokens that really change, and a class token that misses a window."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from scipy.stats import spearmanr
from torch import Tensor, nn
from torch.nn import functional

from helpers.classifiers import Classifier
from helpers.core.runtime import random_generator
from helpers.methods.rollout import Attentions


class HidingEffects(NamedTuple):
    """The effects of hiding each window of each image.

    Attributes:
        token: how far the class token moves behind the last layer, in units of its own features.
        logit: by how much the logit of the class falls.
    """

    token: Float[Tensor, "batch windows"]
    logit: Float[Tensor, "batch windows"]


def own_patch_share(attentions: Attentions) -> list[float]:
    """The mean share of its own patch in a token after each layer: the diagonal of the product of N(A + I)."""
    first = attentions.grid.prefix
    product = torch.eye(len(attentions.grid))
    shares = []
    for layer in attentions.layers:
        product = (layer.mean(1) + torch.eye(len(attentions.grid))) / 2 @ product
        shares.append(float(product.diagonal(dim1=-2, dim2=-1)[..., first:].mean()))
    return shares


def measured_own_share(
    classifier: Classifier, images: Float[Tensor, "batch 3 height width"], *, draws: int = 3, seed: int = 0
) -> Float[Tensor, "layers batch"]:
    """The share of its own patch in a token after each layer, by derivatives.

    A random direction of a random patch's token is differentiated by the tokens of all patches before the first layer;
    the share is the norm of the derivative by its own, over the sum of the norms.

    Args:
        classifier: a vision transformer of timm with one token before the patches.
        images: pixels in [0, 1].
        draws: tokens per image and layer, over which the share is averaged.
        seed: of tokens and directions.
    """
    network = classifier.network
    random = random_generator(seed)
    rows = torch.arange(len(images))
    with torch.no_grad():
        patches = network.patch_embed((images - classifier.mean) / classifier.std).flatten(1, -2)
    start = torch.cat([network.cls_token.detach().expand(len(images), -1, -1), patches], 1) + network.pos_embed.detach()
    start.requires_grad_()
    shares, tokens = [], start
    for block in network.blocks:
        tokens = block(tokens)
        found = []
        for _ in range(draws):
            chosen = torch.randint(1, tokens.shape[1], (len(images),), generator=random)
            direction = torch.randn(tokens.shape[::2], generator=random)
            read = (tokens[rows, chosen] * direction).sum()
            (slope,) = torch.autograd.grad(read, start, retain_graph=True)
            norms = slope.norm(dim=2)  # batch, tokens
            found.append(norms[rows, chosen] / norms[:, 1:].sum(1))
        shares.append(torch.stack(found).mean(0))
    return torch.stack(shares)


@torch.no_grad()
def hiding_effects(
    classifier: Classifier,
    images: Float[Tensor, "batch 3 size size"],
    targets: Int[Tensor, " batch"],
    *,
    window: int,
) -> HidingEffects:
    """Hide one window after another behind the mean colour of its image.

    Args:
        classifier: a vision transformer of timm.
        images: pixels in [0, 1].
        targets: the class of each image.
        window: the side of a window in pixels, a divisor of the image's side.
    """
    per_side = images.shape[-1] // window
    hidden = torch.eye(per_side**2).unflatten(1, (per_side, per_side))[:, None]  # windows, 1, rows, columns
    hidden = functional.interpolate(hidden, images.shape[-2:], mode="nearest")
    moved, fallen = [], []
    for image, target in zip(images, targets.tolist(), strict=True):
        covered = image * (1 - hidden) + image.mean((1, 2), keepdim=True) * hidden
        tokens, logits = _class_token(classifier, torch.cat([image[None], covered]))
        moved.append((tokens[1:] - tokens[0]).norm(dim=1))
        fallen.append(logits[0, target] - logits[1:, target])
    return HidingEffects(torch.stack(moved), torch.stack(fallen))


def rank_agreement(
    maps: Float[Tensor, "batch 1 size size"], effects: Float[Tensor, "batch windows"]
) -> Float[Tensor, " batch"]:
    """Spearman's correlation of each map, averaged over the windows, with the effects of hiding them."""
    window = round((maps.shape[-1] ** 2 / effects.shape[1]) ** 0.5)
    values = functional.avg_pool2d(maps, window).flatten(1)
    return torch.tensor(
        [float(spearmanr(*pair).statistic) for pair in zip(values.numpy(), effects.numpy(), strict=True)]
    )


def _class_token(
    classifier: Classifier, images: Float[Tensor, "batch 3 height width"]
) -> tuple[Float[Tensor, "batch features"], Float[Tensor, "batch classes"]]:
    """The class token behind the last normalisation, and the logits."""
    found: list[Tensor] = []

    def keep(_: nn.Module, __: tuple, tokens: Tensor) -> None:
        found.append(tokens[:, 0])

    handle = classifier.network.norm.register_forward_hook(keep)
    try:
        logits = classifier(images)
    finally:
        handle.remove()
    return found[0], logits
