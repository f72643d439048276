"""A command's output in a file as well, for jobs whose terminal nobody sees."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOBase
from pathlib import Path


class _Both:
    """A text stream whose text also goes to a file; in all other respects it is the stream, such as a terminal."""

    def __init__(self, stream: TextIOBase, file: TextIOBase) -> None:
        self._stream, self._file = stream, file

    def write(self, text: str) -> int:
        self._file.write(text)
        return self._stream.write(text)

    def writelines(self, lines: list[str]) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        self._file.flush()
        self._stream.flush()

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)


@contextmanager
def logged(path: Path | None) -> Iterator[None]:
    """Write what is printed within the block, and the traceback of an error, to a file too.

    The streams stay what they are: a terminal keeps its progress bars, which a pipe to `tee` would lose.

    Args:
        path: the file, which is replaced; None for no file.

    Raises:
        OSError: the file cannot be written.
    """
    if path is None:
        yield
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", errors="backslashreplace", buffering=1) as file:
        streams = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = (_Both(stream, file) for stream in streams)  # type: ignore[assignment]
        try:
            yield
        except Exception:
            traceback.print_exc(file=file)  # Python prints it on the terminal later
            raise
        finally:
            sys.stdout, sys.stderr = streams
