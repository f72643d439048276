"""What a SpaCE-VAE is made of and how it is trained."""

from __future__ import annotations

import math
from dataclasses import asdict, field
from typing import Any, Literal

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from helpers.core.types import Precision

Reference = Literal["black", "mean"] | tuple[float, float, float]
GRIDS = (2, 4, 8, 16)


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class NetworkOptions:
    """The auto-encoder; the defaults are those of the published VQ-VAE that the paper builds on.

    Attributes:
        size: side of the images in pixels.
        grid: side of the grid of codes.
        hidden: channels inside the encoder and the decoder.
        residual_layers, residual_hidden: residual blocks of each, and the channels inside them.
        embedding: length of a code.
        codes: how many codes the codebook has.
        decay: of the moving averages that move the codebook.
        epsilon: what keeps rare codes from being divided by nearly nothing (Laplace smoothing).
        dead_below: a code that is used less than this share of the average use is dead, and is revived: put where the
            encoder's answers are. 0: never, as published.
        shared_blocks: all residual blocks of a stack share their weights, as a slip in the published code has it.
        conditioned: beta is an input of the network.
    """

    size: int = 32
    grid: int = 8
    hidden: int = 128
    residual_layers: int = 2
    residual_hidden: int = 32
    embedding: int = 64
    codes: int = 512
    decay: float = 0.99
    epsilon: float = 1e-5
    dead_below: float = 0.01
    shared_blocks: bool = False
    conditioned: bool = False

    def __post_init__(self) -> None:
        for name in ("hidden", "residual_hidden", "embedding"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)} must be at least 1")
        if self.hidden % 2:
            raise ValueError(f"hidden={self.hidden} must be even: the outermost layers have half as many channels")
        if self.codes < 2:
            raise ValueError(f"codes={self.codes}: a codebook has at least 2 codes")
        ratio = self.size / self.grid if self.grid > 0 else 0
        if ratio not in (2, 4, 8, 16):
            raise ValueError(
                f"size={self.size} and grid={self.grid}: an image must be 2, 4, 8 or 16 times as wide as the grid"
            )
        if not 0 <= self.decay < 1 or self.epsilon <= 0 or not 0 <= self.dead_below < 1:
            raise ValueError(
                f"decay={self.decay} and dead_below={self.dead_below} must lie in [0, 1), epsilon={self.epsilon} "
                "must be positive"
            )
        if self.residual_layers < 0:
            raise ValueError(f"residual_layers={self.residual_layers} may not be negative")

    @property
    def bits(self) -> float:
        """What one image's codes can tell, in bits."""
        return self.grid**2 * math.log2(self.codes)


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class LossOptions:
    """The weights of the terms of equation 7, and of three terms that the paper's conclusion names.

    Every term is a mean: over images, and over the entries of an image or of its codes. The reconstruction's squared
    error is divided by the variance of the training pixels, as in the code that the paper builds on.

    Attributes:
        alpha: price of brightness. The paper's 0.05 belongs to reductions that it does not state; this default was
            calibrated so that beta = 10 removes about half of the brightness.
        beta: price of doubt: weight of the cross-entropy of the class that the classifier gives the original.
        commitment: delta of equation 6.
        reference: what an uninformative pixel is driven to: `"black"` as published, `"mean"` (each image's own mean
            colour), or a colour of the reader's.
        contrast: weight of a reward for the spread of each kept image's pixels.
        colours: weight of the squared distance of each pixel to the nearest of `palette` colours.
        palette: how many colours.
        smoothness: weight of the total variation.
        lowest_beta, highest_beta: a network that is conditioned on beta is trained with betas between these, drawn
            image by image, evenly on a logarithmic scale.
    """

    alpha: float = 12.0
    beta: float = 10.0
    commitment: float = 0.25
    reference: Reference = "black"
    contrast: float = 0.0
    colours: float = 0.0
    palette: int = 8
    smoothness: float = 0.0
    lowest_beta: float = 1.0
    highest_beta: float = 100.0

    def __post_init__(self) -> None:
        for name in ("alpha", "beta", "commitment", "contrast", "colours", "smoothness"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ValueError(f"{name}={getattr(self, name)} is a weight: it may not be negative")
        if self.palette < 2:
            raise ValueError(f"palette={self.palette}: at least 2 colours")
        if not 0 < self.lowest_beta < self.highest_beta < math.inf:
            raise ValueError(
                f"lowest_beta={self.lowest_beta} must be positive and below highest_beta={self.highest_beta}"
            )
        if isinstance(self.reference, tuple) and not all(0 <= value <= 1 for value in self.reference):
            raise ValueError(f"reference={self.reference} must be a colour with entries in [0, 1]")


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class SpaceVAEOptions:
    """The recipe of a SpaCE-VAE; the defaults are the published settings, as far as the paper gives them.

    Attributes:
        network, loss: what is trained, and by what.
        epochs: at most.
        patience: epochs without a better validation loss after which training stops.
        batch: images a step.
        learning_rate: Adam's.
        schedule: `"constant"`, as published, or `"cycle"`: one rise and fall of the rate over all epochs.
        amsgrad: Adam's variant that the published VQ-VAE uses.
        flip: mirror half of the training images; what the classifier says of the mirrored image is the class to keep.
        precision: as Lightning names it.
        start: the name of the training whose weights this one begins with; None: random weights, as published. A
            network that can draw already needs fewer epochs.
        seed: of the weights, the order of the images and the betas.
    """

    network: NetworkOptions = field(default_factory=NetworkOptions)
    loss: LossOptions = field(default_factory=LossOptions)
    epochs: int = 200
    patience: int = 20
    batch: int = 32
    learning_rate: float = 3e-4
    schedule: Literal["constant", "cycle"] = "constant"
    amsgrad: bool = True
    flip: bool = False
    precision: Precision = "32-true"
    start: str | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("epochs", "patience", "batch"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)} must be at least 1")
        if self.learning_rate <= 0:
            raise ValueError(f"learning_rate={self.learning_rate} must be positive")

    def plain(self) -> dict[str, Any]:
        """The options as a dictionary of plain values, as checkpoints hold them."""
        return asdict(self)
