"""What an explanation by a network that draws may get wrong: white grounds, patterns put in, one classifier only."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional

from helpers.data.scenes import Scenes


def on_white(scenes: Scenes) -> Float[Tensor, "scenes 3 size size"]:
    """The scenes' objects on white: every pixel that no object covers is 1."""
    return torch.where(object_region(scenes), scenes.images, 1.0)


def object_region(scenes: Scenes) -> Bool[Tensor, "scenes 1 size size"]:
    """The pixels of all objects of each scene."""
    return scenes.object_masks.any(1, keepdim=True)


def paid_inside(
    kept: Float[Tensor, "batch 3 height width"],
    reference: Float[Tensor, "batch 3 1 1"],
    region: Bool[Tensor, "batch 1 height width"],
) -> Float[Tensor, " batch"]:
    """The share of what a kept image pays for, its distance from the reference colour, that lies in a region."""
    paid = (kept - reference).abs().sum(1, keepdim=True)
    return (paid * region).sum((1, 2, 3)) / paid.sum((1, 2, 3)).clamp_min(1e-6)


def brightness_inside(
    images: Float[Tensor, "batch 3 height width"],
    kept: Float[Tensor, "batch 3 height width"],
    region: Bool[Tensor, "batch 1 height width"],
) -> float:
    """How much of the brightness of a region of all images their kept images have there, in percent."""
    return 100 * float((kept * region).sum() / (images * region).sum())


@dataclass(frozen=True)
class Change:
    """What a kept image took away and what it put in.

    Attributes:
        removed, added: brightness of each channel, not negative.
    """

    removed: Float[Tensor, "batch 3 height width"]
    added: Float[Tensor, "batch 3 height width"]

    @property
    def added_share(self) -> Float[Tensor, " batch"]:
        """Of the brightness of each kept image that was moved at all, the share that was put in, in percent."""
        added, removed = (values.sum((1, 2, 3)) for values in (self.added, self.removed))
        return 100 * added / (added + removed).clamp_min(1e-6)


def change(images: Float[Tensor, "batch 3 height width"], kept: Float[Tensor, "batch 3 height width"]) -> Change:
    """The difference of image and kept image, in its two directions."""
    return Change((images - kept).clamp_min(0), (kept - images).clamp_min(0))


@torch.no_grad()
def second_opinion(
    classifier: nn.Module, images: Float[Tensor, "batch 3 height width"], side: int, *, batch: int = 50
) -> Int[Tensor, " batch"]:
    """The classes that another classifier sees, shown the images enlarged to `side` pixels (bilinear)."""
    parts = []
    for part in images.split(batch):
        large = functional.interpolate(part, size=(side, side), mode="bilinear", align_corners=False)
        parts.append(classifier(large).argmax(1))
    return torch.cat(parts)


def agreement(first: Int[Tensor, " images"], second: Int[Tensor, " images"]) -> float:
    """The share of images on which two answers agree, in percent."""
    return 100 * float((first == second).float().mean())


def first_of_each(classes: Int[Tensor, " images"], fits: Bool[Tensor, " images"], count: int) -> Int[Tensor, " rows"]:
    """The first image of each class that fits, for the first `count` classes that have one: no picking by looks."""
    rows = [((classes == name) & fits).nonzero()[:1, 0] for name in classes.unique()]
    return torch.cat(rows)[:count]
