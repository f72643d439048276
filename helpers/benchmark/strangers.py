"""A stranger's method: its own mistakes in one line, and what the benchmark says of its maps."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from helpers.benchmark.case import Case
from helpers.benchmark.contest import scores_of
from helpers.benchmark.methods import Contestant, load_contestant
from helpers.core.memory import is_out_of_memory


def load_method(spec: str) -> Contestant:
    """A method of the reader's own: `load_contestant`, with the mistakes of its file in one line.

    Args:
        spec: its file and class, such as "mine.py:Mine".

    Raises:
        FileNotFoundError, ValueError: as of `load_contestant`; and the file cannot be imported.
    """
    with in_words(spec):
        return load_contestant(spec)


def score_method(contestant: Contestant, case: Case, spec: str) -> pd.DataFrame:
    """The scores of a reader's method: `scores_of`, with the mistakes of its code in one line.

    Args:
        contestant: of `load_method`.
        case: the images.
        spec: the method's file and class.

    Raises:
        ValueError: the code raised an exception, or returned what is no map; the message names the line.
    """
    with in_words(spec):
        return scores_of(contestant, case)


def silence(table: pd.DataFrame) -> str:
    """A line on the maps that say nothing, or nothing.

    Args:
        table: of one method, see `scores_of`.
    """
    count = int(table["silent"].sum())
    if not count:
        return ""
    return (
        f"{table['method'].iloc[0]}: {count} of {len(table)} maps are constant or have values that are not finite; "
        "they are scored as maps that find everything equally relevant."
    )


@contextmanager
def in_words(spec: str) -> Iterator[None]:
    """Name the file, the line and the exception of somebody else's code as one ValueError.

    A lack of memory and errors that are one line already (those of a wrong `spec`) pass as they are.

    Args:
        spec: the method's file and class.
    """
    path = Path(spec.rpartition(":")[0] or spec)
    try:
        yield
    except Exception as error:
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename) == path]
        if isinstance(error, SyntaxError) and error.filename and Path(error.filename) == path:
            lines = [error.lineno]
        own = isinstance(error, (TypeError, ValueError, OSError)) and not lines
        if is_out_of_memory(error) or (own and not isinstance(error, TypeError)):
            raise
        where = f", line {lines[-1]}" if lines else ""
        kind = "" if own else f"{type(error).__name__}: "
        raise ValueError(f"{spec}{where}: {kind}{error}") from error
