"""What readers do in the built book: search, filter, move a slider by finger, enlarge, print."""

import io
from pathlib import Path

import pytest
from PIL import Image, ImageChops

from helpers.core.files import ROOT
from helpers.site import toc_pages
from helpers.site.source import is_executable

RUN_PAGES = [str(Path(page).with_suffix(".html")) for page in toc_pages() if is_executable(ROOT / page)]
PHONE = {"width": 390, "height": 844}
SLIDERS = "book/cartoonx.html"
FIGURES = "book/figures/recartoonx-fig3.html"


@pytest.fixture
def tab(address, browser):
    """A fresh page."""
    opened = browser.new_page(viewport={"width": 1280, "height": 900})
    opened.set_default_timeout(120_000)
    yield opened
    opened.close()


def test_the_ledger_can_be_filtered_and_downloaded(address, tab):
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


def test_without_javascript_all_frames_are_shown(html, address, browser):
    pages = [page for page in RUN_PAGES if 'class="kwm-frames"' in (html / page).read_text(encoding="utf-8")]
    assert len(pages) > 5
    hidden = {}
    tab = browser.new_page(java_script_enabled=False)
    tab.set_default_timeout(120_000)
    for page in pages:
        tab.goto(f"{address}/{page}", wait_until="domcontentloaded")  # pictures have their size before they are there
        frames = tab.locator(".kwm-frames .kwm-frame")
        assert frames.count(), page
        # the tests' own script runs even so, and asks for all frames at once
        hidden[page] = frames.evaluate_all(
            "frames => frames.filter(frame => !frame.checkVisibility({visibilityProperty: true})"
            " || !frame.getBoundingClientRect().height).length"
        )
    tab.close()
    assert hidden == dict.fromkeys(pages, 0)


def test_frames_are_fetched_when_the_reader_comes_near(address, tab):
    fetched = []
    tab.on("request", lambda request: fetched.append(request.url))
    tab.goto(f"{address}/{SLIDERS}", wait_until="load")
    box = tab.locator(".kwm-frames:has(input)").first
    frames = box.locator("img").evaluate_all("pictures => pictures.map(picture => picture.src)")
    box.scroll_into_view_if_needed()
    tab.wait_for_timeout(300)
    assert len(set(frames)) > 2
    assert len(set(frames) & set(fetched)) <= 1
    height = box.bounding_box()["height"]
    box.locator("input").hover()
    tab.wait_for_timeout(500)
    assert set(frames) <= set(fetched)
    box.locator("input").press("End")
    assert box.locator(".kwm-shown img").evaluate("picture => picture.complete && picture.naturalWidth > 0")
    assert box.bounding_box()["height"] == pytest.approx(height, abs=1)


def test_a_slider_by_mouse_and_by_touch(address, browser):
    context = browser.new_context(viewport=PHONE, has_touch=True)
    tab = context.new_page()
    tab.goto(f"{address}/{SLIDERS}", wait_until="load")
    slider = tab.locator(".kwm-frames input").first
    slider.scroll_into_view_if_needed()
    room = slider.bounding_box()
    chosen = {}
    for name, click in (("touch", tab.touchscreen.tap), ("mouse", tab.mouse.click)):
        for side, x in (("left", room["x"] + 4), ("right", room["x"] + room["width"] - 4)):
            click(x, room["y"] + room["height"] / 2)
            shown = "box => [...box.querySelectorAll('.kwm-frame')].findIndex(f => f.classList.contains('kwm-shown'))"
            chosen[name, side] = tab.locator(".kwm-frames").first.evaluate(shown)
    context.close()
    last = int(chosen["mouse", "right"])
    assert chosen == {("touch", "left"): 0, ("touch", "right"): last, ("mouse", "left"): 0, ("mouse", "right"): last}
    assert last > 0


def test_search_finds(address, tab):
    tab.goto(f"{address}/book/cartoonx.html", wait_until="load")
    tab.keyboard.press("Control+k")
    tab.locator("#pst-search-dialog input").fill("rollout")
    tab.keyboard.press("Enter")
    tab.wait_for_selector("#search-results li a[href*='vit-rollout']")


def test_a_tap_enlarges_a_figure_and_escape_closes_it(address, tab):
    tab.set_viewport_size(PHONE)
    tab.goto(f"{address}/{FIGURES}", wait_until="load")
    link = tab.locator("article a[aria-haspopup=dialog]").first
    drawn = int(link.locator("img").get_attribute("width"))
    link.focus()
    tab.keyboard.press("Enter")
    dialog = tab.locator("dialog.enlarged[open]")
    picture = dialog.locator("img")
    assert picture.get_attribute("src").endswith(".svg")
    assert picture.get_attribute("alt") == link.locator("img").get_attribute("alt")
    assert picture.bounding_box()["width"] >= drawn - 1
    tab.keyboard.press("Escape")
    assert dialog.count() == 0
    assert link.evaluate("link => link == document.activeElement")


def test_a_frame_is_enlarged_by_its_button(address, tab):
    tab.goto(f"{address}/{SLIDERS}", wait_until="load")
    tab.locator(".kwm-enlarge").first.click()
    shown = tab.locator(".kwm-frames .kwm-shown img").first.get_attribute("src")
    assert tab.locator("dialog.enlarged img").get_attribute("src").endswith(Path(shown).name)


@pytest.mark.parametrize("page", [SLIDERS, FIGURES])
def test_dark_mode_leaves_pictures_as_they_are(address, tab, page):
    """Pixel by pixel, but for the corners, which are round."""
    shots = {}
    for scheme in ("light", "dark"):
        tab.emulate_media(color_scheme=scheme)
        tab.goto(f"{address}/{page}", wait_until="load")
        picture = tab.locator("article .cell_output img:visible").first
        picture.scroll_into_view_if_needed()
        picture.evaluate("picture => picture.decode()")
        shot = Image.open(io.BytesIO(picture.screenshot())).convert("RGB")
        shots[scheme] = shot.crop((8, 8, shot.width - 8, shot.height - 8))
    assert max(high for _, high in shots["light"].getextrema()) > 0
    assert ImageChops.difference(*shots.values()).getbbox() is None


def test_in_print_all_frames_are_shown_and_no_bar_over_code(address, tab):
    tab.goto(f"{address}/{SLIDERS}", wait_until="load")
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    tab.emulate_media(media="print")
    frames = tab.locator(".kwm-frames img")
    tab.wait_for_function("() => [...document.querySelectorAll('.kwm-frames img')].every(p => p.naturalWidth > 0)")
    assert all(frame.is_visible() for frame in frames.all())
    assert not any(bar.is_visible() for bar in tab.locator("details.above-input > summary").all())
    assert not any(control.is_visible() for control in tab.locator(".kwm-control").all())
