"""VGG for small images: the classifier that SpaCE-VAE explains."""

from __future__ import annotations

from itertools import pairwise

from jaxtyping import Float
from torch import Tensor, nn
from torchvision.models.vgg import cfgs

VGG_NAME = "vgg11_bn_small"
"""The name of this network in weights files."""


class SmallImageVGG(nn.Module):
    """VGG-11 with batch normalisation for images of 32 px (Simonyan & Zisserman, 2015, configuration A).

    Five poolings leave one position with 512 channels, from which three linear layers compute the logits. At full
    width this is the network of 28.15 million parameters that the SpaCE-VAE paper explains. Each ReLU is a separate
    module and does not work in place, as DeepLIFT's hooks require.

    Args:
        num_classes: number of logits.
        width: factor on the channels of the convolutions, in (0, 4].
        hidden: width of the two hidden linear layers.
        dropout: dropout rate of these two layers, in [0, 1).

    Raises:
        ValueError: an argument is out of its range.
    """

    def __init__(
        self, num_classes: int = 10, width: float | int = 1.0, hidden: int = 4096, dropout: float | int = 0.5
    ) -> None:
        super().__init__()
        if num_classes < 1 or hidden < 1 or not 0 < width <= 4 or not 0 <= dropout < 1:
            raise ValueError(
                f"num_classes={num_classes} and hidden={hidden} must be at least 1, width={width} in (0, 4], "
                f"dropout={dropout} in [0, 1)"
            )
        self.num_classes = num_classes
        layers: list[nn.Module] = []
        channels = 3
        for entry in cfgs["A"]:  # torchvision's table: numbers of channels, "M" for a pooling
            if entry == "M":
                layers.append(nn.MaxPool2d(2))
                continue
            inputs, channels = channels, max(1, round(width * int(entry)))
            layers += [nn.Conv2d(inputs, channels, 3, padding=1), nn.BatchNorm2d(channels), nn.ReLU()]
        self.features = nn.Sequential(*layers)
        # an image of 32 px leaves one position; those of larger images are averaged
        self.pool, self.flatten = nn.AdaptiveAvgPool2d(1), nn.Flatten()
        head: list[nn.Module] = []
        for inputs, outputs in pairwise((channels, hidden, hidden)):
            head += [nn.Linear(inputs, outputs), nn.ReLU(), nn.Dropout(dropout)]
        self.head = nn.Sequential(*head, nn.Linear(hidden, num_classes))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
                assert module.bias is not None
                nn.init.zeros_(module.bias)

    def forward(self, pixels: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch classes"]:
        """The logits of normalised images; height and width are at least 32."""
        return self.head(self.flatten(self.pool(self.features(pixels))))
