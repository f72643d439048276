"""Figures of the book, in one style and with one colour per method."""

from helpers.core.lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        "curve_with_band": "helpers.plots.curves",
        "published_values": "helpers.plots.curves",
        "book_figure": "helpers.plots.figures",
        "panels": "helpers.plots.figures",
        "draw_image": "helpers.plots.pictures",
        "show_explanations": "helpers.plots.pictures",
        "show_images": "helpers.plots.pictures",
        "BOOK_STYLE": "helpers.plots.style",
        "MASK_COLOURS": "helpers.plots.style",
        "METHOD_COLOURS": "helpers.plots.style",
        "PUBLISHED_LINE": "helpers.plots.style",
        "PUBLISHED_MARKER": "helpers.plots.style",
        "use_book_style": "helpers.plots.style",
    },
)
