"""Images with one label each, in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from sklearn.model_selection import train_test_split
from torch import Tensor

from helpers.core.batch import Batch


@dataclass(frozen=True)
class LabelledImages(Batch):
    """Images of one size with one label each.

    Attributes:
        pixels: 0 to 255.
        labels: the class of each image, an index into `class_names`.
        class_names: one name per class.
        source: a description of the data, shown next to every number.
    """

    shared = ("class_names", "source")
    pixels: UInt8[Tensor, "images 3 height width"]
    labels: Int[Tensor, " images"]
    class_names: tuple[str, ...]
    source: str

    def __post_init__(self) -> None:
        """Check that every image has a label, and every label a class name."""
        if len(self.pixels) != len(self.labels):
            raise ValueError(f"{len(self.pixels)} images and {len(self.labels)} labels: expected one label per image")
        if len(self.labels) and not 0 <= int(self.labels.min()) <= int(self.labels.max()) < len(self.class_names):
            raise ValueError(f"labels must lie in 0..{len(self.class_names) - 1}, one for each class name")

    def floats(self) -> Float[Tensor, "images 3 height width"]:
        """The pixels in [0, 1]."""
        return self.pixels.float() / 255

    def split(self, share: float, seed: int) -> tuple[LabelledImages, LabelledImages]:
        """Two disjoint subsets with the same class frequencies (stratified sampling by scikit-learn).

        Args:
            share: fraction of images in the second subset, in (0, 1).
            seed: seed of the sampling.

        Raises:
            ValueError: the share is out of range, or a class has too few images for both subsets.
        """
        if not 0 < share < 1:
            raise ValueError(f"share={share} must lie between 0 and 1")
        rows = np.arange(len(self))
        first, second = train_test_split(rows, test_size=share, stratify=self.labels.numpy(), random_state=seed)
        return self[torch.from_numpy(np.sort(first))], self[torch.from_numpy(np.sort(second))]

    @classmethod
    def join(cls, batches: Sequence[LabelledImages]) -> LabelledImages:
        """Several sets of the same classes as one.

        Raises:
            ValueError: the classes differ.
        """
        if len({batch.class_names for batch in batches}) != 1:
            raise ValueError("only images of the same classes can be joined")
        return super().join(batches)
