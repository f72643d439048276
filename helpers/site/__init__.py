"""From the sources of the pages to the published book: the inputs of a page, its execution, the site.

The Snakefile calls these functions; `python -m helpers` is their command line. A page is a MyST Markdown file of
`book/`, named by its path from the project's root, such as `book/wavelets.md`.
"""

from helpers.site.dependencies import Inputs, page_inputs, table_inputs
from helpers.site.execution import PageError, execute
from helpers.site.html import assemble, build, toc_pages
from helpers.site.registry import Figure, load_registry

__all__ = [
    "Figure",
    "Inputs",
    "PageError",
    "assemble",
    "build",
    "execute",
    "load_registry",
    "page_inputs",
    "table_inputs",
    "toc_pages",
]
