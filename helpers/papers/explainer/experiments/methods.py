"""The methods compared in the paper, built with a profile's options, and the cache keys of their masks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from jaxtyping import Bool
from torch import Tensor

from helpers.classifiers import Classifier
from helpers.core.class_masks import ClassMaskMethod
from helpers.core.files import file_digest
from helpers.data.images import image_digest
from helpers.data.multilabel import MultiLabelImages
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
from helpers.methods.explainer import load_explainer
from helpers.results import code_digest

METHODS = ("grad-cam", "rise", "extremal-perturbation", "igos++", "rtis", "explainer", "occlusion")
"""In the paper's order; the last one is our addition."""

TRAINED = ("rtis", "explainer")
"""Networks trained once per classifier; the other methods compute each image's masks anew."""

IMMEDIATE = ("grad-cam", *TRAINED)
"""Methods that need one or two network passes per image."""

METHOD_NAMES = {
    "grad-cam": "Grad-CAM",
    "rise": "RISE",
    "extremal-perturbation": "Extremal Perturbations",
    "igos++": "iGOS++",
    "rtis": "RTIS (adapted)",
    "explainer": "Explainer",
    "occlusion": "Occlusion",
}

_BASELINES: dict[str, tuple[Callable[..., ClassMaskMethod], Callable[..., Any]]] = {
    "grad-cam": (GradCAM, GradCAMOptions),
    "rise": (RISE, partial(RISEOptions, score="sigmoid")),  # as in the paper, whose classifiers are multi-label
    "extremal-perturbation": (ExtremalPerturbation, ExtremalOptions),
    "igos++": (IGOSPlusPlus, partial(IGOSOptions, score="softmax")),  # as published, whatever the classifier's kind
    "occlusion": (OcclusionMaps, OcclusionOptions),
}


@dataclass(frozen=True)
class BuiltMethod:
    """A method and its share of the cache key of its masks; the classifier and the images come on top.

    Attributes:
        method: ready to use.
        parts: plain values: its options or its network's digest, and the digest of its code.
    """

    method: ClassMaskMethod
    parts: dict[str, Any]


def build_method(
    name: str, classifier: Classifier, *, options: dict[str, Any] | None = None, weights: Path | None = None
) -> BuiltMethod:
    """A method by its name in the tables.

    Args:
        name: one of `METHODS`.
        classifier: the classifier to explain.
        options: of a method without a network: those that differ from the published settings.
        weights: of a trained method: the file of its network.

    Raises:
        ValueError: the name is not known, an option is wrong, or the network was trained for another classifier.
        FileNotFoundError: the network has not been trained yet.
    """
    if name in TRAINED:
        if weights is None:
            raise ValueError(f"{name} is a trained network: give the file of its weights")
        method: ClassMaskMethod = load_explainer(weights, classifier)
        key_parts: dict[str, Any] = {"network": file_digest(weights)}
    elif name in _BASELINES:
        make, make_options = _BASELINES[name]
        chosen = make_options(**{key: _tuple(value) for key, value in (options or {}).items()})
        method, key_parts = make(classifier, chosen), {"options": asdict(chosen)}
    else:
        raise ValueError(f"method {name!r} is not known; use one of {', '.join(METHODS)}")
    return BuiltMethod(method, {"method": name, **key_parts, "code": code_digest(type(method))})


def ids_of(images: MultiLabelImages, classes: Bool[Tensor, "count classes"]) -> list[str]:
    """The keys of stored items: one for each image with its classes."""
    classes_of_images = ["-".join(str(index) for index in row.nonzero().flatten().tolist()) for row in classes]
    return [f"{image_digest(image)} {indices}" for image, indices in zip(images.pixels, classes_of_images, strict=True)]


def _tuple(value: Any) -> Any:
    """A YAML list as the tuple that options hold."""
    return tuple(value) if isinstance(value, list) else value
