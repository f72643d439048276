"""The images, the classifier and the stored explanations of one profile: what all experiments share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

import pandas as pd
import torch
from torch import Tensor

from helpers.classifiers import Classifier, load_classifier
from helpers.core.explanation import Convergence, Explanation
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
        ValueError, FileNotFoundError: they are not on this machine; the message says what is wanted where.
    """
    if settings.source == "scenes":
        return scene_images(settings.count, size=settings.size, seed=settings.seed, objects=settings.objects)
    if settings.source == "gallery":
        return gallery_images(size=settings.size, resize=settings.resize)[: settings.count]
    if settings.source == "imagenet-study":
        # shuffled, so that the first ones are a fair sample: the file's order is by class, animals first
        return imagenet_samples(size=settings.size, count=settings.count, resize=settings.resize, seed=settings.seed)
    return folder_images(settings.folder(), size=settings.size, resize=settings.resize, count=settings.count)


def scene_truth(settings: ImageSettings) -> Scenes | None:
    """The scenes behind a profile's images with their masks, or None where the images are not scenes."""
    if settings.source != "scenes" or settings.count is None:
        return None
    return make_scenes(settings.count, size=settings.size, seed=settings.seed, objects=settings.objects)


@runtime_checkable
class InitialMask(Protocol):
    """Where a search starts."""

    def __call__(self, method: RateDistortionExplainer, images: Tensor) -> Tensor:
        """The initial masks of some images."""

    def parts(self, method: RateDistortionExplainer, images: Tensor) -> dict[str, Any]:
        """What they depend on, the images aside."""


class Study(ProfileStudy):
    """One profile at work: its images, its classifier and the explanations of CartoonX and Pixel RDE.

    Each image's explanation is stored as soon as it is finished, under a key made of everything that it depends on:
    the options, the classifier's weights, the image's pixels and the code that the method reaches.

    Args:
        profile: a profile, its name, or the path of its file.
        root: another folder than the project's `results/`.
        images: other images than those that the profile names, such as some of them; None for the profile's.
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
        """The images and the classifier's weights; and of the transformer, where the table rests on it."""
        parts = {
            "images": none_if_missing(lambda: digest_of_images(self.images.images, self.images.labels)),
            "classifier": none_if_missing(lambda: self.classifier.digest),
        }
        if table.transformer and self.profile.transformer is not None:
            parts["transformer"] = {
                "settings": self.profile.transformer.model_dump(mode="json"),
                **self.with_transformer().inputs(replace(table, transformer=False)),
            }
        return parts

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
        """What the stores call each image: the digest of its pixels, so that another size is another item."""
        return tuple(image_digest(image) for image in self.images.images)

    @cached_property
    def classifier(self) -> Classifier:
        """The classifier, on the profile's device."""
        return load_classifier(**self.profile.classifier.arguments(), device=self.device)

    def with_transformer(self) -> Study:
        """The same images under the profile's transformer; what it stores lies beside what this study stores.

        Raises:
            ValueError: the profile has no section `transformer`, or this study has other images than its profile's.
        """
        return self._transformer

    @cached_property
    def _transformer(self) -> Study:
        if self._images is not None:
            raise ValueError("this study was given images of its own; ask the study of the whole profile")
        study = Study(self.profile.for_transformer(), root=self.root, show_progress=self.show_progress)
        study.ledger = self.ledger
        return study

    def subset(self, images: ImageSet) -> Study:
        """The same profile with other images."""
        study = Study(self.profile, root=self.root, images=images, show_progress=self.show_progress)
        study.ledger = self.ledger
        return study

    @cached_property
    def predictions(self) -> tuple[Tensor, Tensor]:
        """The predicted class of each image and its probability: (images,), (images,)."""
        with torch.no_grad():
            parts = [self.classifier(batch.to(self.device)).softmax(-1).cpu() for batch in self.batches(self.images)]
        confidence, classes = torch.cat(parts).max(-1)
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
        """The explanations of the first `count` images (all where None), from the store or computed now.

        Args:
            name: the method.
            count: how many.
            start: the initial mask, None for the one that the options say; its own computing time counts.
            overrides: options that differ from the profile's.
        """
        return _stacked([item.tensors for item in self._explained(name, count, start, overrides)])

    def seconds(
        self, name: MethodName, *, count: int | None = None, start: InitialMask | None = None, **overrides: Any
    ) -> list[float]:
        """The seconds that each of the stored explanations took (a batch's time, shared by its images)."""
        return [item.metadata["seconds"] for item in self._explained(name, count, start, overrides)]

    def _explained(
        self, name: MethodName, count: int | None, start: InitialMask | None, overrides: dict[str, Any]
    ) -> list[StoredItem]:
        method = self.method(name, **overrides)

        def compute(rows: list[int]) -> list[dict[str, Tensor]]:
            images = self.images.images[rows].to(self.device)
            initial = None if start is None else start(method, images)
            explanation = method.explain(images, initial=initial).to("cpu")
            return [_tensors(explanation[row : row + 1]) for row in range(len(rows))]

        parts = {} if start is None else {"start": start.parts(method, self.images.images[:1])}
        store = self.store("explanations", **self.method_parts(name, method), **parts)
        return self.stored(store, self.items[:count], compute, batch=self.profile.batch_size, label=name)

    def method_parts(self, name: MethodName, method: RateDistortionExplainer) -> dict[str, Any]:
        """What a stored result of a method depends on, the image aside."""
        return {
            "method": name,
            "options": asdict(method.options),
            "transform": self.profile.cartoonx.transform if name == "cartoonx" else {},
            "classifier": self.classifier.digest,
            "normalise": self.profile.classifier.normalise,
            "code": code_digest(type(method)),
        }


def open_studies(profile: Profile | str, table: str | None = None, **options: Any) -> list[ProfileStudy]:
    """The one study of a profile."""
    return [Study(profile, **options)]


def _tensors(explanation: Explanation) -> dict[str, Tensor]:
    """One image's explanation as named tensors."""
    tensors = {name: getattr(explanation, name) for name in ("mask", "kept", "targets", "representation_mask")}
    tensors |= {f"history.{name}": values for name, values in explanation.history.items()}
    if explanation.convergence is not None:
        tensors |= {
            f"convergence.{part.name}": getattr(explanation.convergence, part.name) for part in fields(Convergence)
        }
    return tensors


def _stacked(items: list[Mapping[str, Tensor]]) -> Explanation:
    """The explanations of several images as one batch."""
    parts = {name: torch.cat([item[name] for item in items]) for name in items[0]}
    history = {name.removeprefix("history."): parts.pop(name) for name in list(parts) if name.startswith("history.")}
    found = {name.removeprefix("convergence."): parts.pop(name) for name in list(parts) if name.startswith("conv")}
    return Explanation(**parts, history=history, convergence=Convergence(**found) if found else None)
