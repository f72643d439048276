"""The options of the rate-distortion explanation, and the recipes that the papers and this book use."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

Distortion = Literal["label", "maximise", "l2", "kl"]
Noise = Literal["gaussian", "uniform", "none"]
Schedule = Literal["constant", "cosine"]
InitialMask = Literal["ones", "random"]


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class RDEOptions:
    """Everything that changes the result of Pixel RDE or CartoonX.

    The objective of an image is `distortion + sparsity_weight * mean(mask)`; `sparsity_weight` is the paper's λk,
    with k the number of mask entries ([Re] CartoonX, section 3.1).
    """

    sparsity_weight: Annotated[float, Field(ge=0)] = 20.0  # λk
    distortion: Distortion = "label"
    noise: Noise = "gaussian"
    samples: Annotated[int, Field(ge=1)] = 64  # L, noise draws a step
    antithetic: bool = False  # draw half of the samples, use each with both signs
    steps: Annotated[int, Field(ge=1)] = 2000
    learning_rate: Annotated[float, Field(gt=0)] = 1e-3
    schedule: Schedule = "constant"
    initial_mask: InitialMask = "ones"
    clamp: bool = True  # obfuscations to [0, 1] before the classifier
    seed: int = 0
