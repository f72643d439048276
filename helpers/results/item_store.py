"""Stores for interruptible computations: one file per finished item, so that a rerun computes only missing ones."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from helpers.core.files import atomic_write, remove_stale_parts


class StoredItem(NamedTuple):
    """The tensors and metadata of one item."""

    tensors: dict[str, Tensor]
    metadata: dict[str, Any]


def run_key(**inputs: Any) -> str:
    """The cache key of a computation: the digest of all inputs of a result except the item itself.

    Args:
        inputs: JSON values by name: the options (a dictionary, or a dataclass's `asdict`), `Classifier.digest`,
            `code_digest(...)`, the seed, and so on.

    Raises:
        ValueError: an input is not a JSON value.
    """
    try:
        text = json.dumps(inputs, sort_keys=True, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"the inputs of a run key must be JSON values: {error}") from error
    return hashlib.sha256(text.encode()).hexdigest()


class ItemStore:
    """Results of single items, usually images, each in a file `<folder>/<key>/<item>.safetensors`.

    A truncated or changed file, or one of another item, counts as missing. Several processes may share a store; if
    two compute the same item, one of the two files stays.

    Args:
        folder: the store's folder, usually `results_folder(profile) / "work" / <name>`.
        key: the result of `run_key`; items stored under another key are invisible.

    Raises:
        ValueError: the key is not a digest.
    """

    def __init__(self, folder: str | Path, key: str) -> None:
        if not re.fullmatch(r"[0-9a-f]{16,64}", key):
            raise ValueError(f"the key of an ItemStore is a hexadecimal digest, as run_key returns; not {key!r}")
        self.key = key
        self.folder = Path(folder) / key[:32]
        self._inputs: dict[str, Any] = {}
        remove_stale_parts(self.folder)

    @classmethod
    def of(cls, folder: str | Path, inputs: Mapping[str, Any]) -> ItemStore:
        """The store whose key is that of some inputs (see `run_key`), which are written to its `depends.json`."""
        store = cls(folder, run_key(**inputs))
        store._inputs = dict(inputs)
        return store

    def missing(self, items: Iterable[str]) -> list[str]:
        """The items that are not stored, or whose file is damaged, in their order."""
        return [item for item in items if self._read(item) is None]

    def save(self, item: str, tensors: Mapping[str, Tensor], metadata: Mapping[str, Any] | None = None) -> None:
        """Store one finished item; once this returns, a killed process does not lose it.

        Args:
            item: the item's name, such as an image's digest, so that a changed image is another item.
            tensors: the result, by name; moved to the CPU.
            metadata: JSON values, such as the seconds of computation.

        Raises:
            ValueError: the metadata are not JSON values.
        """
        stored = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
        try:
            text = json.dumps(dict(metadata or {}), sort_keys=True, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise ValueError(f"the metadata of {item!r} must be JSON values: {error}") from error
        header = {"item": item, "key": self.key, "metadata": text}
        header["digest"] = _content_digest(stored, header)
        depends = self.folder / "depends.json"
        if self._inputs and not depends.is_file():
            atomic_write(depends, json.dumps(self._inputs, indent=2, sort_keys=True).encode())
        atomic_write(self._path(item), save(stored, header))

    def load(self, item: str) -> StoredItem:
        """The stored result of an item.

        Raises:
            ValueError: it is missing or damaged.
        """
        stored = self._read(item)
        if stored is None:
            raise ValueError(f"{item!r} is not in {self.folder}, or damaged; compute it again (missing() lists all)")
        return stored

    def _path(self, item: str) -> Path:
        readable = re.sub(r"[^A-Za-z0-9_-]+", "-", item)[:40].strip("-")
        return self.folder / f"{readable}-{hashlib.sha256(item.encode()).hexdigest()[:16]}.safetensors"

    def _read(self, item: str) -> StoredItem | None:
        path = self._path(item)
        try:
            with safe_open(path, framework="pt") as file:
                header = dict(file.metadata() or {})
                tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
        except (OSError, SafetensorError, ValueError, RuntimeError):
            return None
        digest = header.pop("digest", None)
        if header.get("item") != item or header.get("key") != self.key:
            return None
        if digest != _content_digest(tensors, header):
            return None
        return StoredItem(tensors, json.loads(header["metadata"]))


def _content_digest(tensors: Mapping[str, Tensor], header: Mapping[str, str]) -> str:
    """SHA-256 of an item's tensors and header, since safetensors files have no checksum."""
    digest = hashlib.sha256(json.dumps(dict(header), sort_keys=True).encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
