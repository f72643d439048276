"""The sections of a profile: the keys of its YAML file, with their types and ranges."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import AfterValidator, ConfigDict, Field, model_validator
from pydantic.dataclasses import dataclass

from helpers.core.types import Count, Variant
from helpers.methods.rde.options import RDEOptions
from helpers.profiles.base import Device, Fraction, Name, Section, Size, Start, Weight, check_wavelet, expand_data_path
from helpers.profiles.explainer_sections import ExplainerSettings
from helpers.profiles.family_sections import FamilySettings
from helpers.profiles.space_vae_sections import SpaceVAESettings
from helpers.profiles.truth_sections import TruthSettings

Source = Literal["scenes", "gallery", "imagenet-study", "voc-animals", "coco-tiny", "folder"]


class ImageSettings(Section):
    """The images to explain, and their size."""

    source: Source
    size: Size
    count: Count | None = None  # None: all images of the source
    resize: Literal["stretch", "crop", "pad"] = "stretch"  # "stretch" as in the papers
    path: str | None = None  # the folder of source "folder"; may start with $XAIBOOK_DATA
    seed: Annotated[int, Field(ge=0)] = 0  # of the scenes, or of the order of photographs
    objects: tuple[Count, Count] = (1, 4)  # scenes only: smallest and largest number of objects per image

    @model_validator(mode="after")
    def _fits_together(self) -> ImageSettings:
        if (self.source == "folder") != (self.path is not None):
            raise ValueError("`path` is for source: folder only, and source: folder needs a `path`")
        if self.source == "scenes" and self.count is None:
            raise ValueError("source: scenes needs a `count`, since its series is endless")
        if self.source in ("voc-animals", "coco-tiny") and self.resize != "stretch":
            raise ValueError(f"source: {self.source} has masks of stretched photographs: use resize: stretch")
        if not self.objects[0] <= self.objects[1] <= 4:
            raise ValueError("`objects` is [fewest, most] with fewest <= most <= 4")
        return self

    def folder(self) -> Path:
        """The folder of `path` on this machine.

        Raises:
            ValueError: there is no path, or it starts with $XAIBOOK_DATA, which is not set.
        """
        if self.path is None:
            raise ValueError(f"images of source {self.source!r} have no folder")
        return Path(expand_data_path(self.path))


class ClassifierSettings(Section):
    """The classifier to explain; the fields are the arguments of `classifiers.load_classifier`."""

    name: str
    weights: str | None = None  # None: models/<name>; "hub", "random", or a file, which may start with $XAIBOOK_DATA
    normalise: bool = True

    def arguments(self) -> dict[str, Any]:
        """The arguments of `load_classifier` on this machine: `load_classifier(**settings.arguments())`.

        Raises:
            ValueError: the weights are in $XAIBOOK_DATA, which is not set.
        """
        weights = None if self.weights is None else expand_data_path(self.weights)
        return {"name": self.name, "weights": weights, "normalise": self.normalise}


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class CartoonXSettings(RDEOptions):
    """The options of CartoonX: those of the optimisation, and of the wavelet transform."""

    wavelet: Annotated[str, AfterValidator(check_wavelet)] = "db3"
    levels: Annotated[int, Field(ge=1, le=10)] = 5
    mode: Literal["zero", "symmetric", "periodization", "reflect"] = "zero"

    @property
    def options(self) -> RDEOptions:
        """The options of the optimisation alone: `CartoonX(classifier, settings.options, **settings.transform)`."""
        return RDEOptions(**{name: getattr(self, name) for name in RDEOptions.__dataclass_fields__})

    @property
    def transform(self) -> dict[str, Any]:
        """The arguments of the wavelet transform: wavelet, levels and mode."""
        return {"wavelet": self.wavelet, "levels": self.levels, "mode": self.mode}


class CurveSettings(Section):
    """The rate-distortion curves ([Re] CartoonX, Figure 3 a and b)."""

    fractions: Annotated[tuple[Fraction, ...], Field(min_length=2)] | None = None  # of the mask, ascending
    resolution: Annotated[int, Field(ge=2, le=10_001)] | None = None  # or: number of equidistant fractions from 0 to 1
    draws: Count  # noise draws per fraction
    images: Count | None = None  # number of images, from the first; None: all
    variant: Variant = "corrected"

    @model_validator(mode="after")
    def _fits_together(self) -> CurveSettings:
        if (self.fractions is None) == (self.resolution is None):
            raise ValueError("exactly one of `fractions` and `resolution` is needed")
        if self.fractions is not None and list(self.fractions) != sorted(set(self.fractions)):
            raise ValueError("`fractions` must ascend, without repeats")
        return self

    @property
    def points(self) -> tuple[float, ...]:
        """The fractions at which the curves are measured, ascending, in [0, 1]."""
        if self.resolution is not None:
            return tuple(np.linspace(0.0, 1.0, self.resolution).tolist())
        return self.fractions or ()


class SweepSettings(Section):
    """The sweep over the sparsity weight λk ([Re] CartoonX, Figure 3 c)."""

    sparsity_weights: Annotated[tuple[Weight, ...], Field(min_length=1)]
    images: Count | None = None  # number of images, from the first; None: all


class RolloutSettings(Section):
    """Attention rollout ([Re] CartoonX, section 3.5); the fields are arguments of `rollout.AttentionRollout`."""

    fusion: Literal["mean", "max", "min"] = "mean"  # of the heads
    discard_ratio: Annotated[float, Field(ge=0, lt=1)] = 0.9  # the share of the smallest attentions to discard


class TransformerSettings(Section):
    """The second classifier, a vision transformer ([Re] CartoonX, section 4.2, Figures 4, 5 and 7)."""

    classifier: ClassifierSettings
    size: Size  # the transformer's input size
    sparsity_weight: Weight = 10.0  # λk of CartoonX for the transformer
    images: Count | None = None  # number of images, from the first; None: all
    sweep: SweepSettings  # Figure 7
    rollout: RolloutSettings = RolloutSettings()

    @model_validator(mode="after")
    def _fits_together(self) -> TransformerSettings:
        if self.images is not None and self.sweep.images is not None and self.sweep.images > self.images:
            raise ValueError(f"`sweep.images` is {self.sweep.images}, but `images` is only {self.images}")
        return self


class PublishedRun(Section):
    """The published optimiser, Adam with a constant learning rate, in full or shortened.

    A mask entry needs at least 1 ÷ learning rate steps from 1 to 0.
    """

    images: Count
    steps: Count = 2000
    samples: Count = 64
    learning_rate: Annotated[float, Field(gt=0)] = 1e-3


class InitialMaskSettings(Section):
    """The loss curves of initial masks ([Re] CartoonX, Figure 6)."""

    starts: Annotated[tuple[Start, ...], Field(min_length=1)]
    images: Count  # number of images, from the first, for the profile's own recipe of CartoonX
    published: PublishedRun | None = None  # additional runs with the published recipe

    @model_validator(mode="after")
    def _fits_together(self) -> InitialMaskSettings:
        if len(set(self.starts)) < len(self.starts):
            raise ValueError("`starts` has a repeated entry; remove it")
        if "ones" not in self.starts:
            raise ValueError("`starts` must contain ones, with which all others are compared")
        return self


class SearchSettings(Section):
    """The convergence of the optimisation of masks, and sparsity weights per image."""

    images: Count  # per classifier: the first ones (convergence), those of lowest confidence (sparsity-weights)
    check_every: Count = 100  # steps between two estimates of the duality gap
    distortion: Annotated[float, Field(gt=0, lt=1)] = 0.2  # target of per-image sparsity weights, relative to p²


RATE_DISTORTION = ("images", "classifier", "cartoonx", "pixel_rde", "curves", "sweep")
"""The sections that Pixel RDE and CartoonX need."""

_ABSENT: Any = None  # placeholder for an absent section; `load_profile` rejects profiles that need it


class Profile(Section):
    """All settings of a run. Profiles with the same `digest` give the same numbers.

    A profile has the sections from `images` to `sweep` (Pixel RDE and CartoonX), or `explainer` (class masks), or
    `space_vae`, or several of them; `load_profile` checks that the required ones are present.
    """

    name: Name  # the file's name, and the folder in results/
    description: str
    seed: Annotated[int, Field(ge=0)] = 0
    device: Device = "auto"  # as in runtime.resolve_device
    batch_size: Count
    images: ImageSettings = _ABSENT
    classifier: ClassifierSettings = _ABSENT
    cartoonx: CartoonXSettings = _ABSENT
    pixel_rde: RDEOptions = _ABSENT
    curves: CurveSettings = _ABSENT
    sweep: SweepSettings = _ABSENT
    transformer: TransformerSettings | None = None
    initial_masks: InitialMaskSettings | None = None
    search: SearchSettings | None = None
    truth: TruthSettings | None = None
    family: FamilySettings | None = None
    explainer: ExplainerSettings | None = None
    space_vae: SpaceVAESettings | None = None

    @model_validator(mode="after")
    def _whole(self) -> Profile:
        absent = [name for name in RATE_DISTORTION if getattr(self, name) is None]
        others = self.explainer is not None or self.space_vae is not None
        if absent and (len(absent) < len(RATE_DISTORTION) or not others):
            raise ValueError(
                f"{', '.join(absent)} missing: a profile has all of {', '.join(RATE_DISTORTION)}, or none "
                "of them and one of the sections explainer and space_vae"
            )
        return self

    @model_validator(mode="after")
    def _enough_images(self) -> Profile:
        if self.images is None:
            return self
        count = self.images.count
        for section, needed in self._image_counts().items():
            if needed is not None and count is not None and needed > count:
                raise ValueError(f"{section}.images is {needed}, but images.count is only {count}")
        return self

    def _image_counts(self) -> dict[str, int | None]:
        """The number of images that each section needs."""
        counts = {"curves": self.curves.images, "sweep": self.sweep.images}
        if self.transformer is not None:
            counts["transformer"] = self.transformer.images
            counts["transformer.sweep"] = self.transformer.sweep.images
        if self.initial_masks is not None:
            counts["initial_masks"] = self.initial_masks.images
            if self.initial_masks.published is not None:
                counts["initial_masks.published"] = self.initial_masks.published.images
        counts["search"] = self.search.images if self.search else None
        return counts

    def for_transformer(self) -> Profile:
        """This profile with the transformer as its classifier, and the transformer's image size, images, λk and sweep.

        Curves use all of these images. The name and the folder of results stay the same.

        Raises:
            ValueError: the profile has no section `transformer`.
        """
        settings = self.transformer
        if settings is None:
            raise ValueError(
                f"profile {self.name!r} has no section `transformer`; add one to its file, as profiles/quick.yaml has"
            )
        size, count = settings.size, settings.images or self.images.count
        changes = {
            "images": self.images.model_copy(update={"size": size, "count": count}),
            "classifier": settings.classifier,
            "cartoonx": self.cartoonx.with_options(sparsity_weight=settings.sparsity_weight),
            "curves": self.curves.model_copy(update={"images": None}),
            "sweep": settings.sweep,
        }
        return self.model_copy(update=changes)

    @property
    def digest(self) -> str:
        """SHA-256 of all settings that affect results, except the sections with a digest of their own."""
        content = self.model_dump(mode="json", exclude={"description", "explainer", "space_vae"})
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
