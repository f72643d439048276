"""Pictures for pages: twice as many pixels as the page shows, so that they are crisp on screens of double density.

A notebook shows a figure with its size in the metadata of the output, as Jupyter's own "retina" format does. The book
and JupyterLab give the browser this size before the picture is loaded, so that the text does not jump.
"""

from __future__ import annotations

import base64
import io

from matplotlib.figure import Figure
from PIL import Image

SHARPNESS = 2
"""The pixels of a picture for each pixel of the page, in width and in height."""

INCH = 90
"""The pixels of the page that show an inch of a figure, at which its letters are as large as the text."""

COLUMN = 790
"""The greatest width of the book's column, in pixels of the page; a wider figure would be shown smaller."""


def picture_dpi(figure: Figure) -> float:
    """The dots per inch with which a figure has `SHARPNESS` times the pixels with which a page shows it."""
    return float(SHARPNESS * min(INCH, COLUMN / figure.get_figwidth()))


def shown_size(picture: Image.Image) -> tuple[int, int]:
    """The width and height at which a page shows a picture of `draw_sharp`, in pixels of the page."""
    return round(picture.width / SHARPNESS), round(picture.height / SHARPNESS)


def draw_sharp(figure: Figure) -> Image.Image:
    """A figure as a picture at `picture_dpi`, cut to what is drawn, as notebooks show it."""
    content = io.BytesIO()
    options = {"bbox_inches": "tight", "facecolor": figure.get_facecolor(), "edgecolor": figure.get_edgecolor()}
    quick = {"compress_level": 0}  # it is read again at once
    figure.savefig(content, format="png", dpi=picture_dpi(figure), pil_kwargs=quick, **options)
    with Image.open(content) as picture:
        opaque = picture.mode != "RGBA" or picture.getextrema()[3] == (255, 255)
        return picture.convert("RGB" if opaque else "RGBA")  # a ninth smaller without transparency


def png_output(figure: Figure) -> tuple[str, dict[str, int]] | None:
    """A figure as an output of a notebook: the PNG in base64, and its size on the page.

    None for a figure without content, which a notebook does not show.
    """
    if not figure.axes and not figure.lines:
        return None
    picture = draw_sharp(figure)
    content = io.BytesIO()
    picture.save(content, "PNG")
    width, height = shown_size(picture)
    return base64.b64encode(content.getvalue()).decode(), {"width": width, "height": height}
