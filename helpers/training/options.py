"""The options of every training recipe of classifiers, which profiles import without loading Lightning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, fields, is_dataclass
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, model_validator
from pydantic.dataclasses import dataclass

from helpers.core.names import NamedOptions
from helpers.core.types import Count, Precision

Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
Keep = Literal["best", "last"]
Colour = tuple[float, float, float]
CONFIG = ConfigDict(extra="forbid")

# the first seeds of training, validation and test scenes, which share no image
TRAINING_SERIES, VALIDATION_SERIES, TEST_SERIES = 1_000, 2_000, 3_000
MARKED_CLASS = "fish"
"""The class with which the planted mark co-occurs."""

FINE_TUNE_RATES = {"vgg16": 1e-5, "resnet50": 1e-4}
"""The published learning rates of fine-tuning."""


def plain(options: Any) -> Any:
    """Options as numbers, strings, lists and dictionaries, for checkpoints and files."""
    if is_dataclass(options):
        return {option.name: plain(getattr(options, option.name)) for option in fields(options)}
    if isinstance(options, Mapping):
        return {str(name): plain(value) for name, value in options.items()}
    return [plain(value) for value in options] if isinstance(options, tuple | list) else options


def small_resnet() -> dict[str, Any]:
    """The arguments of timm's ResNets for the small networks of the book."""
    return {"layers": [2, 2, 2, 2], "channels": [16, 32, 64, 128], "stem_width": 8}


@dataclass(frozen=True, config=CONFIG)
class SceneOptions(NamedOptions):
    """The recipe of a classifier of the largest object in a scene.

    Attributes:
        architecture, model_args: the network, by its name in timm and its arguments.
        size: side of the scenes in pixels.
        single, double: number of training scenes with one object and with two (labelled with the larger one's class).
        epochs, batch, learning_rate, weight_decay: of AdamW with a one-cycle learning rate.
        sizes: sides to which batches are resized, one drawn per batch; the last quarter of training uses `size`.
        noise_share: share of each batch replaced by noise, with a uniform target.
        hidden_share: share of each batch partly hidden by noise, with the same label (0 for the shipped weights).
        optimiser: `"adamw"`, or `"muon"`: Muon (Jordan et al., 2024) on the matrices of a transformer's blocks, at ten
            times `learning_rate`, and AdamW on the rest. A small transformer then needs a third of the scenes.
        token_weight: weight of a second loss for transformers, in which each token predicts the class visible in its
            patch, or background (token labelling: Jiang et al., NeurIPS 2021). Its linear layer does not ship. 0 for
            none.
        seed: seed of the weights, the scenes, their order and their augmentation.
    """

    architecture: str = "resnet10t"
    model_args: dict[str, Any] = field(default_factory=small_resnet)
    size: Count = 128
    single: int = 8000
    double: int = 2500
    epochs: Count = 12
    batch: Count = 96
    learning_rate: Positive = 6e-3
    weight_decay: Weight = 0.03
    sizes: tuple[int, ...] = (64, 80, 96, 112)
    noise_share: Share = 0.1
    hidden_share: Share = 0.0
    optimiser: Literal["adamw", "muon"] = "adamw"
    token_weight: Weight = 0.0
    seed: int = 1

    @model_validator(mode="after")
    def _fit_together(self) -> SceneOptions:
        if self.single + self.double < self.batch:
            raise ValueError(
                f"single + double = {self.single + self.double} scenes do not fill one batch of {self.batch}: "
                "draw more scenes or make the batch smaller"
            )
        if self.noise_share + self.hidden_share > 1:
            raise ValueError(
                f"noise_share={self.noise_share} and hidden_share={self.hidden_share} are shares of a batch: "
                "their sum may not exceed 1"
            )
        return self


SCENES_CNN = SceneOptions()
SCENES_VIT = SceneOptions(
    architecture="vit_tiny_patch16_224",
    model_args={
        "img_size": 128,
        "patch_size": 8,
        "embed_dim": 96,
        "depth": 6,
        "num_heads": 3,
        "mlp_ratio": 3,
        "dynamic_img_size": True,
    },
    single=10_500,
    double=3_500,
    epochs=8,
    batch=32,  # a transformer trained from scratch needs many steps rather than large batches
    learning_rate=1.5e-3,
    sizes=(64, 80),  # 64 to 100 tokens instead of 256: cheap until the last quarter
    optimiser="muon",
    token_weight=1.0,
)


@dataclass(frozen=True, config=CONFIG)
class MultiLabelOptions(NamedOptions):
    """The recipe of a classifier of all classes in a scene.

    Attributes:
        architecture, model_args: the network, by its name in timm and its arguments.
        size: side of the scenes in pixels.
        scenes: number of training scenes with one object, with two, and so on.
        epochs, batch, learning_rate, weight_decay: of AdamW with a one-cycle learning rate.
        shortcut_strength, shortcut_base_rate, shortcut_class: co-occurrence of the planted mark with a class, as in
            `helpers.data.scenes.make_scenes`. Strength 0: the mark is independent of the class.
        hidden_share: share of each batch with black holes, shaped as blobs or as objects of other scenes; images that
            would lose most of an object stay unchanged, so that labels stay correct.
        cut_share: share of each batch from which some objects, or everything but some objects, are removed; the labels
            are those of the remaining objects. So outlines alone are no objects, and black surroundings do no harm.
        empty_share: share of each batch replaced by noise or black, without any class.
        pattern_strength: the largest share by which adversarial patterns darken a pixel; 0 for none. They make the
            classifier robust against masks whose pattern, not the visible content, determines its output.
        smoothing: distance of the target probabilities from 0 and 1 (label smoothing; Szegedy et al., 2016), which
            bounds the logits, so that masked images have useful gradients.
        seed: seed of the weights, the scenes, their order and their augmentation.
    """

    architecture: str = "resnet10t"
    model_args: dict[str, Any] = field(default_factory=small_resnet)
    size: Count = 64
    scenes: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1, max_length=4)] = (
        5000,
        4000,
        3000,
        2000,
    )
    epochs: Count = 14
    batch: Count = 96
    learning_rate: Positive = 6e-3
    weight_decay: Weight = 0.03
    shortcut_strength: float = 0.0
    shortcut_base_rate: float = 0.3
    shortcut_class: str = MARKED_CLASS
    hidden_share: Share = 0.15
    cut_share: Share = 0.35
    empty_share: Share = 0.1
    smoothing: Annotated[float, Field(ge=0, lt=0.5)] = 0.03
    pattern_strength: Share = 0.45
    seed: int = 1

    @model_validator(mode="after")
    def _fit_together(self) -> MultiLabelOptions:
        if sum(self.scenes) < self.batch:
            raise ValueError(
                f"scenes={self.scenes} must be the numbers of scenes with 1, 2, 3 and 4 objects, and fill a batch of "
                f"{self.batch}"
            )
        shares = {name: getattr(self, name) for name in ("hidden_share", "cut_share", "empty_share")}
        if sum(shares.values()) > 1:
            raise ValueError(f"{shares} are shares of a batch: their sum may not exceed 1")
        return self


@dataclass(frozen=True, config=CONFIG)
class LabelledOptions(NamedOptions):
    """The recipe of a `SmallImageVGG`, by default that of the classifier in the SpaCE-VAE paper.

    Stochastic gradient descent with Nesterov momentum; the learning rate rises linearly over the first steps and then
    falls along a cosine to nearly 0.

    Attributes:
        width, hidden, dropout: of the network, as in `helpers.classifiers.vgg.SmallImageVGG`.
        mean, std: of each channel, for the normaliser inside the classifier.
        epochs, batch, learning_rate, momentum, weight_decay: of stochastic gradient descent.
        warm_up: share of the steps over which the rate rises.
        padding: largest shift of training images in pixels, with black entering; 0 for none.
        flip: mirror half of the training images.
        policy: `"none"`, as published, or `"trivial"`: one random augmentation of random strength per group of 16
            training images (TrivialAugment; Müller & Hutter, 2021), such as a rotation, a shear or a brightness.
        policy_share: share of the steps, from the first, with the policy; the last steps use images without it, which
            are closer to test images (He et al., 2019). For no policy use `policy="none"`.
        erase: side of a square in each training image replaced by the mean colour (Cutout; DeVries & Taylor, 2017).
        keep: the weights to return: `"best"`, of the highest validation accuracy, or `"last"`. (Published: of the
            highest accuracy on the test images.)
        precision: as in Lightning.
        seed: seed of the weights, the order of the images, their augmentation and dropout.
    """

    width: float = 1.0
    hidden: int = 4096
    dropout: float = 0.5
    mean: Colour = (0.4914, 0.4822, 0.4465)
    std: tuple[Positive, Positive, Positive] = (0.2471, 0.2435, 0.2616)
    epochs: Count = 100
    batch: Count = 256
    learning_rate: Positive = 1e-2
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    weight_decay: Weight = 1e-2
    warm_up: Annotated[float, Field(gt=0, lt=1)] = 0.3
    padding: Annotated[int, Field(ge=0)] = 4
    flip: bool = True
    policy: Literal["none", "trivial"] = "none"
    policy_share: Annotated[float, Field(gt=0, le=1)] = 1.0
    erase: Annotated[int, Field(ge=0)] = 0
    keep: Keep = "best"
    precision: Precision = "32-true"
    seed: int = 0


@dataclass(frozen=True, config=CONFIG)
class FineTuneOptions(NamedOptions):
    """The recipe for fine-tuning an ImageNet classifier on multi-label images, by default the published one of VGG-16.

    As published, only the head is trained. With weights from an 8-bit file, in small images, that is not enough: with
    `body_rate` all layers are. Their normalisations keep their statistics, which are folded into these weights.

    Attributes:
        architecture: a VGG or ResNet of torchvision (`"vgg16"`, `"resnet50"`), or a convolutional network of timm
            (`"timm/tf_mobilenetv3_small_100"`, `"timm/squeezenet1_1_linear"`).
        backbone: the first weights: the name of torchvision's (`"IMAGENET1K_V1"`), `"random"`, or the path of a
            .safetensors file, whose mean and standard deviation then normalise the pixels.
        learning_rate: of the head; None for the published one (VGG-16 1e-5, ResNet-50 1e-4).
        body_rate: of all layers before the head; None: they stay as they are, as published.
        weight_decay: of AdamW (Adam, as published, if it is 0).
        schedule: `"constant"` (as published) or `"cycle"`: one cycle over all epochs.
        batch: images per step.
        epochs: maximal number of epochs.
        patience: number of epochs without improvement of the validation loss after which training stops.
        min_delta: the smallest decrease of the loss that counts as an improvement.
        keep: the weights to return: `"best"`, of the lowest validation loss, or `"last"`, as published.
        flip: mirror half of the training images. Not published; needs `keep_features=False`.
        keep_features: compute the frozen layers' features of each image once, not once per epoch.
        precision: as in Lightning; `"16-mixed"` needs a GPU.
        seed: seed of the new layers, of the order of the images, and of dropout.
    """

    architecture: str = "vgg16"
    backbone: str = "IMAGENET1K_V1"
    learning_rate: Positive | None = None
    body_rate: Positive | None = None
    weight_decay: Weight = 0.0
    schedule: Literal["constant", "cycle"] = "constant"
    batch: Count = 16
    epochs: Count = 1000
    patience: Count = 5
    min_delta: Weight = 0.001
    keep: Keep = "best"
    flip: bool = False
    keep_features: bool = True
    precision: Precision = "32-true"
    seed: int = 42

    @model_validator(mode="after")
    def _fit_together(self) -> FineTuneOptions:
        if self.learning_rate is None and self.architecture not in FINE_TUNE_RATES:
            raise ValueError(f"learning_rate=None: none is published for {self.architecture}; set one, such as 1e-4")
        if self.flip and self.keep_features:
            raise ValueError("flip=True changes the images at each epoch: pass keep_features=False")
        if self.body_rate is not None and self.keep_features:
            raise ValueError("body_rate trains the layers that give the features: pass keep_features=False")
        return self

    @property
    def rate(self) -> float:
        """The learning rate, with the published one as its default."""
        return FINE_TUNE_RATES[self.architecture] if self.learning_rate is None else self.learning_rate
