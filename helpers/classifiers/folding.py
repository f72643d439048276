"""Batch normalisation folded into the preceding convolution: the same function, computed faster."""

from __future__ import annotations

import copy
from collections import Counter

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights


@torch.no_grad()
def fold_batch_norms(network: nn.Module, size: tuple[int, int]) -> nn.Module:
    """A copy of a network with each batch normalisation that directly follows a convolution folded into it.

    In eval mode a batch normalisation is a fixed affine map of each channel, so its scale and shift can be absorbed
    into the convolution's weights. On a CPU this reduces the time of a gradient through MobileNetV2 by a third. One
    forward pass shows which layers follow each other.

    Args:
        network: any network in eval mode.
        size: height and width of an image that it accepts.

    Returns:
        The folded copy, or the network itself if there is nothing to fold or folding would change its logits.
    """
    folded = copy.deepcopy(network)
    images = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(0))
    pairs = _foldable_pairs(folded, images)
    if not pairs:
        return network
    for convolution, norm in pairs:
        convolution.weight, convolution.bias = fuse_conv_bn_weights(
            convolution.weight, convolution.bias, norm.running_mean, norm.running_var, norm.eps, norm.weight, norm.bias
        )
    folded = _remove_norms(folded, {norm for _, norm in pairs})
    before, after = network(images), folded(images)
    is_same = (before - after).abs().max() <= 1e-4 * before.abs().max()
    return folded if is_same else network


def _foldable_pairs(
    network: nn.Module, images: Float[Tensor, "batch 3 height width"]
) -> list[tuple[nn.Conv2d, nn.BatchNorm2d]]:
    """Convolutions with the batch normalisation of their output, where each of the two runs once per forward pass."""
    outputs: dict[int, tuple[nn.Conv2d, Tensor]] = {}  # holds the tensors too, so that no id is reused
    pairs, calls = [], Counter()

    def after_convolution(module: nn.Module, _: object, output: Tensor) -> None:
        calls[module] += 1
        outputs[id(output)] = (module, output)

    def before_norm(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        calls[module] += 1
        if id(inputs[0]) in outputs:
            pairs.append((outputs[id(inputs[0])][0], module))

    hooks = [m.register_forward_hook(after_convolution) for m in network.modules() if isinstance(m, nn.Conv2d)]
    hooks += [m.register_forward_pre_hook(before_norm) for m in network.modules() if _is_fixed_norm(m)]
    try:
        network(images)
    finally:
        for hook in hooks:
            hook.remove()
    return [pair for pair in pairs if all(calls[module] == 1 for module in pair)]


def _is_fixed_norm(module: nn.Module) -> bool:
    return isinstance(module, nn.BatchNorm2d) and module.running_mean is not None and not module.training


def _remove_norms(network: nn.Module, norms: set[nn.Module]) -> nn.Module:
    """Replace normalisations in place by the identity; the activation that timm's contain is kept.

    The identity is a dropout of nothing, since Captum's LRP has no rule for `nn.Identity`.
    """
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if child in norms:
                activation = nn.Sequential(*(getattr(child, part) for part in ("drop", "act") if hasattr(child, part)))
                setattr(parent, name, activation if len(activation) else nn.Dropout(0.0))
    return network
