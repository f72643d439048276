"""The page "Try it" in a browser, under a strict Content-Security-Policy: what readers and teachers do with it."""

import base64
import io
import json
import re
from urllib.parse import urlsplit

import axe
import numpy as np
import pytest
from PIL import Image

from benchmarks.live_site import missing, serve
from helpers.core.evidence import read_evidence
from helpers.core.explanation import Explanation
from helpers.core.files import ROOT
from helpers.data.scenes import SCENE_CLASSES, make_scenes
from helpers.playground.publish import publish_playground
from helpers.playground.sprites import NUMBERS, OBJECTS, SEED, SIZE
from helpers.site.polish import with_policy

if reason := missing():
    pytest.skip(reason, allow_module_level=True)

STRICT = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src 'self' data: blob:; base-uri 'none'; form-action 'none'"
)
SLOW = ("CartoonX", "CartoonX, a given number", "Pixel RDE", "RISE")
LIVE = "#playground[data-live]"


def _page(policy: str) -> str:
    """A page of the book as far as the playground needs it; the colours are the theme's."""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Try it</title>{policy}'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
        '<link rel="stylesheet" href="../_static/theme.css"><link rel="stylesheet" href="../_static/try-it.css">'
        '<script src="../_static/try-it.js"></script></head><body><main class="bd-article"><h1>Try it</h1><h2>Live</h2>'
        '<div id="playground"><p>An example</p></div></main></body></html>'
    )


THEME = """:root { --pst-color-background: #fff; --pst-color-surface: #f3f4f5; --pst-color-border: #c9c9c9;
--pst-color-text-base: #14181e; --pst-color-text-muted: #48566b; color: #14181e }
@media (prefers-color-scheme: dark) { :root { --pst-color-background: #14181e; --pst-color-surface: #29313d;
--pst-color-border: #48566b; --pst-color-text-base: #ced6dd; --pst-color-text-muted: #9ca4af;
color: #ced6dd; background: #14181e } .bd-article a { color: #7eb6ff } }"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    publish_playground(folder, ROOT)
    for name in ("try-it.css", "try-it.js"):
        (folder / "_static" / name).write_bytes((ROOT / "book/_static" / name).read_bytes())
    (folder / "_static/theme.css").write_text(THEME)
    (folder / "book").mkdir()
    strict = f'<meta http-equiv="Content-Security-Policy" content="{STRICT}">'
    (folder / "book/try-it.html").write_text(_page(strict))
    (folder / "book/disk.html").write_text(with_policy(_page("")))
    return folder


@pytest.fixture(scope="module")
def address(site):
    with serve(site) as url:
        yield f"{url}/book/try-it.html"


@pytest.fixture(scope="module")
def shared(browser, address):
    """A tab that all tests share, so that the networks are loaded once; and what went wrong in it."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, has_touch=True)
    tab = context.new_page()
    tab.set_default_timeout(20_000)
    tab.faults, tab.asked = [], []
    tab.on("pageerror", lambda error: tab.faults.append(str(error)))
    tab.on("console", lambda message: tab.faults.append(message.text) if message.type == "error" else None)
    tab.on("request", lambda request: tab.asked.append(request.url))
    tab.goto(address)
    tab.wait_for_selector(LIVE)
    yield tab
    assert tab.faults == []
    context.close()


@pytest.fixture
def tab(shared):
    """The shared tab at its beginning, without slow methods."""
    show(shared, "m=grad-cam")
    return shared


def show(tab, settings: str) -> None:
    """Open a link, as a reader who follows one."""
    script = """settings => new Promise(done => {
        const soon = () => requestAnimationFrame(() => requestAnimationFrame(done));
        addEventListener('hashchange', soon, {once: true});
        location.hash = '#try=1&' + settings + '&number=' + performance.now();
    })"""
    tab.evaluate(script, settings)


def picture(tab, selector=".play-scene") -> np.ndarray:
    """The pixels of a canvas, in [0, 1]."""
    address = tab.locator(selector).first.evaluate("canvas => canvas.toDataURL('image/png')")
    image = Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2])))
    return np.asarray(image.convert("RGB"), dtype=np.float32) / 255


def choose(tab, name: str):
    """The list of this name."""
    return tab.get_by_role("combobox", name=name, exact=True)


def tick(tab, name: str):
    """The box of this name."""
    return tab.get_by_role("checkbox", name=name, exact=True)


def shares(tab) -> list[str]:
    return tab.locator(".play-share").all_inner_texts()


def until(tab, condition: str) -> None:
    tab.wait_for_function(condition)


def test_the_picture_is_that_of_the_painter(tab):
    for index in (0, 4, 9):
        tab.locator(".play-scenes button").nth(index).click()
        tab.wait_for_function(
            "index => document.querySelectorAll('.play-scenes button')[index].ariaPressed == 'true'", arg=index
        )
        painted = make_scenes(1, size=SIZE, seed=SEED, start=NUMBERS[index], objects=OBJECTS).images[0]
        assert np.abs(picture(tab) - painted.permute(1, 2, 0).numpy()).max() <= 2.01 / 255


def test_dragging_moves_an_object_and_the_answer(tab):
    before, image = shares(tab), picture(tab)
    box = tab.locator(".play-scene").bounding_box()
    x, y = box["x"] + 0.65 * box["width"], box["y"] + 0.7 * box["height"]  # on the house
    tab.mouse.move(x, y)
    tab.mouse.down()
    for step in range(10):
        tab.mouse.move(x + 6 * step, y + 9 * step)
    tab.mouse.up()
    until(tab, "() => location.hash.includes('house-1')")
    assert np.abs(picture(tab) - image).max() > 0.1
    said = "() => [...document.querySelectorAll('.play-share')].map(each => each.innerText).join()"
    tab.wait_for_function(f"before => ({said})() != before", arg=",".join(before))
    assert tab.locator(".play-handle.play-selected").get_attribute("aria-label").startswith("house")


def test_everything_by_keyboard(tab):
    tab.locator(".play-handle").first.focus()
    name = tab.evaluate("document.activeElement.getAttribute('aria-label')")
    tab.keyboard.press("ArrowRight")
    until(tab, f"() => document.activeElement.getAttribute('aria-label') != {json.dumps(name)}")
    count = tab.locator(".play-handle").count()
    tab.keyboard.press("Delete")
    until(tab, f"() => document.querySelectorAll('.play-handle').length == {count - 1}")
    tick(tab, "Planted mark").press("Space")
    until(tab, f"() => document.querySelectorAll('.play-handle').length == {count}")
    choose(tab, "Objects").select_option(label="fish")
    until(tab, f"() => document.querySelectorAll('.play-handle').length == {count + 1}")
    tab.get_by_role("radio", name="heart").press("Space")
    until(tab, "() => location.hash.includes('t=heart')")


def test_drawing_and_undoing(tab):
    image = picture(tab)
    tab.get_by_role("button", name="Draw").click()
    box = tab.locator(".play-scene").bounding_box()
    tab.mouse.move(box["x"] + 20, box["y"] + 20)
    tab.mouse.down()
    tab.mouse.move(box["x"] + 150, box["y"] + 20, steps=5)
    tab.mouse.up()
    undo = tab.get_by_role("button", name="Undo the last stroke")
    undo.wait_for()
    drawn = np.abs(picture(tab) - image).max(2) > 0.1
    assert 1000 < drawn.sum() < 3000
    tab.get_by_role("button", name="Draw").click()
    undo.click()
    undo.wait_for(state="hidden")
    np.testing.assert_array_equal(picture(tab), image)


def test_a_photograph_is_shown_upright_and_a_bad_file_refused_in_words(tab):
    pixels = np.zeros((40, 60, 3), np.uint8)
    pixels[:, 30:] = 255  # the right half is white; turned by 90 degrees it is the lower one
    stream, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(pixels).save(stream, "JPEG", exif=exif)
    chooser = tab.locator("input[type=file]")
    chooser.set_input_files({"name": "me.jpg", "mimeType": "image/jpeg", "buffer": stream.getvalue()})
    tab.get_by_role("button", name="Back to the scene").wait_for()
    shown = picture(tab)
    assert shown[:100].mean() < 0.05
    assert shown[-100:].mean() > 0.95
    assert tab.get_by_text("yours stays on this machine").is_visible()
    huge = bytearray(64)
    huge[:8], huge[16:24] = b"\x89PNG\r\n\x1a\n", (30_000).to_bytes(4, "big") * 2
    for name, content, words in (
        ("broken.jpg", stream.getvalue()[:200], "no picture that this browser can read"),
        ("notes.txt", b"no picture", "no picture"),
        ("huge.png", bytes(huge), "30000 × 30000 pixels"),
    ):
        chooser.set_input_files({"name": name, "mimeType": "image/jpeg", "buffer": content})
        until(tab, f"() => document.querySelector('.play-warning').innerText.includes({json.dumps(words)})")
        assert name in tab.locator(".play-warning").inner_text()
    tab.get_by_role("button", name="Back to the scene").click()
    tab.locator(".play-warning").wait_for(state="hidden")


@pytest.mark.parametrize(
    "classifier", ["scenes-cnn", "scenes-multilabel", "scenes-shortcut", "scenes-vit", "scenes-small"]
)
def test_every_method_shows_a_mask_and_both_answers(shared, classifier):
    names = shared.evaluate("() => [...document.querySelectorAll('.play-methods input')].length")
    assert names == 10
    show(shared, f"c={classifier}&m=")
    shared.locator(".play-empty").wait_for()
    for box in shared.locator(".play-methods label:visible").all():
        box.click()
    cards = shared.locator(".play-card")
    models = json.loads((ROOT / "_build/playground/models/manifest.json").read_text())["models"]
    learned = "mask-cartoonx" in {model["name"] for model in models}
    expected = {
        "scenes-cnn": 5 + 2 * learned,
        "scenes-multilabel": 2,
        "scenes-shortcut": 5,
        "scenes-vit": 2,
        "scenes-small": 2,
    }
    until(shared, f"() => document.querySelectorAll('.play-card').length == {expected[classifier]}")
    for card in cards.all():
        title = card.get_attribute("aria-label")
        shared.wait_for_function(
            "card => !/…/.test(card.querySelector('.play-figures').innerText)", arg=card.element_handle()
        )
        mask, kept, removed = card.locator(".play-answer").all_inner_texts()
        assert re.fullmatch(r"<?\d+\s% on average", mask), title
        assert all(re.search(r"\d\s%$", text) for text in (kept, removed)), title
        if title in SLOW:
            assert re.search(r"\d+ of \d+ (steps|masks)", card.inner_text()), title
    assert not shared.locator(".play-warning").is_visible()
    show(shared, "m=")


def test_a_growing_mask_is_paused_goes_on_and_ends(tab):
    show(tab, "m=cartoonx&lk=50")
    card = tab.get_by_role("region", name="CartoonX")
    steps = ".play-progress"
    until(tab, f"() => parseInt(document.querySelector('{steps}')?.innerText) >= 6")
    card.get_by_role("button", name="Pause").click()
    tab.wait_for_timeout(300)  # a step that has begun comes to its end
    held = card.locator(steps).inner_text()
    tab.wait_for_timeout(400)
    assert card.locator(steps).inner_text() == held
    card.get_by_role("button", name="Go on").click()
    until(tab, f"() => document.querySelector('{steps}').innerText == '60 of 60 steps'")
    points = card.locator("polyline").get_attribute("points").split()
    assert len(points) == 60
    name = card.locator(".play-curve").get_attribute("aria-label")
    first, last = map(float, re.findall(r"\d+\.\d+", name))
    assert last < first
    with tab.expect_download() as download:
        card.get_by_role("button", name="Save").click()
    path = download.value.path().with_name("evidence.zip")
    download.value.save_as(path)
    explanation = Explanation.load(path)
    assert explanation.mask.shape == (1, 1, 64, 64)
    assert explanation.history["objective"].shape == (1, 60)
    assert explanation.representation_mask is not None
    evidence = read_evidence(path)
    assert evidence.settings["method"] == "cartoonx"
    assert evidence.settings["options"] == {"lambda": 50}
    assert evidence.settings["classes"] == list(SCENE_CLASSES)


def test_the_link_restores_the_state(tab, address, browser):
    show(tab, "scene=4&bg=bricks&mark=20.30&d=2a2630.18.10.10.90.90&c=scenes-shortcut&t=fish&m=explainer")
    image, hash_ = picture(tab), tab.evaluate("location.hash")
    until(tab, "() => !/…/.test(document.querySelector('.play-figures').innerText)")
    other = browser.new_page()
    other.goto(address + hash_)
    other.wait_for_selector(LIVE)
    np.testing.assert_array_equal(picture(other), image)
    assert choose(other, "Classifier").input_value() == "scenes-shortcut"
    assert other.get_by_role("radio", name="fish").is_checked()
    assert tick(other, "Explainer").is_checked()
    other.close()


def test_a_teacher_makes_a_link_that_hides_controls(tab):
    tab.get_by_text("For teachers").click()
    for name in ("brush", "own photograph", "choice of methods"):
        tab.get_by_role("checkbox", name=name).check()
    tab.get_by_role("button", name="Make and copy it").click()
    link = tab.locator(".play-teacher .play-link")
    until(tab, "() => document.querySelector('.play-teacher .play-link').value.includes('hide=')")
    tab.evaluate("link => { location.hash = new URL(link).hash }", link.input_value())
    tab.get_by_role("button", name="Draw").wait_for(state="hidden")
    assert not tab.locator(".play-methods").is_visible()
    assert not tab.locator("input[type=file]").is_visible()
    assert choose(tab, "Background").is_visible()
    tab.get_by_text("For teachers").click()
    show(tab, "m=")


def test_by_touch_on_a_phone(tab):
    tab.set_viewport_size({"width": 390, "height": 844})
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390
    finger = tab.context.new_cdp_session(tab)
    box = tab.locator(".play-scene").bounding_box()
    x, y = box["x"] + 0.65 * box["width"], box["y"] + 0.7 * box["height"]
    names = "() => [...document.querySelectorAll('.play-handle')].map(each => each.ariaLabel).join('; ')"
    before = tab.evaluate(names)
    for step in range(6):
        kind = "touchMove" if step else "touchStart"
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x - 10 * step, "y": y}]})
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    tab.wait_for_function(f"before => ({names})() != before", arg=before)
    tab.set_viewport_size({"width": 1280, "height": 900})


def test_nothing_comes_from_elsewhere_and_offline_it_goes_on(tab, address):
    hosts = {urlsplit(url).netloc for url in tab.asked if not url.startswith(("data:", "blob:"))}
    assert hosts == {urlsplit(address).netloc}
    tab.context.set_offline(True)
    before = tab.locator(".play-classes").inner_text()
    choose(tab, "Background").select_option("bricks")
    tab.locator(".play-handle").first.focus()
    tab.keyboard.press("Delete")
    tab.wait_for_function("before => document.querySelector('.play-classes').innerText != before", arg=before)
    tab.context.set_offline(False)


def test_from_disk_and_axe_finds_nothing_in_light_and_in_dark(site, browser):
    tab = browser.new_page()
    faults = []
    tab.on("pageerror", lambda error: faults.append(str(error)))
    tab.goto((site / "book/disk.html").as_uri() + "#try=1&mark=1.1&m=grad-cam~cartoonx~rise")
    tab.wait_for_selector(LIVE)
    until(tab, "() => !/…/.test(document.querySelector('.play-figures').innerText)")
    choose(tab, "Background").select_option("bricks")
    until(tab, "() => location.hash.includes('bg=bricks')")
    assert faults == []
    axe.prepare(tab)  # its styles would offend the policy of the other page
    found = axe.violations(tab, colours=False)
    for scheme in ("light", "dark"):
        tab.emulate_media(color_scheme=scheme)
        found += axe.violations(tab, colours=True)
    assert found == []
    tab.close()


def test_a_missing_file_is_told_and_the_example_stays(address, browser):
    tab = browser.new_page()
    tab.route("**/scenes.json*", lambda route: route.abort())
    tab.goto(address)
    until(tab, "() => document.querySelector('#playground').innerText.includes('could not be loaded')")
    assert tab.get_by_text("An example", exact=True).is_visible()
    tab.close()
