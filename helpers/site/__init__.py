"""From the sources of the pages to the published book: the inputs of a page, its execution, the site.

The Snakefile calls these functions; `python -m helpers` is their command line. A page is a MyST Markdown file of
`book/`, named by its path from the project's root, such as `book/wavelets.md`.
"""

from helpers.core.lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        "Figure": "helpers.site.registry",
        "Inputs": "helpers.site.dependencies",
        "PageError": "helpers.site.execution",
        "assemble": "helpers.site.html",
        "build": "helpers.site.html",
        "execute": "helpers.site.execution",
        "load_registry": "helpers.site.registry",
        "page_inputs": "helpers.site.dependencies",
        "table_inputs": "helpers.site.dependencies",
        "toc_pages": "helpers.site.html",
    },
)
