"""The maps that are examined: cheap methods, the truth itself, and controls that know nothing of the classifier."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from helpers.benchmark.case import Case
from helpers.data.scenes.parts import SceneParts
from helpers.methods.baselines import GradCAM, IntegratedGradients, OcclusionMaps
from helpers.methods.explainer import load_explainer
from helpers.metrics.truth_scores import region_of_class
from helpers.papers.recartoonx.experiments.truth_masks import CONTROLS, control_maps

Maps = Float[Tensor, "batch height width"]

METHODS = ("truth", "grad-cam", "occlusion", "integrated-gradients", "explainer")
"""The methods whose maps the metrics are examined on: the truth, and four that take little time."""

_STRIDE = 0.125  # of the windows of occlusion, as a share of the side
_LAYER = "network.layer3"  # of Grad-CAM: the last layer's map of a scene of 64 px has 2 x 2 cells


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


def method_maps(case: Case, names: Sequence[str] = METHODS, *, explainer: str = "") -> dict[str, Maps]:
    """The maps of some methods, in [0, 1].

    - `truth`: the object;
    - `grad-cam`: of the last layer but one, whose map is finer;
    - `occlusion`: the logit's drop behind windows of a quarter of the side;
    - `integrated-gradients`: of the logit, the size of the sum over channels, divided by the largest;
    - `explainer`: the mask of a trained Explainer.

    Args:
        case: the images and classes.
        names: of the methods, out of `METHODS`.
        explainer: the Explainer's name in models/.

    Raises:
        ValueError: a method is not known, or the case has no truth.
    """
    return {name: _maps(case, name, explainer) for name in names}


def controls(case: Case) -> dict[str, Maps]:
    """Maps that know nothing of the classifier, in [0, 1], by name: those of `CONTROLS`, and `everything`."""
    pixels = case.images * 255
    found = {name: control_maps(name, pixels, case.seed) for name in CONTROLS}
    return {**{name: _to_unit(maps) for name, maps in found.items()}, "everything": torch.ones_like(case.images[:, 0])}


def _maps(case: Case, name: str, explainer: str) -> Maps:
    classifier, images, targets = case.classifier, case.images, case.targets
    if name == "truth" and case.region is not None:
        return case.region.to(images.dtype)
    if name == "grad-cam":
        return GradCAM(classifier, layer=_LAYER).explain(images, targets).heatmaps
    if name == "occlusion":
        return OcclusionMaps(classifier, stride=_STRIDE).explain(images, targets).heatmaps
    if name == "integrated-gradients":
        attributions = IntegratedGradients(classifier, score="logit").attribute(images, targets)
        return _to_unit(attributions.sum(1).abs())
    if name == "explainer":
        return load_explainer(explainer, classifier).explain(images, targets).heatmaps
    raise ValueError(f"method {name!r} is not known, or needs truth; the methods are {', '.join(METHODS)}")


def _to_unit(maps: Maps) -> Maps:
    """Maps that are not negative, each divided by its largest value."""
    largest = maps.amax((1, 2), keepdim=True)
    return maps / largest.clamp_min(torch.finfo(maps.dtype).tiny)
