"""The section of a profile on photographs whose objects are known: methods, numbers of photographs, measures."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from helpers.core.types import Count
from helpers.profiles.base import Fraction, Section

RegionSource = Literal["voc-animals", "coco-tiny", "imagenet-val"]  # as in helpers.data.class_regions
TruthMethodName = Literal[
    "grad-cam",
    "occlusion",
    "rise",
    "extremal-perturbation",
    "igos++",
    "cartoonx",
    "pixel-rde",
    "rollout",
    "rollout-published",
]


class TruthMethod(Section):
    """A method, its options, and the photographs that it explains: some of all, and some whose class is predicted.

    Both are the first in a fixed random order, so that a larger number continues a smaller one.
    """

    photographs: dict[RegionSource, Count | None] = Field(default={})  # None: all of a source; {}: all of every source
    right: dict[RegionSource, Count] = Field(default={})  # of those whose class the classifier predicts
    options: dict[str, Any] = Field(default={})  # that differ from the published ones, or from the profile's own

    def count(self, source: str) -> int | None:
        """The number of photographs of a source; None for all, 0 for a source that a given list does not name."""
        return self.photographs.get(source, 0) if self.photographs else None  # type: ignore[call-overload]


class TruthCurves(Section):
    """Curves of the kept part on the study's photographs and on as many that the networks never saw."""

    methods: tuple[TruthMethodName, ...] = ("grad-cam",)  # of the CNN: controls are measured on it
    steps: Count = 5  # from no pixel to all
    blur: Annotated[float, Field(gt=0)] = 0.1  # sigma of what replaces hidden pixels, as a share of the side


class TruthSettings(Section):
    """All settings of the photographs with truth."""

    sources: Annotated[tuple[RegionSource, ...], Field(min_length=1)]
    methods: Annotated[dict[TruthMethodName, TruthMethod], Field(min_length=1)]
    tolerance: Fraction = 0.03  # of the pointing game, as a share of the side: 15 pixels of 500, as usual on VOC
    seed: Annotated[int, Field(ge=0)] = 0  # of the order of photographs, and of the control with a random order
    curves: TruthCurves = TruthCurves()
