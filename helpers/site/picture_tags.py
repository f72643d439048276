"""How the book's HTML shows pictures: with their size, and as a link to the figure as SVG."""

from __future__ import annotations

import hashlib
import shutil
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.util.images import get_image_size
from sphinx.util.osutil import relative_uri

if TYPE_CHECKING:
    from sphinx.application import Sphinx


def visit_image(translator: Any, node: nodes.image) -> None:
    """Write a picture as docutils does, but with `width` and `height` as attributes, from which browsers reserve room.

    The size is that of the notebook's output or, of other pictures, that of the file. As a style, which docutils
    writes, a height would distort a picture that is wider than a phone.
    """
    size = _size(node, Path(translator.builder.srcdir) / node["uri"])
    if size is not None:
        for name in ("width", "height"):
            node.attributes.pop(name, None)
    type(translator).visit_image(translator, node)
    if size is not None:
        width, height = size
        translator.body.append(translator.body.pop().replace("<img ", f'<img width="{width}" height="{height}" ', 1))


def depart_image(translator: Any, node: nodes.image) -> None:
    """As docutils does."""
    type(translator).depart_image(translator, node)


def link_to_svg(app: Sphinx, document: nodes.document, name: str) -> None:
    """Make each picture of a page a link to the same figure as SVG, if there is one.

    Sphinx makes links to the PNG of all others that have a size, so that one can enlarge them on a phone.
    """
    vectors = svg_files(Path(app.srcdir)) if app.builder.format == "html" else {}
    for picture in list(document.findall(nodes.image)):
        vector = vectors.get(Path(picture["uri"]).stem)
        if vector is None or isinstance(picture.parent, nodes.reference):
            continue
        target = relative_uri(app.builder.get_target_uri(name), f"{app.builder.imagedir}/{vector.name}")
        link = nodes.reference("", "", internal=True, refuri=target, reftitle="Open the figure as SVG")
        picture.replace_self(link)
        link.append(picture)


def add_svg_files(app: Sphinx, error: Exception | None) -> None:
    """Copy the figures as SVG beside the pictures of the HTML."""
    if error is None and app.builder.format == "html":
        folder = Path(app.outdir) / app.builder.imagedir
        for vector in svg_files(Path(app.srcdir)).values():
            folder.mkdir(exist_ok=True)
            shutil.copy2(vector, folder / vector.name)


@lru_cache
def svg_files(folder: Path) -> dict[str, Path]:
    """The figures as SVG that lie beside the executed pages below a folder, by the SHA-256 of their PNG.

    MyST-NB names the picture of an output after it.
    """
    pairs = {path: path.with_suffix(".png") for path in sorted(folder.glob("book/**/*.svg"))}
    return {hashlib.sha256(png.read_bytes()).hexdigest(): svg for svg, png in pairs.items() if png.is_file()}


def _size(node: nodes.image, path: Path) -> tuple[int, int] | None:
    """The width and height of a picture in pixels of the page; None if the page sets them otherwise, or for SVG."""
    given = [node.get(name) for name in ("width", "height")]
    if given == [None, None] and "scale" not in node:
        return get_image_size(str(path)) if path.is_file() else None
    return (int(given[0]), int(given[1])) if all(str(length).isdigit() for length in given) else None
