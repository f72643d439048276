"""The files of the playground by name: the module that each holds, its arguments and its results."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch

from helpers.core.names import known_names
from helpers.core.outputs import score_name
from helpers.methods.explainer.files import read_explainer
from helpers.methods.space_vae.files import load_space_vae
from helpers.playground import networks
from helpers.playground.export import SIZE, Export, frozen_classifier, one_by_one, scene_images
from helpers.playground.rate_distortion import EXPLAINED, METHODS, rate_distortion
from helpers.playground.toy import export_toy

GRAD_CAM_LAYER = "network.layer3"  # 4 x 4 places at 64 px; the last layer has 2 x 2, too few for a map


def make_export(name: str) -> Export:
    """The export of this name.

    Raises:
        ValueError: there is none.
    """
    if name not in EXPORTS:
        raise ValueError(f"there is no file {name!r} of the playground{known_names(name, EXPORTS, 'use one of')}")
    return EXPORTS[name]()


def _classify(name: str) -> Export:
    size = 32 if name == "scenes-small" else SIZE  # its card: for scenes of 32 px only
    classifier = frozen_classifier(name)
    return Export(
        networks.Classify(classifier),
        [{"images": scene_images(size)}],
        ("logits", "probabilities"),
        f"The classifier {name}: pixels in [0, 1] to logits and probabilities.",
        batch=True,
        weights=(name,),
        classes=tuple(classifier.class_names or ()),
        facts={"score": score_name(classifier, "auto", 2)},
        size=size,
    )


def _explainer(name: str) -> Export:
    network, file, _ = read_explainer(name)
    return Export(
        networks.ClassMasks(network.eval().requires_grad_(False)),
        [{"images": scene_images()}],
        ("masks",),
        f"The Explainer of {file.classifier}: one mask per class.",
        batch=True,
        weights=(name,),
        classes=file.class_names,
        facts={"classifier": file.classifier},
    )


def _space_vae(part: str) -> Export:
    classifier = frozen_classifier("scenes-small")
    network = load_space_vae("scenes-small-any-beta", classifier, beta=10).network
    betas = torch.logspace(0, 2, 8)  # 1 to 100, as in the training
    size, grid = network.options.size, network.options.grid
    images = scene_images(size)
    groups = [{"images": images[row::8], "beta": betas[row, None]} for row in range(8)]
    # float32: in dark pixels the kept share is a quotient of small numbers
    shared: dict[str, Any] = {"halve": False, "weights": ("scenes-small-any-beta",), "size": size}
    shared["facts"] = {"classifier": "scenes-small", "grid": grid, "codes": network.options.codes}
    cases = [{**case, "images": image} for case in groups for image in case["images"].split(1)]
    if part == "images":
        summary = "SpaCE-VAE for any β: the kept share of each pixel's brightness, the kept image, the codes."
        return Export(networks.SparseImages(network), cases, ("mask", "kept", "codes"), summary, **shared)
    with torch.no_grad():
        codes = [network(case["images"], case["beta"]).codes.float() for case in cases]
    cases = [{"codes": grid, "beta": case["beta"]} for grid, case in zip(codes, cases, strict=True)]
    return Export(
        networks.DecodedCodes(network), cases, ("kept",), "SpaCE-VAE's decoder: codes to a picture.", **shared
    )


def _rollout(size: int) -> Export:
    ratios = torch.tensor([0.0, 0.5, 0.9, 0.99])
    cases = [
        {"images": image, "discard_ratio": ratios[row % 4, None]}
        for row, image in enumerate(scene_images(size).split(1))
    ]
    classifier = frozen_classifier("scenes-vit")
    return Export(
        networks.Rollout(classifier),
        cases,
        ("masks", "patches", "probabilities"),
        f"Attention rollout of scenes-vit at {size} px through the first layer, the first two, and so on.",
        gradients=True,
        halve=False,  # an entry of attention that is discarded or not
        weights=("scenes-vit",),
        classes=tuple(classifier.class_names or ()),
        facts={"classifier": "scenes-vit"},
        size=size,
    )


def _grad_cam(name: str) -> Export:
    classifier = frozen_classifier(name)
    return Export(
        networks.ClassActivation(classifier, GRAD_CAM_LAYER, len(classifier.class_names or ())),
        one_by_one(images=scene_images()),
        ("masks",),
        f"Grad-CAM of {name} at the layer {GRAD_CAM_LAYER}, a mask per class.",
        halve=False,  # the maps are spread to [0, 1], however small the slopes: differences grow with them
        gradients=True,
        weights=(name,),
        classes=tuple(classifier.class_names or ()),
        facts={"classifier": name, "layer": GRAD_CAM_LAYER},
    )


def _names() -> dict[str, Callable[[], Export]]:
    """All exports by name."""
    exports: dict[str, Callable[[], Export]] = {
        name: partial(_classify, name)
        for name in ("scenes-cnn", "scenes-multilabel", "scenes-shortcut", "scenes-vit", "scenes-small")
    }
    exports |= {
        "explainer": partial(_explainer, "scenes-multilabel-explainer"),
        "explainer-shortcut": partial(_explainer, "scenes-shortcut-explainer"),
        "space-vae": partial(_space_vae, "images"),
        "space-vae-decode": partial(_space_vae, "codes"),
        "rollout": partial(_rollout, SIZE),
        "rollout-128": partial(_rollout, 128),  # the size of the chapter's scenes
        "grad-cam": partial(_grad_cam, EXPLAINED),
        "grad-cam-shortcut": partial(_grad_cam, "scenes-shortcut"),
        "mask-cartoonx": partial(rate_distortion, "cartoonx", "learned"),
        "mask-pixel-rde": partial(rate_distortion, "pixel-rde", "learned"),
        "cartoonx-keep": partial(rate_distortion, "cartoonx", "keep"),
        "cartoonx-step-shortcut": partial(rate_distortion, "cartoonx", "step", "scenes-shortcut"),
        "cartoonx-start-shortcut": partial(rate_distortion, "cartoonx", "start", "scenes-shortcut"),
    }
    for method in METHODS:
        for part in ("start", "step", "show"):
            exports[f"{method}-{part}"] = partial(rate_distortion, method, part)
    exports["pixel-rde-toy"] = export_toy
    return exports


EXPORTS = _names()
"""The makers of all files by name."""
