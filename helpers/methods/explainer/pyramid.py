"""An Explainer that begins as the classifier: its head at every position of its last feature map, plus a decoder."""

from __future__ import annotations

from typing import Any

import timm
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from helpers.classifiers import squeezenet  # noqa: F401  makes the network known to timm
from helpers.methods.explainer.options import NetworkOptions


class PyramidNetwork(nn.Module):
    """Any convolutional classifier of timm's as the encoder, with a feature pyramid (Lin et al., CVPR 2017) above it.

    The logits of the masks are a share (`trust`, trained) of those that the classifier's head gives for each position
    of the last feature map alone, plus those of the pyramid, which are 0 at first. So the first masks are already
    evidence of the classifier. From random layers the loss cannot be reduced: on photographs, with a classifier that
    was never shown masked images, the area terms make all masks 0 within an epoch, from where no gradient leads back.

    The encoder stays in eval mode, since the statistics of its normalisations are folded into its weights or belong to
    the classifier, and since the head's dropout would hide evidence.

    Args:
        options: of the network; as many of the encoder's feature maps are used, from the coarsest on, as `widths` has
            entries.
        classes: number of masks.

    Raises:
        ValueError: the encoder has fewer feature maps than `widths` has entries.
    """

    def __init__(self, options: NetworkOptions, classes: int) -> None:
        super().__init__()
        self.trunk: Any = timm.create_model(options.trunk, num_classes=classes, **options.trunk_args)
        channels = [int(each["num_chs"]) for each in self.trunk.feature_info]
        self.levels = len(options.widths)
        if self.levels > len(channels):
            raise ValueError(
                f"widths={options.widths} has {self.levels} entries, but {options.trunk} has {len(channels)} maps"
            )
        fine = channels[-self.levels :]
        self.lateral = nn.ModuleList(
            nn.Sequential(nn.GroupNorm(1, before), nn.Conv2d(before, width, 1))
            for before, width in zip(fine, options.widths, strict=True)
        )
        above = [*options.widths[1:], options.widths[-1]]
        self.up = nn.ModuleList(
            _convolution(width + coarse if level + 1 < self.levels else width, width)
            for level, (width, coarse) in enumerate(zip(options.widths, above, strict=True))
        )
        self.head = nn.Conv2d(options.widths[0], 4 * classes, 1)
        self.trust = nn.Parameter(torch.tensor(float(options.trust)))
        nn.init.zeros_(self.head.weight)
        assert self.head.bias is not None
        nn.init.constant_(self.head.bias, options.first_logit)
        self.trunk.eval()  # Lightning trains with the modes that it finds

    def train(self, mode: bool = True) -> PyramidNetwork:
        """Set the decoder's mode; the encoder stays in eval mode."""
        super().train(mode)
        self.trunk.eval()
        return self

    def forward(self, pixels: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch classes height width"]:
        """Logits at the resolution of the images, which may have any size."""
        maps = list(self.trunk.forward_intermediates(pixels, intermediates_only=True))
        coarse = head_per_position(self.trunk, maps[-1])  # batch, classes, rows, columns
        x = None
        for fine, lateral, up in reversed(list(zip(maps[-self.levels :], self.lateral, self.up, strict=True))):
            level = lateral(fine)
            x = up(level if x is None else torch.cat([level, functional.interpolate(x, fine.shape[-2:])], 1))
        refined = functional.pixel_shuffle(self.head(x), 2)
        return _enlarged(refined, pixels) + self.trust * _enlarged(coarse, pixels)


def head_per_position(
    network: Any, features: Float[Tensor, "batch channels rows columns"]
) -> Float[Tensor, "batch classes rows columns"]:
    """The logits that a classifier's head gives for each position of a feature map, as if the map had no other.

    Args:
        network: of timm's, with `forward_head`, which pools the positions first.
        features: its last feature map.
    """
    batch, channels, rows, columns = features.shape
    alone = features.movedim(1, -1).reshape(-1, channels, 1, 1)  # batch · rows · columns, channels, 1, 1
    return network.forward_head(alone).reshape(batch, rows, columns, -1).movedim(-1, 1)


def _enlarged(maps: Tensor, pixels: Tensor) -> Tensor:
    return functional.interpolate(maps, pixels.shape[-2:], mode="bilinear", align_corners=False)


def _convolution(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(before, after, 3, padding=1), nn.GroupNorm(1, after), nn.ReLU())
