"""The manifests of a build: a small file for each target, which changes if and only if an input of the target does.

To find the inputs, the code of all pages and of `helpers` is parsed. So each manifest is stored with the state of the
project from which it was computed, and is not computed again from the same state.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from helpers.core.files import ROOT

FOLDER = "_build/inputs"
RECORD = f"{FOLDER}/states.txt"
"""Per line the state, the SHA-256 of a manifest that was computed from it, and the manifest's name."""

# no manifest depends on what the build itself writes
_BUILT = {"_build", "__pycache__", "node_modules", "results/quick"}
_INTERMEDIATE = "work"  # of results/<profile>/


class Manifests:
    """The manifests of a project, written by one process.

    Args:
        root: the project's root.
        write: whether to write files; otherwise, `path` only returns paths.
    """

    def __init__(self, root: Path = ROOT, *, write: bool = True) -> None:
        self.root, self.write = root, write
        self._state = project_state(root) if write else ""
        self._recorded = self._read_record() if write else {}

    def path(self, name: str, compute: Callable[[], str]) -> str:
        """The path of a manifest from the root, which is brought up to date.

        Args:
            name: the name of the target.
            compute: returns the manifest's text.

        Raises:
            OSError: it cannot be written.
        """
        path = f"{FOLDER}/{name}.txt"
        if self.write and self._recorded.get(name) != _digest_of(self.root / path):
            self._update(name, self.root / path, compute())
        return path

    def _update(self, name: str, path: Path, text: str) -> None:
        content = text.encode()
        if not path.is_file() or path.read_bytes() != content:  # an equal file keeps its time, so nothing is run again
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        self._recorded[name] = hashlib.sha256(content).hexdigest()
        with (self.root / RECORD).open("a", encoding="utf-8") as file:
            file.write(f"{self._state} {self._recorded[name]} {name}\n")

    def _read_record(self) -> dict[str, str]:
        """The digest of each manifest that was computed from the present state, by name."""
        record = self.root / RECORD
        if not record.is_file():
            return {}
        lines = [line.split(" ", 2) for line in record.read_text(encoding="utf-8").splitlines()]
        present = {line[2]: line[1] for line in lines if len(line) == 3 and line[0] == self._state}
        if not present:  # of former states only
            record.unlink()
        return present


def project_state(root: Path = ROOT) -> str:
    """A digest of the names, sizes and times of all files of a project, except hidden and built ones.

    It also counts the version of Python, since versions may differ in how they parse code.
    """
    lines = sorted(f"{name} {stat.st_size} {stat.st_mtime_ns} {stat.st_ctime_ns}" for name, stat in project_files(root))
    return hashlib.sha256("\n".join([sys.version, *lines]).encode("utf-8", "surrogateescape")).hexdigest()


def project_files(folder: Path, name: str = "") -> Iterator[tuple[str, os.stat_result]]:
    """The files of a project that a person wrote, by path from the root, each with its size and times."""
    with os.scandir(folder) as entries:
        for entry in entries:
            path = f"{name}{entry.name}"
            if entry.name.startswith(".") or entry.name in _BUILT or path in _BUILT:
                continue
            # top-level folders may be links to another disk; links further down could lead in circles
            if entry.is_dir(follow_symlinks=not name):
                if not (entry.name == _INTERMEDIATE and name.startswith("results/")):
                    yield from project_files(Path(entry.path), f"{path}/")
            elif entry.is_file():
                yield path, entry.stat()


def _digest_of(path: Path) -> str:
    """The SHA-256 of a file; empty if there is no such file, which equals no recorded digest."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
