"""Evidence bundles: explanations with the pictures, settings and versions behind them, in one zip file.

A bundle holds, in this order: `explanation.safetensors` with the tensors; `pictures/*.png` for people, where there are
any; `settings.json`; `versions.json`; and last `manifest.json`, with the size and the SHA-256 of every other entry, so
that a file that was cut off, or changed, is recognised. The playground in the browser writes the same format.
"""

from __future__ import annotations

import hashlib
import json
import platform
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path, PurePosixPath
from typing import Any

import safetensors
from safetensors.torch import load, save
from torch import Tensor

from helpers.core.files import atomic_file

FORMAT = "keep-what-matters evidence"
VERSION = 1
MANIFEST, TENSORS, SETTINGS, VERSIONS = "manifest.json", "explanation.safetensors", "settings.json", "versions.json"
LARGEST = 1 << 30
"""The most bytes that all entries of a bundle may have together when unpacked."""


class EvidenceError(ValueError):
    """A file is no evidence bundle, or is damaged; the message says which."""


@dataclass(frozen=True)
class Evidence:
    """What a bundle holds.

    Attributes:
        tensors: by name, as `helpers.core.explanation.Explanation` names them; those of its history and its
            convergence are `history/NAME` and `convergence/NAME`; the explained images, if they are there, `images`.
        settings: the method, the classifier and their options, as far as the writer knew them.
        versions: of the libraries and the digests of the weights, by name.
        pictures: the bytes of PNG files by name, without the suffix.
    """

    tensors: Mapping[str, Tensor]
    settings: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    pictures: Mapping[str, bytes] = field(default_factory=dict)


def library_versions() -> dict[str, str]:
    """The versions of Python and of the libraries on which an explanation's numbers depend."""
    names = ("keep-what-matters", "torch", "torchvision", "timm", "numpy")
    versions = {name: metadata.version(name) for name in names if _installed(name)}
    return {"python": platform.python_version(), **versions}


def write_evidence(path: str | Path, evidence: Evidence) -> None:
    """Write a bundle, completely or not at all.

    Args:
        path: of the zip file; a file of this name is replaced.
        evidence: what it holds. Without `versions`, those of this machine are written.

    Raises:
        ValueError: a picture's name has characters other than letters, digits, `-` and `_`.
        TypeError: the settings cannot be written as JSON.
        OSError: the folder is not writable.
    """
    for name in evidence.pictures:
        if not name.replace("-", "").replace("_", "").isalnum():
            raise ValueError(f"a picture is named by letters, digits, '-' and '_', not {name!r}")
    # copies, since safetensors refuses tensors that share memory, as a mask and its representation may
    tensors = {name: values.detach().cpu().clone().contiguous() for name, values in evidence.tensors.items()}
    entries = {TENSORS: save(tensors)}
    entries |= {f"pictures/{name}.png": content for name, content in evidence.pictures.items()}
    entries[SETTINGS] = _json(evidence.settings)
    entries[VERSIONS] = _json(evidence.versions or library_versions())
    manifest = {
        "format": FORMAT,
        "version": VERSION,
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "files": {name: {"bytes": len(content), "sha256": _digest(content)} for name, content in entries.items()},
    }
    with atomic_file(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (*entries.items(), (MANIFEST, _json(manifest))):
            archive.writestr(name, content)


def read_evidence(path: str | Path) -> Evidence:
    """Read a bundle and check every entry against its manifest. Nothing in it is run.

    Raises:
        FileNotFoundError: there is no such file.
        EvidenceError: it is no bundle, or an entry is missing, changed, unknown to the manifest or too large.
    """
    try:
        with Path(path).open("rb") as file, zipfile.ZipFile(file) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > LARGEST:
                raise EvidenceError(f"{path} would unpack to more than {LARGEST >> 20} MiB")
            entries = {entry.filename: archive.read(entry) for entry in archive.infolist() if not entry.is_dir()}
    except (EvidenceError, FileNotFoundError, PermissionError, IsADirectoryError):
        raise
    except Exception as error:  # zipfile raises many types of exceptions on damaged files
        problem = str(error) or type(error).__name__
        raise EvidenceError(
            f"{path} is no evidence bundle, or was cut off: {problem}; save or copy it again"
        ) from error
    _check(path, entries)
    try:
        pictures = {PurePosixPath(name).stem: entries[name] for name in entries if name.startswith("pictures/")}
        tensors = load(entries[TENSORS])
        return Evidence(tensors, _object(entries[SETTINGS]), _object(entries[VERSIONS]), pictures)
    except (KeyError, ValueError, safetensors.SafetensorError) as error:
        raise EvidenceError(f"{path} is no evidence bundle of explanations: {error}") from error


def _check(path: str | Path, entries: Mapping[str, bytes]) -> None:
    """Compare the entries with the manifest."""
    if MANIFEST not in entries:
        raise EvidenceError(f"{path} is no evidence bundle, or was cut off: it has no {MANIFEST}")
    try:
        manifest = _object(entries[MANIFEST])
        named = {name: about["sha256"] for name, about in manifest["files"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise EvidenceError(f"{path}: {MANIFEST} cannot be read: {error}") from error
    if (manifest.get("format"), manifest.get("version")) != (FORMAT, VERSION):
        raise EvidenceError(
            f"{path} has the format {manifest.get('format')!r}, version {manifest.get('version')!r}; "
            f"this version of the book reads {FORMAT!r}, version {VERSION}"
        )
    missing, unknown = named.keys() - entries.keys(), entries.keys() - named.keys() - {MANIFEST}
    changed = [name for name in named.keys() & entries.keys() if _digest(entries[name]) != named[name]]
    for words, names in (("lacks", missing), ("holds changed", changed), ("holds unlisted", unknown)):
        if names:
            raise EvidenceError(f"{path} {words} {', '.join(sorted(names))}, by its {MANIFEST}")


def _object(content: bytes) -> dict[str, Any]:
    value = json.loads(content)
    if not isinstance(value, dict):
        raise ValueError(f"an object was expected, not {type(value).__name__}")
    return value


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False).encode()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _installed(name: str) -> bool:
    try:
        return bool(metadata.version(name))
    except metadata.PackageNotFoundError:
        return False
