"""One dataset, one classifier and all methods: what the tables and figures about class masks share."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from helpers.classifiers import Classifier, load_classifier
from helpers.core.class_masks import ClassMaskMethod, merge_classes
from helpers.data.images import image_digest
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
from helpers.papers.explainer.experiments.methods import IMMEDIATE, METHODS, TRAINED, BuiltMethod, build_method
from helpers.profiles import Profile, Variant
from helpers.profiles.explainer_sections import DatasetSettings, ExplainerSettings
from helpers.results import ItemStore, StoredItem, Table, digest_of_images, none_if_missing
from helpers.results.study import ProfileStudy
from helpers.results.tables import results_folder

DATASETS = ("voc2007", "coco2014")
CLASSIFIERS = ("vgg16", "resnet50")
VARIANTS: tuple[Variant, ...] = ("corrected", "published")

_AT_ONCE = 64  # images whose class masks are in memory together: a gigabyte of COCO's


class ClassStudy(ProfileStudy):
    """The images, the classifier and the methods that stand, in one profile, for one pair of the paper.

    The masks of a method that searches are stored image by image as soon as they are finished, under a key made of
    everything that they depend on: the method's options, its code, the classifier's weights, the image and the
    classes. A second run, or one that goes on after a kill, computes what is missing and nothing else. Masks that one
    pass of a network gives are made anew: a file takes longer.

    Args:
        profile: a profile with a section `explainer`, its name, or the path of its file.
        dataset: `"voc2007"` or `"coco2014"`: these, or the scenes that stand for them. None: the profile's first one.
        classifier: `"vgg16"` or `"resnet50"`: these, or the classifiers that stand for them; None as above.
        root: another folder than the project's `results/`.
        show_progress: show bars.

    Raises:
        ValueError: the profile has no such section, dataset or classifier; the message says what there is.
    """

    paper = "explainer"
    section = "explainer"
    common_settings = ("batch_size", "explainer.size")
    excluded_code = ("helpers.papers.explainer.experiments.methods",)  # each table counts the code of its own methods

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

    def missing_requirement(self, table: Table) -> str | None:
        """The reason why this pair cannot have a table, as a sentence; None if it can."""
        if self.dataset not in table.datasets or self.classifier_name not in table.classifiers:
            pairs = f"{' or '.join(table.datasets)} with {' or '.join(table.classifiers)}"
            return f"table {table.name!r} is about {pairs}, not about {self.dataset} with {self.classifier_name}"
        if table.scenes and self.data.source != "scenes":
            return (
                f"profile {self.profile.name!r} has no table {table.name!r} of {self.dataset}: it needs scenes, as "
                "where each class is seen, and what a shortcut is, is not known of photographs"
            )
        return super().missing_requirement(table)

    def file_name(self, table: Table) -> str:
        """What the table of this pair is called in `results/<profile>/`."""
        return table.name if not table.images else f"{table.name}-{self.dataset}-{self.classifier_name}"

    def inputs(self, table: Table) -> dict[str, Any]:
        """The images, the classifier's weights and, of each method, its options or its network, and its code."""
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
        """The pair, what stands for it, and the number of images."""
        return {
            "images": table["image"].nunique() if "image" in table else len(self.images),
            "classifier": self.classifier.digest,
            "dataset": self.dataset,
            "source": self.data.source,
            "explained": self.explained.name,
        }

    def _digest_of_images(self, which: str) -> str:
        if which == "test":
            return digest_of_images(self.images.pixels, self.images.labels)
        segmented = self.segmented
        return digest_of_images(segmented.images.pixels, segmented.images.labels, segmented.instances)

    @cached_property
    def classifier(self) -> Classifier:
        """The classifier that is explained, on the profile's device.

        Raises:
            MissingArchiveError: (a FileNotFoundError) it is not trained yet, nor are its photographs there.
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
        """Check that the images are on this machine; scenes always are.

        Raises:
            MissingArchiveError: (a FileNotFoundError) archives are missing; the message says what to fetch.
        """
        require_dataset(self.data.source, self.data.folder())

    def weights_file(self, ending: str) -> Path:
        """Where the classifier's weights are (`""`), or its network's (`"explainer"`, `"rtis"`).

        Those of small classifiers of scenes ship in models/; those of large ones are made by a run of the profile.
        """
        tail = f"-{ending}" if ending else ""
        shipped = MODELS_FOLDER / f"{self.explained.name}{tail}.safetensors"
        if self.explained.fine_tune is None and shipped.is_file():
            return shipped
        folder = results_folder(self.profile, self.root) / "work" / "models"
        return folder / f"{self.dataset}-{self.classifier_name}{tail}.safetensors"

    @cached_property
    def images(self) -> MultiLabelImages:
        """The test split."""
        return load_split(split="test", count=self.data.test, **self._data_arguments())

    @cached_property
    def segmented(self) -> SegmentedImages:
        """The test images of which it is known where their objects are."""
        return self.truth("corrected")

    def truth(self, variant: Variant) -> SegmentedImages:
        """The same, with void pixels, difficult objects and blurred borders as the variant says."""
        if variant == "corrected" and "segmented" in self.__dict__:
            return self.segmented
        truth = load_segmented(count=self.data.segmented, variant=variant, **self._data_arguments())
        return _with_classes(truth, self.classifier.class_names)

    @cached_property
    def scenes(self) -> Scenes | None:
        """The scenes behind `segmented`, with all that is true of them; None where the images are photographs."""
        if self.data.source != "scenes" or self.data.segmented is None:
            return None
        series = SCENE_SERIES["test"] + self.data.seed
        return make_scenes(self.data.segmented, size=self.settings.size, seed=series, objects=self.data.objects)

    def class_regions(self, count: int | None = None) -> Bool[Tensor, "count classes height width"] | None:
        """The visible part of each class in the first segmented images; None where nobody knows it."""
        return None if self.scenes is None else class_truth(self.scenes[:count])

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
        """The class masks of the first `count` images, from the store or computed now; on the CPU.

        Args:
            name: the method.
            count: how many images; None for all.
            images: which; None for the segmented ones.
            classes: which classes of each image; None for those that it shows. Others are 0.
        """
        images = (self.segmented.images if images is None else images)[:count]
        wanted = images.labels if classes is None else classes[: len(images)]
        masks = torch.zeros(*wanted.shape, *images.pixels.shape[-2:])
        if name in IMMEDIATE:
            for rows in torch.arange(len(images)).split(self.profile.batch_size):
                masks[rows] = self._class_masks(name, images, wanted, rows.tolist())
            return masks
        for row, item in enumerate(self._searched(name, images, wanted)):
            masks[row, wanted[row]] = item.tensors["masks"].float()
        return masks

    def merged_masks(self, name: str, images: MultiLabelImages) -> Float[Tensor, "count height width"]:
        """The masks of the classes that each image shows, merged by their pixelwise maximum (the paper, section 3)."""
        parts = [images[first : first + _AT_ONCE] for first in range(0, len(images), _AT_ONCE)]
        return torch.cat([merge_classes(self.masks(name, images=part), part.labels)[:, 0] for part in parts])

    def seconds(self, name: str, count: int | None = None, *, images: MultiLabelImages | None = None) -> list[float]:
        """The seconds that the stored masks of each image's own classes took (a batch's time, shared evenly).

        Raises:
            ValueError: the method's masks are not stored, as they take no time worth it.
        """
        if name in IMMEDIATE:
            raise ValueError(f"{name} is so fast that its masks are not stored; the table compute-time has its time")
        images = (self.segmented.images if images is None else images)[:count]
        return [item.metadata["seconds"] for item in self._searched(name, images, images.labels)]

    def method_parts(self, name: str) -> dict[str, Any]:
        """What the masks of a method depend on, the images and the classifier aside."""
        return self._method(name).parts

    def mask_store(self, name: str) -> ItemStore:
        """Where the masks of a method lie."""
        return self.store("class-masks", **self.method_parts(name), classifier=self.classifier.digest)

    def _method(self, name: str) -> BuiltMethod:
        if name not in self._built:
            weights = self.weights_file(name) if name in TRAINED else None
            options = self.settings.baselines.get(name)
            self._built[name] = build_method(name, self.classifier, options=options, weights=weights)
        return self._built[name]

    def _searched(self, name: str, images: MultiLabelImages, classes: Tensor) -> list[StoredItem]:
        """The stored masks of a method that searches; what is missing is computed first."""

        def compute(rows: list[int]) -> list[dict[str, Tensor]]:
            masks = self._class_masks(name, images, classes, rows)
            # half the precision is more than 1000 levels between 0 and 1, in half the space
            return [{"masks": mask[classes[row]].half()} for row, mask in zip(rows, masks, strict=True)]

        items, size = mask_items(images, classes), self.profile.batch_size
        return self.stored(self.mask_store(name), items, compute, batch=size, label=f"{self.dataset}, {name}")

    def _class_masks(self, name: str, images: MultiLabelImages, classes: Tensor, rows: list[int]) -> Tensor:
        """The masks of some images, computed now, on the CPU."""
        pixels = images.select(rows).images(self.device)
        return self.method(name).class_masks(pixels, classes[rows].to(self.device)).cpu()

    def _data_arguments(self) -> dict[str, Any]:
        arguments = {"source": self.data.source, "size": self.settings.size, "seed": self.data.seed}
        if self.data.source == "scenes":
            return {**arguments, "objects": self.data.objects, "show_progress": self.show_progress}
        more = {"root": self.data.folder(), "difficult": self.data.difficult, "show_progress": self.show_progress}
        return {**arguments, **more}


def mask_items(images: MultiLabelImages, classes: Bool[Tensor, "count classes"]) -> list[str]:
    """What the stores call the masks of these classes of these images."""
    chosen = ["-".join(str(index) for index in row.nonzero().flatten().tolist()) for row in classes]
    return [f"{image_digest(image)} {kinds}" for image, kinds in zip(images.pixels, chosen, strict=True)]


def _with_classes(truth: SegmentedImages, names: tuple[str, ...]) -> SegmentedImages:
    """The same images with the classifier's classes: COCO's published labels have eleven columns that nothing uses."""
    found = truth.images.class_names
    if found == names or not set(names) <= set(found):
        return truth
    columns = [found.index(name) for name in names]
    images = replace(truth.images, labels=truth.images.labels[:, columns], class_names=names)
    return replace(truth, images=images, instances=truth.instances[:, columns])
