"""Errors that a page shows on purpose."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def refused(kind: type[BaseException] = ValueError) -> Iterator[None]:
    """Print the error that the block raises.

    Args:
        kind: of the error; any other is raised as always.

    Raises:
        AssertionError: the block raised none, so that the page is no longer true.
    """
    try:
        yield
    except kind as error:
        print(textwrap.fill(f"{type(error).__name__}: {error}", 74))
    else:
        raise AssertionError("the page says that this is refused, but it was not")
