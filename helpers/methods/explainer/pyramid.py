"""An Explainer that begins as the classifier: what each position of its last map adds to the logits, plus a decoder."""

from __future__ import annotations

from typing import Any

import timm
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from helpers.classifiers import squeezenet  # noqa: F401  makes the network known to timm
from helpers.methods.explainer.options import NetworkOptions

_STEP = 1 / 64  # of the way from the mean of all positions to one of them


class PyramidNetwork(nn.Module):
    """Any convolutional classifier of timm's as the encoder, with a feature pyramid (Lin et al., CVPR 2017) above it.

    The logits of the masks are a share (`trust`, trained) of what each position of the last feature map contributes to
    the classifier's logits, plus those of the pyramid, which are constant at first. So the first masks are already
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
    """The contribution of each position of a feature map to a classifier's logits; their mean is the logits.

    The head is linearised at the mean of all positions, where it works, by a small step from the mean towards each
    position. For a linear head this is what the head gives for the position alone. MobileNetV3's head is not linear,
    and was never shown one position's features, which are several times as large as a mean's.

    Args:
        network: of timm's, with `forward_head`, which pools the positions first.
        features: its last feature map.
    """
    batch, channels, rows, columns = features.shape
    with torch.autocast(features.device.type, enabled=False):  # the difference needs all digits
        features = features.float()
        mean = features.mean((2, 3), keepdim=True)  # batch, channels, 1, 1
        moved = (mean + _STEP * (features - mean)).movedim(1, -1).reshape(-1, channels, 1, 1)
        logits = network.forward_head(mean)[:, :, None, None]  # batch, classes, 1, 1
        nearby = network.forward_head(moved).reshape(batch, rows, columns, -1).movedim(-1, 1)
        return logits + (nearby - logits) / _STEP


def _enlarged(maps: Tensor, pixels: Tensor) -> Tensor:
    return functional.interpolate(maps, pixels.shape[-2:], mode="bilinear", align_corners=False)


def _convolution(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(before, after, 3, padding=1), nn.GroupNorm(1, after), nn.ReLU())
