"""CIFAR-10 (Krizhevsky, 2009), as torchvision reads it or from a lossy Parquet edition."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import torch
from torchvision.datasets import CIFAR10

from helpers.core.files import data_file
from helpers.data.decoding import decode
from helpers.data.images import to_bytes
from helpers.data.labelled.archive import cifar10_folder, download_advice
from helpers.data.labelled.data import LabelledImages

CIFAR10_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
CIFAR10Split = Literal["train", "test"]


def cifar10(split: CIFAR10Split, root: str | Path | None = None) -> LabelledImages:
    """CIFAR-10 as published: 50,000 training or 10,000 test images.

    Args:
        split: `"train"` or `"test"`.
        root: the folder that holds `cifar-10-batches-py`; None for `cifar10/` in the data folder.

    Raises:
        FileNotFoundError: files are missing or damaged; the message has the archive and its folder.
    """
    folder = cifar10_folder(root)
    try:
        data = CIFAR10(str(folder), train=split == "train", download=False)  # checks each file's MD5 digest
    except RuntimeError as error:
        raise FileNotFoundError(f"CIFAR-10 is missing or incomplete in {folder}; {download_advice(folder)}") from error
    pixels = torch.from_numpy(np.ascontiguousarray(data.data.transpose(0, 3, 1, 2)))
    return LabelledImages(pixels, torch.tensor(data.targets), CIFAR10_CLASSES, "CIFAR-10")


def cifar10_parquet(split: CIFAR10Split, source: str, root: str | Path | None = None) -> LabelledImages:
    """CIFAR-10 from `cifar10/train.parquet` or `test.parquet` in the data folder (columns `img` and `label`).

    Args:
        split: `"train"` or `"test"`.
        source: the description of the data (`LabelledImages.source`).
        root: the data folder; None for the one that `XAIBOOK_DATA` names.

    Raises:
        FileNotFoundError, ValueError: the file is missing or malformed, or the data folder is not known.
    """
    path = data_file(f"cifar10/{split}.parquet", root)
    try:
        table = pd.read_parquet(path, columns=["img", "label"])
        pictures = [np.asarray(to_bytes(decode(bytes(row["bytes"])))) for row in table["img"]]
        pixels = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).contiguous()
        labels = torch.from_numpy(table["label"].to_numpy(dtype=np.int64, copy=True))
        return LabelledImages(pixels, labels, CIFAR10_CLASSES, source)
    except (KeyError, TypeError, ValueError, OSError) as error:
        raise ValueError(
            f"{path} is not CIFAR-10's Parquet edition ({error}); expected the columns img (with bytes) and label"
        ) from error
