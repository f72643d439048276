"""Small experiments on the question of what an explanation is: patches kept or hidden, and every subset of them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from math import comb
from typing import NamedTuple

import pandas as pd
import torch
from jaxtyping import Bool, Float, Int
from matplotlib.figure import Figure
from torch import Tensor, nn

from helpers.chapters.gallery import GalleryEntry
from helpers.chapters.gallery_page import kept_words
from helpers.classifiers import Classifier
from helpers.core.runtime import random_generator
from helpers.plots import MASK_COLOURS, show_images

_AT_ONCE = 128  # images per forward pass

REPLACEMENTS = ("black", "the mean colour", "noise")
"""What may stand in for the pixels that are left out."""


def keep_patches(
    image: Float[Tensor, "1 3 size size"], kept: Bool[Tensor, "subsets patches"]
) -> Float[Tensor, "subsets 3 size size"]:
    """The image with some of its patches, and its mean colour elsewhere.

    Args:
        image: pixels in [0, 1].
        kept: the kept patches of each subset, of a square grid, row by row.

    Raises:
        ValueError: the number of patches is no square, or the image's side is no multiple of the grid's.
    """
    grid, side = round(kept.shape[1] ** 0.5), image.shape[-1]
    if grid**2 != kept.shape[1] or side % grid:
        raise ValueError(
            f"{kept.shape[1]} patches do not form a grid on an image of {side} px: use n × n patches, with n a divisor"
        )
    mask = kept.view(-1, 1, grid, grid).float()  # subsets, 1, grid, grid
    mask = mask.repeat_interleave(side // grid, 2).repeat_interleave(side // grid, 3)  # subsets, 1, size, size
    return mask * image + (1 - mask) * image.mean((2, 3), keepdim=True)


class SmallestParts(NamedTuple):
    """All smallest sufficient sets of patches.

    Attributes:
        kept: their patches.
        tried: the number of subsets that were tried.
    """

    kept: Bool[Tensor, "parts patches"]
    tried: int

    @property
    def size(self) -> int:
        """The number of patches of each."""
        return int(self.kept[0].sum())


def smallest_parts(enough: Callable[[Tensor], Tensor], patches: int) -> SmallestParts:
    """All smallest sets of patches that are enough, by trying every set, small ones first.

    Args:
        enough: from sets of patches, booleans (subsets, patches), to whether each is sufficient, (subsets,).
        patches: the number of patches.

    Raises:
        ValueError: not even all patches together are enough.
    """
    tried = 0
    for size in range(patches + 1):
        kept = torch.zeros(comb(patches, size), patches, dtype=torch.bool)
        if size:
            kept.scatter_(1, torch.tensor(list(combinations(range(patches), size))), True)
        tried += len(kept)
        found = enough(kept)
        if bool(found.any()):
            return SmallestParts(kept[found], tried)
    raise ValueError("no set of patches is enough, not even all of them")


def greedy_part(enough: Callable[[Tensor], Tensor], order: Int[Tensor, " patches"]) -> Bool[Tensor, "1 patches"]:
    """The first patches of an order that are enough together.

    Args:
        enough: as in `smallest_parts`.
        order: the patches, the most relevant first.

    Raises:
        ValueError: not even all patches together are enough.
    """
    kept = torch.zeros(len(order) + 1, len(order), dtype=torch.bool)
    for size in range(len(order)):
        kept[size + 1 :, order[size]] = True
    found = enough(kept).nonzero()
    if not len(found):
        raise ValueError("no set of patches is enough, not even all of them")
    return kept[found[0]]


@torch.no_grad()
def class_probabilities(classifier: nn.Module, images: Tensor, target: int) -> Float[Tensor, " images"]:
    """The probability of one class for each image, in batches."""
    return torch.cat([classifier(batch).softmax(-1)[:, target] for batch in images.split(_AT_ONCE)])


def sufficiency(
    classifier: nn.Module, image: Float[Tensor, "1 3 size size"], target: int, share: float
) -> Callable[[Tensor], Tensor]:
    """The test whether patches are enough: on the mean colour, they keep a share of the probability of the class."""
    needed = share * float(class_probabilities(classifier, image, target))
    return lambda kept: class_probabilities(classifier, keep_patches(image, kept), target) >= needed


def search_parts(
    classifier: nn.Module,
    images: Float[Tensor, "images 3 size size"],
    targets: Int[Tensor, " images"],
    *,
    grid: int = 4,
    share: float = 0.9,
) -> pd.DataFrame:
    """For each image: the smallest sufficient sets of patches, and the set that occlusion's order finds.

    Args:
        classifier: pixels in [0, 1] to logits.
        images: pixels in [0, 1].
        targets: the class of each image.
        grid: patches per side.
        share: the share of the class's probability that a sufficient set keeps.

    Returns:
        Columns image, smallest (patches), parts (how many sets are that small), tried (sets), greedy (patches in the
        order of occlusion), largest_drop (the largest drop of the probability when one patch is hidden).
    """
    rows = []
    for index, target in enumerate(targets.tolist()):
        image = images[index : index + 1]
        enough = sufficiency(classifier, image, target, share)
        hidden = ~torch.eye(grid**2, dtype=torch.bool)  # one patch hidden at a time
        drops = class_probabilities(classifier, image, target) - class_probabilities(
            classifier, keep_patches(image, hidden), target
        )
        best = smallest_parts(enough, grid**2)
        rows.append(
            {
                "image": index,
                "smallest": best.size,
                "parts": len(best.kept),
                "tried": best.tried,
                "greedy": int(greedy_part(enough, drops.argsort(descending=True)).sum()),
                "largest_drop": float(drops.max()),
            }
        )
    return pd.DataFrame(rows)


def replace(
    images: Float[Tensor, "batch 3 height width"],
    kept: Bool[Tensor, "batch 1 height width"],
    replacement: str,
    *,
    seed: int = 0,
) -> Float[Tensor, "batch 3 height width"]:
    """The images with something else in place of the pixels that are not kept.

    Args:
        images: pixels in [0, 1].
        kept: the kept pixels.
        replacement: one of `REPLACEMENTS`; the noise has the mean and the standard deviation of the image.
        seed: of the noise.

    Raises:
        ValueError: the replacement is not known.
    """
    mean = images.mean((2, 3), keepdim=True)  # batch, 3, 1, 1
    if replacement == "black":
        rest = torch.zeros_like(images)
    elif replacement == "the mean colour":
        rest = mean.expand_as(images)
    elif replacement == "noise":
        noise = torch.randn(images.shape, generator=random_generator(seed))
        rest = (mean + images.std((2, 3), keepdim=True) * noise).clamp(0, 1)
    else:
        raise ValueError(f"replacement {replacement!r} is not known; use one of {', '.join(REPLACEMENTS)}")
    return torch.where(kept, images, rest)


@torch.no_grad()
def questions_table(
    classifier: Classifier,
    images: Float[Tensor, "images 3 size size"],
    regions: Bool[Tensor, "images 1 size size"],
    targets: Int[Tensor, " images"],
    *,
    share: float = 0.9,
) -> pd.DataFrame:
    """The share of images whose object is sufficient, and necessary, for each way to replace the rest.

    Returns:
        One row per replacement; columns replacement, sufficient (the object alone keeps a share of the probability of
        the class), necessary (without the object, it does not).
    """

    def probability(pixels: Float[Tensor, "images 3 size size"]) -> Float[Tensor, " images"]:
        return classifier(pixels).softmax(-1).gather(1, targets[:, None])[:, 0]

    needed = share * probability(images)
    rows = []
    for replacement in REPLACEMENTS:
        sufficient = (probability(replace(images, regions, replacement)) >= needed).float().mean()
        necessary = (probability(replace(images, ~regions, replacement)) < needed).float().mean()
        rows.append({"replacement": replacement, "sufficient": float(sufficient), "necessary": float(necessary)})
    return pd.DataFrame(rows)


def mirrored_twice(
    image: Float[Tensor, "1 3 size size"], region: Bool[Tensor, "1 1 size size"]
) -> tuple[Float[Tensor, "1 3 size size"], Bool[Tensor, "1 1 size size"]]:
    """The image with a second, mirrored copy of its object on the other side, and the region of the copy.

    Raises:
        ValueError: the object crosses the middle, so that the two would overlap.
    """
    copy = region.flip(-1)
    if bool((copy & region).any()):
        raise ValueError("the object and its mirror image overlap: choose one that lies in one half of the image")
    return torch.where(copy, image.flip(-1), image), copy


def draw_guess(entry: GalleryEntry) -> Figure:
    """The part of a photograph that CartoonX keeps, without the photograph."""
    return show_images([entry.pictures["cartoonx-kept"]], ["What is it?"], width=7)


def draw_answer(entry: GalleryEntry) -> Figure:
    """The kept part of a photograph beside the photograph, with both predictions."""
    row = entry.numbers["cartoonx"]
    names = [f"the kept part:\n“{kept_words(row)}”", f"“{row['prediction_name']}”, {100 * row['confidence']:.0f} %"]
    return show_images([entry.pictures["cartoonx-kept"], entry.pictures["image"]], names, width=7)


def draw_occlusion(image: Float[Tensor, "1 3 size size"], drops: Float[Tensor, "down across"], title: str) -> Figure:
    """The image, one of its patches hidden, and the drop of each patch as a map."""
    side = image.shape[-1] // drops.shape[-1]
    worst = divmod(int(drops.argmax()), drops.shape[-1])
    hidden = image.clone()
    rows, columns = (slice(place * side, (place + 1) * side) for place in worst)
    hidden[..., rows, columns] = image.mean((2, 3), keepdim=True)
    scaled = drops.clamp_min(0).repeat_interleave(side, 0).repeat_interleave(side, 1)[None, None]
    names = [title, "without one patch", "the drop of each patch"]
    return show_images(
        [image[0], hidden[0], scaled[0]], names, colours=MASK_COLOURS, limits=(0.0, float(scaled.max())), width=8
    )
