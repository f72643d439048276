"""Masks of all methods for pairs of a photograph and a class of ImageNet, from the store or computed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float, Int, Num
from torch import Tensor

from helpers.classifiers import Classifier
from helpers.core.batch import Batch
from helpers.core.blur import gaussian_blur
from helpers.core.centre import centre_gaussian
from helpers.core.explanation import Explanation
from helpers.core.runtime import random_generator
from helpers.data.images import image_digest
from helpers.methods.baselines import (
    RISE,
    ExtremalOptions,
    ExtremalPerturbation,
    GradCAM,
    GradCAMOptions,
    IGOSOptions,
    IGOSPlusPlus,
    OcclusionMaps,
    OcclusionOptions,
    RISEOptions,
)
from helpers.methods.rollout import AttentionRollout
from helpers.papers.recartoonx.experiments.study import Study
from helpers.results import StoredItem, code_digest

BASELINES: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "grad-cam": (GradCAM, GradCAMOptions),
    "occlusion": (OcclusionMaps, OcclusionOptions),
    "rise": (RISE, RISEOptions),
    "extremal-perturbation": (ExtremalPerturbation, ExtremalOptions),
    "igos++": (IGOSPlusPlus, IGOSOptions),
}
ROLLOUTS = {"rollout": "corrected", "rollout-published": "published"}
"""Attention rollout of the profile's transformer, in both variants; it does not depend on the class."""

CONTROLS = ("centre", "edges", "brightness", "random")
"""Maps that know nothing of the classifier."""

_EDGE_BLUR = 0.04  # of the edges' strength, as a share of the side


@dataclass(frozen=True)
class Asked(Batch):
    """What a classifier says about some pairs of an image and a set of ImageNet's classes.

    Attributes:
        targets: the most probable class of the set, which is explained.
        probability: its probability.
        predictions: the most probable class of all.
        correct: whether the prediction is in the set.
    """

    targets: Int[Tensor, " pairs"]
    probability: Float[Tensor, " pairs"]
    predictions: Int[Tensor, " pairs"]
    correct: Bool[Tensor, " pairs"]


@torch.no_grad()
def ask(
    classifier: Classifier, pixels: Num[Tensor, "pairs 3 height width"], kinds: tuple[tuple[int, ...], ...]
) -> Asked:
    """The class to explain for each pair: the most probable one of its kinds.

    Args:
        classifier: of ImageNet's 1000 classes.
        pixels: 0 to 255.
        kinds: the class indices among which to choose.
    """
    device = next(classifier.parameters()).device
    batches = [classifier(batch.to(device).float() / 255).softmax(1).cpu() for batch in pixels.split(16)]
    probabilities = torch.cat(batches)
    allowed = torch.zeros_like(probabilities, dtype=torch.bool)
    for row, indices in enumerate(kinds):
        allowed[row, list(indices)] = True
    probability, targets = probabilities.masked_fill(~allowed, -1).max(1)
    predictions = probabilities.argmax(1)
    return Asked(targets, probability, predictions, allowed.gather(1, predictions[:, None])[:, 0])


def explained_by(study: Study, name: str) -> Study:
    """The study whose classifier a method explains: rollout has the profile's transformer."""
    return study.with_transformer() if name in ROLLOUTS else study


def stored_masks(
    study: Study, name: str, pixels: Num[Tensor, "pairs 3 height width"], targets: Int[Tensor, " pairs"]
) -> list[StoredItem]:
    """The mask of each pair, (height, width) in [0, 1], under the name "mask", with the seconds of its computation.

    Args:
        study: the study of the profile.
        name: of the method.
        pixels: 0 to 255.
        targets: the class to explain.
    """
    explain, parts = _method(study, name)

    def compute(rows: list[int]) -> list[dict[str, Tensor]]:
        images = pixels[rows].to(study.device).float() / 255
        masks = explain(images, targets[rows].to(study.device)).heatmaps.cpu()
        return [{"mask": mask} for mask in masks]

    items = [f"{image_digest(image)} {target}" for image, target in zip(pixels, targets.tolist(), strict=True)]
    store = study.store("truth-masks", **parts)
    return study.stored(store, items, compute, batch=study.profile.batch_size, label=name)


def method_parts(study: Study, name: str) -> dict[str, Any]:
    """The part of the cache key of a method's masks that names neither image nor class."""
    return _method(study, name)[1]


def control_maps(
    name: str, pixels: Num[Tensor, "pairs 3 height width"], seed: int
) -> Float[Tensor, "pairs height width"]:
    """Maps that know nothing of the classifier, not negative.

    - `centre`: a Gaussian in the middle (`centre_gaussian`);
    - `edges`: the size of the grey image's gradient, blurred;
    - `brightness`: the grey image;
    - `random`: independent numbers, that is, pixels in random order.

    Args:
        name: one of `CONTROLS`.
        pixels: 0 to 255.
        seed: of the random order.
    """
    grey = pixels.float().mean(1) / 255
    if name == "centre":
        return centre_gaussian(*grey.shape[1:]).expand(len(grey), -1, -1)
    if name == "edges":
        down, across = torch.gradient(grey, dim=(1, 2))
        return gaussian_blur((down**2 + across**2).sqrt(), _EDGE_BLUR * grey.shape[-1])
    if name == "brightness":
        return grey
    return torch.rand(grey.shape, generator=random_generator(seed))


def _method(study: Study, name: str) -> tuple[Callable[[Tensor, Tensor], Explanation], dict[str, Any]]:
    """A method as a function of images and classes, and its part of the cache key."""
    profile = study.profile
    assert profile.truth is not None
    options = profile.truth.methods[name].options  # type: ignore[index]
    if name in ROLLOUTS:
        vit = study.with_transformer()
        assert profile.transformer is not None
        settings = profile.transformer.rollout.model_dump()
        rollout = AttentionRollout(vit.classifier, **settings, variant=ROLLOUTS[name])  # type: ignore[arg-type]
        parts = {"method": name, "options": settings, "classifier": vit.classifier.digest}
        return rollout.explain, {**parts, "code": code_digest(AttentionRollout)}
    if name in BASELINES:
        make, make_options = BASELINES[name]
        chosen = make_options(**{key: tuple(v) if isinstance(v, list) else v for key, v in options.items()})
        method = make(study.classifier, chosen)
        parts = {"method": name, "options": asdict(chosen), "classifier": study.classifier.digest}
        return method.explain, {**parts, "code": code_digest(type(method))}
    searched = study.method(name, **options)  # type: ignore[arg-type]
    return searched.explain, study.method_parts(name, searched)  # type: ignore[arg-type]
