"""The study of one profile: its images, classifier and stored explanations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

import pandas as pd
import torch
from torch import Tensor

from helpers.classifiers import Classifier, load_classifier
from helpers.core.explanation import Convergence, Explanation
from helpers.data.class_regions import masked_photographs
from helpers.data.images import image_digest
from helpers.data.photographs import ImageSet, folder_images, gallery_images, imagenet_samples, scene_images
from helpers.data.scenes import Scenes, make_scenes
from helpers.methods.rde import CartoonX, PixelRDE, RateDistortionExplainer
from helpers.profiles import ImageSettings, Profile
from helpers.results import ProfileStudy, StoredItem, Table, code_digest, digest_of_images, none_if_missing

MethodName = Literal["cartoonx", "pixel-rde"]
METHODS: tuple[MethodName, ...] = ("cartoonx", "pixel-rde")


def load_images(settings: ImageSettings) -> ImageSet:
    """The images that a profile names.

    Raises:
        ValueError, FileNotFoundError: they are not on this machine; the message says which files belong where.
    """
    if settings.source == "scenes":
        return scene_images(settings.count, size=settings.size, seed=settings.seed, objects=settings.objects)
    if settings.source == "gallery":
        return gallery_images(size=settings.size, resize=settings.resize)[: settings.count]
    if settings.source == "imagenet-study":
        # shuffled for a fair sample of the first images: the file is sorted by class, animals first
        return imagenet_samples(size=settings.size, count=settings.count, resize=settings.resize, seed=settings.seed)
    if settings.source in ("voc-animals", "coco-tiny"):
        return masked_photographs(settings.source, settings.size, settings.count, settings.seed).image_set()
    return folder_images(settings.folder(), size=settings.size, resize=settings.resize, count=settings.count)


def scene_truth(settings: ImageSettings) -> Scenes | None:
    """The scenes behind a profile's images with their masks, or None where the images are not scenes."""
    if settings.source != "scenes" or settings.count is None:
        return None
    return make_scenes(settings.count, size=settings.size, seed=settings.seed, objects=settings.objects)


@runtime_checkable
class InitialMask(Protocol):
    """The initial mask of an optimisation."""

    def __call__(self, method: RateDistortionExplainer, images: Tensor) -> Tensor:
        """The initial masks of some images."""

    def parts(self, method: RateDistortionExplainer, images: Tensor) -> dict[str, Any]:
        """Their part of the cache key, without the images."""


class Study(ProfileStudy):
    """The images, the classifier and the CartoonX and Pixel RDE explanations of one profile.

    Explanations are stored image by image, under a key made of the options, the classifier's weights, the image's
    pixels and the code that the method reaches.

    Args:
        profile: a profile, its name, or the path of its file.
        root: another folder than the project's `results/`.
        images: replace the profile's images; None for those of the profile.
        show_progress: show a bar that counts batches.
    """

    paper = "recartoonx"
    section = "rate-distortion"
    common_settings = ("seed", "batch_size", "images", "classifier", "cartoonx", "pixel_rde")

    def __init__(
        self,
        profile: Profile | str,
        *,
        root: Path | None = None,
        images: ImageSet | None = None,
        show_progress: bool = False,
    ) -> None:
        super().__init__(profile, root=root, show_progress=show_progress)
        self._images = images

    def inputs(self, table: Table) -> dict[str, Any]:
        """The digests of the images and of the weights, also of the transformer where the table uses it."""
        key_parts = {
            "images": none_if_missing(lambda: digest_of_images(self.images.images, self.images.labels)),
            "classifier": none_if_missing(lambda: self.classifier.digest),
        }
        if table.transformer and self.profile.transformer is not None:
            key_parts["transformer"] = {
                "settings": self.profile.transformer.model_dump(mode="json"),
                **self.with_transformer().inputs(replace(table, transformer=False)),
            }
        return key_parts

    def extra_provenance(self, table: pd.DataFrame) -> dict[str, Any]:
        """The digests of the images, by name, and of the classifier's weights."""
        data = dict(zip(self.images.names, self.images.digests, strict=True))
        return {"data": data, "classifier": self.classifier.digest}

    @cached_property
    def images(self) -> ImageSet:
        """The images, on the CPU."""
        return load_images(self.profile.images) if self._images is None else self._images

    @cached_property
    def items(self) -> tuple[str, ...]:
        """The key of each image in the stores: the digest of its pixels, so another size is another item."""
        return tuple(image_digest(image) for image in self.images.images)

    @cached_property
    def classifier(self) -> Classifier:
        """The classifier, on the profile's device."""
        return load_classifier(**self.profile.classifier.arguments(), device=self.device)

    def with_transformer(self) -> Study:
        """The study of the same images with the profile's transformer; it shares the folder of stored explanations.

        Raises:
            ValueError: the profile has no section `transformer`, or this study has other images than its profile's.
        """
        return self._transformer

    @cached_property
    def _transformer(self) -> Study:
        if self._images is not None:
            raise ValueError("this study has its own images; use the study of the whole profile")
        study = Study(self.profile.for_transformer(), root=self.root, show_progress=self.show_progress)
        study.ledger = self.ledger
        return study

    def subset(self, images: ImageSet) -> Study:
        """The same profile with other images."""
        study = Study(self.profile, root=self.root, images=images, show_progress=self.show_progress)
        study.ledger = self.ledger
        if "classifier" in vars(self):  # loaded already
            study.classifier = self.classifier
        return study

    @cached_property
    def predictions(self) -> tuple[Tensor, Tensor]:
        """The predicted class of each image and its probability: (images,), (images,)."""
        with torch.no_grad():
            batches = [self.classifier(batch.to(self.device)).softmax(-1).cpu() for batch in self.batches(self.images)]
        confidence, classes = torch.cat(batches).max(-1)
        return classes, confidence

    def batches(self, images: ImageSet) -> list[Tensor]:
        """The pixels in batches of the profile's size."""
        return list(images.images.split(self.profile.batch_size))

    def method(self, name: MethodName, **overrides: Any) -> RateDistortionExplainer:
        """A method with the profile's options, some of them changed."""
        if name == "cartoonx":
            settings = self.profile.cartoonx
            return CartoonX(self.classifier, settings.options, **settings.transform, **overrides)
        if name == "pixel-rde":
            return PixelRDE(self.classifier, self.profile.pixel_rde, **overrides)
        raise ValueError(f"method {name!r} is not known; use one of {', '.join(METHODS)}")

    def explain(
        self, name: MethodName, *, count: int | None = None, start: InitialMask | None = None, **overrides: Any
    ) -> Explanation:
        """The explanations of the first `count` images, from the store or computed.

        Args:
            name: the method.
            count: the number of images; None for all.
            start: the initial mask; None for that of the options. Its computing time counts.
            overrides: options that differ from the profile's.
        """
        items = self._explained(name, count, start, overrides)
        method, size, explanations = self.method(name, **overrides), self.profile.batch_size, []
        for first in range(0, len(items), size):
            images = self.images.images[first : first + len(items[first : first + size])].to(self.device)
            mask, history, convergence = _stacked([item.tensors for item in items[first : first + size]])
            explanation = method.to_explanation(method.problem(images), mask.to(self.device), history, convergence)
            explanations.append(explanation.to("cpu"))
        return Explanation.join(explanations)

    def finish(self, name: MethodName) -> None:
        """Compute and store the explanations that are missing; no more than a batch of them is in memory at a time."""
        self._explained(name, None, None, {}, keep=False)

    def seconds(
        self, name: MethodName, *, count: int | None = None, start: InitialMask | None = None, **overrides: Any
    ) -> list[float]:
        """Seconds of computing each stored explanation (a batch's time, divided by its images)."""
        return [item.metadata["seconds"] for item in self._explained(name, count, start, overrides)]

    def _explained(
        self,
        name: MethodName,
        count: int | None,
        start: InitialMask | None,
        overrides: dict[str, Any],
        *,
        keep: bool = True,
    ) -> list[StoredItem]:
        method = self.method(name, **overrides)

        def compute(rows: list[int]) -> list[dict[str, Tensor]]:
            images = self.images.images[rows].to(self.device)
            initial = None if start is None else start(method, images)
            explanation = method.explain(images, initial=initial).to("cpu")
            return [_tensors(explanation[row : row + 1]) for row in range(len(rows))]

        start_key = {} if start is None else {"start": start.parts(method, self.images.images[:1])}
        store = self.store("explanations", made_by=(type(method),), **self.method_parts(name, method), **start_key)
        return self.stored(store, self.items[:count], compute, batch=self.profile.batch_size, label=name, keep=keep)

    def method_parts(self, name: MethodName, method: RateDistortionExplainer) -> dict[str, Any]:
        """The part of the cache key of a method's results that does not name the image."""
        return {
            "method": name,
            "options": method.options.stored(),
            "transform": self.profile.cartoonx.transform if name == "cartoonx" else {},
            "classifier": self.classifier.digest,
            "normalise": self.profile.classifier.normalise,
            "code": code_digest(type(method)),
        }


def open_studies(profile: Profile | str, table: str | None = None, **options: Any) -> list[ProfileStudy]:
    """The one study of a profile."""
    return [Study(profile, **options)]


def _tensors(explanation: Explanation) -> dict[str, Tensor]:
    """One image's explanation as named tensors: the mask and the logs, from which the images follow.

    Numbers are stored in half precision, which has more than 1000 levels between 0 and 1: archives stay small, and a
    table has the same numbers whether its masks were computed or read.
    """
    tensors = {"representation_mask": explanation.representation_mask}
    tensors |= {f"history.{name}": values for name, values in explanation.history.items()}
    if explanation.convergence is not None:
        tensors |= {
            f"convergence.{field.name}": getattr(explanation.convergence, field.name) for field in fields(Convergence)
        }
    return {name: values.half() if values.is_floating_point() else values for name, values in tensors.items()}


def _stacked(items: list[Mapping[str, Tensor]]) -> tuple[Tensor, dict[str, Tensor], Convergence | None]:
    """The masks, the logs and the convergence of several images, in single precision."""
    tensors = {name: torch.cat([item[name] for item in items]) for name in items[0]}
    tensors = {name: values.float() if values.is_floating_point() else values for name, values in tensors.items()}
    history = {name.removeprefix("history."): tensors[name] for name in tensors if name.startswith("history.")}
    convergence = {name.removeprefix("convergence."): tensors[name] for name in tensors if name.startswith("conv")}
    return tensors["representation_mask"], history, Convergence(**convergence) if convergence else None
