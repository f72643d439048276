"""Pictures below the first screen, which a browser fetches when the reader comes near."""

from __future__ import annotations

import re

FIRST = 2
"""Pictures of a page that are fetched with it."""

_PICTURE = re.compile(r"<img (?![^>]*\bloading=)")


def delay_pictures(html: str) -> str:
    """A page whose pictures after the first two are fetched when the reader comes near.

    Their places are kept, since each has its width and height.
    """
    seen = [tag.end() for tag in re.finditer(r"<img ", html)][:FIRST]
    start = seen[-1] if len(seen) == FIRST else len(html)
    return html[:start] + _PICTURE.sub('<img loading="lazy" ', html[start:])
