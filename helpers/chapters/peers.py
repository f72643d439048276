"""The Explainer's peers on one scene, and the settings with which they are run."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pandas as pd
import torch
from jaxtyping import Bool, Float
from matplotlib.figure import Figure
from torch import Tensor

from helpers.classifiers import Classifier
from helpers.core.class_masks import ClassMaskMethod
from helpers.methods.baselines import (
    RISE,
    ExtremalOptions,
    ExtremalPerturbation,
    GradCAM,
    IGOSOptions,
    IGOSPlusPlus,
    OcclusionMaps,
    OcclusionOptions,
    RISEOptions,
)
from helpers.methods.explainer import load_explainer
from helpers.methods.explainer.options import RTISOptions
from helpers.plots import MASK_COLOURS, show_images

OPTIONS: dict[str, type] = {
    "rise": RISEOptions,
    "extremal-perturbation": ExtremalOptions,
    "igos++": IGOSOptions,
    "occlusion": OcclusionOptions,
    "rtis": RTISOptions,
}
_TECHNICAL = ("batch", "pairs_at_once", "seed", "variant")  # they say how it is computed, not what


def peer_methods(classifier: Classifier, changes: dict[str, dict[str, Any]]) -> dict[str, ClassMaskMethod]:
    """The peers by name, each with the published settings but for what a profile changes."""
    made = {name: OPTIONS[name](**changes.get(name, {})) for name in OPTIONS}
    return {
        "grad-cam": GradCAM(classifier),
        "rise": RISE(classifier, made["rise"]),
        "extremal-perturbation": ExtremalPerturbation(classifier, made["extremal-perturbation"]),
        "igos++": IGOSPlusPlus(classifier, made["igos++"]),
        "rtis": load_explainer(f"{classifier.name}-rtis", classifier),
        "occlusion": OcclusionMaps(classifier, made["occlusion"]),
    }


def settings_table(name: str, changes: dict[str, Any]) -> pd.DataFrame:
    """A method's settings, a row each: as published, and where a profile says otherwise.

    Args:
        name: one of `OPTIONS`.
        changes: what the profile sets.
    """
    published = OPTIONS[name]()
    rows = [
        (field.name.replace("_", " "), _shown(getattr(published, field.name)), _shown(changes.get(field.name, "")))
        for field in fields(OPTIONS[name])
        if field.name not in _TECHNICAL
    ]
    return pd.DataFrame(rows, columns=["setting", "published", "here"])


def draw_peer(
    method: ClassMaskMethod,
    image: Float[Tensor, "3 height width"],
    classes: Bool[Tensor, " classes"],
    names: tuple[str, ...],
) -> Figure:
    """An image, the mask of each class that it shows, and what each mask keeps."""
    masks = method.class_masks(image[None], classes[None])[0, classes]
    shown = [name for name, there in zip(names, classes.tolist(), strict=True) if there]
    pictures = [image, *(part for mask in masks for part in (mask[None], image * mask))]
    titles = ["the image", *(title for name in shown for title in (f"mask of {name}", "what it keeps"))]
    return show_images(pictures, titles, columns=len(pictures), colours=MASK_COLOURS, width=9.5)


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, (tuple, list)):
        return ", ".join(_shown(each) for each in value)
    return str(value)


def two_objects(images: Tensor, labels: Tensor, probabilities: Tensor) -> int:
    """The first scene with two classes of which the classifier is sure, and of nothing else."""
    right = ((probabilities > 0.5) == labels).all(1) & (labels.sum(1) == 2)
    return int(torch.nonzero(right)[0])
