"""Does an explanation find a planted shortcut, and does the classifier use it? On scenes both are known.

The paper remarks that the masks of trains show the tracks, since the classifier has learnt to look at them (section
4.1). In a scene the "tracks" are a mark that is stuck on the image: where it is, is known to the pixel, and the same
scene can be drawn with and without it, so that what the classifier owes to it is known too.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from helpers.metrics.regions import pixel_auroc, relevance_mass_above_chance


def shortcut_scores(
    masks: Float[Tensor, "batch height width"],
    mark: Bool[Tensor, "batch height width"],
    objects: Bool[Tensor, "batch height width"],
) -> dict[str, Float[Tensor, " batch"]]:
    """How much of a class's mask lies on the mark, one value per image, in three measures.

    - `over_background`: the probability that a random pixel of the mark stands higher in the mask than a random pixel
      of the background (neither mark nor object). 0.5: the mask sees no difference; 1: the mark stands out.
    - `over_object`: the same against the pixels of the object. 1: the mark stands above all of the object.
    - `relevance_mass_above_chance`: the share of the mask's mass on the mark, minus the mark's share of the image.

    The first two depend on the order of a mask's values alone, so that smooth and sharp methods can be compared. They
    are nan where one of the two regions is empty.

    Args:
        masks: the mask of one class for each image.
        mark: the pixels of the mark.
        objects: the pixels of the class's objects.
    """
    return {
        "over_background": pixel_auroc(masks, mark, ~(mark | objects)),
        "over_object": pixel_auroc(masks, mark, objects & ~mark),
        "relevance_mass_above_chance": relevance_mass_above_chance(masks, mark),
    }


@torch.no_grad()
def shortcut_sensitivity(
    classifier: nn.Module,
    without: Float[Tensor, "batch 3 height width"],
    marked: Float[Tensor, "batch 3 height width"],
) -> dict[str, Float[Tensor, "batch classes"]]:
    """What a classifier owes to the mark: how its answers change when nothing but the mark is added.

    Args:
        classifier: pixels in [0, 1] to logits, one per class.
        without: scenes without the mark.
        marked: the same scenes with it.

    Returns:
        `logit` and `probability` (of the sigmoid): with the mark minus without, for each class.
    """
    before, after = classifier(without), classifier(marked)
    return {"logit": after - before, "probability": after.sigmoid() - before.sigmoid()}
