"""What a mask network is trained on, for how long, and the recipes by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from helpers.methods.initial_masks.network import NetworkOptions

EPOCH = 100  # steps between checkpoints


@dataclass(frozen=True)
class MaskTrainingOptions:
    """The recipe of a mask network.

    Attributes:
        classifier: whose explanations are predicted, by its name for `load_classifier`.
        source: the training images: scenes with one or two objects, or the photographs of imagenet-samples/rest.
        network: the network's shape; its `weights` are the range of λk, drawn log-uniformly.
        sizes: sides in pixels, each with its share of the batches.
        images: how many different images of each size are drawn; mirrored, they are reused.
        batch: images a step at the smallest size; fewer at larger ones, so that a step costs about the same.
        steps: training steps, a multiple of 100; there is a checkpoint every 100.
        learning_rate, weight_decay: AdamW, one cycle of the learning rate.
        looks: how often the network looks in training; each look is trained alike.
        risk: β of the risk-averse distortion, see `risk_gradient`.
        gentle, ramp: λk is multiplied by `gentle` at first; this factor rises to 1 over the share `ramp` of the steps.
        seed: of the weights, the images, their order and the noise.
    """

    classifier: str = "scenes-cnn"
    source: Literal["scenes", "photographs"] = "scenes"
    network: NetworkOptions = field(default_factory=NetworkOptions)
    sizes: Mapping[int, float] = field(default_factory=lambda: MappingProxyType({64: 0.7, 96: 0.1, 128: 0.2}))
    images: int = 4096
    batch: int = 8
    steps: int = 2600
    learning_rate: float = 2e-3
    weight_decay: float = 0.01
    looks: int = 3
    risk: float = 1.0
    gentle: float = 0.05
    ramp: float = 0.5
    seed: int = 1

    def __post_init__(self) -> None:
        if self.steps < EPOCH or self.steps % EPOCH:
            raise ValueError(f"steps={self.steps} must be a positive multiple of {EPOCH}")
        if self.batch < 1 or self.images < self.batch or self.looks < 1:
            raise ValueError(
                f"batch={self.batch}, images={self.images} and looks={self.looks} must be at least 1, "
                "and there must be at least as many images as a batch takes"
            )
        if abs(sum(self.sizes.values()) - 1) > 1e-6:
            raise ValueError(f"the shares of the sizes {dict(self.sizes)} must add up to 1")
        if not (0 < self.gentle <= 1 and 0 < self.ramp <= 1 and self.risk >= 0):
            raise ValueError(
                f"gentle={self.gentle} and ramp={self.ramp} must lie in (0, 1], and risk={self.risk} must be at least 0"
            )

    def batch_at(self, size: int) -> int:
        """Images a step at a size: about as many pixels as `batch` images of the smallest size have."""
        return max(1, round(self.batch * min(self.sizes) ** 2 / size**2))

    def plain(self) -> dict:
        """All of it as plain numbers, texts, lists and dictionaries, for checkpoints and cards."""
        network = {k: list(v) if isinstance(v, tuple) else v for k, v in vars(self.network).items()}
        return {**vars(self), "network": network, "sizes": {str(k): v for k, v in self.sizes.items()}}


RECIPES: dict[str, MaskTrainingOptions] = {
    "scenes-cnn-cartoonx": MaskTrainingOptions(network=NetworkOptions(widths=(16, 32, 48, 64, 64))),
    "scenes-cnn-pixel-rde": MaskTrainingOptions(
        network=NetworkOptions(representation="pixels", widths=(16, 32, 48, 64, 64), weights=(0.5, 50.0))
    ),
    "mobilenetv2-cartoonx": MaskTrainingOptions(
        classifier="mobilenetv2_100",
        source="photographs",
        network=NetworkOptions(widths=(16, 32, 48, 64, 64)),
        sizes=MappingProxyType({128: 1.0}),
        images=900,
        batch=4,
        steps=2000,
    ),
}

# seeds of the series of scenes, far from the profiles' 1000 and the classifier's
TRAINING_SERIES, HELD_OUT_SERIES = 71_000, 72_000
