"""Images that show several classes at once, and the regions of their objects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor

from helpers.core.batch import Batch


@dataclass(frozen=True)
class MultiLabelImages(Batch):
    """Decoded images, each with the set of its classes.

    Attributes:
        pixels: 0 to 255; the tensor may be memory-mapped, so that only the rows in use are read.
        labels: whether each image shows each class.
        names: one name per image, all different.
        class_names: one name per class.
    """

    shared = ("class_names",)
    pixels: UInt8[Tensor, "count 3 height width"]
    labels: Bool[Tensor, "count classes"]
    names: tuple[str, ...]
    class_names: tuple[str, ...]

    def __post_init__(self) -> None:
        """Check that the fields have matching lengths."""
        if len({len(self.pixels), len(self.labels), len(self.names)}) > 1:
            raise ValueError(f"{len(self.pixels)} images, {len(self.labels)} labels and {len(self.names)} names differ")
        if self.labels.shape[1] != len(self.class_names):
            raise ValueError(f"labels have {self.labels.shape[1]} columns for {len(self.class_names)} class names")

    def select(self, rows: Sequence[int]) -> MultiLabelImages:
        """The images of these rows, in this order."""
        return self[torch.tensor(list(rows), dtype=torch.long)]

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
class SegmentedImages(Batch):
    """Images with the region of their objects.

    Attributes:
        images: the images with their classes.
        objects: the union of an image's objects, in [0, 1]; fractional where a published resizing blurs its border.
        counted: the pixels that scores count; pixels that annotators left undecided are not counted.
        instances: the number of objects of each class in each image.
        regions: the visible region of each class; None where it is not loaded.
    """

    images: MultiLabelImages
    objects: Float[Tensor, "count height width"]
    counted: Bool[Tensor, "count height width"]
    instances: Int[Tensor, "count classes"]
    regions: Bool[Tensor, "count classes height width"] | None = None

    def with_classes(self, names: tuple[str, ...]) -> SegmentedImages:
        """The images with these classes only (COCO's published labels have eleven unused columns).

        If one of them is not known, or there are no others, the images are left as they are.
        """
        available = self.images.class_names
        if available == names or not set(names) <= set(available):
            return self
        columns = [available.index(name) for name in names]
        images = replace(self.images, labels=self.images.labels[:, columns], class_names=names)
        regions = None if self.regions is None else self.regions[:, columns]
        return replace(self, images=images, instances=self.instances[:, columns], regions=regions)
