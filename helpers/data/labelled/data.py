"""Images with one label each, in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from sklearn.model_selection import train_test_split
from torch import Tensor


@dataclass(frozen=True)
class LabelledImages:
    """Images of one size with one label each.

    Attributes:
        pixels: 0 to 255.
        labels: the class of each image.
        class_names: one name per class.
        source: what the images are, in words, as it stands beside numbers.
    """

    pixels: UInt8[Tensor, "images 3 height width"]
    labels: Int[Tensor, " images"]
    class_names: tuple[str, ...]
    source: str

    def __post_init__(self) -> None:
        """Check that the parts belong together."""
        if len(self.pixels) != len(self.labels):
            raise ValueError(f"{len(self.pixels)} images and {len(self.labels)} labels: expected one label an image")
        if len(self.labels) and not 0 <= int(self.labels.min()) <= int(self.labels.max()) < len(self.class_names):
            raise ValueError(f"labels must lie in 0..{len(self.class_names) - 1}, one for each class name")

    def __len__(self) -> int:
        """The number of images."""
        return len(self.labels)

    def __getitem__(self, rows: slice | Int[Tensor, " rows"]) -> LabelledImages:
        """Some of the images, by a slice or by their numbers."""
        if not isinstance(rows, slice | Tensor):
            raise TypeError("LabelledImages are indexed by a slice or a tensor of numbers, such as images[2:3]")
        return replace(self, pixels=self.pixels[rows], labels=self.labels[rows])

    def floats(self) -> Float[Tensor, "images 3 height width"]:
        """The pixels in [0, 1]."""
        return self.pixels.float() / 255

    def split(self, share: float, seed: int) -> tuple[LabelledImages, LabelledImages]:
        """Two parts in which each class has the same share (stratified sampling), by scikit-learn.

        Args:
            share: of the second part, in (0, 1).
            seed: of the choice.

        Raises:
            ValueError: the share is out of range, or a class has too few images to be in both parts.
        """
        if not 0 < share < 1:
            raise ValueError(f"share={share} must lie between 0 and 1")
        numbers = np.arange(len(self))
        first, second = train_test_split(numbers, test_size=share, stratify=self.labels.numpy(), random_state=seed)
        return self[torch.from_numpy(np.sort(first))], self[torch.from_numpy(np.sort(second))]

    @staticmethod
    def join(parts: Sequence[LabelledImages]) -> LabelledImages:
        """Several sets as one; the classes must be the same."""
        if len({part.class_names for part in parts}) != 1:
            raise ValueError("only images of the same classes can be joined")
        pixels, labels = (torch.cat([getattr(part, name) for part in parts]) for name in ("pixels", "labels"))
        return replace(parts[0], pixels=pixels, labels=labels)
