"""What is trained, on what, for how long."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class TrainingOptions:
    """The recipe of a classifier of scenes.

    Attributes:
        architecture, model_args: the network, by its name in timm and its arguments.
        size: side of the scenes in pixels.
        single, double: how many training scenes have one object, and two (the label is the larger one's class).
        epochs, batch, learning_rate, weight_decay: AdamW, one cycle of the learning rate.
        sizes: the sides to which batches are resized, one drawn a batch; the last quarter of training keeps `size`.
        noise_share: share of each batch replaced by noise, for which all classes are right alike.
        hidden_share: share of each batch partly hidden by noise, the label kept (0 for the shipped weights).
        optimiser: `"adamw"`, or `"muon"`: Muon (Jordan et al., 2024) on the matrices of a transformer's blocks, at ten
            times `learning_rate`, AdamW on the rest. A small transformer learns from a third as many scenes with it.
        token_weight: weight of a second loss, for transformers: each patch's token names the class of what its patch
            shows, or background (token labelling: Jiang et al., NeurIPS 2021). The scenes know the answer. Its
            linear layer is not shipped. 0 for none.
        seed: of the weights, the scenes, their order and their augmentation.
    """

    architecture: str = "resnet10t"
    model_args: dict[str, Any] = field(
        default_factory=lambda: {"layers": [2, 2, 2, 2], "channels": [16, 32, 64, 128], "stem_width": 8}
    )
    size: int = 128
    single: int = 8000
    double: int = 2500
    epochs: int = 12
    batch: int = 96
    learning_rate: float = 6e-3
    weight_decay: float = 0.03
    sizes: tuple[int, ...] = (64, 80, 96, 112)
    noise_share: float = 0.1
    hidden_share: float = 0.0
    optimiser: Literal["adamw", "muon"] = "adamw"
    token_weight: float = 0.0
    seed: int = 1

    def __post_init__(self) -> None:
        for name in ("epochs", "batch", "size"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)} must be at least 1")
        if self.single + self.double < self.batch:
            raise ValueError(
                f"single + double = {self.single + self.double} scenes do not fill one batch of {self.batch}: "
                "draw more scenes or make the batch smaller"
            )
        if self.optimiser not in ("adamw", "muon"):
            raise ValueError(f"optimiser={self.optimiser!r} is not known; use 'adamw' or 'muon'")
        if self.token_weight < 0:
            raise ValueError(f"token_weight={self.token_weight} is the weight of a loss: it may not be negative")
        if self.noise_share < 0 or self.hidden_share < 0 or self.noise_share + self.hidden_share > 1:
            raise ValueError(
                f"noise_share={self.noise_share} and hidden_share={self.hidden_share} are shares of a batch: "
                "neither may be negative, and their sum may not exceed 1"
            )


SCENES_CNN = TrainingOptions()
SCENES_VIT = TrainingOptions(
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

# seeds of the three series of scenes: they share no image
TRAINING_SERIES, VALIDATION_SERIES, TEST_SERIES = 1_000, 2_000, 3_000
