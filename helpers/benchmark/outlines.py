"""A small network that sees binary masks alone, and how well it predicts a class from them."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional

from helpers.core.runtime import random_generator
from helpers.metrics.curves import random_ranks

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
    pictures = functional.interpolate(masks[:, None].float(), (_SIDE, _SIDE), mode="area")
    found = torch.empty_like(labels)
    for number in range(FOLDS):
        network = _trained(pictures[fold != number], labels[fold != number], classes, generator)
        with torch.no_grad():
            found[fold == number] = network(pictures[fold == number]).argmax(1)
    return found


def _trained(
    pictures: Float[Tensor, "batch 1 side side"], labels: Int[Tensor, " batch"], classes: int, generator: torch.Generator
) -> nn.Module:
    """The network after `STEPS` steps on masks that are moved by a few pixels at random."""
    network = _network(classes, generator)
    optimiser = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=0.05)
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=STEPS)
    for _ in range(STEPS):
        rows = torch.randint(len(pictures), (BATCH,), generator=generator)
        down, right = torch.randint(2 * _REACH + 1, (2,), generator=generator).tolist()
        moved = functional.pad(pictures[rows], (_REACH,) * 4)[..., down : down + _SIDE, right : right + _SIDE]
        loss = functional.cross_entropy(network(moved), labels[rows], label_smoothing=0.1)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        cycle.step()
    return network.eval()


def _network(classes: int, generator: torch.Generator) -> nn.Module:
    """Three convolutions and a linear layer, with weights that depend on the generator alone."""
    seed = int(torch.randint(2**31, (), generator=generator))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        layers: list[nn.Module] = []
        for before, after in ((1, 8), (8, 16), (16, 32)):
            layers += [nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU(), nn.MaxPool2d(2)]
        return nn.Sequential(*layers, nn.Flatten(), nn.Dropout(0.3), nn.Linear(32 * (_SIDE // 8) ** 2, classes))
