"""The section of a profile on SpaCE-VAE: data, classifier, trainings and their evaluation."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, model_validator

from helpers.core.types import Count, Split
from helpers.methods.space_vae.options import SpaceVAEOptions
from helpers.profiles.base import Name, Section, expand_data_path
from helpers.training.options import LabelledOptions

LabelledSource = Literal["scenes", "cifar10", "cifar10-lossless", "cifar10-png", "cifar10-lossy"]


class LabelledData(Section):
    """Small images with one label each."""

    source: LabelledSource
    training_source: LabelledSource | None = None  # of the training and validation images, where it is another one
    train: Count | None = None  # number of images in each split; None: all. Scenes require all three numbers
    validation: Count | None = None
    test: Count | None = None
    root: str | None = None  # the folder of CIFAR-10, may start with $XAIBOOK_DATA; None: in the data folder
    seed: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _fits_together(self) -> LabelledData:
        if self.source == "scenes" and None in (self.train, self.validation, self.test):
            raise ValueError("source: scenes needs `train`, `validation` and `test`")
        if self.training_source is not None and "scenes" in (self.source, self.training_source):
            raise ValueError("training_source: only editions of CIFAR-10 can be combined, not scenes")
        return self

    def source_of(self, split: Split) -> LabelledSource:
        """The source of the images of a split."""
        return self.source if split == "test" else self.training_source or self.source

    def folder(self) -> str | None:
        """The dataset's folder on this machine; None for the one in the data folder.

        Raises:
            ValueError: it starts with $XAIBOOK_DATA, which is not set.
        """
        return None if self.root is None else expand_data_path(self.root)


class SmallClassifier(Section):
    """The classifier to explain, and its training."""

    name: Name  # of its weights file, in models/ or in the folder of results
    recipe: LabelledOptions = LabelledOptions()


# tenths, as in the paper, and finer steps near 0, where most attributions lie
_FINE = (-0.05, -0.02, -0.01, 0.01, 0.02, 0.05)
_THRESHOLDS = tuple(sorted((*(round(0.1 * step, 1) for step in range(-10, 11)), *_FINE)))


class SpaceVAEEvaluation(Section):
    """The number of images behind each measurement."""

    images: Count  # test images, for trained networks
    competitors: Count  # test images, for attribution methods
    threshold_images: Count  # validation images, for the choice of their thresholds
    feature_ablation: Count | None = None  # of these test and validation images, for the dearest of them; None: all
    training: Count | None = None  # training images on which the networks are evaluated as well
    mistakes: bool = False  # evaluate the networks separately on the test images that the classifier gets wrong
    thresholds: Annotated[tuple[float, ...], Field(min_length=1)] = _THRESHOLDS
    integration_steps: Count = 50
    cross_method: Count | None = None  # scenes, for the comparison with CartoonX, Pixel RDE and the Explainer

    @model_validator(mode="after")
    def _in_range(self) -> SpaceVAEEvaluation:
        if not all(-1 <= threshold <= 1 for threshold in self.thresholds):
            raise ValueError("`thresholds` must lie in [-1, 1], like the attributions that are compared with them")
        return self


class AlphaCalibration(Section):
    """Short trainings that calibrate alpha; the published 0.05 belongs to loss reductions that are not published."""

    alphas: Annotated[tuple[float, ...], Field(min_length=2)]
    epochs: Count
    images: Count | None = None  # training images; None: all
    target_l1: Annotated[float, Field(gt=0, lt=100)] = 50.0  # L1 sparsity at beta = 10, per cent


class SpaceVAESettings(Section):
    """All settings of SpaCE-VAE."""

    data: LabelledData
    classifier: SmallClassifier
    training: SpaceVAEOptions = SpaceVAEOptions()
    # the trainings by name, each with the options of `training` that it overrides
    models: Annotated[dict[Name, dict[str, Any]], Field(min_length=1)]
    evaluation: SpaceVAEEvaluation
    calibration: AlphaCalibration | None = None

    @model_validator(mode="after")
    def _valid_trainings(self) -> SpaceVAESettings:
        earlier: set[str] = set()
        for name in self.models:
            init_from = self.options(name).init_from
            if init_from is not None and init_from not in earlier:
                raise ValueError(f"models.{name}.init_from is {init_from!r}, which must be a training listed before it")
            earlier.add(name)
        return self

    @property
    def digest(self) -> str:
        """SHA-256 of all these settings."""
        return hashlib.sha256(json.dumps(self.model_dump(mode="json"), sort_keys=True).encode()).hexdigest()

    def options(self, name: str) -> SpaceVAEOptions:
        """The recipe of one training.

        Raises:
            ValueError: this profile has no training of that name, or an overriding option is invalid.
        """
        if name not in self.models:
            raise ValueError(f"this profile has no training {name!r}, only {', '.join(self.models)}; use one of these")
        adapter = TypeAdapter(SpaceVAEOptions)
        plain = _merged(adapter.dump_python(self.training, mode="json"), self.models[name])
        # strict validation of JSON accepts a list for a tuple
        return adapter.validate_json(json.dumps(plain), strict=True)

    def betas(self) -> dict[str, float]:
        """The beta of each training that overrides nothing but beta, by name: the paper's sweep."""
        return {
            name: self.options(name).loss.beta
            for name, changes in self.models.items()
            if name.startswith("beta-") and set(changes) <= {"loss"} and set(changes.get("loss", {})) <= {"beta"}
        }


def _merged(plain: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Nested options with some of them overridden."""
    merged = dict(plain)
    for name, value in changes.items():
        nested = isinstance(value, dict) and isinstance(merged.get(name), dict)
        merged[name] = _merged(merged[name], value) if nested else value
    return merged
