"""Limits of generated explanations: white backgrounds, added patterns, transfer to another classifier."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional

from helpers.classifiers import Classifier
from helpers.data.scenes import Scenes


def on_white(scenes: Scenes) -> Float[Tensor, "scenes 3 size size"]:
    """The scenes' objects on white: background pixels are 1."""
    return torch.where(object_region(scenes), scenes.images, 1.0)


def object_region(scenes: Scenes) -> Bool[Tensor, "scenes 1 size size"]:
    """The pixels of all objects of each scene."""
    return scenes.object_masks.any(1, keepdim=True)


def cost_inside(
    kept: Float[Tensor, "batch 3 height width"],
    reference: Float[Tensor, "batch 3 1 1"],
    region: Bool[Tensor, "batch 1 height width"],
) -> Float[Tensor, " batch"]:
    """The share of a kept image's L1 distance from the reference colour that lies in a region."""
    cost = (kept - reference).abs().sum(1, keepdim=True)
    return (cost * region).sum((1, 2, 3)) / cost.sum((1, 2, 3)).clamp_min(1e-6)


def brightness_inside(
    images: Float[Tensor, "batch 3 height width"],
    kept: Float[Tensor, "batch 3 height width"],
    region: Bool[Tensor, "batch 1 height width"],
) -> float:
    """The kept share of the images' brightness in a region, in percent."""
    return 100 * float((kept * region).sum() / (images * region).sum())


@dataclass(frozen=True)
class Change:
    """The brightness that a kept image removes from its image and adds to it.

    Attributes:
        removed, added: per pixel and channel, not negative.
    """

    removed: Float[Tensor, "batch 3 height width"]
    added: Float[Tensor, "batch 3 height width"]

    @property
    def added_share(self) -> Float[Tensor, " batch"]:
        """The added share of each image's changed brightness, in percent."""
        added, removed = (values.sum((1, 2, 3)) for values in (self.added, self.removed))
        return 100 * added / (added + removed).clamp_min(1e-6)


def change(images: Float[Tensor, "batch 3 height width"], kept: Float[Tensor, "batch 3 height width"]) -> Change:
    """The difference between image and kept image, split by its sign."""
    return Change((images - kept).clamp_min(0), (kept - images).clamp_min(0))


@torch.no_grad()
def predict_enlarged(
    classifier: nn.Module, images: Float[Tensor, "batch 3 height width"], side: int, *, batch: int = 50
) -> Int[Tensor, " batch"]:
    """The predicted classes of images enlarged to `side` pixels (bilinear), such as by another classifier."""
    predictions = []
    for small in images.split(batch):
        large = functional.interpolate(small, size=(side, side), mode="bilinear", align_corners=False)
        predictions.append(classifier(large).argmax(1))
    return torch.cat(predictions)


def prediction_agreement(first: Int[Tensor, " images"], second: Int[Tensor, " images"]) -> float:
    """The share of images with equal classes, in percent."""
    return 100 * float((first == second).float().mean())


def first_of_each_class(
    classes: Int[Tensor, " images"], suitable: Bool[Tensor, " images"], count: int
) -> Int[Tensor, " rows"]:
    """The index of the first suitable image of each class, for the first `count` classes that have one."""
    rows = [((classes == name) & suitable).nonzero()[:1, 0] for name in classes.unique()]
    return torch.cat(rows)[:count]


def region_summary(kept: Mapping[str, Float[Tensor, "scenes 3 size size"]], scenes: Scenes) -> pd.DataFrame:
    """The kept brightness of objects and backgrounds, in percent: one row per method.

    Args:
        kept: by method, the kept images of the scenes.
        scenes: the originals.
    """
    region, rows = object_region(scenes), []
    for name, pictures in kept.items():
        rows.append((name, *(brightness_inside(scenes.images, pictures, part) for part in (region, ~region))))
    return pd.DataFrame(rows, columns=["kept by", "of the objects", "of the backgrounds"])


def transfer_summary(
    classifier: Classifier,
    second: Classifier,
    kept: Mapping[str, Float[Tensor, "images 3 height width"]],
    classes: Int[Tensor, " images"],
) -> pd.DataFrame:
    """The share of kept images that two classifiers assign to the right class, in colour and in grey.

    Args:
        classifier: the explained classifier.
        second: another one, which sees the images enlarged.
        kept: by method, kept images of the same images.
        classes: the classes of the images.
    """
    rows = []
    for name, colour in kept.items():
        grey = colour.mean(1, keepdim=True).expand(-1, 3, -1, -1)
        predictions = [
            predicted
            for pictures in (colour, grey)
            for predicted in (classifier.predict(pictures)[0], predict_enlarged(second, pictures, second.input_size))
        ]
        rows.append((name, *(prediction_agreement(predicted, classes) for predicted in predictions)))
    return pd.DataFrame(rows, columns=["kept by", "own", "second", "own, in grey", "second, in grey"])
