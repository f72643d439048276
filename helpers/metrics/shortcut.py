"""Detection of a planted shortcut by explanations, and the classifier's sensitivity to it.

The paper remarks that the masks of trains include the tracks, since the classifier has learned to use them (section
4.1). In scenes such a shortcut is a mark on the image. Its pixels are known, and so is its effect on the classifier,
since the same scene can be rendered with and without it.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from helpers.core.inputs import ImageBatch
from helpers.core.mask_inputs import checked_booleans, checked_masks
from helpers.metrics.inputs import answers, checked_pair
from helpers.metrics.regions import PIXELS, pixel_auroc, relevance_mass_above_chance


def shortcut_scores(
    masks: Shaped[Tensor, "batch height width"],
    mark: Shaped[Tensor, "batch height width"],
    objects: Shaped[Tensor, "batch height width"],
) -> dict[str, Float[Tensor, " batch"]]:
    """The relevance of the mark in the mask of a class, one value per image, by three measures.

    - `over_background`: the pixel AUROC of the mark against the background (neither mark nor object). 0.5: no
      difference; 1: every pixel of the mark has a larger value.
    - `over_object`: the pixel AUROC of the mark against the object.
    - `relevance_mass_above_chance`: the share of the mask's mass on the mark, minus the mark's share of the image.

    The first two depend only on the order of a mask's values, so that smooth and sharp methods can be compared. They
    are nan if one of the two regions is empty.

    Args:
        masks: of one class per image, not negative.
        mark: the pixels of the mark.
        objects: the pixels of the class's objects.

    Raises:
        TypeError, ValueError: masks or regions have a wrong shape, type or range.
    """
    masks = checked_masks(masks, PIXELS, values="positive")
    mark, objects = (
        checked_booleans(pixels, masks.shape, name=name, device=masks.device)
        for name, pixels in (("mark", mark), ("objects", objects))
    )
    return {
        "over_background": pixel_auroc(masks, mark, ~(mark | objects)),
        "over_object": pixel_auroc(masks, mark, objects & ~mark),
        "relevance_mass_above_chance": relevance_mass_above_chance(masks, mark),
    }


@torch.no_grad()
def shortcut_sensitivity(
    classifier: nn.Module,
    without: ImageBatch,
    marked: ImageBatch,
) -> dict[str, Float[Tensor, "batch classes"]]:
    """Shortcut sensitivity: the change in a classifier's output when only the mark is added to a scene.

    Args:
        classifier: pixels in [0, 1] to logits, one per class.
        without: scenes without the mark.
        marked: the same scenes with the mark.

    Returns:
        The differences of `logit` and of `probability` (sigmoid), with the mark minus without, for each class.

    Raises:
        TypeError, ValueError: scenes or the classifier's output have a wrong shape, type or range.
    """
    names = "scenes without the mark", "marked scenes"
    pair = checked_pair(without, marked, classifier, names=names)
    before, after = (answers(classifier, images, name=name) for images, name in zip(pair, names, strict=True))
    return {"logit": after - before, "probability": after.sigmoid() - before.sigmoid()}
