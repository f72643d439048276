"""Methods that explain pairs of image and class, in batches of pairs."""

from __future__ import annotations

from abc import abstractmethod

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from helpers.core.class_masks import ClassMaskMethod
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

    def _masks_of(
        self,
        images: Float[Tensor, "batch 3 height width"],
        image_index: Int[Tensor, " pairs"],
        class_index: Int[Tensor, " pairs"],
        *,
        show_progress: bool,
    ) -> Float[Tensor, "pairs height width"]:
        """See `ClassMaskMethod._masks_of`."""
        size = self._pairs_at_once
        batches = list(zip(image_index.split(size), class_index.split(size), strict=True))
        over_batches = len(batches) > 1 or not self._has_own_progress
        return torch.cat(
            [
                self._pair_masks(images, rows, columns, show_progress=show_progress and not over_batches).to(images)
                for rows, columns in progress(batches, label=self.name, show=show_progress and over_batches)
            ]
        )

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
