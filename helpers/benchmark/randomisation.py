"""Classifiers that have lost what they learned: with random weights in some blocks, or trained on random labels."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import TypeVar

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from helpers.classifiers import Classifier
from helpers.classifiers.digests import checksum, state_digest
from helpers.core.replica import frozen
from helpers.core.runtime import random_generator
from helpers.training.in_memory import train_in_memory

Network = TypeVar("Network", bound=nn.Module)

STEPS, RATE = 120, 2e-3
"""The steps on all images at once, and the largest learning rate, by which a small network learns labels by heart."""


def blocks_of(network: nn.Module) -> list[str]:
    """The names of the blocks of a network that have weights, from the head to the first layer.

    Blocks are the parts of the first module on the way inside that has several: those of a classifier's ResNet are
    `network.fc`, `network.layer4` and so on.
    """
    prefix, body = "", network
    while True:
        found = [name for name, module in body.named_children() if any(True for _ in module.parameters())]
        if len(found) != 1:
            return [f"{prefix}{name}" for name in reversed(found)]
        prefix, body = f"{prefix}{found[0]}.", body.get_submodule(found[0])


def randomised(network: Network, blocks: Sequence[str] | None = None, *, seed: int = 0) -> Network:
    """A copy of a network with random weights in some of its blocks.

    Weights are drawn as He et al. (2015) do, which keeps the size of activations through the layers, and biases are 0:
    PyTorch's own start lets the answers of a network without batch normalisation differ by less than a thousandth, and
    many maps of such a network are constant.

    Args:
        network: of convolutions, linear layers and normalisations.
        blocks: the names of modules inside it; None for all of it.
        seed: of the weights; a block has the same weights whichever others are random.
    """
    other = deepcopy(network)
    chosen = [other] if blocks is None else [other.get_submodule(name) for name in blocks]
    inside = {id(module) for block in chosen for module in block.modules()}
    generator = random_generator(seed)
    with torch.no_grad():
        for module in other.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
                fan_in = module.weight[0].numel()
                weights = torch.randn(module.weight.shape, generator=generator) * (2 / fan_in) ** 0.5
                if id(module) in inside:
                    module.weight.copy_(weights)
                    if module.bias is not None:
                        module.bias.zero_()
            elif isinstance(module, nn.BatchNorm2d | nn.GroupNorm | nn.LayerNorm) and id(module) in inside:
                module.reset_parameters()
    return _told_apart(other.eval())


def memorised(
    classifier: Classifier,
    images: Float[Tensor, "batch 3 height width"],
    labels: Int[Tensor, " batch"],
    *,
    seed: int = 0,
    steps: int = STEPS,
) -> Classifier:
    """A classifier of the same architecture, trained from random weights until it knows these labels by heart.

    It takes seconds, and its answers to other images mean nothing.

    Args:
        classifier: of which the architecture is taken.
        images: pixels in [0, 1].
        labels: one class per image.
        seed: of the first weights.
        steps: of the training, each on all images.
    """
    network = randomised(classifier, seed=seed).requires_grad_(True)
    target = functional.one_hot(labels, len(classifier.class_names)).float()  # batch, classes
    measure = functional.binary_cross_entropy_with_logits if classifier.multi_label else functional.cross_entropy
    train_in_memory(network.parameters(), lambda: measure(network(images), target), steps=steps, rate=RATE)
    return _told_apart(frozen(network.requires_grad_(False)))


def _told_apart(network: Network) -> Network:
    """A classifier whose weights have changed with a digest of its own, so that no store takes it for the other."""
    if isinstance(network, Classifier):
        network.digest, network.checksum = state_digest(network.state_dict()), checksum(network)
    return network
