"""The SHA-256 digests of weight files: `SHA256SUMS` beside them, and those of known files."""

from __future__ import annotations

import os
from pathlib import Path

from helpers.core.files import DATA_VARIABLE, MODELS_FOLDER

SUMS_FILE = "SHA256SUMS"

KNOWN_DIGESTS = {
    "mobilenetv2_100.safetensors": "9f85ffa73d12805eae82e2beb0ee84ef26d3ca8e4d5e52a26ba2eaa5fbd41afa",
    "vit_tiny_patch16_224.safetensors": "7c8e669ad15855c94f0ad8dce36f22f88c0aed63051396763f57f03919eb4f27",
}
"""The SHA-256 of the files in the data folder's models/."""


def expected_digest(path: Path) -> str | None:
    """The expected SHA-256 of a file; None if none is known.

    Raises:
        ValueError: the `SHA256SUMS` beside the file has no line for it, or is missing in the book's models/.
    """
    sums = read_sums(path.parent)
    if path.name in sums:
        return sums[path.name]
    parent = path.resolve().parent
    if sums or parent == MODELS_FOLDER:
        raise ValueError(
            f"{path.parent / SUMS_FILE} has no line for {path.name}, so it cannot be checked; if you trust the file, "
            f"add its line with: cd {path.parent} && sha256sum {path.name} >> {SUMS_FILE}"
        )
    folder = data_models()
    return KNOWN_DIGESTS.get(path.name) if folder is not None and parent == folder.resolve() else None


def check_digest(path: Path, digest: str, expected: str | None) -> None:
    """Raise a ValueError if a file's digest does not begin with the expected one (None: none is expected)."""
    if expected is not None and (len(expected) < 8 or not digest.startswith(expected.lower())):
        raise ValueError(
            f"{path} is not the expected file: its SHA-256 is {digest}, not {expected}; it is damaged or was changed: "
            "delete it and get it again"
        )


def read_sums(folder: Path) -> dict[str, str]:
    """The digests in a folder's `SHA256SUMS` by file name; empty if there is no such file.

    Raises:
        ValueError: a line is not a digest and a file name.
    """
    path = folder / SUMS_FILE
    if not path.is_file():
        return {}
    rows = [line.split(maxsplit=1) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    if any(len(row) != 2 or len(row[0]) != 64 for row in rows):
        raise ValueError(f"{path} is not as sha256sum writes it: lines of a digest and a file name")
    return {Path(name.lstrip("*")).name: digest for digest, name in rows}


def data_models() -> Path | None:
    """The folder models/ in the data folder; None if `XAIBOOK_DATA` is not set."""
    root = os.environ.get(DATA_VARIABLE)
    return Path(root).expanduser() / "models" if root else None
