"""How classifiers are trained: the options of every recipe, which profiles read without loading Lightning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, fields, is_dataclass
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, model_validator
from pydantic.dataclasses import dataclass

from helpers.core.types import Count, Precision

Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
Keep = Literal["best", "last"]
Colour = tuple[float, float, float]
CONFIG = ConfigDict(extra="forbid")

# seeds of the three series of scenes: they share no image
TRAINING_SERIES, VALIDATION_SERIES, TEST_SERIES = 1_000, 2_000, 3_000
MARKED_CLASS = "fish"
"""The class that the planted mark goes with."""

FINE_TUNE_RATES = {"vgg16": 1e-5, "resnet50": 1e-4}
"""The published learning rates of fine-tuning."""


def plain(options: Any) -> Any:
    """Options as numbers, texts, lists and dictionaries, as checkpoints and files hold them."""
    if is_dataclass(options):
        return {each.name: plain(getattr(options, each.name)) for each in fields(options)}
    if isinstance(options, Mapping):
        return {str(name): plain(value) for name, value in options.items()}
    return [plain(value) for value in options] if isinstance(options, tuple | list) else options


def small_resnet() -> dict[str, Any]:
    """The arguments of timm's ResNets for the book's small networks."""
    return {"layers": [2, 2, 2, 2], "channels": [16, 32, 64, 128], "stem_width": 8}


@dataclass(frozen=True, config=CONFIG)
class SceneOptions:
    """The recipe of a classifier that names the largest object of a scene.

    Attributes:
        architecture, model_args: the network, by its name in timm and its arguments.
        size: side of the scenes in pixels.
        single, double: how many training scenes have one object, and two (the label is the larger one's class).
        epochs, batch, learning_rate, weight_decay: AdamW, one cycle of the learning rate.
        sizes: the sides to which batches are resized, one drawn per batch; the last quarter of training keeps `size`.
        noise_share: share of each batch replaced by noise, for which all classes are equally right.
        hidden_share: share of each batch partly hidden by noise, the label kept (0 for the shipped weights).
        optimiser: `"adamw"`, or `"muon"`: Muon (Jordan et al., 2024) on the matrices of a transformer's blocks, at ten
            times `learning_rate`, AdamW on the rest. A small transformer learns from a third as many scenes with it.
        token_weight: weight of a second loss, for transformers: each patch's token names the class of what its patch
            shows, or background (token labelling: Jiang et al., NeurIPS 2021). The scenes know the answer. Its
            linear layer is not shipped. 0 for none.
        seed: of the weights, the scenes, their order and their augmentation.
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
    batch=32,  # many small steps: a transformer that starts from nothing needs steps more than large batches
    learning_rate=1.5e-3,
    sizes=(64, 80),  # 64 to 100 tokens instead of 256: cheap until the last quarter
    optimiser="muon",
    token_weight=1.0,
)


@dataclass(frozen=True, config=CONFIG)
class MultiLabelOptions:
    """The recipe of a classifier that names every class of a scene.

    Attributes:
        architecture, model_args: the network, by its name in timm and its arguments.
        size: side of the scenes in pixels.
        scenes: how many training scenes, for each number of objects from one.
        epochs, batch, learning_rate, weight_decay: AdamW, one cycle of the learning rate.
        shortcut_strength, shortcut_base_rate, shortcut_class: how the planted mark comes with a class, as in
            `helpers.data.scenes.make_scenes`. Strength 0: the mark says nothing.
        hidden_share: share of each batch that gets black holes, blobs or shapes of other scenes' objects; an image
            stays whole where a hole would take most of an object, so that its labels stay right.
        cut_share: share of each batch of which some objects are taken away, or everything but some objects; the labels
            are those of what is left. So an outline alone is no object, and black around an object does no harm.
        empty_share: share of each batch that becomes noise or black, and shows no class at all.
        pattern_strength: how far, at most, misleading patterns darken a pixel; 0 for none. They make the classifier
            robust against masks that speak by their pattern instead of by what they show.
        smoothing: by how much the target probabilities stay away from 0 and 1 (label smoothing; Szegedy et al., 2016):
            logits then stay within bounds, and the answer to a masked image has a slope.
        seed: of the weights, the scenes, their order and their augmentation.
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
                f"scenes={self.scenes} must say how many scenes have 1, 2, 3 and 4 objects, and fill a batch of "
                f"{self.batch}"
            )
        shares = {name: getattr(self, name) for name in ("hidden_share", "cut_share", "empty_share")}
        if sum(shares.values()) > 1:
            raise ValueError(f"{shares} are shares of a batch: their sum may not exceed 1")
        return self


@dataclass(frozen=True, config=CONFIG)
class LabelledOptions:
    """The recipe of a `SmallImageVGG`; the defaults are those of the classifier that the SpaCE-VAE paper explains.

    Stochastic gradient descent with Nesterov momentum; the rate rises in a straight line over the first steps and falls
    along a cosine to nearly 0 over the others.

    Attributes:
        width, hidden, dropout: of the network, as in `helpers.classifiers.vgg.SmallImageVGG`.
        mean, std: of each channel, for the normaliser inside the classifier.
        epochs, batch, learning_rate, momentum, weight_decay: of the descent.
        warm_up: share of the steps over which the rate rises.
        padding: training images are shifted by up to so many pixels, with black coming in; 0 for none.
        flip: mirror half of the training images.
        policy: `"none"`, as published, or `"trivial"`: one random change of random strength for each group of 16
            training images (TrivialAugment; Müller & Hutter, 2021), such as a turn, a shear or another brightness.
        policy_share: share of the steps, from the first on, in which the policy changes images; the others learn from
            unchanged images, which are closer to those of the test (He et al., 2019). For no policy use
            `policy="none"`.
        erase: side of a square of the mean colour that each training image loses (Cutout; DeVries & Taylor, 2017).
        keep: which weights are returned: `"best"`, of the highest validation accuracy, or `"last"`. (Published: of the
            highest accuracy on the test images.)
        precision: as Lightning names it.
        seed: of the weights, the order of the images, their augmentation and dropout.
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
class FineTuneOptions:
    """How an ImageNet classifier is fine-tuned to name every class of an image; the defaults are VGG-16's, published.

    Attributes:
        architecture: a VGG or ResNet of torchvision: `"vgg16"` or `"resnet50"`.
        backbone: the weights that are kept: the name of torchvision's (`"IMAGENET1K_V1"`), `"random"`, or the path of
            a .safetensors file.
        learning_rate: Adam's, constant; None for the published one (VGG-16 1e-5, ResNet-50 1e-4).
        batch: images per step.
        epochs: at most.
        patience: epochs without a better validation loss after which training stops.
        min_delta: by how much a loss has to be lower to be better.
        keep: which weights are returned: `"best"`, of the least validation loss; or `"last"`, as published.
        flip: mirror half of the training images. Not published; needs `keep_features=False`.
        keep_features: compute the frozen layers' features of each image once, not once per epoch.
        precision: as Lightning names it; `"16-mixed"` needs a GPU.
        seed: of the new layers, of the order of the images, and of dropout.
    """

    architecture: str = "vgg16"
    backbone: str = "IMAGENET1K_V1"
    learning_rate: Positive | None = None
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
            raise ValueError(f"learning_rate=None: none was published for {self.architecture}; give one, such as 1e-4")
        if self.flip and self.keep_features:
            raise ValueError("flip=True changes the images at each epoch: pass keep_features=False")
        return self

    @property
    def rate(self) -> float:
        """The learning rate that is used."""
        return FINE_TUNE_RATES[self.architecture] if self.learning_rate is None else self.learning_rate
