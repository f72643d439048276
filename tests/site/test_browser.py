"""Every page of the built book in a browser: one visit, on a desk and on a phone, in light and in dark."""

from pathlib import Path

import pytest

from helpers.core.files import ROOT
from helpers.site import toc_pages
from helpers.site.chapters import load_chapters
from tests.support import axe

SCREENSHOTS = ROOT / "_build/screenshots"
OTHERS = ["genindex.html", "search.html"]
PAGES = [str(Path(page).with_suffix(".html")) for page in toc_pages()]
CHAPTERS = {str(Path(page).with_suffix(".html")) for page in load_chapters()}
WIDTHS = {"desktop": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}
HEAVIEST = 3_000_000  # bytes at first view
MAIN_LINE = """() => {
    const top = element => element.getBoundingClientRect().top;
    const exercises = [...document.querySelectorAll('article h2')].find(h => h.innerText.includes('Exercises'));
    return top(exercises) - top(document.querySelector('article h1'));
}"""
TWO_FRAMES = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


@pytest.mark.parametrize("page", [*PAGES, *OTHERS])
def test_a_visit(address, context, page):
    """Loads without a fault, is light, fits, obeys its controls, and breaks no rule of axe."""
    tab = context.new_page()
    tab.set_viewport_size(WIDTHS["desktop"])
    tab.emulate_media(color_scheme="light")
    faults, weights = [], {}
    tab.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    tab.on("pageerror", lambda error: faults.append(str(error)))
    tab.on("requestfailed", lambda request: faults.append(f"failed: {request.url}"))
    tab.on(
        "request", lambda request: None if request.url.startswith((address, "data:")) else faults.append(request.url)
    )
    tab.on("response", lambda answer: weights.update({answer.url: int(answer.headers.get("content-length", 0))}))
    try:
        tab.goto(f"{address}/{page}", wait_until="load")
        tab.wait_for_function("!window.MathJax || !MathJax.startup || MathJax.startup.promise.then(() => true)")
        own = {url: size for url, size in weights.items() if "/_static/playground/" not in url}  # what "Try it" runs
        assert sum(own.values()) < HEAVIEST, sorted(weights.items(), key=lambda item: -item[1])[:6]
        assert tab.locator(".math").count() == 0 or tab.locator("mjx-container").count() > 0, "formulas were not set"
        assert tab.locator("mjx-merror").count() == 0
        if page in CHAPTERS:
            assert tab.evaluate(MAIN_LINE) / 900 <= 12.05, "screens from the title to the exercises"
        for width, size in WIDTHS.items():
            tab.set_viewport_size(size)
            _sliders_work(tab)
            _lists_work(tab)
            sticking_out = tab.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert sticking_out <= 0, f"the page is {sticking_out} px wider than a {width}"
        assert faults == []  # before axe, which asks for the style sheets again, one at a wrong address
        axe.prepare(tab)
        broken = [f"desktop: {violation}" for violation in _judged(tab, "desktop", axe.violations, colours=False)]
        broken += [f"phone: {violation}" for violation in _judged(tab, "phone", axe.size_violations)]
        axe.thin_out(tab)
        # the same elements as on a desk, of which a phone hides some: two of each kind tell
        broken += [f"phone: {violation}" for violation in _judged(tab, "phone", axe.violations, colours=False)]
        for width, size in WIDTHS.items():
            tab.set_viewport_size(size)
            for scheme in ("light", "dark"):
                tab.emulate_media(color_scheme=scheme)
                tab.wait_for_function("scheme => document.documentElement.dataset.theme == scheme", arg=scheme)
                broken += [f"{width}, {scheme}: {violation}" for violation in axe.violations(tab, colours=True)]
        assert broken == []
    except BaseException:
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        tab.screenshot(path=SCREENSHOTS / f"{Path(page).stem}.png", full_page=True)
        raise
    finally:
        tab.close()


def test_axe_finds_what_is_wrong(context):
    """The check itself: a picture without a description, grey on grey, and a box that no key can scroll."""
    tab = context.new_page()
    tab.set_content('<html lang="en"><title>t</title><main><h1>x</h1><img src="data:,"><p style="color:#ccc">grey</p>')
    axe.prepare(tab)
    assert [violation.split(":")[0] for violation in axe.violations(tab, colours=False)] == ["image-alt"]
    axe.thin_out(tab)
    assert [violation.split(":")[0] for violation in axe.violations(tab, colours=True)] == ["color-contrast"]
    tab.set_content('<div style="width: 50px; overflow: auto"><table style="width: 99px"><td>x</td><td>x</td></table>')
    axe.prepare(tab)
    assert [violation.split(":")[0] for violation in axe.size_violations(tab)] == ["scrollable-region-focusable"]
    tab.close()


def _judged(tab, width: str, judge, **options) -> list[str]:
    """The violations that a function of `axe` finds in a window of this width."""
    tab.set_viewport_size(WIDTHS[width])
    tab.evaluate("scrollTo({top: 0, behavior: 'instant'})")  # nothing lies under the bar at the top
    tab.evaluate(TWO_FRAMES)  # in which scrollers.js sees the new width
    return judge(tab, **options)


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
