"""The alternative texts of pictures: each says what one sees, for those who do not see it.

What the built book shows is checked in test_html.py; here are the texts in the sources, and the check itself.
"""

from __future__ import annotations

import re

import pytest

from helpers.core.files import ROOT
from helpers.site import toc_pages
from helpers.site.source import is_executable, read_page
from tests.support.alt_texts import fault, typed_number


def alternatives(page: str) -> list[str]:
    """The alternative texts that a page gives its pictures: of cells, of glued figures, and of Markdown images."""
    notebook = read_page(ROOT / page)
    cells = [cell.metadata.get("mystnb", {}).get("image", {}).get("alt") for cell in notebook.cells]
    prose = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    return [*filter(None, cells), *re.findall(r"^:alt: (.*)$", prose, re.M), *re.findall(r"!\[([^\]]*)\]\(", prose)]


PAGES = [page for page in toc_pages() if is_executable(ROOT / page)]


@pytest.mark.parametrize("page", PAGES)
def test_alternative_texts_say_what_one_sees(page):
    texts = alternatives(page)
    assert {text: fault(text) for text in texts if fault(text)} == {}
    assert [text for text in texts if typed_number(text)] == [], "no run keeps these numbers true"


@pytest.mark.parametrize("page", PAGES)
def test_figures_have_one(page):
    figures = [cell for cell in read_page(ROOT / page).cells if "figure" in cell.metadata.get("mystnb", {})]
    assert [cell.source for cell in figures if "alt" not in cell.metadata["mystnb"].get("image", {})] == []


def test_the_readmes_picture_has_one():
    texts = re.findall(r"!\[([^\]]*)\]\(", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert len(texts) == 1
    assert fault(texts[0]) is None


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "empty"),
        ("../../_images/1211f5f88751.png", "path"),
        ("book/_static/picture.webp of a cat", "path"),
        ("Figure", "generic"),
        ("a picture", "generic"),
        ("Masks of six methods below their images", None),
    ],
)
def test_the_check(text, named):
    found = fault(text)
    assert found is None if named is None else named in found


def test_typed_numbers_are_found():
    assert typed_number("The curve falls to 0.37 at once")
    assert typed_number("It keeps 4 % of them")
    assert not typed_number("Panels of the VQ-VAE with 8 × 8 codes")
