"""The options of a SpaCE-VAE's network, loss and training."""

from __future__ import annotations

import math
from dataclasses import field
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from helpers.core.names import NamedOptions
from helpers.core.types import Count, Precision
from helpers.training.options import CONFIG, Positive, Share, Weight, plain

Reference = Literal["black", "mean"] | tuple[Share, Share, Share]
GRIDS = (2, 4, 8, 16)


@dataclass(frozen=True, config=CONFIG)
class NetworkOptions(NamedOptions):
    """The architecture of the auto-encoder; the defaults are those of the published VQ-VAE that the paper builds on.

    Attributes:
        size: side of the images in pixels.
        grid: side of the grid of codes.
        hidden: channels inside the encoder and the decoder.
        residual_layers, residual_hidden: residual blocks in each of the two, and channels inside a block.
        embedding: length of a code.
        codes: size of the codebook.
        decay: of the moving averages that update the codebook.
        epsilon: of the Laplace smoothing of the counts, which keeps rare codes from a division by almost 0.
        dead_below: a code whose use is below this share of the average is dead, and is restarted at an encoder output.
            0: never, as published.
        shared_blocks: all residual blocks of a stack share their weights, as in the published code, by mistake.
        conditioned: whether beta is an input of the network.
    """

    size: int = 32
    grid: int = 8
    hidden: Annotated[int, Field(ge=2, multiple_of=2)] = 128
    residual_layers: Annotated[int, Field(ge=0)] = 2
    residual_hidden: Count = 32
    embedding: Count = 64
    codes: Annotated[int, Field(ge=2)] = 512
    decay: Annotated[float, Field(ge=0, lt=1)] = 0.99
    epsilon: Positive = 1e-5
    dead_below: Annotated[float, Field(ge=0, lt=1)] = 0.01
    shared_blocks: bool = False
    conditioned: bool = False

    @model_validator(mode="after")
    def _fit_together(self) -> NetworkOptions:
        if self.grid < 1 or self.size / self.grid not in (2, 4, 8, 16):
            raise ValueError(
                f"size={self.size} and grid={self.grid}: an image must be 2, 4, 8 or 16 times as wide as the grid"
            )
        return self

    @property
    def bits(self) -> float:
        """The information in one image's codes, in bits."""
        return self.grid**2 * math.log2(self.codes)


@dataclass(frozen=True, config=CONFIG)
class LossOptions(NamedOptions):
    """The weights of the terms of equation 7, and of three terms that the paper's conclusion proposes.

    Every term is a mean: over images, and over the entries of an image or of its codes. The reconstruction's squared
    error is divided by the variance of the training pixels, as in the code that the paper builds on. There the variance
    is of pixels in [0, 1] too, but the error of pixels in [-1, 1], four times ours: relative to the reconstruction, its
    commitment of 0.25 is 0.0625 here.

    Attributes:
        alpha: weight of the L1 sparsity loss, the mean brightness of the kept image. The paper's 0.05 presumes
            reductions that it does not state; this default is calibrated so that beta = 10 removes about half of the
            brightness.
        beta: weight of the classification loss: the cross-entropy with the class predicted for the original.
        commitment: delta of equation 6.
        reference: the colour of an uninformative pixel: `"black"` as published, `"mean"` (each image's own mean
            colour), or a given colour.
        contrast: weight of a reward for the RMS contrast of each kept image.
        colours: weight of the squared distance of each pixel to the nearest of `palette` colours.
        palette: number of these colours.
        smoothness: weight of the total variation.
        lowest_beta, highest_beta: the range of beta in the training of a conditioned network, drawn log-uniformly for
            each image.
    """

    alpha: Weight = 12.0
    beta: Weight = 10.0
    commitment: Weight = 0.25
    reference: Reference = "black"
    contrast: Weight = 0.0
    colours: Weight = 0.0
    palette: Annotated[int, Field(ge=2)] = 8
    smoothness: Weight = 0.0
    lowest_beta: Positive = 1.0
    highest_beta: Positive = 100.0

    @model_validator(mode="after")
    def _fit_together(self) -> LossOptions:
        if not self.lowest_beta < self.highest_beta:
            raise ValueError(f"lowest_beta={self.lowest_beta} must be below highest_beta={self.highest_beta}")
        return self


@dataclass(frozen=True, config=CONFIG)
class SpaceVAEOptions(NamedOptions):
    """The recipe of a SpaCE-VAE; the defaults are the published settings, as far as the paper gives them.

    Attributes:
        network, loss: the architecture and the loss.
        epochs: maximum number of epochs.
        patience: epochs without a lower validation loss after which training stops.
        batch: images per step.
        learning_rate: Adam's.
        schedule: `"constant"`, as published, or `"cycle"`: one rise and fall of the rate over all epochs.
        amsgrad: Adam's variant that the published VQ-VAE uses.
        flip: mirror half of the training images; the class to keep is then the prediction for the mirrored image.
        precision: as Lightning names it.
        init_from: the name of the training whose weights initialise this one, which saves epochs; None: random weights,
            as published.
        seed: of the weights, the order of the images and the betas.
    """

    network: NetworkOptions = field(default_factory=NetworkOptions)
    loss: LossOptions = field(default_factory=LossOptions)
    epochs: Count = 200
    patience: Count = 20
    batch: Count = 32
    learning_rate: Positive = 3e-4
    schedule: Literal["constant", "cycle"] = "constant"
    amsgrad: bool = True
    flip: bool = False
    precision: Precision = "32-true"
    init_from: str | None = None
    seed: int = 0

    def plain(self) -> dict[str, Any]:
        """The options as a dictionary of plain values, as checkpoints hold them."""
        return plain(self)
