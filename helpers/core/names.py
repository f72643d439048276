"""What error messages say about a name that is not known."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def known_names(name: str, known: Iterable[str], intro: str = "there are") -> str:
    """The rest of a message about an unknown name: the nearest known one, if any is near, and all known ones.

    Args:
        name: the name that is not known.
        known: those that are.
        intro: the words before the known names.

    Returns:
        Such as `"; did you mean 'curves'? There are: curves, sweep"`.
    """
    names = list(known)
    near = difflib.get_close_matches(name, names, n=1)
    start = f"; did you mean {near[0]!r}? {intro[0].upper()}{intro[1:]}" if near else f"; {intro}"
    return f"{start}: {', '.join(names) or 'none'}"
