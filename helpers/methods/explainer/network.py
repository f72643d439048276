"""The networks that predict one mask per class."""

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
from helpers.methods.explainer.pyramid import PyramidNetwork

CAM_SCALE_INIT = 0.25
"""The initial weight of the class activation maps in the logits of the masks."""


class ExplainerNetwork(nn.Module):
    """Pixels in [0, 1] to the logits of one mask per class, at the images' resolution; the normaliser lives inside.

    Args:
        options: of the network.
        classes: number of masks.
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
            self.body = _BUILDERS[options.name](options, classes)
        self.register_buffer("mean", torch.tensor(options.mean).reshape(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(options.std).reshape(1, 3, 1, 1), persistent=False)
        self.to(memory_format=torch.channels_last)

    def forward(self, images: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch classes height width"]:
        """The logits of the class masks."""
        pixels = ((images - self.mean) / self.std).contiguous(memory_format=torch.channels_last)
        logits = self.body(pixels)
        return logits["out"] if isinstance(logits, dict) else logits


class SmallNetwork(nn.Module):
    """A U-Net with a small ResNet classifier as its encoder.

    The encoder can be initialised with the explained classifier, as DeepLab is with an ImageNet classifier. The masks
    are the class activation maps of the encoder's last layer (Zhou et al., 2016), refined by the decoder. The decoder
    ends at half the resolution, where each position predicts four pixels (sub-pixel convolution; Shi et al., 2016).
    """

    def __init__(self, options: NetworkOptions, classes: int) -> None:
        super().__init__()
        self.trunk: Any = timm.create_model(options.trunk, num_classes=classes, **options.trunk_args)
        reductions = [int(each["reduction"]) for each in self.trunk.feature_info]
        below = [int(each["num_chs"]) for each in self.trunk.feature_info]
        if reductions != [2 ** (level + 1) for level in range(len(below))] or len(below) != len(options.widths) + 1:
            raise ValueError(
                f"widths={options.widths} and trunk={options.trunk!r} do not fit: the trunk's features are at "
                f"{', '.join(f'1/{r}' for r in reductions)}; give a width for each but the last"
            )
        self.stride = reductions[-1]
        above = [*options.widths[1:], below[-1]]
        self.up = nn.ModuleList(
            nn.Sequential(_convolution(fine + coarse, width), _Residual(width))
            for fine, coarse, width in zip(below, above, options.widths, strict=False)
        )
        self.head = nn.Conv2d(options.widths[0], 4 * classes, 1)
        # the weight of the class activation maps; those of a confident classifier would be too large for the decoder
        self.trust = nn.Parameter(torch.tensor(CAM_SCALE_INIT))

    def forward(self, pixels: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch classes height width"]:
        """Logits for images of any size, which are padded to a multiple of the trunk's stride."""
        height, width = pixels.shape[-2:]
        padded = functional.pad(pixels, (0, -width % self.stride, 0, -height % self.stride), mode="replicate")
        features = list(self.trunk.forward_intermediates(padded, intermediates_only=True))
        x = features.pop()  # batch, channels, height / stride, width / stride
        classifier = self.trunk.fc
        activations = functional.conv2d(x, classifier.weight[..., None, None], classifier.bias)  # batch, classes, ...
        for up, fine in zip(reversed(self.up), reversed(features), strict=True):
            x = up(torch.cat([fine, functional.interpolate(x, fine.shape[-2:], mode="nearest")], 1))
        coarse = functional.interpolate(activations, padded.shape[-2:], mode="bilinear", align_corners=False)
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
    """The small network, with a decoder that is initialised to a constant."""
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
    """torchvision's DeepLabV3, without the ImageNet weights that it loads by default."""
    network = deeplabv3_resnet50(weights=None, weights_backbone=None, num_classes=classes, aux_loss=False)
    if options.backbone == "random":
        return network
    network.backbone.load_state_dict(_fitting(network.backbone, options.backbone, "no ResNet-50"))
    return network


def _pyramid(options: NetworkOptions, classes: int) -> nn.Module:
    """The network that begins as the classifier, whose weights its encoder gets whole, with the head."""
    network = PyramidNetwork(options, classes)
    if options.backbone != "random":
        network.trunk.load_state_dict(_fitting(network.trunk, options.backbone, "no classifier like its trunk"))
    return network


_BUILDERS = {"small": _small, "pyramid": _pyramid, "deeplabv3_resnet50": _deeplab}


def _fitting(module: nn.Module, backbone: str, otherwise: str) -> dict[str, Tensor]:
    """A module's state with the weights of a file, of a name in models/, or of torchvision's ResNet-50.

    Raises:
        ValueError: weights of the module are missing.
    """
    path = Path(backbone) if backbone.endswith(".safetensors") else local_weights(backbone)
    if path is None:
        state, _ = torchvision_state(torchvision_weights("resnet50", backbone))
    else:
        state = read_weights(path).state
    own = module.state_dict()
    loaded = {name: value for name, value in state.items() if name in own and value.shape == own[name].shape}
    missing = [name for name in own if name not in loaded and not name.endswith("num_batches_tracked")]
    if missing:
        raise ValueError(
            f"backbone={backbone!r} is {otherwise}: {missing[0]} is missing or of another shape (and "
            f"{len(missing) - 1} more)"
        )
    return {**own, **loaded}
