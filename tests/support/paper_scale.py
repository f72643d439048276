"""The profiles of the paper's scale, cut down to seconds: the same keys, tiny values, on miniature trees."""

from __future__ import annotations

from pathlib import Path

import yaml
from miniature_trees import scene_pictures, write_coco, write_voc

from helpers.profiles import PROFILES_FOLDER

SEARCHES = {
    "rise": {"masks": 8},
    "extremal-perturbation": {"steps": 2, "areas": [0.1], "cells": 8},
    "igos++": {"iterations": 1, "integration_steps": 1, "cells": 8},
    "occlusion": {"stride": 0.25},
}
SMALL = {
    "name": "small",
    "trunk_args": {"layers": [1, 1, 1, 1], "channels": [8, 8, 12, 12], "stem_width": 4},
    "widths": [8, 8, 8, 8],
}


def write_trees(folder: Path) -> Path:
    """The folders voc2007/ and coco2014/, as in the folder that XAIBOOK_DATA names."""
    options = {"size": 40, "objects": (1, 2)}
    (folder / "voc2007").mkdir(parents=True)
    write_voc(
        folder / "voc2007",
        train=scene_pictures(8, **options),
        val=scene_pictures(3, start=21, **options),
        test=scene_pictures(8, start=31, **options),
    )
    write_coco(folder / "coco2014", train=scene_pictures(20, **options), val=scene_pictures(4, start=31, **options))
    return folder


def write_profile(name: str, folder: Path, *, deeplab: bool = False, classifiers=("vgg16", "resnet50"), **more) -> Path:
    """A copy of profiles/<name>.yaml with values that a core can afford in seconds; nothing is left out but size.

    Args:
        name: "voc2007", "coco2014" or "scenes-large".
        folder: where to.
        deeplab: the Explainer is the paper's network, not the small one.
        classifiers: which of the paper's.
        more: what else changes in each training of a network.
    """
    content = yaml.safe_load((PROFILES_FOLDER / f"{name}.yaml").read_text())
    content["device"], content["batch_size"] = "cpu", 2
    section = content["explainer"]
    section["size"] = 32
    section["classifiers"] = {key: section["classifiers"][key] for key in classifiers}
    for data in section["datasets"].values():
        if data["source"] == "scenes":
            data |= {"train": 8, "validation": 4, "test": 30, "segmented": 4}
    for recipe in section["classifiers"].values():
        recipe["fine_tune"] |= {
            "architecture": "resnet18", "backbone": "random", "learning_rate": 1e-3, "batch": 4, "epochs": 2
        }  # fmt: skip
        for kind in ("explainer", "rtis"):
            large = deeplab and kind == "explainer"
            network = {**recipe[kind]["network"], "backbone": "random"} if large else SMALL
            recipe[kind] = {
                **recipe[kind], "network": network, "epochs": 1, "batch": 4, "precision": "32-true", **more
            }  # fmt: skip
    section["evaluation"] |= {"images": 2, "scores": 3, "thresholds": [0.3, 0.7]}
    section["baselines"] = SEARCHES
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return path
