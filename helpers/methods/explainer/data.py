"""Images for the training of Explainers: batches of pixels and labels."""

from __future__ import annotations

from torch import Tensor
from torch.utils.data import Dataset

from helpers.data.multilabel import MultiLabelImages

Batch = dict[str, Tensor]


class LabelledRows(Dataset[Batch]):
    """Batches are cut at once, and say where their labels are: on a GPU, looking for these would make it wait."""

    def __init__(self, images: MultiLabelImages) -> None:
        self.images = images

    def __len__(self) -> int:
        """The number of images."""
        return len(self.images)

    def __getitem__(self, row: int) -> Batch:
        """One image, as a batch."""
        return self.__getitems__([row])

    def __getitems__(self, rows: list[int]) -> Batch:
        """The images of these rows."""
        labels = self.images.labels[rows]
        image, kind = labels.nonzero(as_tuple=True)
        return {"pixels": self.images.pixels[rows], "labels": labels, "image": image, "kind": kind}
