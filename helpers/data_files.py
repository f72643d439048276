"""Where real data and weights lie on this machine, and what identifies a file."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

DATA_VARIABLE = "XAIBOOK_DATA"
"""The environment variable that names the folder of real photographs and weights."""


def data_folder(root: str | Path | None = None) -> Path:
    """The folder of real data: `root`, or what `XAIBOOK_DATA` names.

    Raises:
        ValueError: neither is given.
        FileNotFoundError: there is no such folder.
    """
    chosen = root if root is not None else os.environ.get(DATA_VARIABLE)
    if not chosen:
        raise ValueError(
            f"real data is wanted, but the environment variable {DATA_VARIABLE} is not set; set it to the folder that "
            "holds imagenet-samples/ and models/, or pass root="
        )
    folder = Path(chosen).expanduser()
    if not folder.is_dir():
        source = "root" if root is not None else DATA_VARIABLE
        raise FileNotFoundError(f"{source} names {folder}, but there is no such folder; correct it")
    return folder


def data_file(relative: str, root: str | Path | None = None) -> Path:
    """A file of the data folder by its path inside it.

    Raises:
        ValueError: the data folder is not known.
        FileNotFoundError: the file is not there; the message says where to put it.
    """
    path = data_folder(root) / relative
    if not path.is_file():
        raise FileNotFoundError(f"{relative} is missing from the data folder; put it at {path}")
    return path


def file_digest(path: str | Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    digest = hashlib.sha256()
    with Path(path).open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
