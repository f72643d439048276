"""Methods that explain pairs of image and class, in batches of pairs."""

from __future__ import annotations

from abc import abstractmethod

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from helpers.core.class_masks import ClassMaskMethod, check_classes
from helpers.core.replica import frozen, with_frozen_classifier
from helpers.core.runtime import progress


class PairMethod(ClassMaskMethod):
    """A method that explains pairs of image and class.

    Args:
        classifier: pixels in [0, 1] to logits.
        pairs_at_once: pairs per batch, to bound the memory.
    """

    _has_own_progress = True  # whether `_pair_masks` shows a progress bar over its steps

    def __init__(self, classifier: nn.Module, pairs_at_once: int) -> None:
        self.classifier, self._pairs_at_once = classifier, pairs_at_once

    def class_masks(
        self,
        images: Float[Tensor, "batch 3 height width"],
        classes: Bool[Tensor, "batch classes"],
        *,
        show_progress: bool = False,
    ) -> Float[Tensor, "batch classes height width"]:
        """See `ClassMaskMethod.class_masks`."""
        check_classes(images, classes, count_classes(self.classifier, images))
        masks = images.new_zeros(*classes.shape, *images.shape[-2:])
        image_index, class_index = classes.nonzero(as_tuple=True)
        if not len(image_index):
            return masks
        size = self._pairs_at_once
        batches = list(zip(image_index.split(size), class_index.split(size), strict=True))
        over_batches = len(batches) > 1 or not self._has_own_progress
        method = with_frozen_classifier(self)
        for rows, columns in progress(batches, label=self.name, show=show_progress and over_batches):
            pair_masks = method._pair_masks(images, rows, columns, show_progress=show_progress and not over_batches)
            masks[rows, columns] = pair_masks.to(masks)
        return masks

    @abstractmethod
    def _pair_masks(
        self,
        images: Float[Tensor, "batch 3 height width"],
        image_index: Int[Tensor, " pairs"],
        class_index: Int[Tensor, " pairs"],
        *,
        show_progress: bool,
    ) -> Float[Tensor, "pairs height width"]:
        """The masks, in [0, 1], for class `class_index[i]` of `images[image_index[i]]`; image indices ascend."""


@torch.no_grad()
def count_classes(classifier: nn.Module, images: Float[Tensor, "batch 3 height width"]) -> int | None:
    """The number of classes of a classifier; None if it has no `class_names` and there is no image to classify."""
    names = getattr(classifier, "class_names", None)
    if names is not None:
        return len(names)
    return frozen(classifier)(images[:1]).shape[1] if images.ndim == 4 and len(images) else None


def probabilities(logits: Float[Tensor, "*batch classes"], score: str) -> Float[Tensor, "*batch classes"]:
    """The scores of all classes: `"sigmoid"`, `"softmax"` or the `"logit"` itself."""
    if score == "logit":
        return logits
    return logits.softmax(-1) if score == "softmax" else logits.sigmoid()
