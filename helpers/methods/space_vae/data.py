"""Images for the training of a SpaCE-VAE, with the classes that the classifier gives them."""

from __future__ import annotations

import torch
from jaxtyping import Int
from torch import Tensor, nn
from torch.utils.data import Dataset

from helpers.data.labelled import LabelledImages

Batch = tuple[Tensor, Tensor, Tensor]  # pixels, the class of the image, the class of the mirrored image


class ExplainedRows(Dataset[Batch]):
    """Images with the classifier's answers; batches are cut at once."""

    def __init__(self, images: LabelledImages, classes: Int[Tensor, "2 images"]) -> None:
        self.images, self.classes = images, classes

    def __len__(self) -> int:
        """The number of images."""
        return len(self.images)

    def __getitem__(self, row: int) -> Batch:
        """One image, as a batch."""
        return self.__getitems__([row])

    def __getitems__(self, rows: list[int]) -> Batch:
        """The images of these rows."""
        return self.images.pixels[rows], self.classes[0][rows], self.classes[1][rows]


@torch.no_grad()
def answers(classifier: nn.Module, images: LabelledImages, *, mirrored: bool, batch: int = 500) -> Tensor:
    """The class that the classifier gives each image, and each mirrored image (the same again, if not asked for).

    They are asked for once, before training, not at every step.
    """
    device = next((p.device for p in classifier.parameters()), torch.device("cpu"))
    rows = []
    for pixels in images.pixels.split(batch):
        floats = pixels.to(device).float() / 255
        plain = classifier(floats).argmax(1)
        rows.append(torch.stack([plain, classifier(floats.flip(3)).argmax(1) if mirrored else plain]).cpu())
    return torch.cat(rows, 1)
