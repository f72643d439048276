"""The section of a profile on class masks: data, classifiers, training, and the compared methods."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from helpers.core.names import known_names
from helpers.core.types import Count
from helpers.methods.explainer.options import ExplainerOptions
from helpers.profiles.base import Fraction, Section, Size, expand_data_path
from helpers.training.options import MARKED_CLASS, MultiLabelOptions

DatasetName = Literal["voc2007", "coco2014"]
ClassifierName = Literal["vgg16", "resnet50"]


class DatasetSettings(Section):
    """One of the paper's two datasets, or what replaces it: VOC's animals, or scenes."""

    source: Literal["scenes", "voc2007", "voc-animals", "coco2014"]
    objects: tuple[Count, Count] = (1, 2)  # scenes only: smallest and largest number of objects per image
    train: Count | None = None  # number of images in each split; None: all. Scenes require all four numbers
    validation: Count | None = None
    test: Count | None = None
    segmented: Count | None = None  # number of test images with masks of their objects
    root: str | None = None  # the folder of VOC or COCO, may start with $XAIBOOK_DATA; None: in the data folder
    seed: Annotated[int, Field(ge=0)] = 1
    difficult: bool | None = None  # VOC: whether objects marked as difficult count; None: as the variant says

    @model_validator(mode="after")
    def _fits_together(self) -> DatasetSettings:
        counts = (self.train, self.validation, self.test, self.segmented)
        if self.source == "scenes" and None in counts:
            raise ValueError("source: scenes needs `train`, `validation`, `test` and `segmented`")
        if not self.objects[0] <= self.objects[1] <= 4:
            raise ValueError("`objects` is [fewest, most] with fewest <= most <= 4")
        return self

    def folder(self) -> str | None:
        """The dataset's folder on this machine; None for the one in the data folder.

        Raises:
            ValueError: it starts with $XAIBOOK_DATA, which is not set.
        """
        return None if self.root is None else expand_data_path(self.root)


class ExplainedClassifier(Section):
    """One of the paper's two classifiers, or its replacement, and the trainings of its Explainer and RTIS network."""

    name: str  # a file in models/, or a network of torchvision to be fine-tuned on each dataset
    scenes: MultiLabelOptions | None = None  # training of a classifier of scenes from scratch
    fine_tune: dict[str, Any] | None = None  # or fine-tuning of torchvision's network: training.FineTuneOptions
    explainer: ExplainerOptions
    rtis: ExplainerOptions
    # options that differ for one dataset
    datasets: dict[DatasetName, dict[Literal["explainer", "rtis"], dict[str, Any]]] = Field(default={})

    @model_validator(mode="after")
    def _fits_together(self) -> ExplainedClassifier:
        if self.scenes is not None and self.fine_tune is not None:
            raise ValueError("a classifier is trained from scratch (`scenes`) or fine-tuned (`fine_tune`), not both")
        if self.rtis.objective != "rtis" or self.explainer.objective != "explainer":
            raise ValueError("`explainer.objective` must be explainer, and `rtis.objective` rtis")
        return self


class ClassEvaluation(Section):
    """The number of images behind each table."""

    images: Count  # of Tables 2 and 3 and of the comparison with true masks, per dataset and classifier
    images_of: dict[str, Count] = Field(default={})  # fewer for methods that search each image: the first ones
    scores: Count  # of Table 1
    thresholds: Annotated[tuple[Fraction, ...], Field(min_length=1)] = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
    plain_threshold: float = 0.0  # Table 4: on the logits of plain and of masked images
    masked_threshold: float = -1.0
    pairs: Count | None = None  # of the shortcut score: scenes with and without the mark


class RetrainingSettings(Section):
    """Further training of a classifier of scenes on images and their masked versions (the paper's closing idea)."""

    images: Count  # number of held-out scenes for the evaluation
    epochs: Count
    learning_rate: Annotated[float, Field(gt=0)]
    batch: Count = 64  # a step sees twice as many images, each plain and masked

    def changes(self) -> dict[str, Any]:
        """The recipe options that retraining overrides."""
        return {"epochs": self.epochs, "learning_rate": self.learning_rate, "batch": self.batch}


class ExplainerSettings(Section):
    """All settings of class masks (What You See is What You Classify)."""

    size: Size
    datasets: Annotated[dict[DatasetName, DatasetSettings], Field(min_length=1)]
    classifiers: Annotated[dict[ClassifierName, ExplainedClassifier], Field(min_length=1)]
    evaluation: ClassEvaluation
    baselines: dict[str, dict[str, Any]] = Field(
        default={}
    )  # options of grad-cam, rise, extremal-perturbation, igos++, occlusion
    retraining: RetrainingSettings | None = None
    marked_class: str = MARKED_CLASS  # of the planted shortcut

    @property
    def digest(self) -> str:
        """SHA-256 of all these settings."""
        return hashlib.sha256(json.dumps(self.model_dump(mode="json"), sort_keys=True).encode()).hexdigest()

    def dataset(self, name: str) -> DatasetSettings:
        """The dataset of the paper, or its replacement, by the paper's name.

        Raises:
            ValueError: this profile has none.
        """
        if name not in self.datasets:
            raise ValueError(f"this profile has no dataset {name!r}{known_names(name, self.datasets, 'it has')}")
        return self.datasets[name]  # type: ignore[index]

    def classifier(self, name: str) -> ExplainedClassifier:
        """The classifier of the paper, or its replacement, by the paper's name.

        Raises:
            ValueError: this profile has none.
        """
        if name not in self.classifiers:
            raise ValueError(f"this profile has no classifier {name!r}{known_names(name, self.classifiers, 'it has')}")
        return self.classifiers[name]  # type: ignore[index]
