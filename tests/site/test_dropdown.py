"""Drop-down lists in the built book: they show another picture without a kernel, by mouse and by keyboard."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers.core.files import ROOT
from helpers.site import toc_pages
from tests.site.test_html import address, browser, html, parsed  # noqa: F401  fixtures

SHOWN = "box => [...box.querySelectorAll('.kwm-frame')].map(f => getComputedStyle(f).visibility == 'visible')"


WITH_LISTS = [page for page in toc_pages() if "frame_list(" in (ROOT / page).read_text(encoding="utf-8")]


@pytest.mark.parametrize("page", WITH_LISTS)
def test_every_list_shows_what_is_chosen(address, browser, html, page):  # noqa: F811
    """Choosing the last entry shows the last frame and nothing else; the arrow key then shows the one before it."""
    tab = browser.new_page(viewport={"width": 1280, "height": 900})
    tab.set_default_timeout(120_000)
    tab.goto(f"{address}/{Path(page).with_suffix('.html')}", wait_until="load")
    boxes = tab.locator(".kwm-frames:has(select)").all()
    assert boxes
    for box in boxes:
        chooser = box.locator("select")
        count = chooser.locator("option").count()
        assert count == len(box.evaluate(SHOWN))
        chooser.select_option(index=count - 1)
        assert box.evaluate(SHOWN) == [place == count - 1 for place in range(count)]
        chooser.focus()
        tab.keyboard.press("ArrowUp")
        assert box.evaluate(SHOWN) == [place == count - 2 for place in range(count)]
        assert chooser.evaluate("list => list.labels.length > 0 || !!list.getAttribute('aria-label')")
    tab.close()


def test_the_chapter_on_the_explainer_has_a_list_of_classes(html):  # noqa: F811
    lists = parsed(html / "book/explainer.html").select(".kwm-frames select")
    options = [option.get_text() for option in lists[0].find_all("option")]
    assert {"fish", "heart", "house"} <= set(options)
    assert len(options) == 10
