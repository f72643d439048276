"""SqueezeNet 1.1 (Iandola et al., 2016) with logits of either sign, as a network of timm's: `squeezenet1_1_linear`.

torchvision's SqueezeNet ends in a ReLU, so that no logit is negative, no sigmoid is below one half, and no class of a
multi-label classifier can be absent. Here the last convolution is followed by the mean over all positions only, which
makes it a linear layer on the mean features. Importing this module makes the network known to timm.
"""

from __future__ import annotations

from typing import Any

import torchvision
from jaxtyping import Float
from timm.models import generate_default_cfgs, register_model
from torch import Tensor, nn

NAME = "squeezenet1_1_linear"
_LEVELS = {1: (64, 2), 4: (128, 4), 7: (256, 8), 12: (512, 16)}
"""By the last layer of each resolution: its channels, and the stride."""

default_cfgs = generate_default_cfgs(
    {NAME: {"num_classes": 1000, "input_size": (3, 224, 224), "crop_pct": 0.875, "interpolation": "bilinear"}}
)


class LinearSqueezeNet(nn.Module):
    """The network in timm's interface, with torchvision's names of the layers in `features`.

    Args:
        num_classes: the number of logits.
        drop_rate: of the dropout before the linear layer.
    """

    def __init__(self, num_classes: int = 1000, drop_rate: float = 0.5) -> None:
        super().__init__()
        self.features = torchvision.models.squeezenet1_1(weights=None).features
        self.pool = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.classifier = nn.Sequential(nn.Dropout(drop_rate), nn.Linear(512, num_classes))
        self.num_classes = num_classes
        self.feature_info = [
            {"module": f"features.{layer}", "num_chs": channels, "reduction": stride}
            for layer, (channels, stride) in _LEVELS.items()
        ]

    def forward(self, pixels: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch classes"]:
        """The logits of normalised pixels."""
        return self.forward_head(self.forward_features(pixels))

    def forward_features(
        self, pixels: Float[Tensor, "batch 3 height width"]
    ) -> Float[Tensor, "batch 512 rows columns"]:
        """The last feature map, at a sixteenth of the resolution."""
        return self.features(pixels)

    def forward_head(self, features: Float[Tensor, "batch 512 rows columns"], pre_logits: bool = False) -> Tensor:
        """The logits of a feature map, or with `pre_logits` its mean (batch, 512)."""
        pooled = self.pool(features)
        return pooled if pre_logits else self.classifier(pooled)

    def forward_intermediates(
        self, pixels: Float[Tensor, "batch 3 height width"], intermediates_only: bool = False
    ) -> Any:
        """The last feature map of each resolution; without `intermediates_only` also the last one by itself, first."""
        maps, x = [], pixels
        for index, layer in enumerate(self.features):
            x = layer(x)
            if index in _LEVELS:
                maps.append(x)
        return maps if intermediates_only else (x, maps)

    def get_classifier(self) -> nn.Module:
        """The layers after the mean features."""
        return self.classifier


@register_model
def squeezenet1_1_linear(pretrained: bool = False, **options: Any) -> LinearSqueezeNet:
    """The network for `timm.create_model`; weights are loaded separately."""
    if pretrained:
        raise ValueError(f"{NAME} has no published weights: fine-tune torchvision's squeezenet1_1")
    chosen = {name: value for name, value in options.items() if name in ("num_classes", "drop_rate")}
    return LinearSqueezeNet(**chosen)
