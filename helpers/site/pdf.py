"""The whole book as one PDF: Chromium prints the built pages, which are joined with bookmarks and page numbers."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urldefrag, urlsplit

import yaml

from helpers.core.files import ROOT
from helpers.site.citation import version
from helpers.site.html import COMPLETE, HTML, toc_pages, toc_parts
from helpers.site.pdf_join import Printed, join

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, PdfMargins

PDF = "_build/keep-what-matters.pdf"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

_MARGIN: PdfMargins = {"top": "18mm", "bottom": "20mm", "left": "18mm", "right": "18mm"}
_SCALE = 0.75  # text of 16 pixels has 9 points, and tables have the width that they have on a screen
_STYLE = """
    body { font: 11pt/1.5 "DejaVu Sans", sans-serif; color: #222 }
    h1 { font-size: 32pt; margin: 60mm 0 4mm } h2 { font-size: 16pt; font-weight: normal; margin: 0 0 80mm }
    h3 { font-size: 11pt; margin: 4mm 0 1mm; break-after: avoid } a { color: inherit; text-decoration: none }
    p.entry { display: flex; margin: 0 } p.entry a { flex: 1; padding-right: 1em } section { break-before: page }
    section > h2 { font-size: 18pt; margin: 0 0 4mm }"""


@dataclass(frozen=True)
class Part:
    """A part of the table of contents: its caption, empty for the landing page, and its pages as paths to HTML."""

    caption: str
    pages: tuple[Path, ...]


def make_pdf(root: Path = ROOT, output: Path | None = None) -> Path:
    """Print the built book.

    Args:
        root: the clone, with the built pages in `_build/html`.
        output: the file to write; by default `_build/keep-what-matters.pdf`.

    Returns:
        The path of the file.

    Raises:
        FileNotFoundError: the book has not been built, or there is no Chromium on this machine.
    """
    if not (root / COMPLETE).is_file():
        raise FileNotFoundError("the book has not been built; run: make book")
    settings = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    parts = book_parts(root)
    subtitle = f"Sparse explanations of image classifiers, as an executable book. Version {version(root)}"
    return print_pages(parts, output or root / PDF, title=settings["title"], subtitle=subtitle)


def book_parts(root: Path = ROOT) -> list[Part]:
    """The parts of the table of contents with their built pages, in order."""
    parts = [("", toc_pages(root)[:1]), *toc_parts(root)]  # the landing page stands before them
    return [Part(caption, tuple(_built(root, page) for page in pages)) for caption, pages in parts]


def _built(root: Path, page: str) -> Path:
    return root / HTML / Path(page).with_suffix(".html")


def find_browser() -> str:
    """The path of this machine's Chromium.

    Raises:
        FileNotFoundError: there is none.
    """
    for name in BROWSERS:
        if path := shutil.which(name):
            return path
    raise FileNotFoundError(
        f"the PDF is printed by Chromium, but none of {', '.join(BROWSERS)} is on this machine; install one, on Debian "
        "or Ubuntu with: sudo apt-get install chromium"
    )


def print_pages(parts: Iterable[Part], output: Path, *, title: str, subtitle: str) -> Path:
    """Print HTML pages into one PDF, with a title page and a table of contents.

    Links between the pages lead to their places in the PDF. Links to other files of the site are taken away.

    Args:
        parts: the pages, in order.
        output: the file to write.
        title: the title of the book.
        subtitle: the line below it.

    Returns:
        The file.

    Raises:
        FileNotFoundError: there is no Chromium on this machine.
    """
    parts = list(parts)
    paths = [path for part in parts for path in part.pages]
    with open_browser() as browser, tempfile.TemporaryDirectory() as folder:
        page = browser.new_page(color_scheme="light", reduced_motion="reduce")
        wanted = _wanted_anchors(page, paths)
        printed = [
            _print(page, path, wanted.get(path, set()), Path(folder) / f"{number}.pdf")
            for number, path in enumerate(paths)
        ]
        numbers, length, front = [0] * len(printed), 0, Path(folder) / "front.pdf"
        for _ in range(2):  # the contents' own length moves the numbers that it shows
            page.set_content(_front(parts, printed, numbers, title, subtitle))
            page.pdf(path=front, format="A4", margin=_MARGIN)
            length = Printed.read(Path("front.html"), "", front).length
            starts = [length + sum(one.length for one in printed[:index]) for index in range(len(printed))]
            numbers = [start + 1 for start in starts]
        join(front, [(part.caption, len(part.pages)) for part in parts], printed, output, title=title)
    return output


@contextmanager
def open_browser() -> Iterator[Browser]:
    """This machine's Chromium, driven by Playwright; it is closed at the end.

    Raises:
        FileNotFoundError: there is none.
    """
    executable = find_browser()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        flags = ["--no-sandbox"] if hasattr(os, "getuid") and os.getuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=executable, args=flags)
        try:
            yield browser
        finally:
            browser.close()


def _wanted_anchors(page: Page, paths: list[Path]) -> dict[Path, set[str]]:
    """By page, the anchors to which links of any page lead."""
    from bs4 import BeautifulSoup

    wanted: dict[Path, set[str]] = {}
    for path in paths:
        soup = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        for link in (soup.select_one("article") or soup).find_all("a", href=True):
            target, anchor = urldefrag(str(link["href"]))
            if anchor and not urlsplit(target).scheme:
                file = (path.parent / unquote(target)).resolve() if target else path.resolve()
                wanted.setdefault(file, set()).add(unquote(anchor))
    return {path: wanted.get(path.resolve(), set()) for path in paths}


_PREPARE = """async (anchors) => {
    if (window.MathJax?.startup?.promise) await window.MathJax.startup.promise;
    document.getElementById("jb-print-toc")?.remove();
    for (const image of document.images) image.loading = "eager";
    await Promise.all([...document.images].map((image) => image.decode().catch(() => {})));
    await document.fonts.ready;
    const article = document.querySelector("article") ?? document.body;
    const words = (heading) => {
        const copy = heading.cloneNode(true);
        copy.querySelectorAll(".headerlink, .visually-hidden, mjx-assistive-mml").forEach((node) => node.remove());
        return copy.textContent.replace(/\\s+/g, " ").trim();
    };
    const sections = [...article.querySelectorAll("h2")]
        .map((heading) => [words(heading), (heading.closest("section[id]") ?? heading).id])
        .filter(([text, id]) => text && id);
    // Chromium gives a place in the PDF only to anchors to which the page itself links
    for (const anchor of new Set([...anchors, ...sections.map(([, id]) => id)])) {
        if (!document.getElementById(anchor)) continue;
        const link = document.createElement("a");
        link.href = `#${encodeURIComponent(anchor)}`;
        link.textContent = "\\u2060";
        link.style.cssText = "position: absolute; font-size: 1px; color: transparent";
        article.append(link);
    }
    return [words(article.querySelector("h1") ?? document.querySelector("title")), sections];
}"""


def _print(page: Page, path: Path, anchors: set[str], output: Path) -> Printed:
    page.goto(path.resolve().as_uri(), wait_until="load")
    page.emulate_media(media="print")
    title, sections = page.evaluate(_PREPARE, sorted(anchors))
    page.pdf(path=output, format="A4", margin=_MARGIN, print_background=True, scale=_SCALE)
    return Printed.read(path.resolve(), title, output, [(text, anchor) for text, anchor in sections])


def _front(parts: list[Part], printed: list[Printed], numbers: list[int], title: str, subtitle: str) -> str:
    """The title page and the table of contents as HTML."""
    rows, index = [], 0
    for part in parts:
        if part.caption:
            rows.append(f"<h3>{escape(part.caption)}</h3>")
        for _ in part.pages:
            one, number = printed[index], numbers[index]
            rows.append(
                f'<p class="entry"><a href="{one.path.as_uri()}">{escape(one.title)}</a><span>{number}</span></p>'
            )
            index += 1
    contents = "\n".join(rows)
    return (
        f"<!doctype html><html lang=en><title>{escape(title)}</title><style>{_STYLE}</style>"
        f"<h1>{escape(title)}</h1><h2>{escape(subtitle)}</h2><section><h2>Contents</h2>{contents}</section></html>"
    )
