"""Work that can be interrupted: each finished item is one file, and only what is missing is done again."""

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
    """What the store has of one item."""

    tensors: dict[str, Tensor]
    metadata: dict[str, Any]


def run_key(**parts: Any) -> str:
    """The digest of everything that an item's result depends on, the item itself aside.

    Args:
        parts: by name: the options (a dictionary, or a dataclass's `asdict`), `Classifier.digest`, `code_digest(...)`,
            the seed, and so on; plain values that JSON knows.

    Raises:
        ValueError: a part is not a plain value.
    """
    try:
        text = json.dumps(parts, sort_keys=True, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"the parts of a run key must be plain values that JSON knows: {error}") from error
    return hashlib.sha256(text.encode()).hexdigest()


class ItemStore:
    """Results of single items, usually images, in files of their own: `<folder>/<key>/<item>.safetensors`.

    A file that is torn, changed or of another item counts as missing. Several processes may share a store: if two of
    them do the same item, one of the two files stays.

    Args:
        folder: where to keep it, usually `results_folder(profile) / "work" / <what>`.
        key: what `run_key` returns: items stored under another key are not seen.

    Raises:
        ValueError: the key is no digest.
    """

    def __init__(self, folder: str | Path, key: str) -> None:
        if not re.fullmatch(r"[0-9a-f]{16,64}", key):
            raise ValueError(f"the key of an ItemStore is a hexadecimal digest, as run_key returns; not {key!r}")
        self.key = key
        self.folder = Path(folder) / key[:32]
        self._parts: dict[str, Any] = {}
        remove_stale_parts(self.folder)

    @classmethod
    def of(cls, folder: str | Path, parts: Mapping[str, Any]) -> ItemStore:
        """The store under the key that some parts make (see `run_key`); they are kept in it, as `depends.json`."""
        store = cls(folder, run_key(**parts))
        store._parts = dict(parts)
        return store

    def missing(self, items: Iterable[str]) -> list[str]:
        """Those of the items that are not stored, or whose file is damaged, in their order."""
        return [item for item in items if self._read(item) is None]

    def save(self, item: str, tensors: Mapping[str, Tensor], metadata: Mapping[str, Any] | None = None) -> None:
        """Store one finished item; when this returns, a kill does not lose it.

        Args:
            item: what names the item, such as an image's digest: a changed image is then another item.
            tensors: the result, by name; moved to the CPU.
            metadata: plain values that JSON knows, such as the seconds that it took.

        Raises:
            ValueError: the metadata are no plain values.
        """
        stored = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
        try:
            text = json.dumps(dict(metadata or {}), sort_keys=True, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise ValueError(f"the metadata of {item!r} must be plain values that JSON knows: {error}") from error
        header = {"item": item, "key": self.key, "metadata": text}
        header["digest"] = _content_digest(stored, header)
        depends = self.folder / "depends.json"
        if self._parts and not depends.is_file():
            atomic_write(depends, json.dumps(self._parts, indent=2, sort_keys=True).encode())
        atomic_write(self._path(item), save(stored, header))

    def load(self, item: str) -> StoredItem:
        """What was saved under `item`.

        Raises:
            ValueError: it is missing or damaged; compute it again and save it.
        """
        found = self._read(item)
        if found is None:
            raise ValueError(f"{item!r} is not in {self.folder}, or damaged; compute it again (missing() lists all)")
        return found

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
    """SHA-256 of an item's tensors and words: safetensors itself has no check sum."""
    digest = hashlib.sha256(json.dumps(dict(header), sort_keys=True).encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
