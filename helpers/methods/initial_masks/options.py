"""The training recipes of mask networks."""

from __future__ import annotations

from dataclasses import field
from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from helpers.core.names import NamedOptions
from helpers.methods.initial_masks.network import NetworkOptions
from helpers.training.options import CONFIG, Count, Positive, Weight

EPOCH = 100  # steps between checkpoints


@dataclass(frozen=True, config=CONFIG)
class MaskTrainingOptions(NamedOptions):
    """The recipe of a mask network.

    Attributes:
        classifier: name of the explained classifier, for `load_classifier`.
        source: of the training images: scenes with one or two objects, or the photographs of imagenet-samples/rest.
        network: the architecture; its `weights` are the range of λk, drawn log-uniformly.
        sizes: sides of the images in pixels, with their shares of the batches.
        images: number of training images per size; half of each batch is mirrored.
        batch: images per step at the smallest size; fewer at larger ones, so that each step costs about the same.
        steps: training steps, a multiple of 100; there is a checkpoint every 100.
        learning_rate, weight_decay: AdamW, one cycle of the learning rate.
        refinement_steps: of the network in training, with equal weights in the loss.
        risk: β of the risk-averse distortion, see `risk_gradient`.
        initial_factor, warmup: of λk: the factor rises from `initial_factor` to 1 over the share `warmup` of the steps.
        seed: of the weights, the images, their order and the noise.
    """

    classifier: str = "scenes-cnn"
    source: Literal["scenes", "photographs"] = "scenes"
    network: NetworkOptions = field(default_factory=NetworkOptions)
    sizes: dict[int, float] = field(default_factory=lambda: {64: 0.7, 96: 0.1, 128: 0.2})
    images: Count = 4096
    batch: Count = 8
    steps: Annotated[int, Field(ge=EPOCH, multiple_of=EPOCH)] = 2600
    learning_rate: Positive = 2e-3
    weight_decay: Weight = 0.01
    refinement_steps: Count = 3
    risk: Weight = 1.0
    initial_factor: Annotated[float, Field(gt=0, le=1)] = 0.05
    warmup: Annotated[float, Field(gt=0, le=1)] = 0.5
    seed: int = 1

    @model_validator(mode="after")
    def _fit_together(self) -> MaskTrainingOptions:
        if self.images < self.batch:
            raise ValueError(f"images={self.images} do not fill a batch of {self.batch}")
        if abs(sum(self.sizes.values()) - 1) > 1e-6:
            raise ValueError(f"the shares of the sizes {self.sizes} must add up to 1")
        return self

    def batch_at(self, size: int) -> int:
        """Images per step at a size: about as many pixels as in `batch` images of the smallest size."""
        return max(1, round(self.batch * min(self.sizes) ** 2 / size**2))


RECIPES: dict[str, MaskTrainingOptions] = {  # by the name of the weights
    "scenes-cnn-cartoonx-mask": MaskTrainingOptions(network=NetworkOptions(widths=(16, 32, 48, 64, 64))),
    "scenes-cnn-pixel-rde-mask": MaskTrainingOptions(
        network=NetworkOptions(representation="pixels", widths=(16, 32, 48, 64, 64), weights=(0.5, 50.0))
    ),
    "mobilenetv2-cartoonx-mask": MaskTrainingOptions(
        classifier="mobilenetv2_100",
        source="photographs",
        network=NetworkOptions(widths=(16, 32, 48, 64, 64)),
        sizes={128: 1.0},
        images=900,
        batch=4,
        steps=2000,
    ),
}

# seeds of the series of scenes, far from the profiles' 1000 and the classifier's
TRAINING_SERIES, HELD_OUT_SERIES = 71_000, 72_000
