"""What frozen layers say of each image, computed once."""

from __future__ import annotations

import tempfile
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from helpers.classifiers.architectures import IMAGENET_MEAN, IMAGENET_STD
from helpers.core.runtime import progress, random_generator
from helpers.data.multilabel import MultiLabelImages
from helpers.training.data import EpochSampler

Batch = tuple[Tensor, Tensor]
_DTYPES = {"16-mixed": torch.float16, "bf16-mixed": torch.bfloat16, "32-true": torch.float32}


class LabelledInputs(Dataset[Batch]):
    """Rows of features, or pixels, with their labels; a batch is cut at once."""

    def __init__(self, inputs: Tensor, labels: Tensor) -> None:
        self.inputs, self.labels = inputs, labels.float()

    def __len__(self) -> int:
        """The number of images."""
        return len(self.labels)

    def __getitem__(self, row: int) -> Batch:
        """One image."""
        return self.inputs[row], self.labels[row]

    def __getitems__(self, rows: list[int]) -> Batch:
        """The images of these rows."""
        return self.inputs[rows], self.labels[rows]


def batches(inputs: Tensor, labels: Tensor, batch: int, seed: int | None) -> DataLoader[Batch]:
    """All rows, in order, or in an order of the seed and the epoch, which survives a restart."""
    rows = LabelledInputs(inputs, labels)
    sampler = None if seed is None else EpochSampler(len(rows), seed)
    own = random_generator(seed or 0)  # else the loader draws from the global one
    pinned = torch.cuda.is_available()
    return DataLoader(rows, batch, sampler=sampler, generator=own, collate_fn=_as_it_is, pin_memory=pinned)


def normalised(pixels: Tensor) -> Float[Tensor, "batch 3 height width"]:
    """8-bit pixels as ImageNet's networks expect them, channels last in memory."""
    mean, std = (torch.tensor(values, device=pixels.device)[:, None, None] for values in (IMAGENET_MEAN, IMAGENET_STD))
    return ((pixels.float() / 255 - mean) / std).contiguous(memory_format=torch.channels_last)


@torch.no_grad()
def trunk_features(
    trunk: nn.Module,
    images: MultiLabelImages,
    folder: Path,
    *,
    device: torch.device,
    precision: str = "32-true",
    batch: int = 64,
    show: bool = False,
) -> Float[Tensor, "count features"]:
    """The trunk's answer to each image.

    It is mapped from a file without a name in `folder`, which vanishes with the tensor: VGG-16's features of
    COCO-2014 take 7.5 GB, half of that in mixed precision.
    """
    dtype = _DTYPES[precision]
    mixed = nullcontext() if dtype == torch.float32 else torch.autocast(device.type, dtype)
    trunk, kept = trunk.to(device), None
    total = len(images)
    for first in progress(range(0, total, batch), label=f"features of {total} images", show=show):
        pixels = images.pixels[first : first + batch].to(device)
        with mixed:
            found = trunk(normalised(pixels)).to(dtype)
        kept = _mapped(folder, (total, found.shape[1]), dtype) if kept is None else kept
        kept[first : first + batch] = found.cpu()
    if kept is None:
        raise ValueError("there are no images to compute features of")
    return kept


def _mapped(folder: Path, shape: tuple[int, int], dtype: torch.dtype) -> Tensor:
    """A tensor in a file without a name."""
    folder.mkdir(parents=True, exist_ok=True)
    plain = np.float32 if dtype == torch.float32 else np.int16  # NumPy knows no bfloat16
    with tempfile.TemporaryFile(dir=folder) as file:
        return torch.from_numpy(np.memmap(file, plain, "w+", shape=shape)).view(dtype)


def _as_it_is(batch: Any) -> Any:  # a Batch already; PyTorch expects a list of single rows here
    return batch
