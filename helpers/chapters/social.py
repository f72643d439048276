"""The picture that social networks show for a link to the book, and the site's icons as PNG."""

from __future__ import annotations

import io
import re
from pathlib import Path
from xml.etree import ElementTree

import matplotlib
from PIL import Image, ImageDraw, ImageFont

from helpers.chapters.photograph.taken_away import TakenAway, read_taken_away
from helpers.core.files import ROOT, atomic_write
from helpers.data.images import to_picture
from helpers.site.page_heads import ICONS, SOCIAL_PICTURE, SOCIAL_SIZE

STATIC = ROOT / "book" / "_static"
BLACK, BLUE = "#14181e", "#0072b2"
SIDE, TOP, LEFT, GAP = 400, 60, 60, 80  # pixels of the two pictures and around them
FINER = 8  # icons are drawn this many times larger, then reduced


def make_site_pictures() -> list[Path]:
    """Draw the social picture and the icons into `book/_static/`; returns their paths."""
    social = STATIC / SOCIAL_PICTURE
    atomic_write(social, _encoded(draw_social(read_taken_away()), "JPEG", quality=88, optimize=True))
    paths = [social]
    for _, name, size in ICONS:
        icon = draw_icon((STATIC / "favicon.svg").read_text(encoding="utf-8"), int(size.split("x")[0]))
        atomic_write(STATIC / name, _encoded(icon, "PNG", optimize=True))
        paths.append(STATIC / name)
    return paths


def draw_social(taken: TakenAway) -> Image.Image:
    """The photograph beside the least of it that is still taken for a cat, both predictions, and the book's name."""
    picture = Image.new("RGB", SOCIAL_SIZE, "white")
    draw = ImageDraw.Draw(picture)
    rows = taken.steps("relevance").set_index("share")
    for number, share in enumerate((1.0, taken.last_cat("relevance"))):
        left = LEFT + number * (SIDE + GAP)
        shown = to_picture(taken.pictures[share]).resize((SIDE, SIDE), Image.Resampling.LANCZOS)
        picture.paste(shown, (left, TOP))
        kept = "" if share == 1 else f"{100 * share:g} % of it: "
        draw.text((left, TOP + SIDE + 12), f"{kept}“{rows['class'][share]}”", BLACK, _font(27))
    draw.text((LEFT, 540), "Keep What Matters", BLUE, _font(44, bold=True))
    words = "an executable book"
    draw.text((LEFT + 2 * SIDE + GAP, 552), words, BLACK, _font(27), anchor="ra")
    return picture


def draw_icon(svg: str, size: int) -> Image.Image:
    """An SVG of rectangles, circles and polygons, such as the site's icon, as a square of `size` pixels.

    Raises:
        ValueError: the SVG has another shape.
    """
    root = ElementTree.fromstring(svg)
    scale = FINER * size / float(root.attrib["viewBox"].split()[2])
    picture = Image.new("RGBA", (FINER * size,) * 2)
    draw = ImageDraw.Draw(picture)
    for shape in root:
        kind, values = shape.tag.rpartition("}")[2], shape.attrib
        number = {name: scale * float(value) for name, value in values.items() if re.fullmatch(r"[\d.]+", value)}
        if kind == "rect":
            left, top = number.get("x", 0.0), number.get("y", 0.0)
            box = (left, top, left + number["width"] - 1, top + number["height"] - 1)
            draw.rounded_rectangle(box, number.get("rx", 0.0), fill=values["fill"])
        elif kind == "circle":
            x, y, r = number["cx"], number["cy"], number["r"]
            draw.ellipse((x - r, y - r, x + r, y + r), fill=values["fill"])
        elif kind == "path" and re.fullmatch(r"[MLZ\d.\s]+", values["d"]):
            points = [scale * float(value) for value in re.findall(r"[\d.]+", values["d"])]
            draw.polygon(list(zip(points[::2], points[1::2], strict=True)), fill=values["fill"])
        else:
            raise ValueError(f"<{kind}> is not drawn: use rectangles, circles, and paths of M, L and Z")
    return picture.resize((size, size), Image.Resampling.LANCZOS)


def _font(size: int, *, bold: bool = False) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which comes with matplotlib."""
    name = f"DejaVuSans{'-Bold' if bold else ''}.ttf"
    return ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name), size)


def _encoded(picture: Image.Image, kind: str, **options: object) -> bytes:
    content = io.BytesIO()
    picture.save(content, kind, **options)
    return content.getvalue()
