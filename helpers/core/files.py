"""Files: the folders of the project and of the reader's data, digests, and atomic writing."""

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
"""The folder of the weights that ship with the book."""

DATA_VARIABLE = "XAIBOOK_DATA"
"""The environment variable that names the folder of real photographs and weights."""

STALE_SECONDS = 3600.0  # a temporary file this old was left by a killed writer


class UnknownDataFolderError(FileNotFoundError, ValueError):
    """Real data is needed, but its folder is not known."""


def require_clone() -> None:
    """Check that this package lies in a clone of the project, with its pages, profiles and models.

    Raises:
        FileNotFoundError: it was installed without them.
    """
    if not (ROOT / "book/figures.yaml").is_file():
        raise FileNotFoundError(
            f"the commands need a clone of the project, with book/, profiles/ and models/, but `helpers` was installed "
            f"without them, in {ROOT}; run the command in a clone, or install that one: pip install -e ."
        )


def data_folder(root: str | Path | None = None) -> Path:
    """The folder of real data: `root`, or the one that `XAIBOOK_DATA` names.

    Raises:
        ValueError: neither is given.
        FileNotFoundError: there is no such folder.
    """
    path = root if root is not None else os.environ.get(DATA_VARIABLE)
    if not path:
        raise UnknownDataFolderError(
            f"real data is needed, but the environment variable {DATA_VARIABLE} is not set; set it to the folder that "
            "holds imagenet-samples/ and models/, or pass root="
        )
    folder = Path(path).expanduser()
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
    """Write bytes to a file, completely or not at all (see `atomic_file`).

    Args:
        path: the file; its folder is created if missing.
        content: all bytes of the file.

    Raises:
        OSError: the folder is not writable; no temporary file remains.
    """
    with atomic_file(path) as file:
        file.write(content)


@contextmanager
def atomic_file(path: str | Path) -> Iterator[BinaryIO]:
    """Open a file for atomic writing: at any moment, readers see either the old content or all of the new.

    The bytes go to a temporary file in the same folder, which is flushed to the disk and renamed at the end of the
    `with` block. If the block raises or the process is killed, the old content stays. Of two concurrent writers, one
    wins.

    Args:
        path: the file; its folder is created if missing.

    Raises:
        OSError: the folder is not writable; no temporary file remains.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(6)}.part")
    try:
        # "x": the name is new; unlike tempfile, this gives the file the usual permissions
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
    """Flush a folder's list of file names to the disk, on systems that can (not Windows)."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_stale_parts(folder: Path) -> None:
    """Remove temporary files that killed writers left in a folder; those of the last hour may still be in use."""
    for path in folder.glob(".*.part"):
        with suppress(OSError):  # another process may remove it too
            if time.time() - path.stat().st_mtime > STALE_SECONDS:
                path.unlink()
