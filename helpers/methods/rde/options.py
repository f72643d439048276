"""The options of the rate-distortion explanation, and the recipes that the papers and this book use."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, model_validator
from pydantic.dataclasses import dataclass

Distortion = Literal["label", "maximise", "l2", "kl"]
Noise = Literal["gaussian", "uniform", "none"]
Schedule = Literal["constant", "cosine", "restarts"]
Optimiser = Literal["adam", "lion"]
InitialMask = Literal["ones", "random"]
Recipe = Literal["fast", "published", "later"]

# The default tolerance: a twentieth of what the black mask of a sure prediction costs
TOLERANCE = 0.05


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class RDEOptions:
    """Everything that changes the result of Pixel RDE or CartoonX.

    The objective of an image is `distortion + sparsity_weight * mean(mask)`; `sparsity_weight` is the paper's λk,
    with k the number of mask entries ([Re] CartoonX, section 3.1). WaveletX (Kolek et al., CVPR 2023) adds
    `spatial_weight * mean |picture of the kept grey coefficients|`.

    With a `tolerance`, each image's gap is measured every `check_every` steps (for the schedule "restarts": at the end
    of each cycle), and an image whose gap is below it stops there (`helpers.methods.rde.convergence`); a tolerance of 0
    measures and never stops.

    Raises:
        pydantic.ValidationError: (a `ValueError`) an unknown name, a wrong type or a value out of range.
    """

    sparsity_weight: Annotated[float, Field(ge=0)] = 20.0  # λk
    distortion: Distortion = "label"
    noise: Noise = "gaussian"  # what stands where the mask is 0; "none" is the value 0
    samples: Annotated[int, Field(ge=1)] = 64  # L, noise draws per step
    antithetic: bool = False  # draw half of the samples and use each with both signs
    optimiser: Optimiser = "adam"  # "lion" steps by the sign of the averaged gradient
    steps: Annotated[int, Field(ge=0)] = 2000
    learning_rate: Annotated[float, Field(gt=0)] = 1e-3
    schedule: Schedule = "constant"  # see `schedule.learning_rate_at`
    final_rate: Annotated[float, Field(gt=0, le=1)] = 0.01  # where the rate falls to, as a share of the learning rate
    initial_mask: InitialMask = "ones"
    clamp: bool = True  # obfuscations to [0, 1] before the classifier sees them
    seed: Annotated[int, Field(ge=0)] = 0
    relative: bool = False  # distortion in units of what an all-black image costs, about 1 for every image then
    spatial_weight: Annotated[float, Field(ge=0)] = 0.0  # WaveletX's penalty on the picture of the kept coefficients
    tolerance: Annotated[float, Field(ge=0)] | None = None  # stop an image at this gap, in units of its objective
    check_every: Annotated[int, Field(ge=1)] = 100  # steps between two measurements of the gap; the first cycle

    @model_validator(mode="after")
    def _check(self) -> RDEOptions:
        if self.antithetic and self.samples % 2:
            raise ValueError(f"samples={self.samples} is odd, but antithetic=True pairs them; use an even number")
        if self.relative and self.distortion not in ("label", "l2"):
            raise ValueError(
                f"relative=True goes with distortion 'label' or 'l2', not {self.distortion!r}: "
                "the others do not depend on the image's confidence"
            )
        return self

    def but(self, **changes: Any) -> RDEOptions:
        """These options with some of them changed, and validated again."""
        return replace(self, **changes)


RECIPES: dict[Recipe, RDEOptions] = {
    # [Re] CartoonX, section 3.5
    "published": RDEOptions(),
    # the authors' own recipe of March 2023, from their notebook
    "later": RDEOptions(samples=16, steps=300, learning_rate=0.1),
    # Ours; `make bench` measures it against the published one. The gradient of a step is mostly noise, and averaging
    # over many cheap steps beats averaging over samples. Adam divides by the noise's size, so that entries of no
    # relevance fall slowly where the noise is large; the sign of an average (Lion) lets them fall at the full rate.
    # An image stops as soon as its slope promises less than TOLERANCE.
    "fast": RDEOptions(
        samples=2,
        antithetic=True,
        optimiser="lion",
        steps=400,
        learning_rate=0.05,
        schedule="cosine",
        tolerance=TOLERANCE,
    ),
}
