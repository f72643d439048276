"""The book as one PDF: a small one is printed and read again."""

import os
import shutil
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from pypdf import PdfReader

from helpers.core.files import ROOT
from helpers.site.html import toc_pages
from helpers.site.pdf import BROWSERS, Part, book_parts, find_browser, make_pdf, print_pages

FIRST = """<title>First</title><article><h1>The first<a class="headerlink" href="#x">#</a></h1>
<section id="far"><h2>Far away</h2><p><a href="sub/second.html#deep">deep</a> <a href="sub/second.html">second</a>
<a href="https://example.org/">web</a> <a href="picture.svg">picture</a> <a href="data:text/csv,a">data</a></p>
<div style="break-before: page">next sheet</div></section></article>"""
SECOND = """<title>Second</title><div id="jb-print-toc">LISTED TWICE</div><article><h1>The second</h1>
<p><a href="../first.html#far">back</a></p><div style="break-before: page"></div>
<section id="deep"><h2>Deep down</h2><p>here</p></section></article>"""


@pytest.fixture(scope="module")
def book(tmp_path_factory) -> PdfReader:
    if not any(map(shutil.which, BROWSERS)):
        pytest.skip("needs Chromium")
    folder = tmp_path_factory.mktemp("a book")
    (folder / "sub").mkdir()
    first, second = folder / "first.html", folder / "sub/second.html"
    first.write_text(FIRST)
    second.write_text(SECOND)
    parts = [Part("", (first,)), Part("A part", (second,))]
    return PdfReader(print_pages(parts, folder / "book.pdf", title="A book", subtitle="On this & that"))


def targets(book: PdfReader, sheet: int) -> list[int | str]:
    """Where the links of a sheet lead: to a sheet, or to an address."""
    found: list[int | str] = []
    for reference in book.pages[sheet].get("/Annots", ()):
        link = reference.get_object()
        destination = link.get("/Dest")
        if destination is not None:
            found.append(next(n for n, page in enumerate(book.pages) if page.indirect_reference == destination[0]))
        else:
            found.append(str(link["/A"]["/URI"]))
    return found


def test_title_contents_and_pages_are_in_order(book):
    texts = [unicodedata.normalize("NFKC", page.extract_text()) for page in book.pages]
    assert len(texts) == 6
    assert "A book" in texts[0]
    assert "On this & that" in texts[0]
    assert texts[1].split() == ["Contents", "The", "first", "3", "A", "part", "The", "second", "5", "2"]
    assert "The first" in texts[2]
    assert "Deep down" in texts[5]
    assert "LISTED TWICE" not in "".join(texts)
    assert book.metadata.title == "A book"


def test_each_sheet_but_the_title_has_its_number(book):
    assert [page.extract_text().split()[-1] for page in book.pages][1:] == ["2", "3", "4", "5", "6"]
    assert not book.pages[0].extract_text().split()[-1].isdigit()


def test_bookmarks_have_parts_pages_and_sections(book):
    def tree(entries) -> list:
        return [
            tree(entry) if isinstance(entry, list) else (entry.title, book.get_destination_page_number(entry) + 1)
            for entry in entries
        ]

    second = [("The second", 5), [("Deep down", 6)]]
    assert tree(book.outline) == [("The first", 3), [("Far away", 3)], ("A part", 5), second]


def test_links_lead_into_the_book(book):
    assert targets(book, 1) == [2, 4], "the contents"
    assert targets(book, 2) == [5, 4, "https://example.org/"], "an anchor, a page, the web; no local file, no data"
    assert targets(book, 4) == [2]
    assert b"file:" not in b"".join(str(page.get("/Annots")).encode() for page in book.pages)


def test_the_parts_are_those_of_the_contents():
    parts = book_parts()
    pages = [
        path.relative_to(ROOT / "_build/html").with_suffix(".md").as_posix() for part in parts for path in part.pages
    ]
    assert pages == toc_pages()
    assert parts[0] == Part("", (ROOT / "_build/html/book/intro.html",))
    assert "book/wavelets.md" in pages


class TestWithout:
    def test_chromium_it_says_what_to_install(self, tmp_path):
        env = {**os.environ, "PATH": str(tmp_path)}
        code = "from helpers.core.endings import one_line_errors\nfrom helpers.site.pdf import print_pages\n"
        code += "with one_line_errors():\n    print_pages([], 'x.pdf', title='', subtitle='')\n"
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True)
        assert done.returncode != 0
        assert "apt-get install chromium" in done.stderr
        assert "Traceback" not in done.stderr

    def test_a_browser_of_any_name_is_found(self, tmp_path, monkeypatch):
        path = tmp_path / "google-chrome"
        path.write_text("#!/bin/sh\n")
        path.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))
        assert Path(find_browser()) == path

    def test_a_built_book_it_says_what_to_run(self, tmp_path):
        with pytest.raises(FileNotFoundError, match="make book"):
            make_pdf(tmp_path)


def test_the_ledger_fits_on_few_sheets_and_nothing_is_cut_off(html, tmp_path):
    """Its table is printed as two columns; on the screen's layout it took 67 sheets."""
    ledger = html / "book/ledger.html"
    printed = PdfReader(print_pages([Part("", (ledger,))], tmp_path / "ledger.pdf", title="a", subtitle=""))
    assert len(printed.pages) <= 2 + 25  # title, contents
    text = "".join(page.extract_text() for page in printed.pages)
    soup = BeautifulSoup(ledger.read_text(encoding="utf-8"), "html.parser")
    names = [name.text for name in soup.select("#ledger tbody tr > td:first-child > strong")]
    assert len(names) > 250
    assert [name for name in names if name not in text] == []


def test_long_lines_of_code_are_printed_whole(tmp_path):
    style = (ROOT / "book/_static/book.css").read_text(encoding="utf-8")
    page = tmp_path / "page.html"
    page.write_text(
        f"<title>t</title><style>pre {{ overflow: auto }} {style}</style><article class=bd-article><h1>t</h1>"
        f"<pre>{'word ' * 60}end</pre></article>"
    )
    print_pages([Part("", (page,))], tmp_path / "p.pdf", title="a", subtitle="")
    words = [word for sheet in PdfReader(tmp_path / "p.pdf").pages for word in sheet.extract_text().split()]
    assert words.count("word") == 60
    assert "end" in words
