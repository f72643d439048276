"""The files of the built book: their links, outputs and pictures."""

import functools
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from bs4 import BeautifulSoup, NavigableString, Tag
from PIL import Image

from helpers.core.files import ROOT
from helpers.site import toc_pages
from helpers.site.reference import exported
from helpers.site.source import is_executable
from tests.support.alt_texts import fault

PAGES = [str(Path(page).with_suffix(".html")) for page in toc_pages()]
RUN_PAGES = [str(Path(page).with_suffix(".html")) for page in toc_pages() if is_executable(ROOT / page)]
WITH_LISTS = [page for page in toc_pages() if "frame_list(" in (ROOT / page).read_text(encoding="utf-8")]


@functools.lru_cache
def parsed(path: Path) -> BeautifulSoup:
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


@functools.lru_cache
def anchors(path: Path) -> set[str]:
    return {tag[key] for key in ("id", "name") for tag in parsed(path).find_all(attrs={key: True})}


def references(page: BeautifulSoup) -> list[str]:
    """Every address that the page links to or loads."""
    tags = [("a", "href"), ("link", "href"), ("img", "src"), ("script", "src"), ("source", "src"), ("iframe", "src")]
    return [tag[key] for name, key in tags for tag in page.find_all(name, attrs={key: True})]


def broken(path: Path) -> list[str]:
    """Internal addresses of the page that lead nowhere: no such file, or no such anchor in it."""
    lost = []
    for address in references(parsed(path)):
        parts = urlsplit(address)
        if parts.scheme or parts.netloc:
            continue
        target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
        target = target / "index.html" if target.is_dir() else target
        lost_anchor = parts.fragment and target.suffix == ".html" and target.is_file()
        if not target.is_file() or (lost_anchor and unquote(parts.fragment) not in anchors(target)):
            lost.append(address)
    return lost


def text_without(tag: Tag, left_out: set[int]) -> str:
    """The text of a tag without what is in some of the tags inside, by their `id`. Removing them means a copy first."""
    if id(tag) in left_out:
        return ""
    texts = (
        text_without(part, left_out) if isinstance(part, Tag) else part if type(part) is NavigableString else ""
        for part in tag.children
    )
    return "".join(texts)


class TestFiles:
    def test_every_page_of_the_contents_is_there(self, html):
        assert [page for page in PAGES if not (html / page).is_file()] == []

    def test_no_broken_link(self, html):
        pages = [path for path in html.rglob("*.html") if not path.is_relative_to(html / "_static")]
        lost = {path.relative_to(html).as_posix(): broken(path) for path in pages}
        assert {path: addresses for path, addresses in lost.items() if addresses} == {}

    def test_a_broken_link_is_found(self, tmp_path):
        """The check itself: a missing file and a missing anchor."""
        page = tmp_path / "page.html"
        page.write_text('<h1 id="here">x</h1><a href="#here">a</a><a href="#gone">b</a><img src="no.png">')
        assert broken(page) == ["#gone", "no.png"]

    @pytest.mark.parametrize("style", sorted((ROOT / "book/_static").glob("*.css")), ids=lambda path: path.name)
    def test_each_brace_of_a_style_is_closed(self, style):
        """Otherwise all rules after it are rules inside it, and hold nowhere."""
        depth = 0
        for brace in re.findall(r"[{}]", re.sub(r"/\*.*?\*/", "", style.read_text(encoding="utf-8"), flags=re.DOTALL)):
            depth += 1 if brace == "{" else -1
            assert 0 <= depth <= 2
        assert depth == 0

    @pytest.mark.parametrize("page", PAGES)
    def test_no_error_output(self, html, page):
        soup = parsed(html / page)
        assert soup.select(".output.traceback, .output.stderr, .system-message, .problematic") == []
        outputs = " ".join(tag.get_text() for tag in soup.select(".cell_output"))
        assert "Traceback (most recent call last)" not in outputs
        assert not re.search(r"\d+%\|", outputs), "a progress bar was left in the page"
        assert not re.search(r"<[\w.]+ object( at \w+)?>", outputs), "an object was shown that has no picture or text"

    @pytest.mark.parametrize("page", PAGES)
    def test_all_markup_was_understood(self, html, page):
        """No role or directive stands in the text as it was typed."""
        article = parsed(html / page).select_one("article")
        code = set(map(id, article.select(".highlight, .math, code.py, script, style")))
        assert re.findall(r"\{[a-z][a-z:-]*\}`?|^:::.*|```.*", text_without(article, code), re.MULTILINE) == []

    @pytest.mark.parametrize("page", RUN_PAGES)
    def test_a_page_with_code_has_outputs(self, html, page):
        messages = ", .cell_output pre" if "when-it-fails" in page else ""
        assert parsed(html / page).select(f".cell_output img, .cell_output table, .cell_output .kwm-frames{messages}")

    @pytest.mark.parametrize("page", WITH_LISTS)
    def test_a_drop_down_list_is_in_its_page(self, html, page):
        assert parsed(html / Path(page).with_suffix(".html")).select(".kwm-frames:has(select)")

    def test_the_chapter_on_the_explainer_has_a_list_of_classes(self, html):
        lists = parsed(html / "book/explainer.html").select(".kwm-frames select")
        options = [option.get_text() for option in lists[0].find_all("option")]
        assert {"fish", "heart", "house"} <= set(options)
        assert len(options) == 10

    @pytest.mark.parametrize("package", ["helpers.data.scenes", "helpers.methods.rde", "helpers.metrics"])
    def test_the_reference_explains_each_exported_name(self, html, package):
        described = set().union(*(anchors(path) for path in (html / "book/reference").glob("*.html")))
        names = {f"{value.__module__}.{value.__qualname__}" for value in exported(package).values()}
        assert len(names) >= 2
        assert names - described == set()

    def test_a_signature_shows_shapes(self, html):
        signature = parsed(html / "book/reference/core.html").find(id="helpers.core.masking.apply_mask").get_text()
        assert "images: Float[Tensor, 'batch 3 height width']" in signature
        assert "mask: Float[Tensor, 'batch 1 height width']" in signature

    @pytest.mark.parametrize("page", PAGES)
    def test_nothing_is_loaded_from_a_third_party(self, html, page):
        soup = parsed(html / page)
        loaded = [tag["src"] for tag in soup.find_all(["script", "img", "iframe", "source"], src=True)]
        loaded += [tag["href"] for tag in soup.find_all("link", href=True) if "canonical" not in tag.get("rel", [])]
        assert [address for address in loaded if urlsplit(address).netloc] == []

    @pytest.mark.parametrize("page", PAGES)
    def test_every_picture_has_a_size_and_twice_as_many_pixels(self, html, page):
        """Text does not jump when pictures arrive, and figures are crisp on a screen of double density.

        Frames of sliders may be photographs, and scenes of 32 pixels are shown as they are, as in the playground.
        """
        for picture in parsed(html / page).select("article img:not(.figure-card img, .kwm-frame img, .play img)"):
            width, height = int(picture["width"]), int(picture["height"])
            if width > 64 and "_images/" in picture["src"] and picture.find_parent(class_="cell_output"):
                with Image.open((html / page).parent / picture["src"]) as stored:
                    assert stored.width >= 2 * width - 1
                    assert stored.width / stored.height == pytest.approx(width / height, rel=0.02)

    def test_figures_are_links_to_their_svg(self, html):
        links = parsed(html / "book/figures/recartoonx-fig3.html").select("article a:has(img)")
        assert {Path(link["href"]).name for link in links} >= {"recartoonx-fig3-ours.svg", "recartoonx-fig3-l2.svg"}

    @pytest.mark.parametrize("page", PAGES)
    def test_every_picture_has_a_description(self, html, page):
        """A picture in a link with a text is decoration, and has an empty one, so that nothing is read twice."""
        pictures = parsed(html / page).select("article img")
        decoration = [
            picture for picture in pictures if (link := picture.find_parent("a")) and link.get_text(strip=True)
        ]
        assert all(picture.get("alt") == "" for picture in decoration)
        others = [picture for picture in pictures if picture not in decoration]
        faults = {str(picture)[:200]: fault(picture.get("alt", "")) for picture in others}
        assert {picture: found for picture, found in faults.items() if found} == {}
