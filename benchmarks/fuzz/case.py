"""One input of the fuzzing: how it was made, what is due, and the verdict on what came."""

from __future__ import annotations

import linecache
import re
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Any, Literal

Due = Literal["accept", "refuse", "either"]
Verdict = Literal["accepted", "refused", "unclear"]

OWN = Path(__file__).resolve().parents[2] / "helpers"
CLEAR = (ValueError, TypeError, FileNotFoundError, PermissionError, IsADirectoryError)
"""The errors that the project raises itself on input that its user can correct."""

_RAISE = re.compile(r"\s*(raise\b|parser\.error)")
_RAW = re.compile(r"Traceback|^\s*$|<object |at 0x[0-9a-f]{6,}")


class Refusal(ValueError):
    """A clear refusal that is no exception of the project, such as the last line of a command."""


@dataclass(frozen=True)
class Case:
    """An input.

    Attributes:
        label: how it was made, for whoever repeats it.
        due: it must be accepted, must be refused, or may be either (a damaged file that may still be whole enough).
        call: gives the input to the project.
        wrong: says what is wrong with the result; None if it is right.
    """

    label: str
    due: Due
    call: Callable[[], Any]
    wrong: Callable[[Any], str | None] = lambda result: None


Maker = Callable[[Random, Path], Case]
"""Makes a case from a random state, and a folder for its files."""


def judge(case: Case) -> tuple[Verdict, str]:
    """Give the input to the project: the verdict, and why it is unclear, or how it was refused."""
    try:
        result = case.call()
    except Exception as error:
        fault = unclear(error)
        if fault is not None:
            return "unclear", f"{fault}: {type(error).__name__}: {str(error)[:300]}\n{_place(error)}"
        if case.due == "accept":
            return "unclear", f"refused, though it is in order: {str(error)[:300]}"
        return "refused", str(error)
    if case.due == "refuse":
        return "unclear", "accepted, though it is broken"
    problem = case.wrong(result)
    return ("accepted", "") if problem is None else ("unclear", f"accepted, but {problem}")


def unclear(error: Exception) -> str | None:
    """Why an error does not help its reader; None if it does.

    It helps if the project itself raises it, as an error of its own kinds, in a sentence.
    """
    if not isinstance(error, CLEAR):
        return "an error of another kind"
    frame = _last(error.__traceback__)
    if isinstance(error, Refusal):
        return None
    if frame is None or not Path(frame.tb_frame.f_code.co_filename).is_relative_to(OWN):
        return "an error of a library"
    # Python's own functions leave no frame: `int("x")` would seem ours
    if not _RAISE.match(linecache.getline(frame.tb_frame.f_code.co_filename, frame.tb_lineno)):
        return "an error of Python's"
    text = str(error)
    if len(text.split()) < 4 or _RAW.search(text):
        return "no sentence"
    return "too long" if len(text) > 4000 else None


def _last(trace: TracebackType | None) -> TracebackType | None:
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace


def _place(error: Exception) -> str:
    return "".join(traceback.format_tb(error.__traceback__)[-3:])
