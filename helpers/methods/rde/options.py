"""The options of the rate-distortion explanation, and the recipes that the papers and this book use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from numbers import Integral
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, model_serializer, model_validator
from pydantic.dataclasses import dataclass

from helpers.core.names import NamedOptions

Distortion = Literal["label", "maximise", "l2", "kl"]
Noise = Literal["gaussian", "uniform", "none"]
Schedule = Literal["constant", "cosine", "restarts"]
Optimiser = Literal["adam", "lion"]
InitialMask = Literal["ones", "random"]
Recipe = Literal["fast", "published", "later"]

# The default tolerance: a twentieth of the distortion of an empty mask for a confident prediction
TOLERANCE = 0.05


def _check_keep(value: Any) -> int | float | None:
    """A number of coefficients or a share of them."""
    if value is None:
        return None
    if isinstance(value, Integral) and not isinstance(value, bool) and value >= 1:
        return int(value)
    if isinstance(value, float) and 0 < value < 1:
        return value
    raise ValueError(
        f"keep={value!r} is neither a number of coefficients (a whole number, at least 1) nor a share of them "
        "(between 0 and 1)"
    )


def _without_absent(options: dict[str, Any]) -> dict[str, Any]:
    """The options without one that is newer than stored results and not set: their keys and settings lack it."""
    return {name: value for name, value in options.items() if name != "keep" or value is not None}


@dataclass(frozen=True, config=ConfigDict(extra="forbid", allow_inf_nan=False))
class RDEOptions(NamedOptions):
    """The options of Pixel RDE and CartoonX.

    The objective of an image is `distortion + sparsity_weight * mean(mask)`; `sparsity_weight` is the paper's λk,
    with k the number of mask entries ([Re] CartoonX, section 3.1). WaveletX (Kolek et al., CVPR 2023) adds
    `spatial_weight * mean |picture of the kept grey coefficients|`.

    With a `tolerance`, each image's duality gap is estimated every `check_every` steps (for the schedule "restarts": at
    the end of each cycle), and an image whose gap is below the tolerance stops (`helpers.methods.rde.convergence`). A
    tolerance of 0 estimates the gap but never stops.

    With `keep` the rate is chosen instead of its price: the objective has no term in λ, and the entries of a mask add
    up to at most `keep`. Such masks are found by the Frank-Wolfe method (`helpers.methods.rde.frank_wolfe`), which has
    step sizes of its own: `sparsity_weight`, `optimiser`, `learning_rate`, `schedule` and `slope_at_zero` have no
    effect.

    Raises:
        pydantic.ValidationError: (a `ValueError`) an unknown name, a wrong type or a value out of range.
    """

    sparsity_weight: Annotated[float, Field(ge=0)] = 20.0  # λk
    distortion: Distortion = "label"
    noise: Noise = "gaussian"  # replaces the coefficients where the mask is 0; "none": zeros
    samples: Annotated[int, Field(ge=1)] = 64  # L, noise draws per step
    antithetic: bool = False  # draw half of the samples, use each with both signs
    optimiser: Optimiser = "adam"  # "lion": the sign of the averaged gradient
    steps: Annotated[int, Field(ge=0)] = 2000
    learning_rate: Annotated[float, Field(gt=0)] = 1e-3
    schedule: Schedule = "constant"  # see `schedule.learning_rate_at`
    final_rate: Annotated[float, Field(gt=0, le=1)] = 0.01  # the last learning rate, as a share of the first
    initial_mask: InitialMask = "ones"
    clamp: bool = True  # clamp obfuscations to [0, 1] before classification
    seed: Annotated[int, Field(ge=0)] = 0
    # divide the distortion by that of an empty mask; None: only for callable targets, which can have any unit
    relative: bool | None = None
    score: Literal["auto", "softmax", "sigmoid"] = "auto"  # "auto": by the classifier's kind, see `outputs.score_name`
    # the slope of a mask entry's share of ‖s‖₁ where it is 0: 1, that of s, or 0, the subgradient that torch.abs takes
    slope_at_zero: Literal[0, 1] = 1
    spatial_weight: Annotated[float, Field(ge=0)] = 0.0  # γ of WaveletX, on the synthesised kept image
    tolerance: Annotated[float, Field(ge=0)] | None = (
        None  # duality gap at which an image stops, in units of the objective
    )
    check_every: Annotated[int, Field(ge=1)] = 100  # steps between estimates of the gap; length of the first cycle
    # the largest sum of a mask: a number of coefficients, or a share of them; None: as many as λ makes worth it
    keep: Annotated[int | float | None, BeforeValidator(_check_keep)] = None

    @model_validator(mode="after")
    def _check(self) -> RDEOptions:
        if self.antithetic and self.samples % 2:
            raise ValueError(f"samples={self.samples} is odd, but antithetic=True needs pairs; use an even number")
        if self.relative and self.distortion not in ("label", "l2"):
            raise ValueError(
                f"relative=True goes with distortion 'label' or 'l2', not {self.distortion!r}: "
                "the others do not depend on the image's confidence"
            )
        return self

    @model_serializer(mode="wrap")
    def _serialised(self, handler: Callable[[Any], Any]) -> Any:
        options = handler(self)
        return _without_absent(options) if isinstance(options, dict) else options  # None: a profile without the section

    def stored(self) -> dict[str, Any]:
        """The options by name, for the key of stored results; an option newer than them only if it is set."""
        return _without_absent(asdict(self))

    def count(self, entries: int) -> int | None:
        """The largest sum of a mask with so many entries; None without `keep`.

        Raises:
            ValueError: `keep` is more than there are.
        """
        if self.keep is None or isinstance(self.keep, int):
            if self.keep is not None and self.keep > entries:
                raise ValueError(f"keep={self.keep} is more than the {entries} coefficients that a mask has")
            return self.keep
        return max(1, round(self.keep * entries))

    def with_options(self, **changes: Any) -> RDEOptions:
        """A validated copy with some options changed."""
        return replace(self, **changes)


RECIPES: dict[Recipe, RDEOptions] = {
    # [Re] CartoonX, section 3.5; the published code writes the rate with torch.abs
    "published": RDEOptions(slope_at_zero=0),
    # the recipe in the authors' notebook of March 2023
    "later": RDEOptions(samples=16, steps=300, learning_rate=0.1),
    # This book's; `make bench` compares it with the published one. A step's gradient is mostly noise: averaging over
    # many cheap steps beats averaging over samples. Adam divides by the size of the noise, so that irrelevant entries
    # fall slowly where the noise is large; with the sign of an average (Lion) they fall at the full rate.
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
