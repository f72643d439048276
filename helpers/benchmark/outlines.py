"""A small network that sees binary masks alone, and how well it predicts a class from them."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional

from helpers.core.runtime import random_generator
from helpers.metrics.curves import random_ranks
from helpers.training.in_memory import train_in_memory

FOLDS = 5
"""The folds of the cross-validation."""

STEPS, BATCH, RATE = 150, 32, 6e-3
"""The steps of the training, each on so many masks, and the largest learning rate."""

_SIDE = 32  # of the masks as the network sees them
_REACH = 3  # the largest shift, in pixels of these


def binary_masks(
    maps: Float[Tensor, "batch height width"], counts: Int[Tensor, " batch"], *, seed: int = 0
) -> Bool[Tensor, "batch height width"]:
    """The most relevant pixels of each map; ties are broken at random.

    Args:
        maps: the relevance of each pixel.
        counts: the number of pixels that each mask has.
        seed: of the ties.
    """
    flat = maps.flatten(1)
    ranks = random_ranks(flat, 1, random_generator(seed, flat.device))[0]  # batch, pixels
    return (ranks < counts[:, None]).view_as(maps)


def predicted(
    masks: Bool[Tensor, "batch height width"], labels: Int[Tensor, " batch"], classes: int, *, seed: int = 0
) -> Int[Tensor, " batch"]:
    """The class that a small network predicts for each mask, trained on the masks of the other folds.

    Args:
        masks: one per image.
        labels: the class to be predicted.
        classes: their number.
        seed: of the folds, the weights and the order.

    Raises:
        ValueError: there are fewer masks than folds.
    """
    if len(masks) < FOLDS:
        raise ValueError(f"{FOLDS} folds need as many masks, not {len(masks)}")
    generator = random_generator(seed)
    fold = torch.randperm(len(masks), generator=generator) % FOLDS
    pictures = functional.interpolate(masks[:, None].float(), (_SIDE, _SIDE), mode="area")[:, 0]
    networks = _trained(pictures, labels, fold, classes, generator)
    with torch.no_grad():
        logits = networks(pictures[:, None].expand(-1, FOLDS, -1, -1)).view(len(masks), FOLDS, classes)
    return logits[torch.arange(len(masks)), fold].argmax(1)


def _trained(
    pictures: Float[Tensor, "batch side side"],
    labels: Int[Tensor, " batch"],
    fold: Int[Tensor, " batch"],
    classes: int,
    generator: torch.Generator,
) -> nn.Module:
    """One network per fold, trained on the masks of the others, which are moved by a few pixels at random.

    The networks are groups of the same convolutions: they share no weight and no mask, and five steps cost as one.
    """
    networks = _networks(classes, generator).to(memory_format=torch.channels_last)  # twice as fast
    rows = [torch.nonzero(fold != number)[:, 0] for number in range(FOLDS)]

    def loss() -> Tensor:
        drawn = torch.stack([row[torch.randint(len(row), (BATCH,), generator=generator)] for row in rows], 1)
        down, right = torch.randint(2 * _REACH + 1, (2,), generator=generator).tolist()
        moved = functional.pad(pictures[drawn], (_REACH,) * 4)[..., down : down + _SIDE, right : right + _SIDE]
        logits = networks(moved.contiguous(memory_format=torch.channels_last)).view(BATCH * FOLDS, classes)
        return FOLDS * functional.cross_entropy(logits, labels[drawn].flatten(), label_smoothing=0.1)

    train_in_memory(networks.parameters(), loss, steps=STEPS, rate=RATE, weight_decay=0.05)
    return networks.eval()


def _networks(classes: int, generator: torch.Generator) -> nn.Module:
    """Three convolutions and a linear layer for each fold, with weights that depend on the generator alone."""
    seed = int(torch.randint(2**31, (), generator=generator))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        layers: list[nn.Module] = []
        for before, after in ((1, 8), (8, 16), (16, 32)):
            before, after = FOLDS * before, FOLDS * after
            layers += [nn.Conv2d(before, after, 3, padding=1, groups=FOLDS), nn.BatchNorm2d(after), nn.ReLU()]
            layers += [nn.MaxPool2d(2)]
        return nn.Sequential(*layers, nn.Conv2d(FOLDS * 32, FOLDS * classes, _SIDE // 8, groups=FOLDS), nn.Flatten())
