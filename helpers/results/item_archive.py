"""Archives: the finished items of a store in one compressed file, which is committed beside the tables.

The work files of a run stay on the machine that made them. An archive hands the results of hours on: a later run, on
another machine, reads its items and computes only the others. It consists of two files in `results/<profile>/items/`:
`<store>-<key>.zip` has the items as they were stored, and a JSON file of the same name has the inputs of the
computation, with the functions or classes whose code is one of them.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timezone
from functools import cached_property
from pathlib import Path
from typing import Any

from helpers.core.files import atomic_write
from helpers.core.memory import is_out_of_memory

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the date of all members, so that the same files give the same archive


class ItemArchive:
    """The archived items of one computation.

    Args:
        path: the JSON file that describes it.

    Raises:
        ValueError: it is not such a file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.about: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            self.key: str = self.about["key"]
            self.inputs: dict[str, Any] = self.about["inputs"]
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"{path} does not describe an archive of items ({error}); restore it from git, or delete both files"
            ) from error

    @property
    def codes(self) -> tuple[str, ...]:
        """The digests of the code that made the items, and of later code that was accepted."""
        return (self.inputs.get("code", ""), *(entry["code"] for entry in self.about.get("accepted", [])))

    @property
    def made_by(self) -> tuple[str, ...]:
        """The functions and classes whose code made the items, each as "module:name"."""
        return tuple(self.about.get("made_by", ()))

    @property
    def seconds(self) -> float:
        """The computing time of all items."""
        return float(self.about.get("seconds", 0.0))

    def is_of(self, inputs: Mapping[str, Any]) -> bool:
        """Whether a computation has the same inputs, apart from its code."""
        return _without_code(self.inputs) == _without_code(json.loads(json.dumps(dict(inputs))))

    def has_code_of(self, inputs: Mapping[str, Any]) -> bool:
        """Whether a computation's code is that of the items, or was accepted."""
        return inputs.get("code", "") in self.codes

    def read(self, name: str) -> bytes | None:
        """The contents of an item's file; None if it is not archived.

        Raises:
            ValueError: the archive is missing or damaged.
        """
        with self._complaint():
            return self._file.read(name) if name in self._file.NameToInfo else None

    def names(self) -> tuple[str, ...]:
        """The names of the items' files (see `read`)."""
        with self._complaint():
            return tuple(self._file.namelist())

    @cached_property
    def _file(self) -> zipfile.ZipFile:
        # read once: to open it for each of n items would take n directories of n entries
        file = zipfile.ZipFile(io.BytesIO(self.path.with_suffix(".zip").read_bytes()))
        if file.comment not in (b"", _directory_digest(file)):  # older archives have no comment
            raise zipfile.BadZipFile("the names or checksums in its directory were changed")
        return file

    @contextmanager
    def _complaint(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # zipfile raises many types of exceptions on damaged files
            if is_out_of_memory(error):
                raise
            why = str(error) or type(error).__name__
            raise ValueError(
                f"{self.path.with_suffix('.zip')} is missing or damaged ({why}); restore it from git, or delete both "
                "files"
            ) from error

    def accept(self, code: str, because: str) -> None:
        """Declare that other code would have given the same items, and store the reason."""
        date = datetime.now(timezone.utc).isoformat(timespec="seconds")
        accepted = [*self.about.get("accepted", []), {"date": date, "because": because, "code": code}]
        self.about = {**self.about, "accepted": accepted}
        _write_json(self.path, self.about)


def archives_in(folder: Path, name: str = "") -> Iterator[ItemArchive]:
    """The archives in a folder, or those of one store by its name."""
    for path in sorted(folder.glob(f"{name}-*.json" if name else "*.json")):
        yield ItemArchive(path)


def write_archive(
    path: Path,
    key: str,
    inputs: Mapping[str, Any],
    items: Mapping[str, bytes],
    *,
    made_by: tuple[str, ...] = (),
    seconds: float = 0.0,
) -> ItemArchive:
    """Write the items of a computation, with those that the file already has.

    Args:
        path: the JSON file; the items go to the .zip beside it.
        key, inputs: of the store.
        items: the contents of the items' files, by name.
        made_by: the functions and classes whose code is an input, each as "module:name".
        seconds: the computing time of `items` that are new.

    Raises:
        ValueError: the file belongs to another computation.
    """
    about: dict[str, Any] = {"key": key, "made_by": list(made_by), "inputs": dict(inputs)}
    if path.is_file():
        archive = ItemArchive(path)
        if archive.key != key:
            raise ValueError(f"{path} has the items of another computation, with key {archive.key}; move it away")
        items = {**{name: content for name in archive.names() if (content := archive.read(name)) is not None}, **items}
        about = {**archive.about, **about}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_LZMA) as file:
        for name in sorted(items):
            member = zipfile.ZipInfo(name, _EPOCH)
            member.compress_type = zipfile.ZIP_LZMA
            file.writestr(member, items[name])
        file.comment = _directory_digest(file)
    atomic_write(path.with_suffix(".zip"), buffer.getvalue())
    _write_json(path, {**about, "items": len(items), "seconds": round(seconds, 1)})
    return ItemArchive(path)


def _directory_digest(file: zipfile.ZipFile) -> bytes:
    """SHA-256 of an archive's directory, which has no checksum: a changed name would count as a missing item."""
    entries = [[member.filename, member.CRC, member.file_size] for member in file.infolist()]
    return hashlib.sha256(json.dumps(entries).encode()).hexdigest().encode()


def _without_code(inputs: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in inputs.items() if name != "code"}


def _write_json(path: Path, about: Mapping[str, Any]) -> None:
    atomic_write(path, (json.dumps(about, indent=2, sort_keys=True) + "\n").encode())
