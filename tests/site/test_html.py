"""The built book: its links, its outputs, and how its pages behave in a browser, on a desk and on a phone."""

import functools
import http.server
import os
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from bs4 import BeautifulSoup
from PIL import Image

from helpers.core.files import ROOT
from helpers.site import toc_pages
from helpers.site.chapters import load_chapters
from helpers.site.html import COMPLETE
from helpers.site.reference import exported
from helpers.site.source import is_executable
from tests.support.alt_texts import fault

HTML = ROOT / "_build/html"
SCREENSHOTS = ROOT / "_build/screenshots"
PAGES = [str(Path(page).with_suffix(".html")) for page in toc_pages()]
RUN_PAGES = [str(Path(page).with_suffix(".html")) for page in toc_pages() if is_executable(ROOT / page)]
WITH_LISTS = [page for page in toc_pages() if "frame_list(" in (ROOT / page).read_text(encoding="utf-8")]
WIDTHS = {"desktop": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="module", autouse=True)
def html() -> Path:
    """The built book, built now where it is not there yet."""
    if not (ROOT / COMPLETE).exists():
        command = [sys.executable, "-m", "snakemake", "--cores", "all", "--nolock", "--rerun-incomplete", "html"]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return HTML


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
        article = BeautifulSoup(str(parsed(html / page).select_one("article")), "html.parser")
        for code in article.select(".highlight, .math, code.py, script, style"):
            code.decompose()
        assert re.findall(r"\{[a-z][a-z:-]*\}`?|^:::.*|```.*", article.get_text(), re.MULTILINE) == []

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
        """Text does not jump when pictures arrive, and figures are crisp on a screen of double density."""
        for picture in parsed(html / page).select("article img:not(.figure-card img)"):
            width, height = int(picture["width"]), int(picture["height"])
            if "_images/" in picture["src"] and picture.find_parent(class_="cell_output"):
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


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture(scope="module")
def address(html) -> str:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(html)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def browser():
    executable = next(filter(None, map(shutil.which, BROWSERS)), None)
    if executable is None:
        pytest.skip("needs a browser: none of " + ", ".join(BROWSERS) + " is on this machine (.ci/run installs one)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        flags = ["--no-sandbox"] if hasattr(os, "getuid") and os.getuid() == 0 else []
        started = playwright.chromium.launch(executable_path=executable, args=flags)
        yield started
        started.close()


@pytest.fixture(scope="module")
def context(browser):
    """One cache for all pages: the scripts and fonts that they share are loaded once."""
    opened = browser.new_context()
    opened.set_default_timeout(120_000)  # a busy machine
    yield opened
    opened.close()


@pytest.mark.parametrize("page", PAGES)
def test_in_a_browser(address, context, page):
    """The page loads without a fault; its formulas are set; at both widths its controls work and nothing sticks out."""
    tab = context.new_page()
    tab.set_viewport_size(WIDTHS["desktop"])
    faults = []
    tab.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    tab.on("pageerror", lambda error: faults.append(str(error)))
    tab.on("requestfailed", lambda request: faults.append(f"failed: {request.url}"))
    tab.on(
        "request", lambda request: None if request.url.startswith((address, "data:")) else faults.append(request.url)
    )
    try:
        tab.goto(f"{address}/{page}", wait_until="load")
        tab.wait_for_function("!window.MathJax || !MathJax.startup || MathJax.startup.promise.then(() => true)")
        assert tab.locator(".math").count() == 0 or tab.locator("mjx-container").count() > 0, "formulas were not set"
        assert tab.locator("mjx-merror").count() == 0
        for width, size in WIDTHS.items():
            tab.set_viewport_size(size)
            _sliders_work(tab)
            _lists_work(tab)
            sticking_out = tab.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert sticking_out <= 0, f"the page is {sticking_out} px wider than a {width}"
        assert faults == []
    except BaseException:
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        tab.screenshot(path=SCREENSHOTS / f"{Path(page).stem}.png", full_page=True)
        raise
    finally:
        tab.close()


def _shown(box) -> list[bool]:
    """Which frames of a box are visible."""
    return box.evaluate(
        "box => [...box.querySelectorAll('.kwm-frame')].map(f => getComputedStyle(f).visibility == 'visible')"
    )


def _sliders_work(tab) -> None:
    """Each slider shows exactly one frame, and another one after a key was pressed."""
    for box in tab.locator(".kwm-frames").all():
        before = _shown(box)
        assert sum(before) == 1
        slider = box.locator("input[type=range]")
        if len(before) == 1 or slider.count() == 0 or not slider.first.is_visible():
            continue
        slider.first.focus()
        tab.keyboard.press("Home" if before[-1] else "End")
        after = _shown(box)
        assert sum(after) == 1
        assert after != before, "the slider moved, the picture did not change"


def _lists_work(tab) -> None:
    """Choosing the last entry shows the last frame and nothing else; the arrow key then shows the one before it."""
    for box in tab.locator(".kwm-frames:has(select)").all():
        chooser = box.locator("select")
        count = chooser.locator("option").count()
        assert count == len(_shown(box))
        chooser.select_option(index=count - 1)
        assert _shown(box) == [index == count - 1 for index in range(count)]
        chooser.focus()
        tab.keyboard.press("ArrowUp")
        assert _shown(box) == [index == count - 2 for index in range(count)]
        assert chooser.evaluate("list => list.labels.length > 0 || !!list.getAttribute('aria-label')")


def test_the_ledger_can_be_filtered_and_downloaded(address, context):
    tab = context.new_page()
    try:
        tab.goto(f"{address}/book/ledger.html", wait_until="load")
        rows, status = tab.locator("#ledger tbody tr"), tab.locator(".ledger-filters [role=status]")
        total = rows.count()
        assert total > 200
        assert status.inner_text() == f"{total} of {total} claims"
        tab.get_by_label("Outcome").select_option("holds")
        shown = [row for row in rows.all() if row.is_visible()]
        assert 0 < len(shown) < total
        assert {row.get_attribute("data-outcome") for row in shown} == {"holds"}
        assert status.inner_text() == f"{len(shown)} of {total} claims"
        tab.get_by_label("Data").select_option("photographs")
        assert all("photographs" in row.get_attribute("data-evidence") for row in rows.all() if row.is_visible())
        for name in ("CSV", "JSON"):
            with tab.expect_download() as download:
                tab.get_by_role("link", name=name).click()
            assert download.value.path().stat().st_size > 10_000
    finally:
        tab.close()


def test_without_javascript_all_frames_are_shown(html, address, browser):
    pages = [page for page in RUN_PAGES if 'class="kwm-frames"' in (html / page).read_text(encoding="utf-8")]
    assert len(pages) > 5
    hidden = {}
    for page in pages:
        tab = browser.new_page(java_script_enabled=False)
        tab.set_default_timeout(120_000)
        tab.goto(f"{address}/{page}")
        frames = tab.locator(".kwm-frames .kwm-frame").all()
        assert frames, page
        hidden[page] = sum(not frame.is_visible() for frame in frames)
        tab.close()
    assert hidden == dict.fromkeys(pages, 0)


@pytest.mark.parametrize("page", load_chapters())
def test_a_chapter_is_at_most_twelve_screens(address, browser, page):
    tab = browser.new_page(viewport={"width": 1280, "height": 900})
    tab.goto(f"{address}/{Path(page).with_suffix('.html')}")
    height = tab.evaluate(
        """() => {
            const top = element => element.getBoundingClientRect().top;
            const exercises = [...document.querySelectorAll('article h2')].find(h => h.innerText.includes('Exercises'));
            return top(exercises) - top(document.querySelector('article h1'));
        }"""
    )
    tab.close()
    assert height / 900 <= 12.05, "screens from the title to the exercises"
