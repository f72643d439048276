"""The glossary: its form, its links to the chapters and back, and the anchors of all links between pages."""

import re
from pathlib import Path

import pytest

from helpers.core.files import ROOT
from helpers.site.chapters import load_chapters

BOOK = ROOT / "book"
GLOSSARY = (BOOK / "glossary.md").read_text(encoding="utf-8")
ENTRIES = {title: text.strip() for title, text in re.findall(r"^## (.+)\n((?:(?!## ).*\n)*)", GLOSSARY, re.MULTILINE)}
PAGES = sorted(BOOK.rglob("*.md"))


def prose(path: Path) -> str:
    """The text of a page without its code, where `#` begins a comment."""
    return re.sub(r"^(`{3,})\{code-cell\}.*?^\1$", "", path.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def anchors(path: Path) -> list[str]:
    """The anchors of a page's headings, as MyST makes them; a repeated one stands twice."""
    titles = re.findall(r"^#{1,3} (.+)$", prose(path), re.MULTILINE)
    return [re.sub(r"[^\w -]", "", title.strip().lower()).replace(" ", "-") for title in titles]


def links(path: Path) -> list[tuple[str, str]]:
    """File and anchor of each link to a section of a page."""
    return re.findall(r"\]\(([\w./-]+\.md)#([^)\s]+)\)", path.read_text(encoding="utf-8"))


def test_terms_are_in_alphabetical_order():
    assert len(ENTRIES) > 40
    assert list(ENTRIES) == sorted(ENTRIES, key=str.casefold)


@pytest.mark.parametrize("term", ENTRIES)
def test_an_entry_is_short_and_says_where_it_is_taught(term):
    definition, _, rest = ENTRIES[term].partition("\n\n")
    sentences = re.findall(r"[.?](?=\s|$)", definition)
    assert 1 <= len(sentences) <= 3, sentences
    assert definition.endswith(".")
    assert len(definition.split()) <= 50
    assert re.search(r"\*Taught in\* \[[^]]+\]\([\w-]+\.md#[\w-]+\)", rest)


def test_symbols_are_those_of_the_notation():
    notation = (BOOK / "notation.md").read_text(encoding="utf-8")
    symbols = re.findall(r"\*Symbol\*: (\$[^$]+\$)\.", GLOSSARY)
    assert len(symbols) == GLOSSARY.count("*Symbol*") > 8
    first_column = "".join(row.split("|")[1] for row in notation.splitlines() if row.startswith("| $"))
    assert [symbol for symbol in symbols if symbol not in first_column] == []


def test_all_links_to_sections_resolve():
    known = {path.resolve(): anchors(path) for path in PAGES}
    lost = [
        (path.name, target, anchor)
        for path in PAGES
        for target, anchor in links(path)
        if anchor not in known.get((path.parent / target).resolve(), ())
    ]
    assert lost == []


def test_every_term_is_linked_from_a_chapter():
    linked = {anchor for page in load_chapters() for target, anchor in links(ROOT / page) if target == "glossary.md"}
    by_anchor = dict(zip(anchors(BOOK / "glossary.md")[1:], ENTRIES, strict=True))
    assert {term for anchor, term in by_anchor.items() if anchor not in linked} == set()
