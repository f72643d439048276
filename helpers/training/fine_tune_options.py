"""How an ImageNet classifier is fine-tuned to name every class of an image."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from helpers.core.types import Precision

LEARNING_RATES = {"vgg16": 1e-5, "resnet50": 1e-4}
"""The published rates."""


@dataclass(frozen=True)
class FineTuneOptions:
    """The recipe; the defaults are the published settings for VGG-16.

    Attributes:
        architecture: a VGG or ResNet of torchvision: `"vgg16"` or `"resnet50"`.
        backbone: the weights that are kept: the name of torchvision's (`"IMAGENET1K_V1"`), `"random"`, or the path of
            a .safetensors file.
        learning_rate: Adam's, constant; None for the published one (VGG-16 1e-5, ResNet-50 1e-4).
        batch: images a step.
        epochs: at most.
        patience: epochs without a better validation loss after which training stops.
        min_delta: by how much a loss has to be lower to be better.
        keep: which weights are returned: `"best"`, of the least validation loss; or `"last"`, as published.
        flip: mirror half of the training images. Not published; needs `keep_features=False`.
        keep_features: compute what the frozen layers say of each image once, not once an epoch.
        precision: as Lightning names it; `"16-mixed"` needs a GPU.
        seed: of the new layers, of the order of the images, and of dropout.
    """

    architecture: str = "vgg16"
    backbone: str = "IMAGENET1K_V1"
    learning_rate: float | None = None
    batch: int = 16
    epochs: int = 1000
    patience: int = 5
    min_delta: float = 0.001
    keep: Literal["best", "last"] = "best"
    flip: bool = False
    keep_features: bool = True
    precision: Precision = "32-true"
    seed: int = 42

    def __post_init__(self) -> None:
        for name in ("batch", "epochs", "patience"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)} must be at least 1")
        if self.min_delta < 0:
            raise ValueError(f"min_delta={self.min_delta} may not be negative")
        if self.learning_rate is None and self.architecture not in LEARNING_RATES:
            raise ValueError(f"learning_rate=None: none was published for {self.architecture}; give one, such as 1e-4")
        if self.learning_rate is not None and self.learning_rate <= 0:
            raise ValueError(f"learning_rate={self.learning_rate} must be positive")
        if self.flip and self.keep_features:
            raise ValueError("flip=True changes the images at each epoch: pass keep_features=False")
        if self.keep not in ("best", "last"):
            raise ValueError(f"keep={self.keep!r} is not known; use 'best' or 'last'")
        if self.precision not in ("32-true", "16-mixed", "bf16-mixed"):
            raise ValueError(f"precision={self.precision!r} is not known; use '32-true', '16-mixed' or 'bf16-mixed'")

    @property
    def rate(self) -> float:
        """The learning rate that is used."""
        return LEARNING_RATES[self.architecture] if self.learning_rate is None else self.learning_rate

    def plain(self) -> dict[str, Any]:
        """The options as a dictionary, as checkpoints hold them."""
        return asdict(self)


VGG16 = FineTuneOptions()
RESNET50 = FineTuneOptions(architecture="resnet50")
