"""Figures of the book: one style, one colour a method."""

from helpers.plots.curves import curve_with_band, published_values
from helpers.plots.pictures import draw_image, show_explanations, show_images
from helpers.plots.style import (
    BOOK_STYLE,
    MASK_COLOURS,
    METHOD_COLOURS,
    PUBLISHED_LINE,
    PUBLISHED_MARKER,
    use_book_style,
)

__all__ = [
    "BOOK_STYLE",
    "MASK_COLOURS",
    "METHOD_COLOURS",
    "PUBLISHED_LINE",
    "PUBLISHED_MARKER",
    "curve_with_band",
    "draw_image",
    "published_values",
    "show_explanations",
    "show_images",
    "use_book_style",
]
