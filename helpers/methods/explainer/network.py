"""The networks that look at an image and give one mask per class."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import timm
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models.segmentation import deeplabv3_resnet50

from helpers.classifiers.hubs import torchvision_state, torchvision_weights
from helpers.classifiers.weight_files import local_weights, read_weights
from helpers.methods.explainer.options import NetworkOptions

FIRST_TRUST = 0.25
"""How much of the coarse opinions the masks' logits begin with."""


class ExplainerNetwork(nn.Module):
    """Pixels in [0, 1] to the logits of one mask per class, at the images' resolution; the normaliser lives inside.

    Args:
        options: which network.
        classes: how many masks.
        seed: of the random weights.

    Raises:
        ValueError: the backbone's weights are not known or do not fit.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, options: NetworkOptions, classes: int, *, seed: int = 0) -> None:
        super().__init__()
        if classes < 1:
            raise ValueError(f"classes={classes} must be at least 1")
        self.options, self.classes = options, classes
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            self.body = _small(options, classes) if options.name == "small" else _deeplab(options, classes)
        self.register_buffer("mean", torch.tensor(options.mean).reshape(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(options.std).reshape(1, 3, 1, 1), persistent=False)
        self.to(memory_format=torch.channels_last)

    def forward(self, images: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch classes height width"]:
        """The logits of the class masks."""
        pixels = ((images - self.mean) / self.std).contiguous(memory_format=torch.channels_last)
        logits = self.body(pixels)
        return logits["out"] if isinstance(logits, dict) else logits


class SmallNetwork(nn.Module):
    """A small classifier's layers, and a decoder that leads back from them to half the resolution (U-Net).

    Like DeepLab, which begins as an ImageNet classifier, it can begin as the classifier that it explains: then it knows
    the classes before it learns where they are. Each place of the coarsest features gives its opinion on every class by
    the classifier's own last layer (class activation mapping; Zhou et al., 2016); the decoder adds the outlines. Each
    place at half the resolution gives the logits of its four pixels (sub-pixel convolution; Shi et al., 2016).
    """

    def __init__(self, options: NetworkOptions, classes: int) -> None:
        super().__init__()
        self.trunk: Any = timm.create_model(options.trunk, num_classes=classes, **options.trunk_args)
        reductions = [int(each["reduction"]) for each in self.trunk.feature_info]
        below = [int(each["num_chs"]) for each in self.trunk.feature_info]
        if reductions != [2 ** (level + 1) for level in range(len(below))] or len(below) != len(options.widths) + 1:
            raise ValueError(
                f"widths={options.widths} and trunk={options.trunk!r} do not fit: the trunk's features stand at "
                f"{', '.join(f'1/{r}' for r in reductions)}; give a width for each but the last"
            )
        self.step = reductions[-1]
        above = [*options.widths[1:], below[-1]]
        self.up = nn.ModuleList(
            nn.Sequential(_convolution(fine + coarse, width), _Residual(width))
            for fine, coarse, width in zip(below, above, options.widths, strict=False)
        )
        self.head = nn.Conv2d(options.widths[0], 4 * classes, 1)
        # a sure classifier's opinions would close or open whole quarters of the image beyond what the decoder can mend
        self.trust = nn.Parameter(torch.tensor(FIRST_TRUST))

    def forward(self, pixels: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch classes height width"]:
        """Logits of images of any size; they are padded to what the trunk halves without rest."""
        height, width = pixels.shape[-2:]
        padded = functional.pad(pixels, (0, -width % self.step, 0, -height % self.step), mode="replicate")
        features = list(self.trunk.forward_intermediates(padded, intermediates_only=True))
        x = features.pop()
        last = self.trunk.fc
        opinions = functional.conv2d(x, last.weight[..., None, None], last.bias)
        for up, fine in zip(reversed(self.up), reversed(features), strict=True):
            x = up(torch.cat([fine, functional.interpolate(x, fine.shape[-2:], mode="nearest")], 1))
        coarse = functional.interpolate(opinions, padded.shape[-2:], mode="bilinear", align_corners=False)
        return (functional.pixel_shuffle(self.head(x), 2) + self.trust * coarse)[..., :height, :width]


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = _convolution(width, width), nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(x + self.norm(self.second(self.first(x))))


def _convolution(before: int, after: int, stride: int = 1) -> nn.Sequential:
    convolution = nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(after), nn.ReLU())


def _small(options: NetworkOptions, classes: int) -> nn.Module:
    """The small network; its decoder begins by saying nothing."""
    network = SmallNetwork(options, classes)
    nn.init.zeros_(network.head.weight)
    assert network.head.bias is not None
    nn.init.constant_(network.head.bias, options.first_logit)
    if options.backbone != "random":
        network.trunk.load_state_dict(_fitting(network.trunk, options.backbone, "no classifier like its trunk"))
    else:
        nn.init.zeros_(network.trunk.fc.weight)
    return network


def _deeplab(options: NetworkOptions, classes: int) -> nn.Module:
    """torchvision's DeepLabV3; by default its call would load ImageNet weights into the backbone unasked."""
    network = deeplabv3_resnet50(weights=None, weights_backbone=None, num_classes=classes, aux_loss=False)
    if options.backbone == "random":
        return network
    network.backbone.load_state_dict(_fitting(network.backbone, options.backbone, "no ResNet-50"))
    return network


def _fitting(module: nn.Module, backbone: str, otherwise: str) -> dict[str, Tensor]:
    """The weights of a file, of a name in models/, or of torchvision's ResNet-50, as far as a module has them.

    Raises:
        ValueError: the module has weights that are not among them.
    """
    path = Path(backbone) if backbone.endswith(".safetensors") else local_weights(backbone)
    if path is None:
        state, _ = torchvision_state(torchvision_weights("resnet50", backbone))
    else:
        state = read_weights(path).state
    wanted = module.state_dict()
    found = {name: value for name, value in state.items() if name in wanted and value.shape == wanted[name].shape}
    missing = [name for name in wanted if name not in found and not name.endswith("num_batches_tracked")]
    if missing:
        raise ValueError(
            f"backbone={backbone!r} is {otherwise}: {missing[0]} is missing or of another shape (and "
            f"{len(missing) - 1} more)"
        )
    return {**wanted, **found}
