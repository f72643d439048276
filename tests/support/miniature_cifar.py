"""CIFAR-10 in miniature: the original format with digests that torchvision accepts, Parquet files and PNG files."""

from __future__ import annotations

import hashlib
import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image
from torchvision.datasets import CIFAR10

from helpers.data.labelled import CIFAR10_CLASSES


def picture(kind: int, variant: int) -> np.ndarray:
    """A bright bar on a dark ground, whose place and colour say the class: (32, 32, 3)."""
    generator = np.random.default_rng(1000 * kind + variant)
    pixels = generator.integers(0, 60, (32, 32, 3))
    bar = slice(3 * kind, 3 * kind + 4)
    pixels[(slice(None), bar) if variant % 2 else bar] += np.array([150, 40 * (kind % 4), 12 * kind])
    return pixels.astype(np.uint8)


def pictures(count: int, start: int = 0) -> tuple[np.ndarray, list[int]]:
    """`count` pictures, the classes in turn: (count, 32, 32, 3), and their labels."""
    labels = [index % len(CIFAR10_CLASSES) for index in range(count)]
    return np.stack([picture(kind, start + index) for index, kind in enumerate(labels)]), labels


def write_cifar10(root: Path, monkeypatch, *, train: int = 200, test: int = 40) -> Path:
    """`cifar-10-batches-py` in `root`, as the archive unpacks it; torchvision is told its digests."""
    folder = root / CIFAR10.base_folder
    folder.mkdir(parents=True)
    files = {f"data_batch_{number}": pictures(train // 5, 1000 * number) for number in range(1, 6)}
    files["test_batch"] = pictures(test, 9000)
    for name, (pixels, labels) in files.items():
        rows = pixels.transpose(0, 3, 1, 2).reshape(len(pixels), -1)
        (folder / name).write_bytes(pickle.dumps({"batch_label": name, "data": rows, "labels": labels}))
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": list(CIFAR10_CLASSES)}))
    digest = {path.name: hashlib.md5(path.read_bytes()).hexdigest() for path in folder.iterdir()}
    monkeypatch.setattr(CIFAR10, "train_list", [[name, digest[name]] for name in files if name != "test_batch"])
    monkeypatch.setattr(CIFAR10, "test_list", [["test_batch", digest["test_batch"]]])
    monkeypatch.setattr(CIFAR10, "meta", {**CIFAR10.meta, "md5": digest["batches.meta"]})
    return root


def write_parquet(root: Path, *, train: int = 200, test: int = 40, suffix: str = "PNG") -> Path:
    """`cifar10/train.parquet` and `test.parquet` in `root`."""
    (root / "cifar10").mkdir(parents=True)
    for name, count, start in (("train", train, 0), ("test", test, 9000)):
        pixels, labels = pictures(count, start)
        images = [{"bytes": encoded(each, suffix), "path": None} for each in pixels]
        pd.DataFrame({"img": images, "label": labels}).to_parquet(root / "cifar10" / f"{name}.parquet")
    return root


def write_lossless(root: Path, *, train: int = 200, test: int = 40) -> Path:
    """`cifar10-lossless/` in `root`: the same pictures as WebP files without loss, in Parquet files."""
    (root / "cifar10-lossless").mkdir(parents=True)
    for name, count, start in (("train-first15000", train, 0), ("test", test, 9000)):
        pixels, labels = pictures(count, start)
        images = [{"bytes": encoded(each, "WEBP", lossless=True), "path": None} for each in pixels]
        pd.DataFrame({"img": images, "label": labels}).to_parquet(root / f"cifar10-lossless/{name}.parquet")
    return root


def write_png(root: Path, counts: dict[str, int]) -> dict[str, np.ndarray]:
    """`cifar10-png/` in `root`, with folders `train/` and `test/` of classes; the pictures by their paths inside it."""
    places: dict[str, np.ndarray] = {}
    for split, count in counts.items():
        pixels, labels = pictures(count, 0 if split == "train" else 9000)
        for number, (each, label) in enumerate(zip(pixels, labels, strict=True)):
            name = f"{split}/{CIFAR10_CLASSES[label]}/picture_s_{number:06d}.png"
            (root / "cifar10-png" / name).parent.mkdir(parents=True, exist_ok=True)
            (root / "cifar10-png" / name).write_bytes(encoded(each))
            places[name] = each
    return places


def encoded(pixels: np.ndarray, suffix: str = "PNG", **options: Any) -> bytes:
    """A picture as the bytes of a file."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, suffix, **options)
    return stream.getvalue()
