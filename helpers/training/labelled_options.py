"""How a classifier of small images with one label each is trained."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Literal

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from helpers.core.types import Precision


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class LabelledOptions:
    """The recipe of a `SmallImageVGG`; the defaults are those of the classifier that the SpaCE-VAE paper explains.

    Stochastic gradient descent with Nesterov momentum; the rate rises in a straight line over the first steps and falls
    along a cosine to nearly 0 over the others.

    Attributes:
        width, hidden, dropout: of the network, as in `helpers.classifiers.vgg.SmallImageVGG`.
        mean, std: of each channel, for the normaliser inside the classifier.
        epochs, batch, learning_rate, momentum, weight_decay: of the descent.
        warm_up: share of the steps over which the rate rises.
        padding: training images are shifted by up to so many pixels, black coming in; 0 for none.
        flip: mirror half of the training images.
        policy: `"none"`, as published, or `"trivial"`: one random change of random strength for each group of 16
            training images (TrivialAugment; Müller & Hutter, 2021), such as a turn, a shear or another brightness.
        policy_share: share of the steps, from the first on, in which the policy changes images; the others learn from
            images as they are, which suits the images to come better (He et al., 2019).
        erase: side of a square of the mean colour that each training image loses (Cutout; DeVries & Taylor, 2017).
        keep: which weights are returned: `"best"`, of the highest validation accuracy, or `"last"`. (Published: of the
            highest accuracy on the test images.)
        precision: as Lightning names it.
        seed: of the weights, the order of the images, their augmentation and dropout.
    """

    width: float = 1.0
    hidden: int = 4096
    dropout: float = 0.5
    mean: tuple[float, float, float] = (0.4914, 0.4822, 0.4465)
    std: tuple[float, float, float] = (0.2471, 0.2435, 0.2616)
    epochs: int = 100
    batch: int = 256
    learning_rate: float = 1e-2
    momentum: float = 0.9
    weight_decay: float = 1e-2
    warm_up: float = 0.3
    padding: int = 4
    flip: bool = True
    policy: Literal["none", "trivial"] = "none"
    policy_share: float = 1.0
    erase: int = 0
    keep: Literal["best", "last"] = "best"
    precision: Precision = "32-true"
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("epochs", "batch"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)} must be at least 1")
        if self.learning_rate <= 0 or self.weight_decay < 0 or not 0 <= self.momentum < 1:
            raise ValueError(
                f"learning_rate={self.learning_rate} must be positive, weight_decay={self.weight_decay} not negative, "
                f"momentum={self.momentum} in [0, 1)"
            )
        if not 0 < self.warm_up < 1:
            raise ValueError(f"warm_up={self.warm_up} must lie in (0, 1)")
        if not 0 < self.policy_share <= 1:
            raise ValueError(f"policy_share={self.policy_share} must lie in (0, 1]; for no policy say policy='none'")
        if self.padding < 0 or self.erase < 0:
            raise ValueError(f"padding={self.padding} and erase={self.erase} must not be negative")
        if min(self.std) <= 0:
            raise ValueError(f"std={self.std} must be positive")

    def plain(self) -> dict[str, Any]:
        """The options as a dictionary, as checkpoints hold them."""
        return asdict(self)
