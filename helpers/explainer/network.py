"""The networks that look at an image and give one mask a class."""

from __future__ import annotations

from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models.segmentation import deeplabv3_resnet50

from helpers.classifiers.hubs import torchvision_state, torchvision_weights
from helpers.classifiers.weight_files import read_weights
from helpers.explainer.options import NetworkOptions


class ExplainerNetwork(nn.Module):
    """Pixels in [0, 1] to the logits of one mask a class, at the images' resolution; the normaliser lives inside.

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
    """An encoder and a decoder with connections across (U-Net; Ronneberger et al., 2015).

    The finest features stand at half the resolution; each place there gives the logits of its four pixels (sub-pixel
    convolution; Shi et al., 2016). Each step down halves the resolution again. At the coarsest one, the mean over the
    image is added to each place, so that every place knows what else the image shows.
    """

    def __init__(self, widths: tuple[int, ...], classes: int) -> None:
        super().__init__()
        self.levels = len(widths) - 1
        self.enter = nn.Sequential(nn.PixelUnshuffle(2), _convolution(12, widths[0]))
        self.down = nn.ModuleList(
            nn.Sequential(_convolution(fine, coarse, stride=2), _Residual(coarse)) for fine, coarse in pairwise(widths)
        )
        self.whole = nn.Linear(widths[-1], widths[-1])
        self.deepest = _Residual(widths[-1])
        self.up = nn.ModuleList(
            nn.Sequential(_convolution(fine + coarse, fine), _Residual(fine)) for fine, coarse in pairwise(widths)
        )
        self.head = nn.Conv2d(widths[0], 4 * classes, 1)

    def forward(self, pixels: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch classes height width"]:
        """Logits of images of any size that can be halved so often; others are padded."""
        height, width = pixels.shape[-2:]
        step = 2 ** (self.levels + 1)
        padded = functional.pad(pixels, (0, -width % step, 0, -height % step), mode="replicate")
        features = [self.enter(padded)]
        for down in self.down:
            features.append(down(features[-1]))
        x = features.pop()
        x = self.deepest(x + self.whole(x.mean((2, 3)))[..., None, None])
        for up, fine in zip(reversed(self.up), reversed(features), strict=True):
            x = up(torch.cat([fine, functional.interpolate(x, fine.shape[-2:], mode="nearest")], 1))
        return functional.pixel_shuffle(self.head(x), 2)[..., :height, :width]


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
    network = SmallNetwork(options.widths, classes)
    nn.init.zeros_(network.head.weight)  # every class starts alike
    assert network.head.bias is not None
    nn.init.constant_(network.head.bias, options.first_logit)
    return network


def _deeplab(options: NetworkOptions, classes: int) -> nn.Module:
    """torchvision's DeepLabV3; by default its call would load ImageNet weights into the backbone unasked."""
    network = deeplabv3_resnet50(weights=None, weights_backbone=None, num_classes=classes, aux_loss=False)
    if options.backbone == "random":
        return network
    if options.backbone.endswith(".safetensors"):
        state = read_weights(options.backbone).state
    else:
        state, _ = torchvision_state(torchvision_weights("resnet50", options.backbone))
    wanted = network.backbone.state_dict()
    fitting = {name: value for name, value in state.items() if name in wanted and value.shape == wanted[name].shape}
    missing = [name for name in wanted if name not in fitting and not name.endswith("num_batches_tracked")]
    if missing:
        raise ValueError(
            f"backbone={options.backbone!r} is no ResNet-50: {missing[0]} is missing or of another shape"
            f" (and {len(missing) - 1} more)"
        )
    network.backbone.load_state_dict(fitting, strict=False)
    return network
