"""The section of a profile that compares the wavelet family: methods, their trials, images of kinds, measures."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from helpers.core.types import Count
from helpers.profiles.base import Fraction, Section, Weight

FamilyMethodName = Literal[
    "cartoonx",
    "cartoonx-rate",
    "waveletx",
    "shearletx",
    "wam-gradient",
    "wam-path",
    "pixel-rde",
    "pixel-rde-rate",
    "random-wavelets",
    "largest-wavelets",
    "random-shearlets",
    "random-pixels",
    "centre",
    "dimming",
    "everything",
]


class FamilyMethod(Section):
    """A method or a control.

    Methods with a price λ have `trials`; those that keep a given share of their entries have that of `rate_of`.
    """

    images: Count | None = None  # of each kind, the first ones: for slow methods; None: all
    trials: tuple[Weight, ...] = ()  # values of λk, tried on images of their own
    rate_of: FamilyMethodName | None = None  # keeps the share that this method's masks keep on those images
    options: dict[str, Any] = Field(default={})  # that differ from those of the profile's sections
    spatial_ratio: Weight | None = None  # γ ÷ λk, if the picture has a price γ; None: γ is fixed

    @model_validator(mode="after")
    def _one_of_them(self) -> FamilyMethod:
        if self.trials and self.rate_of is not None:
            raise ValueError("`trials` of λk and `rate_of` exclude each other: a method has a price or a rate")
        return self


class FamilySettings(Section):
    """All settings of the comparison."""

    images: Count  # of each kind
    tuning: Count  # further images of each kind, on which λk and the rates are chosen
    least: Fraction = 0.0  # the smallest probability of the predicted class of an image; others are left out
    kinds: dict[str, tuple[str, ...]] = Field(default={})  # classes of scenes by kind; {}: one kind, all photographs
    methods: Annotated[dict[FamilyMethodName, FamilyMethod], Field(min_length=1)]
    distortion: Annotated[float, Field(gt=0, lt=1)] = 0.1  # mean over images at which the prices are matched
    samples: Count = 64  # noise draws with which a final distortion is measured
    steps: Count = 20  # of insertion and deletion, from no pixel to all
    blur: Annotated[float, Field(gt=0)] = 0.1  # sigma of what replaces hidden pixels there, as a share of the side
    fractions: Annotated[tuple[Fraction, ...], Field(min_length=2)] = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
    draws: Count = 2  # noise draws per fraction of the curves in a method's own entries
    tolerance: Fraction = 0.03  # of the pointing game, as a share of the side

    @model_validator(mode="after")
    def _rates_have_a_price(self) -> FamilySettings:
        for name, method in self.methods.items():
            twin = method.rate_of
            if twin is not None and (twin not in self.methods or not self.methods[twin].trials):
                raise ValueError(f"`rate_of` of {name} is {twin}, which is no method of this profile with trials")
        return self
