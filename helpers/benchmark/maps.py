"""The maps that are examined: cheap methods, the truth itself, and controls that know nothing of the classifier."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from helpers.benchmark.case import Case
from helpers.classifiers import Classifier
from helpers.core.explanation import Explanation
from helpers.data.images import image_digest
from helpers.data.scenes.parts import SceneParts
from helpers.methods.baselines import GradCAM, IntegratedGradients, OcclusionMaps
from helpers.methods.explainer import load_explainer
from helpers.metrics.truth_scores import region_of_class
from helpers.papers.recartoonx.experiments.truth_masks import CONTROLS, control_maps

Maps = Float[Tensor, "batch height width"]

CHEAP: dict[str, Callable[[Classifier], Any]] = {
    "grad-cam": lambda classifier: GradCAM(classifier, layer="network.layer3"),  # the last layer's map has 2 x 2 cells
    "occlusion": lambda classifier: OcclusionMaps(classifier, stride=0.125),
    "integrated-gradients": lambda classifier: IntegratedGradients(classifier, score="logit"),
    "explainer": lambda classifier: load_explainer(f"{classifier.name}-explainer", classifier),
}
"""Methods that take little time, each from a classifier."""

METHODS = ("truth", *CHEAP)
"""The methods whose maps the metrics are examined on: the truth, and those of `CHEAP`."""


def scene_case(classifier: nn.Module, parts: SceneParts, *, seed: int = 0) -> Case:
    """The case of some scenes; the class of the largest object is explained.

    Args:
        classifier: of scenes, pixels in [0, 1] to logits.
        parts: the scenes drawn without each of their parts.
        seed: of noise, patches and tie-breaks.
    """
    scenes = parts.scenes
    region = region_of_class(scenes, scenes.label)[:, 0]
    return Case(classifier, scenes.images, scenes.label, region, parts, {"ground": parts.ground}, seed)


def method_maps(case: Case, names: Sequence[str] = METHODS) -> dict[str, Maps]:
    """The maps of some methods, in [0, 1]; `truth` is the object.

    Args:
        case: the images and classes.
        names: of the methods, out of `METHODS`.

    Raises:
        ValueError: a method is not known, or the case has no truth.
    """
    return {name: _maps(case, name) for name in names}


def maps_by(method: Any, case: Case, name: str) -> Maps:
    """The maps of a method for the images of a case, in [0, 1] where they are finite.

    Masks of an `Explanation` are taken as they are. Attributions, one number per pixel or one per channel, become the
    size of their sum over channels, divided by the image's largest.

    Args:
        method: with `explain(images, targets)` or `attribute(images, targets)`.
        case: the images and classes.
        name: of the method, for messages.

    Raises:
        TypeError: the method has neither `explain` nor `attribute`, or returns no tensor.
        ValueError: its maps are not of the images' size.
    """
    answer = getattr(method, "explain", None) or getattr(method, "attribute", None)
    if answer is None:
        raise TypeError(f"{name} has neither explain(images, targets) nor attribute(images, targets)")
    found = answer(case.images, case.targets)
    if isinstance(found, Explanation):
        return found.heatmaps
    if not isinstance(found, Tensor):
        raise TypeError(f"{name} must return an Explanation or a tensor, not {type(found).__name__}")
    found = found.detach().to(case.images)
    maps = found.sum(1).abs() if found.ndim == 4 else found.abs()
    if maps.shape != case.images[:, 0].shape:
        raise ValueError(f"{name} must return {tuple(case.images[:, 0].shape)}, not {tuple(found.shape)}")
    return _to_unit(maps)


def controls(case: Case) -> dict[str, Maps]:
    """Maps that know nothing of the classifier, in [0, 1], by name: those of `CONTROLS`, and `everything`."""
    pixels = case.images * 255
    found = {name: control_maps(name, pixels, case.seed) for name in CONTROLS}
    return {**{name: _to_unit(maps) for name, maps in found.items()}, "everything": torch.ones_like(case.images[:, 0])}


def random_maps(images: Float[Tensor, "batch 3 height width"]) -> Maps:
    """Independent numbers, drawn for each image by itself: neither other images nor their order change them.

    The seed is made of the image's pixels in 8 bits, so that another machine's last bits do not change it.
    """
    digests = [image_digest((image * 255).round().byte()) for image in images]
    drawn = [
        control_maps("random", image[None], int(digest[:15], 16))  # 60 bits
        for image, digest in zip(images, digests, strict=True)
    ]
    return _to_unit(torch.cat(drawn).to(images))


def _maps(case: Case, name: str) -> Maps:
    if name == "truth" and case.region is not None:
        return case.region.to(case.images.dtype)
    if name not in CHEAP:
        raise ValueError(f"method {name!r} is not known, or needs truth; the methods are {', '.join(METHODS)}")
    return maps_by(CHEAP[name](case.classifier), case, name)


def _to_unit(maps: Maps) -> Maps:
    """Maps that are not negative, each divided by its largest value."""
    largest = maps.amax((1, 2), keepdim=True)
    return maps / largest.clamp_min(torch.finfo(maps.dtype).tiny)
