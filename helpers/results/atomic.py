"""Files that are either the old one or the new one, whatever moment the power fails."""

from __future__ import annotations

import os
import secrets
import time
from contextlib import suppress
from pathlib import Path

STALE_SECONDS = 3600.0  # a temporary file this old has no writer any more


def atomic_write(path: str | Path, content: bytes) -> None:
    """Write a file so that a reader, or a kill, at any moment finds the old content or the new, never a part.

    The content goes to a temporary file in the same folder, is flushed to the disk, and takes the final name in one
    step. Two writers at once are safe: one of the two contents stays.

    Args:
        path: the file; its folder is made if need be.
        content: all of its bytes.

    Raises:
        OSError: the folder cannot be written; nothing is left behind.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(6)}.part")
    try:
        # "x": the name is new; unlike tempfile's, the file gets the permissions of any other one
        with open(temporary, "xb") as file:
            file.write(content)
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
