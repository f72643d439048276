"""Images that show several classes at once, and what is known of where these are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor


@dataclass(frozen=True)
class MultiLabelImages:
    """Decoded images with the set of their classes.

    Attributes:
        pixels: 0 to 255; the tensor may be mapped from a file, so that only what is read enters memory.
        labels: which classes each image shows.
        names: one name per image, all different.
        class_names: one name per class.
    """

    pixels: UInt8[Tensor, "count 3 height width"]
    labels: Bool[Tensor, "count classes"]
    names: tuple[str, ...]
    class_names: tuple[str, ...]

    def __post_init__(self) -> None:
        """Check that the parts belong together."""
        if len({len(self.pixels), len(self.labels), len(self.names)}) > 1:
            raise ValueError(f"{len(self.pixels)} images, {len(self.labels)} labels and {len(self.names)} names differ")
        if self.labels.shape[1] != len(self.class_names):
            raise ValueError(f"labels have {self.labels.shape[1]} columns for {len(self.class_names)} class names")

    def __len__(self) -> int:
        """The number of images."""
        return len(self.names)

    def __getitem__(self, rows: slice) -> MultiLabelImages:
        """Some of the images, by a slice."""
        if not isinstance(rows, slice):
            raise TypeError("MultiLabelImages are indexed by a slice, such as images[:8]; select() takes rows")
        return self.select(range(len(self))[rows])

    def select(self, rows: range | list[int]) -> MultiLabelImages:
        """The images of these rows, in this order."""
        rows = list(rows)
        names = tuple(self.names[row] for row in rows)
        return replace(self, pixels=self.pixels[rows], labels=self.labels[rows], names=names)

    def images(self, device: torch.device | str = "cpu") -> Float[Tensor, "count 3 height width"]:
        """All pixels in [0, 1], in memory: for a few hundred images."""
        return self.pixels.to(device).float() / 255

    def batches(
        self, size: int, device: torch.device | str = "cpu"
    ) -> Iterator[tuple[Float[Tensor, "batch 3 height width"], Bool[Tensor, "batch classes"]]]:
        """Pixels in [0, 1] and labels, in order."""
        for first in range(0, len(self), size):
            rows = slice(first, first + size)
            yield self.pixels[rows].to(device).float() / 255, self.labels[rows].to(device)


@dataclass(frozen=True)
class SegmentedImages:
    """Images of which it is known where their objects are.

    Attributes:
        images: the images with their classes.
        objects: all objects of an image together, in [0, 1]; between where a published resizing blurred the border.
        counted: the pixels that scores count; a pixel that annotators left open is not counted.
        instances: how many objects of each class an image shows.
    """

    images: MultiLabelImages
    objects: Float[Tensor, "count height width"]
    counted: Bool[Tensor, "count height width"]
    instances: Int[Tensor, "count classes"]

    def __len__(self) -> int:
        """The number of images."""
        return len(self.images)

    def __getitem__(self, rows: slice) -> SegmentedImages:
        """Some of the images, by a slice."""
        return SegmentedImages(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})
