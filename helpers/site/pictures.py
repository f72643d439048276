"""The figures of an executed page as files of their own, beside the notebook: PNG as on the page, and SVG."""

from __future__ import annotations

import base64
import hashlib
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from helpers.core.files import atomic_write

if TYPE_CHECKING:
    from nbformat import NotebookNode  # not at run time: all commands would wait for it


def write_pictures(notebook: NotebookNode, vectors: Path, output: Path) -> list[Path]:
    """Write each picture of the cells that are figures of the page; those of an earlier run are removed.

    The files are called after the notebook and the figure: `recartoonx-fig3-l2.png` beside `recartoonx-fig3.ipynb`.

    Args:
        notebook: the executed page.
        vectors: a folder with the figures as SVG, each named after the SHA-256 of its PNG.
        output: the path of the notebook.

    Returns:
        The files, in the order of the page.
    """
    for path in picture_files(output):
        path.unlink()
    written: list[Path] = []
    for cell in notebook.cells:
        figure = cell.metadata.get("mystnb", {}).get("figure")
        if figure is None:
            continue
        images = [output_["data"]["image/png"] for output_ in cell.get("outputs", []) if _has_png(output_)]
        for number, image in enumerate(images, start=1):
            name = str(figure.get("name", f"{output.stem}-{len(written) // 2 + 1}")).removeprefix(f"{output.stem}-")
            stem = f"{output.stem}-{name}" + (f"-{number}" if len(images) > 1 else "")
            written.append(output.with_name(f"{stem}.png"))
            atomic_write(written[-1], base64.b64decode(image))
            vector = vectors / f"{hashlib.sha256(image.strip().encode()).hexdigest()}.svg"
            if vector.is_file():
                written.append(output.with_name(f"{stem}.svg"))
                shutil.copyfile(vector, written[-1])
    return written


def picture_files(output: Path) -> list[Path]:
    """The pictures beside a notebook that `write_pictures` wrote."""
    return sorted(path for kind in ("png", "svg") for path in output.parent.glob(f"{output.stem}-*.{kind}"))


def _has_png(output: NotebookNode) -> bool:
    return "image/png" in output.get("data", {})
