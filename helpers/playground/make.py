"""Make the playground's files: export, compare, describe."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from helpers.core.files import ROOT, atomic_write
from helpers.playground.onnx_files import ExportError, compare, onnx_bytes, open_session, results_of
from helpers.playground.registry import EXPORTS, Export, make_export
from helpers.playground.tracing import trace_with_gradients

FOLDER = ROOT / "_build/playground/models"
"""The files, as the build makes them."""

MANIFEST = "manifest.json"
EXACT, HALVED = 1e-4, 1e-2
"""The largest differences from PyTorch: with weights in float32, and of masks, images and probabilities in float16."""

LARGEST_FILE = 4_000_000  # bytes


@dataclass(frozen=True)
class Made:
    """A file and its entry in the manifest."""

    content: bytes
    entry: dict[str, Any]


def make_file(name: str) -> Made:
    """Export one network and compare the file with PyTorch.

    Raises:
        ExportError: it cannot be exported, is too large, or computes other numbers; the message says how far off.
        ValueError: there is no export of this name.
    """
    export = make_export(name)
    example = export.cases[0]
    module = trace_with_gradients(export.module, tuple(example.values())) if export.gradients else export.module
    whole, halved = onnx_bytes(module, example, export.outputs, batch=export.batch, exact=export.exact)
    due = results_of(export.module, export.cases)
    exact = compare(open_session(whole), export.cases, due)
    _check(name, exact, EXACT, "float32")
    content, errors = whole, exact
    if export.halve:
        content, errors = halved, compare(open_session(halved), export.cases, due)
        # logits have no fixed scale; what the page shows of them, the probabilities, is compared
        _check(name, {key: value for key, value in errors.items() if key not in _NO_SCALE}, HALVED, "float16")
    if len(content) > LARGEST_FILE:
        raise ExportError(f"{name} has {len(content):,} bytes; a reader is asked to load at most {LARGEST_FILE:,}")
    return Made(content, _entry(name, export, content, errors))


_NO_SCALE = ("logits",)


def _check(name: str, differences: dict[str, float], allowed: float, precision: str) -> None:
    for output, difference in differences.items():
        if not difference <= allowed:
            raise ExportError(
                f"{name} with weights in {precision}: {output} differs from PyTorch's by up to {difference:.2g}; "
                f"{allowed:g} is allowed"
            )


def _entry(name: str, export: Export, content: bytes, errors: dict[str, float]) -> dict[str, Any]:
    session = open_session(content)
    described = [
        [{"name": value.name, "type": value.type, "shape": list(value.shape)} for value in values]
        for values in (session.get_inputs(), session.get_outputs())
    ]
    return {
        "name": name,
        "file": f"{name}.onnx",
        "summary": export.summary,
        "bytes": len(content),
        "compressed": len(gzip.compress(content, 9)),
        "sha256": hashlib.sha256(content).hexdigest(),
        "precision": "float16" if export.halve else "float32",
        "inputs": described[0],
        "outputs": described[1],
        "classes": list(export.classes) if export.classes else None,
        "weights": list(export.weights),
        "card": f"{name}.md",
        "errors": errors,
        "facts": {"size": export.size, **export.facts},
    }


def make_files(folder: Path = FOLDER, only: Iterable[str] = ()) -> Path:
    """Make all files, or some, with their cards and the manifest, which is written last.

    Args:
        folder: created if missing.
        only: the names; default: all. The manifest keeps the others' entries.

    Returns:
        The manifest's path.

    Raises:
        ExportError, ValueError: see `make_file`.
    """
    path = folder / MANIFEST
    entries = {entry["name"]: entry for entry in read_manifest(path)["models"]} if only and path.is_file() else {}
    for name in only or EXPORTS:
        made = make_file(name)
        atomic_write(folder / made.entry["file"], made.content)
        atomic_write(folder / made.entry["card"], card(made.entry).encode())
        entries[name] = made.entry
    ordered = [entries[name] for name in EXPORTS if name in entries]
    versions = {name: metadata.version(name) for name in ("keep-what-matters", "torch", "onnx", "onnxruntime")}
    atomic_write(path, json.dumps({"models": ordered, "versions": versions}, indent=1).encode())
    return path


def read_manifest(path: Path = FOLDER / MANIFEST) -> dict[str, Any]:
    """The manifest of a folder.

    Raises:
        FileNotFoundError: there is none.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no {path}; make it: python -m helpers playground")
    manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return manifest


def card(entry: dict[str, Any]) -> str:
    """The card of a file, in Markdown."""
    values = {
        kind: "\n".join(f"- `{v['name']}`: {' × '.join(map(str, v['shape'])) or 'a number'}" for v in entry[kind])
        for kind in ("inputs", "outputs")
    }
    errors = ", ".join(f"{name} {error:.1g}" for name, error in entry["errors"].items())
    weights = ", ".join(f"`models/{name}.safetensors`" for name in entry["weights"])
    source = f"It holds the weights of {weights}, whose cards say how they were trained." if weights else ""
    return f"""# {entry["name"]}: an ONNX file of the playground

{entry["summary"]} {source}

**Arguments.**
{values["inputs"]}

**Results.**
{values["outputs"]}

**Precision.** Weights in {entry["precision"]}, arithmetic in float32. On 64 scenes the largest differences from PyTorch
are: {errors}.

**File.** {entry["bytes"]:,} bytes, SHA-256 {entry["sha256"]}. Made by

    python -m helpers playground --only {entry["name"]}
"""
