"""CIFAR-10 (Krizhevsky, 2009): the published archive, Parquet files and PNG files."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import torch
from PIL import Image
from torch import Tensor
from torchvision.datasets import CIFAR10

from helpers.data.decoding import decode
from helpers.data.images import to_bytes
from helpers.data.labelled.archive import cifar10_folder, download_advice
from helpers.data.labelled.data import LabelledImages

CIFAR10_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
PNG_REPOSITORY = "https://github.com/cyizhuo/CIFAR-10-dataset"
"""All of CIFAR-10 as PNG files, without loss."""

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


def cifar10_parquet(path: Path, source: str) -> LabelledImages:
    """CIFAR-10 from a Parquet file with the columns `img` (pictures as the bytes of files) and `label`.

    Args:
        path: the file.
        source: the description of the data (`LabelledImages.source`).

    Raises:
        ValueError: the file is malformed.
    """
    try:
        table = pd.read_parquet(path, columns=["img", "label"])
        pictures = [np.asarray(to_bytes(decode(bytes(row["bytes"])))) for row in table["img"]]
        labels = torch.from_numpy(table["label"].to_numpy(dtype=np.int64, copy=True))
        return _labelled(pictures, labels, source)
    except (KeyError, TypeError, ValueError, OSError) as error:
        raise ValueError(
            f"{path} is not CIFAR-10's Parquet edition ({error}); expected the columns img (with bytes) and label"
        ) from error


def cifar10_png(split: CIFAR10Split, folder: Path) -> LabelledImages:
    """CIFAR-10 from the PNG files of `png_files`, in their order.

    Raises:
        FileNotFoundError: a class has no pictures; the message says which repository has them.
        ValueError: a picture is damaged.
    """
    files = png_files(split, folder)
    pictures = [_png(file) for file in files]
    return _labelled(pictures, torch.tensor([CIFAR10_CLASSES.index(file.parent.name) for file in files]), "CIFAR-10")


def png_files(split: CIFAR10Split, folder: Path) -> list[Path]:
    """The PNG files of a split, in `train/` or `test/` with one folder per class, as in `PNG_REPOSITORY`.

    They do not tell the published order. Theirs is that of the SHA-256 digests of their paths, such as
    `train/cat/tabby_s_000074.png`: no class comes before another.

    Args:
        split: `"train"` or `"test"`.
        folder: the folder of `train/` and `test/`.

    Raises:
        FileNotFoundError: a class has no pictures; the message says which repository has them.
    """
    paths = {f"{split}/{file.parent.name}/{file.name}": file for file in folder.glob(f"{split}/*/*.png")}
    empty = set(CIFAR10_CLASSES) - {file.parent.name for file in paths.values()}
    if empty:
        raise FileNotFoundError(
            f"{folder / split} has no PNG files of {', '.join(sorted(empty))}; fetch all 60,000 pictures: "
            f"git clone --depth 1 {PNG_REPOSITORY} {folder}"
        )
    return [
        paths[name]
        for name in sorted(paths, key=lambda name: hashlib.sha256(name.encode()).digest())
        if paths[name].parent.name in CIFAR10_CLASSES
    ]


def _png(file: Path) -> np.ndarray:
    """The pixels of a small PNG file: (height, width, 3). The book's decoder of any picture takes seven times as long.

    Raises:
        ValueError: the file is damaged.
    """
    try:
        with Image.open(file, formats=["PNG"]) as picture:
            return np.asarray(picture.convert("RGB"))
    except (OSError, SyntaxError) as error:  # Pillow's errors for damaged files
        raise ValueError(f"{file} is not an undamaged PNG file ({error}); fetch it again") from error


def _labelled(pictures: list[np.ndarray], labels: Tensor, source: str) -> LabelledImages:
    pixels = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).contiguous()
    return LabelledImages(pixels, labels, CIFAR10_CLASSES, source)
