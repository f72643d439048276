"""From the sources of the pages to the published book: what a page depends on, its execution, the site.

The Snakefile calls these; `python -m helpers.pages` is their command line. A page is a MyST Markdown file of `book/`,
named by its path from the project's root, such as `book/wavelets.md`.
"""

from helpers.pages.dependencies import dependencies, inputs_digest
from helpers.pages.execution import PageError, execute
from helpers.pages.registry import Figure, load_registry
from helpers.pages.site import assemble, build, toc_pages

__all__ = [
    "Figure",
    "PageError",
    "assemble",
    "build",
    "dependencies",
    "execute",
    "inputs_digest",
    "load_registry",
    "toc_pages",
]
