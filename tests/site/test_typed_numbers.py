"""Every number that a page types into its prose has a stated source, and the finder of such numbers finds them."""

from __future__ import annotations

import re

import pytest

from helpers.core.files import ROOT
from helpers.site import toc_pages
from helpers.site.source import page_text
from helpers.site.typed_numbers import allowed_numbers, typed_numbers

PAGES = [page for page in toc_pages() if "/reference/" not in page]
ALLOWED = allowed_numbers()


@pytest.mark.parametrize("page", PAGES)
def test_typed_numbers_have_a_source(page):
    typed = set(typed_numbers(ROOT / page))
    allowed = {entry.number for entry in ALLOWED.get(page, [])}
    assert typed <= allowed, "glue these numbers from a run, or state their source in book/typed_numbers.yaml"
    assert allowed <= typed, "book/typed_numbers.yaml names numbers that the page no longer types"


@pytest.mark.parametrize(
    "page", [page for page, entries in ALLOWED.items() if any(e.source == "paper" for e in entries)]
)
def test_pages_with_a_papers_numbers_cite_it(page):
    assert re.search(r"\{cite:[pt]\}`", page_text(ROOT / page))


def test_all_entries_are_of_pages():
    assert ALLOWED.keys() <= set(PAGES)


@pytest.mark.parametrize(
    ("prose", "numbers"),
    [
        ("CartoonX keeps 12 % of the image.", ["12 %"]),
        ("It is 3.5 times faster, by −0.25 here.", ["3.5 times", "−0.25"]),
        ("CartoonX keeps {glue:text}`share:.0f` % of it.", []),
        ("With $x = 0.5$ and\n`rate=0.1`, see [it](a-0.5.md).", []),
        ("See section 4.1; brackets hold a 95 % confidence interval.", []),
        ("2000 steps at 64 px", []),
        ("```{code-cell} ipython3\nx = 0.5\n```\nThen 0.7 more.", ["0.7"]),
        ("```{tip} Goals\n- 0.2 of it\n```\n\nIt is 0.3.\n\n```{note}\nAnd 0.4.\n```\n", ["0.2", "0.3", "0.4"]),
        ("```text\n0.5\n```\n\nIt has a 95 %\ninterval.", []),
        ("$$\nx = 0.25\n$$\n\nand 40\n% of it", ["40 %"]),
        ("It costs $5, or 0.5 of it.\n\nThat is $3.", ["0.5"]),
    ],
)
def test_the_finder(tmp_path, prose, numbers):
    page = tmp_path / "page.md"
    page.write_text(f"# Title\n\n{prose}\n", encoding="utf-8")
    assert typed_numbers(page) == numbers


def test_a_typed_result_is_found_on_a_real_page(tmp_path):
    page = tmp_path / "page.md"
    page.write_text((ROOT / "book/cartoonx.md").read_text(encoding="utf-8") + "\nIt wins in 73 % of all cases.\n")
    assert typed_numbers(page)[-1] == "73 %"
