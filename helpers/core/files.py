"""Files: where the project's and the reader's are, what identifies them, and writing that no kill can tear."""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

ROOT = Path(__file__).resolve().parents[2]
"""The project's root."""

MODELS_FOLDER = ROOT / "models"
"""The weights that come with the book."""

DATA_VARIABLE = "XAIBOOK_DATA"
"""The environment variable that names the folder of real photographs and weights."""

STALE_SECONDS = 3600.0  # a temporary file this old has no writer any more


class UnknownDataFolderError(FileNotFoundError, ValueError):
    """Real data is needed, and nothing says where it is."""


def data_folder(root: str | Path | None = None) -> Path:
    """The folder of real data: `root`, or what `XAIBOOK_DATA` names.

    Raises:
        ValueError: neither is given.
        FileNotFoundError: there is no such folder.
    """
    chosen = root if root is not None else os.environ.get(DATA_VARIABLE)
    if not chosen:
        raise UnknownDataFolderError(
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


def atomic_write(path: str | Path, content: bytes) -> None:
    """Write a file whole or not at all, as `atomic_file` does, from bytes in memory.

    Args:
        path: the file; its folder is made if need be.
        content: all of its bytes.

    Raises:
        OSError: the folder cannot be written; nothing is left behind.
    """
    with atomic_file(path) as file:
        file.write(content)


@contextmanager
def atomic_file(path: str | Path) -> Iterator[BinaryIO]:
    """Open a file for writing so that a reader, or a kill, at any moment meets the old content or all of the new.

    The bytes go to a temporary file in the same folder, are flushed to the disk, and the file takes the final name in
    one step at the end of the `with` block; where the block raises, the old content stays. Two writers at once are
    safe: one of the two contents stays.

    Args:
        path: the file; its folder is made if need be.

    Raises:
        OSError: the folder cannot be written; nothing is left behind.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(6)}.part")
    try:
        # "x": the name is new; unlike tempfile's, the file gets the permissions of any other one
        with open(temporary, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Bring a folder's list of names to the disk, where the system can do that (Windows cannot)."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_stale_parts(folder: Path) -> None:
    """Remove the temporary files that killed writers left in a folder; those of the last hour may be in use."""
    for part in folder.glob(".*.part"):
        with suppress(OSError):  # another process may remove it too
            if time.time() - part.stat().st_mtime > STALE_SECONDS:
                part.unlink()
