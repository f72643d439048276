"""The images, the classifier and the stored explanations of one profile: what all experiments share."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, fields
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from helpers.classifiers import Classifier, load_classifier
from helpers.core.explanation import Convergence, Explanation
from helpers.core.runtime import progress, resolve_device
from helpers.data.images import image_digest
from helpers.data.photographs import ImageSet, folder_images, gallery_images, imagenet_samples, scene_images
from helpers.data.scenes import Scenes, make_scenes
from helpers.methods.initial_masks import starting_mask
from helpers.methods.initial_masks.files import find_mask_network
from helpers.methods.rde import CartoonX, PixelRDE, RateDistortionExplainer
from helpers.methods.rollout import AttentionRollout
from helpers.profiles import ImageSettings, Profile, Start, Variant, load_profile
from helpers.results import ItemStore, code_digest, collect_provenance, results_folder, run_key, write_table

MethodName = Literal["cartoonx", "pixel-rde"]
METHODS: tuple[MethodName, ...] = ("cartoonx", "pixel-rde")
# The code that a stored result depends on. The classifier enters by its weights; the wavelet transform does not, as
# tests hold it to PyWavelets' values however it is computed, and a faster one must not throw away hours of masks.
NUMERICS = ("helpers.methods.rde",)
START_CODE: dict[Start, tuple[str, ...]] = {  # and, where a start is not all ones, the code that makes it
    "random": ("helpers.methods.initial_masks.starting",),
    "constant": ("helpers.methods.initial_masks.constant",),
    "foreground": ("helpers.methods.initial_masks.foreground",),
    "learned": ("helpers.methods.initial_masks.learned", "helpers.methods.initial_masks.network"),
}


@cache
def running_code(*modules: str) -> str:
    """The digest of the code that this process runs, made once: a module that changes later is not imported again."""
    return code_digest(*modules)


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


class Study:
    """One profile at work.

    Each image's explanation is stored as soon as it is finished, under a key made of everything that it depends on:
    the options, the classifier's weights, the image's bytes and the meaning of the code. A second run, or one that
    goes on after a kill, computes what is missing and nothing else.

    Args:
        profile: a profile, its name, or the path of its file.
        root: another folder than the project's `results/`.
        images: other images than those that the profile names, such as some of them; None for the profile's.
        show_progress: show a bar that counts batches.
    """

    def __init__(
        self,
        profile: Profile | str,
        *,
        root: Path | None = None,
        images: ImageSet | None = None,
        show_progress: bool = False,
    ) -> None:
        self.profile = profile if isinstance(profile, Profile) else load_profile(profile)
        self.root = root
        self._images = images
        self.show_progress = show_progress
        self.device = resolve_device(self.profile.device)

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
        return Study(self.profile.for_transformer(), root=self.root, show_progress=self.show_progress)

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

    def rollout(self, *, count: int | None = None, variant: Variant = "corrected") -> Explanation:
        """Attention rollout of the first `count` images, with the profile's settings; one forward pass, not stored.

        Raises:
            ValueError: this study's classifier is no transformer: ask `with_transformer()`.
        """
        settings = self.profile.transformer
        if settings is None or settings.classifier != self.profile.classifier:
            raise ValueError(f"the classifier of this study is {self.classifier.name}; ask study.with_transformer()")
        method = AttentionRollout(self.classifier, **settings.rollout.model_dump(), variant=variant)
        batches = self.batches(self.images[:count])
        return Explanation.join([method.explain(batch.to(self.device)).to("cpu") for batch in batches])

    def explain(
        self, name: MethodName, *, count: int | None = None, start: Start = "ones", **overrides: Any
    ) -> Explanation:
        """The explanations of the first `count` images (all where None), from the store or computed now.

        Args:
            name: the method.
            count: how many.
            start: the initial mask; its own computing time counts.
            overrides: options that differ from the profile's.
        """
        method = self.method(name, **overrides)
        store = self._store(name, method, start)
        wanted = self.items[:count]
        pixels = dict(zip(wanted, self.images.images[:count], strict=True))
        missing = store.missing(pixels)
        size = self.profile.batch_size
        batches = [missing[start : start + size] for start in range(0, len(missing), size)]
        for batch in progress(batches, label=f"{self.profile.name}: {name}", show=self.show_progress and bool(batches)):
            begin = time.perf_counter()
            images = torch.stack([pixels[item] for item in batch]).to(self.device)
            # None: as the options say, which is all ones but for a profile that says otherwise
            initial = None if start == "ones" else starting_mask(start, method, images)
            explanation = method.explain(images, initial=initial).to("cpu")
            seconds = (time.perf_counter() - begin) / len(batch)
            for place, item in enumerate(batch):
                store.save(item, _tensors(explanation[place : place + 1]), {"seconds": seconds})
        return _stacked([store.load(item).tensors for item in wanted])

    def start_facts(self, start: Start, method: RateDistortionExplainer) -> dict[str, Any]:
        """What a result owes to its initial mask: nothing for all ones, else its name, code and network."""
        if start == "ones":
            return {}
        facts = {"start": start, "start_code": running_code(*START_CODE[start])}
        if start == "learned":
            facts["network"] = find_mask_network(method, self.images.images[:1]).digest
        return facts

    def seconds(
        self, name: MethodName, *, count: int | None = None, start: Start = "ones", **overrides: Any
    ) -> list[float]:
        """The seconds that each of the stored explanations took (a batch's time, shared by its images)."""
        store = self._store(name, self.method(name, **overrides), start)
        return [store.load(item).metadata["seconds"] for item in self.items[:count]]

    def write(self, table: Any, name: str, *, wall_seconds: float, **more: Any) -> Path:
        """Write a table of this study to `results/<profile>/`, with its provenance."""
        about = collect_provenance(
            self.profile,
            device=self.device,
            data=dict(zip(self.images.names, self.images.digests, strict=True)),
            classifier=self.classifier.digest,
            wall_seconds=wall_seconds,
            **more,
        )
        return write_table(table, self.profile, name, about, root=self.root)

    def _store(self, name: MethodName, method: RateDistortionExplainer, start: Start = "ones") -> ItemStore:
        transform = self.profile.cartoonx.transform if name == "cartoonx" else {}
        key = run_key(
            method=name,
            options=asdict(method.options),
            transform=transform,
            classifier=self.classifier.digest,
            normalise=self.profile.classifier.normalise,
            code=running_code(*NUMERICS),
            **self.start_facts(start, method),
        )
        return ItemStore(results_folder(self.profile, self.root) / "work" / "explanations", key)


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
