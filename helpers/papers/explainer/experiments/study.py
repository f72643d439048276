"""The study of one dataset and one classifier: images, methods and stored masks for the tables and figures."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from helpers.classifiers import Classifier, load_classifier
from helpers.core.class_masks import ClassMaskMethod, merge_classes
from helpers.core.files import file_digest
from helpers.data.multilabel import (
    MultiLabelImages,
    SegmentedImages,
    class_truth,
    load_segmented,
    load_split,
    require_dataset,
)
from helpers.data.multilabel.loading import SCENE_SERIES
from helpers.data.scenes import Scenes, make_scenes
from helpers.methods.explainer.files import MODELS_FOLDER
from helpers.papers.explainer.experiments.methods import IMMEDIATE, METHODS, TRAINED, BuiltMethod, build_method, ids_of
from helpers.profiles import Profile, Variant
from helpers.profiles.explainer_sections import DatasetSettings, ExplainerSettings
from helpers.results import ItemStore, ProfileStudy, StoredItem, Table, digest_of_images, none_if_missing
from helpers.results.tables import results_folder

DATASETS = ("voc2007", "coco2014")
CLASSIFIERS = ("vgg16", "resnet50")
VARIANTS: tuple[Variant, ...] = ("corrected", "published")

_AT_ONCE = 64  # images per batch of class masks: a gigabyte for COCO


class ClassStudy(ProfileStudy):
    """The images, the classifier and the methods of one profile for one pair of a dataset and a classifier.

    Masks of optimisation methods are stored image by image, under a key made of the method's options and code, the
    classifier's weights, the image and the classes. An interrupted run resumes: it computes missing masks only. Masks
    from a single network pass are not stored, as reading a file would take longer.

    Args:
        profile: a profile with a section `explainer`, its name, or the path of its file.
        dataset: `"voc2007"` or `"coco2014"`; a profile may replace it by scenes. None: the profile's first dataset.
        classifier: `"vgg16"` or `"resnet50"`; a profile may replace it. None: the profile's first classifier.
        root: another folder than the project's `results/`.
        show_progress: show bars.

    Raises:
        ValueError: the profile has no such section, dataset or classifier; the message lists those that exist.
    """

    paper = "explainer"
    section = "explainer"
    common_settings = ("batch_size", "explainer.size")
    # a table's key has the code of its own methods only
    excluded_code = ("helpers.papers.explainer.experiments.methods",)

    def __init__(
        self,
        profile: Profile | str,
        dataset: str | None = None,
        classifier: str | None = None,
        *,
        root: Path | None = None,
        show_progress: bool = False,
    ) -> None:
        super().__init__(profile, root=root, show_progress=show_progress)
        if self.profile.explainer is None:
            raise ValueError(f"profile {self.profile.name!r} has no section `explainer`; use one that has: quick")
        self.settings: ExplainerSettings = self.profile.explainer
        self.dataset = dataset or next(iter(self.settings.datasets))
        self.classifier_name = classifier or next(iter(self.settings.classifiers))
        self.data: DatasetSettings = self.settings.dataset(self.dataset)
        self.explained = self.settings.classifier(self.classifier_name)
        self._built: dict[str, BuiltMethod] = {}
        self._truth: dict[Variant, SegmentedImages] = {}

    def missing_requirement(self, table: Table) -> str | None:
        """The reason, a sentence, why this pair has no such table; None where it has."""
        if self.dataset not in table.datasets or self.classifier_name not in table.classifiers:
            pairs = f"{' or '.join(table.datasets)} with {' or '.join(table.classifiers)}"
            return f"table {table.name!r} is about {pairs}, not about {self.dataset} with {self.classifier_name}"
        lacking = f"profile {self.profile.name!r} has no table {table.name!r} of {self.dataset}: it needs scenes"
        if table.scenes and self.data.source != "scenes":
            return f"{lacking}, as class regions and shortcuts of photographs are not known"
        if table.regions and self.data.source not in ("scenes", "voc-animals"):
            return f"{lacking} or VOC's animals, as these images have no masks of single classes"
        return super().missing_requirement(table)

    def file_name(self, table: Table) -> str:
        """The file name, without extension, of this pair's table in `results/<profile>/`."""
        for dataset, classifier, figure in table.figures:
            if (dataset, classifier) == (self.dataset, self.classifier_name):
                return figure
        return table.name if not table.images else f"{table.name}-{self.dataset}-{self.classifier_name}"

    def inputs(self, table: Table) -> dict[str, Any]:
        """The images, the classifier's weights, and each method's options or network with its code."""
        names = METHODS if table.methods == "all" else table.methods
        return {
            "data": self.data.model_dump(mode="json", exclude={"path"}),
            "images": {
                which: none_if_missing(lambda which=which: self._digest_of_images(which)) for which in table.images
            },
            "classifier": none_if_missing(lambda: self.classifier.digest),
            "methods": {name: none_if_missing(lambda name=name: self.method_parts(name)) for name in names},
        }

    def extra_provenance(self, table: pd.DataFrame) -> dict[str, Any]:
        """The pair, its source and classifier in this profile, the number of images, and uncommitted networks."""
        about = {
            "images": table["image"].nunique() if "image" in table else len(self.images),
            "classifier": self.classifier.digest,
            "dataset": self.dataset,
            "source": self.data.source,
            "explained": self.explained.name,
        }
        if self.explained.fine_tune is not None:  # networks of photographs are not committed
            files = [self.weights_file(name) for name in TRAINED]
            about["networks"] = {path.stem: file_digest(path) for path in files if path.is_file()}
            about["networks_made_by"] = f"python -m helpers train --profile {self.profile.name}"
        return about

    def _digest_of_images(self, which: str) -> str:
        if which == "test":
            return digest_of_images(self.images.pixels, self.images.labels)
        segmented = self.segmented
        return digest_of_images(segmented.images.pixels, segmented.images.labels, segmented.instances)

    @cached_property
    def classifier(self) -> Classifier:
        """The classifier that is explained, on the profile's device.

        Raises:
            MissingArchiveError: (a FileNotFoundError) it is not trained yet and its photographs are missing.
            FileNotFoundError: it is not trained yet.
        """
        path = self.weights_file("")
        if not path.is_file() and self.explained.fine_tune is not None:
            self.require_data()
            raise FileNotFoundError(
                f"there is no classifier {path}; train it, and the networks that explain it: "
                f"python -m helpers train --profile {self.profile.name}"
            )
        return load_classifier(str(path) if path.is_file() else self.explained.name, device=self.device)

    def require_data(self) -> None:
        """Check that the images are on this machine; scenes are always available.

        Raises:
            MissingArchiveError: (a FileNotFoundError) archives are missing; the message says what to fetch.
        """
        require_dataset(self.data.source, self.data.folder())

    def weights_file(self, suffix: str) -> Path:
        """The file of the classifier's weights (`""`) or of a network that explains it (`"explainer"`, `"rtis"`).

        Weights for scenes ship in models/; those for photographs are trained by the profile.
        """
        suffix = f"-{suffix}" if suffix else ""
        shipped = MODELS_FOLDER / f"{self.explained.name}{suffix}.safetensors"
        if self.explained.fine_tune is None and shipped.is_file():
            return shipped
        folder = results_folder(self.profile, self.root) / "work" / "models"
        return folder / f"{self.dataset}-{self.classifier_name}{suffix}.safetensors"

    @cached_property
    def images(self) -> MultiLabelImages:
        """The test split."""
        return load_split(split="test", count=self.data.test, **self._data_arguments())

    @cached_property
    def segmented(self) -> SegmentedImages:
        """The test images with segmented objects, void pixels treated as in the corrected variant."""
        return self.truth("corrected")

    def truth(self, variant: Variant) -> SegmentedImages:
        """The segmented test images; the variant decides on void pixels, difficult objects and blurred borders."""
        if variant not in self._truth:
            images = load_segmented(count=self.data.segmented, variant=variant, **self._data_arguments())
            self._truth[variant] = images.with_classes(self.classifier.class_names)
        return self._truth[variant]

    @cached_property
    def scenes(self) -> Scenes | None:
        """The scenes behind `segmented`, with their ground truth; None for photographs."""
        if self.data.source != "scenes" or self.data.segmented is None:
            return None
        series = SCENE_SERIES["test"] + self.data.seed
        return make_scenes(self.data.segmented, size=self.settings.size, seed=series, objects=self.data.objects)

    def class_regions(self, count: int | None = None) -> Bool[Tensor, "count classes height width"] | None:
        """The visible region of each class in the first segmented images; None where it is not known."""
        if self.scenes is not None:
            return class_truth(self.scenes[:count])
        regions = self.segmented.regions
        return None if regions is None else regions[:count]

    def count_of(self, name: str) -> int:
        """The number of images on which a method is evaluated: for slow ones a profile may set fewer."""
        most = self.settings.evaluation.images
        return min(most, self.settings.evaluation.images_of.get(name, most))

    def method(self, name: str) -> ClassMaskMethod:
        """One method with the profile's options."""
        return self._method(name).method

    def methods(self) -> dict[str, ClassMaskMethod]:
        """All methods by their names, in the paper's order."""
        return {name: self.method(name) for name in METHODS}

    def masks(
        self,
        name: str,
        count: int | None = None,
        *,
        images: MultiLabelImages | None = None,
        classes: Bool[Tensor, "all classes"] | None = None,
    ) -> Float[Tensor, "count classes height width"]:
        """The class masks of the first `count` images, from the store or computed; on the CPU.

        Args:
            name: the method.
            count: the number of images; None for all.
            images: None for the segmented ones.
            classes: the classes of each image to explain; None for those that it shows. Masks of others are 0.
        """
        images = (self.segmented.images if images is None else images)[:count]
        requested = images.labels if classes is None else classes[: len(images)]
        masks = torch.zeros(*requested.shape, *images.pixels.shape[-2:])
        if name in IMMEDIATE:
            for rows in torch.arange(len(images)).split(self.profile.batch_size):
                masks[rows] = self._class_masks(name, images, requested, rows.tolist())
            return masks
        for row, item in enumerate(self._stored_masks(name, images, requested)):
            masks[row, requested[row]] = item.tensors["masks"].float()
        return masks

    def merged_masks(self, name: str, images: MultiLabelImages) -> Float[Tensor, "count height width"]:
        """The masks of each image's classes, merged by their pixelwise maximum (section 3 of the paper)."""
        batches = [images[start : start + _AT_ONCE] for start in range(0, len(images), _AT_ONCE)]
        return torch.cat([merge_classes(self.masks(name, images=batch), batch.labels)[:, 0] for batch in batches])

    def seconds(self, name: str, count: int | None = None, *, images: MultiLabelImages | None = None) -> list[float]:
        """Seconds of computing the stored masks of each image's classes (a batch's time, divided evenly).

        Raises:
            ValueError: the method is too fast for its masks to be stored.
        """
        if name in IMMEDIATE:
            raise ValueError(f"masks of {name} are not stored, as it is fast; the table compute-time has its time")
        images = (self.segmented.images if images is None else images)[:count]
        return [item.metadata["seconds"] for item in self._stored_masks(name, images, images.labels)]

    def method_parts(self, name: str) -> dict[str, Any]:
        """The part of a mask's cache key that names neither images nor classifier."""
        return self._method(name).parts

    def mask_store(self, name: str) -> ItemStore:
        """The store of a method's masks."""
        parts = {**self.method_parts(name), "classifier": self.classifier.digest}
        return self.store("class-masks", made_by=(type(self.method(name)),), **parts)

    def _method(self, name: str) -> BuiltMethod:
        if name not in self._built:
            weights = self.weights_file(name) if name in TRAINED else None
            options = self.settings.baselines.get(name)
            self._built[name] = build_method(name, self.classifier, options=options, weights=weights)
        return self._built[name]

    def _stored_masks(self, name: str, images: MultiLabelImages, classes: Tensor) -> list[StoredItem]:
        """The stored masks of an optimisation method; missing ones are computed first."""

        def compute(rows: list[int]) -> list[dict[str, Tensor]]:
            masks = self._class_masks(name, images, classes, rows)
            # half precision has more than 1000 levels between 0 and 1, in half the space
            return [{"masks": mask[classes[row]].half()} for row, mask in zip(rows, masks, strict=True)]

        items, size = ids_of(images, classes), self.profile.batch_size
        return self.stored(self.mask_store(name), items, compute, batch=size, label=f"{self.dataset}, {name}")

    def _class_masks(self, name: str, images: MultiLabelImages, classes: Tensor, rows: list[int]) -> Tensor:
        """The masks of some images, computed without the store; on the CPU."""
        pixels = images.select(rows).images(self.device)
        return self.method(name).class_masks(pixels, classes[rows].to(self.device)).cpu()

    def _data_arguments(self) -> dict[str, Any]:
        arguments = {"source": self.data.source, "size": self.settings.size, "seed": self.data.seed}
        if self.data.source == "scenes":
            return {**arguments, "objects": self.data.objects, "show_progress": self.show_progress}
        more = {"root": self.data.folder(), "difficult": self.data.difficult, "show_progress": self.show_progress}
        return {**arguments, **more}
