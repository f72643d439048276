"""From the sources of the pages to the published book: what a page depends on, its execution, the site.

The Snakefile calls these; `python -m helpers.site` is their command line. A page is a MyST Markdown file of `book/`,
named by its path from the project's root, such as `book/wavelets.md`.
"""

from helpers.site.dependencies import dependencies, inputs_digest
from helpers.site.execution import PageError, execute
from helpers.site.html import assemble, build, toc_pages
from helpers.site.registry import Figure, load_registry

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
