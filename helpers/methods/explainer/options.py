"""The options of an Explainer's loss, network and training."""

from __future__ import annotations

from dataclasses import field
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from helpers.core.names import NamedOptions
from helpers.core.types import Count, Variant
from helpers.training.options import CONFIG, Colour, Keep, Positive, Weight, plain, small_resnet

Objective = Literal["explainer", "rtis"]
NetworkName = Literal["small", "pyramid", "deeplabv3_resnet50"]


@dataclass(frozen=True, config=CONFIG)
class LossOptions(NamedOptions):
    """The weights and areas of the loss (the paper, equations 1 to 8; the defaults are those for VGG-16 on VOC-2007).

    Equation 6 has one weight λa for the three terms on the area; here, as in the published code, each has its own.

    Attributes:
        entropy: λe, of the negative entropy of the image without the target mask.
        smoothness: λtv, of the total variation of both masks.
        bound: of the bounds on the area of each present class's mask.
        target_area, other_area: of the mean of the target mask m, and of the non-target mask n.
        least_area, most_area: a and b; areas between these shares of the image are not penalised.
        probabilities: for the entropy: the `"softmax"` of the logits (as in the published code), or each class's own
            `"sigmoid"` (equation 3 to the letter).
        variant: `"published"` uses the mean colour instead of black as the baseline, sums the bounds of an image's
            classes instead of averaging them, and counts the differences at the border twice (by reflection).
    """

    entropy: Weight = 1.0
    smoothness: Weight = 1.0
    bound: Weight = 1.0
    target_area: Weight = 0.1
    other_area: Weight = 0.3
    least_area: float = 0.05
    most_area: float = 0.3
    probabilities: Literal["softmax", "sigmoid"] = "softmax"
    variant: Variant = "corrected"

    @model_validator(mode="after")
    def _fit_together(self) -> LossOptions:
        if not 0 < self.least_area < self.most_area < 1:
            raise ValueError(
                f"least_area={self.least_area} and most_area={self.most_area} must satisfy 0 < least < most < 1"
            )
        return self


@dataclass(frozen=True, config=CONFIG)
class NetworkOptions(NamedOptions):
    """The architecture of an Explainer network.

    Attributes:
        name: `"small"` (for scenes: `helpers.methods.explainer.network.SmallNetwork`), `"pyramid"` (begins as the
            classifier itself: `helpers.methods.explainer.pyramid.PyramidNetwork`) or torchvision's
            `"deeplabv3_resnet50"`.
        trunk, trunk_args: the encoder of the small network, a ResNet by its name in timm, or of the pyramid, the
            classifier's own architecture.
        widths: channels of the decoder at each resolution, from the finest down; the small network's finest is half
            the image's, the pyramid has as many levels as there are widths.
        first_logit: the initial logit of the decoder at all pixels.
        trust: of the pyramid: the initial share of the classifier's head in the logits. At one half, a class that the
            classifier is sure of does not yet saturate the masks.
        backbone: the initial weights of the encoder: `"random"`, or the path of a .safetensors file; for the small
            network and the pyramid also the name of a classifier in models/ (in a profile `"classifier"`: the explained
            one); for DeepLab the name of torchvision's ResNet-50 weights, such as `"IMAGENET1K_V1"` (which the
            published code loads, although the paper says "from scratch").
        mean, std: of the normaliser, inside the network.
    """

    name: NetworkName = "small"
    trunk: str = "resnet10t"
    trunk_args: dict[str, Any] = field(default_factory=small_resnet)
    widths: Annotated[tuple[Count, ...], Field(min_length=2)] = (24, 32, 48, 64)
    first_logit: float = 0.0
    trust: float = 0.5
    backbone: str = "random"
    mean: Colour = (0.485, 0.456, 0.406)
    std: Colour = (0.229, 0.224, 0.225)


@dataclass(frozen=True, config=CONFIG)
class RTISOptions(NamedOptions):
    """The loss of Real-Time Image Saliency and its alternative image; the defaults are the Explainer paper's.

    Attributes:
        smoothness: weight of the squared differences of neighbours (λ1 of Dabkowski and Gal).
        area: weight of the mask's mean (λ2; their paper has 1e-3).
        destroy: weight of the classes' probability on the image without the masked pixels (λ3).
        power: the exponent of that probability (λ4).
        colour: largest absolute value of the alternative colour, in units of the classifier's normaliser.
        noise: standard deviation of the noise on that colour, in the same units.
        blur: standard deviation of the blur, as a share of the image's side (published: 10 pixels of 224).
        variant: `"published"` draws the noise with mean `noise` and standard deviation 1 (the published code swaps the
            two arguments), chooses between blur and colour once per batch, and differs in three parts of the arithmetic
            (`helpers.methods.explainer.rtis.RTISLoss`).
    """

    smoothness: Weight = 10.0
    area: Weight = 1.0
    destroy: Weight = 5.0
    power: Annotated[float, Field(gt=0, le=1)] = 0.3
    colour: Weight = 0.33
    noise: Weight = 0.11
    blur: Annotated[float, Field(ge=0, le=1)] = 10 / 224
    variant: Variant = "corrected"


@dataclass(frozen=True, config=CONFIG)
class ExplainerOptions(NamedOptions):
    """The recipe of an Explainer's training.

    Attributes:
        objective: the paper's loss, or the adapted one of Real-Time Image Saliency (`helpers.methods.explainer.rtis`).
        network, loss: the architecture, and the weights of the paper's loss.
        rtis: the weights of the adapted loss, if that is the objective; None for those of the paper's baseline.
        epochs: maximum; training stops after `patience` epochs without an improvement of the validation loss by
            `min_delta`.
        batch: images per step, of all processes together.
        learning_rate, weight_decay: of AdamW (Adam if the decay is 0).
        body_rate: of the pyramid's encoder; None for `learning_rate`.
        schedule: `"constant"` (as published) or `"cycle"`: one cycle over all epochs.
        flip: whether to mirror half of the images.
        precision: as Lightning names it, such as `"32-true"` or `"bf16-mixed"`.
        patience, min_delta: see `epochs`.
        keep: the weights of the `"best"` epoch by validation loss, or of the `"last"` one, as the published code does.
        seed: of the weights and of the order of the images.
    """

    objective: Objective = "explainer"
    network: NetworkOptions = field(default_factory=NetworkOptions)
    loss: LossOptions = field(default_factory=LossOptions)
    rtis: RTISOptions | None = None
    epochs: Count = 1000
    batch: Count = 16
    learning_rate: Positive = 1e-5
    weight_decay: Weight = 0.0
    body_rate: Positive | None = None
    schedule: Literal["constant", "cycle"] = "constant"
    flip: bool = False
    precision: str = "32-true"
    patience: Count = 5
    min_delta: float = 0.001
    keep: Keep = "best"
    seed: int = 0

    @model_validator(mode="after")
    def _fit_together(self) -> ExplainerOptions:
        if self.body_rate is not None and self.network.name != "pyramid":
            raise ValueError(f"body_rate is for the network 'pyramid', not for {self.network.name!r}")
        return self

    def plain(self) -> dict[str, Any]:
        """As plain values, for the metadata of checkpoints and files."""
        return plain(self)
