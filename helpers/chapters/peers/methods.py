"""The Explainer's peers on one scene, and their settings."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pandas as pd
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

OPTIONS: dict[str, Any] = {
    "rise": RISEOptions(score="sigmoid"),
    "extremal-perturbation": ExtremalOptions(),
    "igos++": IGOSOptions(score="softmax"),
    "occlusion": OcclusionOptions(),
    "rtis": RTISOptions(),
}
"""The published settings."""

_TECHNICAL = ("batch", "pairs_at_once", "seed", "variant")  # not shown: they do not change the kind of mask


def peer_methods(classifier: Classifier, changes: dict[str, dict[str, Any]]) -> dict[str, ClassMaskMethod]:
    """The peers by name, with the published settings except those that a profile changes."""
    options = {name: replace(published, **changes.get(name, {})) for name, published in OPTIONS.items()}
    return {
        "grad-cam": GradCAM(classifier),
        "rise": RISE(classifier, options["rise"]),
        "extremal-perturbation": ExtremalPerturbation(classifier, options["extremal-perturbation"]),
        "igos++": IGOSPlusPlus(classifier, options["igos++"]),
        "rtis": load_explainer(f"{classifier.name}-rtis", classifier),
        "occlusion": OcclusionMaps(classifier, options["occlusion"]),
    }


def settings_table(name: str, changes: dict[str, Any]) -> pd.DataFrame:
    """A method's settings, one per row: the published value, and the profile's where it differs.

    Args:
        name: one of `OPTIONS`.
        changes: the profile's settings.
    """
    published = OPTIONS[name]
    rows = [
        (field.name.replace("_", " "), _format(getattr(published, field.name)), _format(changes.get(field.name, "")))
        for field in fields(published)
        if field.name not in _TECHNICAL
    ]
    return pd.DataFrame(rows, columns=["setting", "published", "here"])


def draw_peer(
    method: ClassMaskMethod,
    image: Float[Tensor, "3 height width"],
    classes: Bool[Tensor, " classes"],
    names: tuple[str, ...],
) -> Figure:
    """An image, the mask of each class that it shows, and the image under each mask."""
    masks = method.class_masks(image[None], classes[None])[0, classes]
    class_names = [name for name, shown in zip(names, classes.tolist(), strict=True) if shown]
    pictures = [image, *(picture for mask in masks for picture in (mask[None], image * mask))]
    titles = ["the image", *(title for name in class_names for title in (f"mask of {name}", "image under it"))]
    return show_images(pictures, titles, columns=len(pictures), colours=MASK_COLOURS, width=9.5)


def _format(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, (tuple, list)):
        return ", ".join(_format(item) for item in value)
    return str(value)
