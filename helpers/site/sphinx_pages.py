"""A Sphinx extension for `jupyter-book build .`: pages that are continued in a shared source.

`make book` does not need it, since it builds from executed notebooks, which are complete.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from helpers.site.source import continued

if TYPE_CHECKING:
    from sphinx.application import Sphinx


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension: each page is continued before Sphinx parses it."""
    app.connect("source-read", _continue)
    return {"parallel_read_safe": True}


def _continue(app: Sphinx, document: str, source: list[str]) -> None:
    page = Path(app.env.doc2path(document))
    if page.suffix == ".md":
        source[0] = continued(source[0], page)
