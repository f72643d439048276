"""How a command ends: with one line that says what is wrong, never with a traceback that its user cannot use."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from helpers.core.files import ROOT
from helpers.core.memory import is_out_of_memory

STATUS = 2
"""The exit status of a command that its user can correct."""

INTERRUPTED = 130
"""The exit status after Ctrl-C, as of a shell."""

_READ_ONLY = {errno.EACCES, errno.EPERM, errno.EROFS}
_FULL = {errno.ENOSPC, errno.EDQUOT}
_FULL_IN_WORDS = ("No space left on device", "PytorchStreamWriter failed")  # of libraries that hide the number


class CommandEnd(SystemExit):
    """The end of the program; the message is printed by `one_line_errors`."""

    def __init__(self, message: str, status: int = STATUS) -> None:
        super().__init__(message)
        self.code = status


@contextmanager
def one_line_errors() -> Iterator[None]:
    """End the program with one line on standard error, and status 2, on an error that its user can correct.

    These are: wrong names and values, missing files, folders that cannot be written, a full disk, memory that does not
    suffice, requirements that are not installed; and Ctrl-C, with status 130. Exceptions may give another status as
    `exit_status`.
    """
    try:
        yield
    except KeyboardInterrupt:
        _end("interrupted; what is finished is stored, and the same command resumes", INTERRUPTED)
    except (OSError, ValueError) as error:
        _end(f"error: {describe(error)}", getattr(error, "exit_status", STATUS))
    except ImportError as error:
        if (error.name or "helpers").split(".")[0] == "helpers":
            raise
        _end(f"error: {error}: {sys.executable} does not have the book's requirements; {_own_python()}", STATUS)
    except (RuntimeError, MemoryError) as error:
        if is_out_of_memory(error):
            _end(f"error: {_no_memory(error)}", STATUS)
        if not any(words in str(error) for words in _FULL_IN_WORDS):
            raise
        _end(f"error: {_FULL_DISK}", STATUS)


_FULL_DISK = "the disk is full; free some space and run the same command again, which resumes"


def describe(error: Exception) -> str:
    """An error in words: the operating system's, if it is about permissions or space, else the exception's own."""
    if isinstance(error, OSError) and error.errno in _READ_ONLY and error.filename:
        return (
            f"{os.fspath(error.filename)}: {error.strerror} (a read-only folder, or one of another user); "
            "work in a clone of your own, or choose another folder"
        )
    if isinstance(error, OSError) and error.errno in _FULL:
        return f"{error.filename}: {_FULL_DISK}" if error.filename else _FULL_DISK
    return str(error)


def _no_memory(error: Exception) -> str:
    """A lack of memory in words: those of the book's own error, or what can be done."""
    if getattr(error, "in_words", False):
        return str(error)
    first = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
    return f"memory does not suffice ({first}); close other programs, or choose fewer or smaller images at once"


def _own_python() -> str:
    own = ROOT / ".venv/bin/python"
    return f"run the command with {own}" if own.exists() else f"run `make setup` in {ROOT}"


def _end(message: str, status: int) -> None:
    print(message, file=sys.stderr, flush=True)
    raise CommandEnd(message, status) from None
