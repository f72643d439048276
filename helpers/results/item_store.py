"""Stores for interruptible computations: one file per finished item, so that a rerun computes only missing ones."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from helpers.core.files import atomic_write, remove_stale_parts
from helpers.core.memory import is_out_of_memory
from helpers.results.item_archive import ItemArchive, archives_in, write_archive


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
    two compute the same item, one of the two files stays. Items that are not in the folder are read from the
    archives of the same computation, if there are any (`ItemArchive`).

    Args:
        folder: the store's folder, usually `results_folder(profile) / "work" / <name>`.
        key: the result of `run_key`; items stored under another key are invisible.

    Attributes:
        damaged: the damaged files that were met since the store was opened, and not replaced.
        stale_archive: an archive of the same inputs, made by other code, which is not read; None if there is none.

    Raises:
        ValueError: the key is not a digest.
    """

    def __init__(self, folder: str | Path, key: str) -> None:
        if not re.fullmatch(r"[0-9a-f]{16,64}", key):
            raise ValueError(f"the key of an ItemStore is a hexadecimal digest, as run_key returns; not {key!r}")
        self.key = key
        self.folder = Path(folder) / key[:32]
        self.damaged: list[Path] = []
        self.stale_archive: ItemArchive | None = None
        self._archives: list[ItemArchive] = []
        self._depends: dict[str, Any] = {}
        remove_stale_parts(self.folder)

    @classmethod
    def of(
        cls,
        folder: str | Path,
        inputs: Mapping[str, Any],
        *,
        archives: Path | None = None,
        made_by: tuple[str, ...] = (),
    ) -> ItemStore:
        """The store whose key is that of some inputs (see `run_key`), which are written to its `depends.json`.

        Args:
            folder: the store's folder.
            inputs: of the computation.
            archives: the folder of archives; None for none.
            made_by: the functions and classes whose code is an input, each as "module:name".
        """
        store = cls(folder, run_key(**inputs))
        store._depends = {"inputs": dict(inputs), "made_by": list(made_by)}
        same = [a for a in archives_in(archives, Path(folder).name) if a.is_of(inputs)] if archives is not None else []
        # several: items made after an archive's code was accepted have an archive of their own
        store._archives = [archive for archive in same if archive.has_code_of(inputs)]
        store.stale_archive = same[0] if same and not store._archives else None
        return store

    def missing(self, items: Iterable[str]) -> list[str]:
        """The items that are not stored, or whose file is damaged, in their order."""
        return [item for item in items if self.find(item) is None]

    def save(self, item: str, tensors: Mapping[str, Tensor], metadata: Mapping[str, Any] | None = None) -> None:
        """Store one finished item; once this returns, a killed process does not lose it.

        Args:
            item: the item's name, such as an image's digest, so that a changed image is another item.
            tensors: the result, by name; moved to the CPU.
            metadata: JSON values, such as the seconds of computation.

        Raises:
            ValueError: the metadata are not JSON values.
        """
        plain = {"memory_format": torch.contiguous_format}
        stored = {name: tensor.detach().cpu().clone(**plain) for name, tensor in tensors.items()}
        try:
            text = json.dumps(dict(metadata or {}), sort_keys=True, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise ValueError(f"the metadata of {item!r} must be JSON values: {error}") from error
        header = {"item": item, "key": self.key, "metadata": text}
        header["digest"] = _content_digest(stored, header)
        depends = self.folder / "depends.json"
        if self._depends and not depends.is_file():
            atomic_write(depends, json.dumps(self._depends, indent=2, sort_keys=True).encode())
        atomic_write(self._path(item), save(stored, header))
        if self._path(item) in self.damaged:
            self.damaged.remove(self._path(item))

    def load(self, item: str) -> StoredItem:
        """The stored result of an item.

        Raises:
            ValueError: it is missing or damaged.
        """
        stored = self.find(item)
        if stored is None:
            raise ValueError(f"{item!r} is not in {self.folder}, or damaged; compute it again (missing() lists all)")
        return stored

    def find(self, item: str) -> StoredItem | None:
        """The stored result of an item; None if it is missing or damaged."""
        path = self._path(item)
        stored = _parsed(path.read_bytes(), item, self.key) if path.is_file() else None
        if stored is None and path.is_file() and path not in self.damaged:
            self.damaged.append(path)
        for archive in self._archives:
            if stored is None and (content := archive.read(path.name)) is not None:
                stored = _parsed(content, item, archive.key)
        return stored

    def _path(self, item: str) -> Path:
        readable = re.sub(r"[^A-Za-z0-9_-]+", "-", item)[:40].strip("-")
        return self.folder / f"{readable}-{hashlib.sha256(item.encode()).hexdigest()[:16]}.safetensors"


class Ledger:
    """The computing time of a table, including that of its stored items in earlier runs.

    Attributes:
        items: the seconds of each stored item, by the store's key and the item's name.
        computed: the seconds spent on stored items since the ledger was opened.
    """

    def __init__(self) -> None:
        self.open()

    def open(self) -> None:
        """Reset the ledger."""
        self.items: dict[tuple[str, str], float] = {}
        self.computed = 0.0

    def seconds(self, begin: float) -> float:
        """The seconds since `begin` (of `time.perf_counter`), in which stored items count with their original time."""
        return time.perf_counter() - begin - self.computed + sum(self.items.values())


def archive_store(folder: Path, archives: Path) -> ItemArchive | None:
    """Archive the items of a store, with those that its archive already has.

    Args:
        folder: the folder of the store, with its `depends.json`.
        archives: the folder of archives.

    Returns:
        The archive; None if the store has no intact item.
    """
    depends = json.loads((folder / "depends.json").read_text(encoding="utf-8"))
    key = run_key(**depends["inputs"])
    path = archives / f"{folder.parent.name}-{key[:12]}.json"
    items, seconds = {}, ItemArchive(path).seconds if path.is_file() else 0.0
    known = ItemArchive(path).names() if path.is_file() else ()
    for file in sorted(folder.glob("*.safetensors")):
        content = file.read_bytes()
        header = _header(content)
        stored = _parsed(content, header.get("item", ""), key)
        if stored is not None:
            items[file.name] = content
            seconds += 0.0 if file.name in known else float(stored.metadata.get("seconds", 0.0))
    if not items:
        return None
    return write_archive(path, key, depends["inputs"], items, made_by=tuple(depends["made_by"]), seconds=seconds)


def _header(content: bytes) -> dict[str, str]:
    """The metadata of a safetensors file; empty if there are none."""
    try:
        length = int.from_bytes(content[:8], "little")
        return dict(json.loads(content[8 : 8 + length])["__metadata__"])
    except (KeyError, TypeError, ValueError):
        return {}


def _parsed(content: bytes, item: str, key: str) -> StoredItem | None:
    """An item from the bytes of its file; None if they are damaged, or belong to another item or store."""
    header = _header(content)
    try:
        tensors = load(content)
    except (SafetensorError, ValueError, RuntimeError) as error:
        if is_out_of_memory(error):
            raise
        return None
    digest = header.pop("digest", None)
    if header.get("item") != item or header.get("key") != key or digest != _content_digest(tensors, header):
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
