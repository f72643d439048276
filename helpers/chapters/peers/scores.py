"""Measures of class masks on scenes with two objects, and what each method costs."""

from __future__ import annotations

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from helpers.chapters.peers.methods import OPTIONS
from helpers.data.multilabel import class_truth
from helpers.data.scenes import Scenes
from helpers.reporting.committed import evidence_table


def shares_on_objects(masks: Float[Tensor, "scenes classes size size"], scenes: Scenes) -> pd.DataFrame:
    """Where the mass of the masks of the present classes lies, one row per scene: means over its classes.

    Args:
        masks: in [0, 1]; those of absent classes are not used.
        scenes: with at least two classes each.

    Returns:
        Columns image, own (the share of a mask's mass on the objects of its class), other (on objects of the other
        present classes) and chance (the share of the image that the objects of the class cover).
    """
    truth = class_truth(scenes)  # scenes, classes, size, size
    rows = []
    for image, (present, regions, of_scene) in enumerate(zip(scenes.labels, truth, masks, strict=True)):
        each = []
        for target in present.nonzero()[:, 0].tolist():
            mask, own = of_scene[target], regions[target]
            others = regions[[k for k in present.nonzero()[:, 0].tolist() if k != target]].any(0) & ~own
            mass = mask.sum().clamp_min(torch.finfo(mask.dtype).tiny)
            each.append([float((mask * region).sum() / mass) for region in (own, others)] + [float(own.float().mean())])
        rows.append((image, *torch.tensor(each, dtype=torch.float64).mean(0).tolist()))
    return pd.DataFrame(rows, columns=["image", "own", "other", "chance"])


def published_seconds() -> dict[str, float]:
    """The seconds per image of each method with published settings, of a committed run; empty if there is none."""
    times = evidence_table("scenes", "explainer-compute-time")
    return {} if times is None else times.groupby("method")["seconds_per_image"].mean().to_dict()


def cost_table(classes: int = 2, size: int = 64) -> pd.DataFrame:
    """What each method asks, and what it costs with the published settings for some classes of one image.

    Args:
        classes: the classes to explain.
        size: the image's side in pixels, for occlusion's windows.

    Returns:
        One row per method; the seconds per image are those of a committed run (profile `scenes`), with all classes.
    """
    o = OPTIONS
    window, stride = (round(share * size) for share in (o["occlusion"].window, o["occlusion"].stride))
    windows = ((size - window) // stride + 1) ** 2
    igos, extremal = o["igos++"], o["extremal-perturbation"]
    iterations, points = igos.iterations, igos.integration_steps
    evaluations = {
        "occlusion": ("what is necessary, window by window", "no", windows + 1),
        "rise": ("what is sufficient, on average over random rests", "no", o["rise"].masks),
        "grad-cam": ("what contributes, at one layer", "yes", 1),
        "extremal-perturbation": (
            "what is sufficient, of a given size",
            "yes",
            extremal.steps * len(extremal.areas) * classes,
        ),
        "igos++": ("what is necessary and sufficient", "yes", iterations * points * 4 * classes),
        "rtis": ("what is necessary and sufficient", "in training", 0),
    }
    seconds = published_seconds()
    rows = [(name, *row, f"{seconds[name]:.2g}" if name in seconds else "") for name, row in evaluations.items()]
    columns = ["method", "it asks", "gradients", "images for the classifier", "seconds per image"]
    return pd.DataFrame(rows, columns=columns)
