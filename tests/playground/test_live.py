"""The live controls of the chapters in a browser: over http, from disk, offline, by keyboard, and what they compute."""

import base64
import gzip
import re
from pathlib import Path
from urllib.parse import urlsplit

import axe
import numpy as np
import pytest
import torch

from benchmarks.live_site import LAB, PAGE, make_site, missing, run_node, serve
from helpers.chapters.cartoonx.live import live_number, live_price
from helpers.chapters.space_vae.game import GameCards
from helpers.classifiers import load_classifier
from helpers.data.scenes import make_scenes
from helpers.methods.rde import CartoonX
from helpers.methods.rde.optimise import LION_BETAS
from helpers.methods.rde.options import RECIPES
from helpers.methods.rde.schedule import learning_rate_at
from helpers.widgets import InBrowser, frame_list, frame_slider

if reason := missing():
    pytest.skip(reason, allow_module_level=True)

PRICE, CLASS, BETA, ROLLOUT, GAME, TOY, NUMBER = range(7)
MADE = "canvas"
LARGEST_START = 6_000_000  # bytes from the button to the Explainer's first answer


def blank(value):
    return torch.full((3, 60, 300), 0.5)


@pytest.fixture(scope="module")
def scenes():
    return {size: make_scenes(4, size=size, seed=3, objects=(1, 2)).images for size in (32, 64, 128)}


@pytest.fixture(scope="module")
def site(tmp_path_factory, scenes):
    """A site with the seven kinds of live controls."""
    explained = {"classifier": "scenes-multilabel", "target": 1}
    price = live_price(load_classifier("scenes-cnn"), scenes[128][0], [1.25, 1280], start=20, steps=6)
    number = live_number(load_classifier("scenes-cnn"), scenes[128][0], [10, 160], start=40, steps=6)
    beta = InBrowser("space-vae-beta", scenes[32][:2], {"least": 1, "most": 100, "start": 10})
    rollout = InBrowser("rollout-layers", scenes[128][:2], {"start": 0.9})
    toy = InBrowser("pixel-rde-toy", scenes[32][:1], {"steps": 3, "weight": 1.0, "rate": 0.1})
    controls = [
        frame_slider(blank, [1.25, 1280], "λk", live=price),
        frame_list(blank, ["a", "b"], "class", live=InBrowser("explainer-class", scenes[64], explained)),
        frame_slider(blank, [1, 100], "β", live=beta),
        frame_slider(blank, [0.0, 0.9], "discarded", live=rollout),
        GameCards((), InBrowser("space-vae-game", scenes[32])),
        frame_slider(blank, [0.1, 1], "λk", live=toy),
        frame_slider(blank, [10, 160], "coefficients", live=number),
    ]
    html = "".join(control._repr_html_() for control in controls)
    return make_site(tmp_path_factory.mktemp("live"), html)


@pytest.fixture(scope="module")
def address(site):
    with serve(site) as url:
        yield url


@pytest.fixture
def tab(browser):
    """A tab that records what it requests and what goes wrong."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(60_000)
    page = context.new_page()
    page.requested, page.wrong = [], []
    page.on("request", lambda request: page.requested.append(request.url))
    page.on("console", lambda message: page.wrong.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: page.wrong.append(str(error)))
    yield page
    context.close()


def enliven(tab, number):
    box = tab.locator("[data-live]").nth(number)
    box.get_by_role("button", name="Make it live").click()
    panel = box.locator(".kwm-live-panel")
    panel.locator(MADE).first.wait_for()
    return panel


def titles(box):
    return [text.replace("\xa0", " ") for text in box.locator("figcaption:visible").all_inner_texts()]


@pytest.mark.parametrize("origin", ["http", "disk"])
def test_a_button_replaces_the_frames_by_what_they_show(site, address, tab, origin):
    start = address if origin == "http" else site.as_uri()
    tab.goto(f"{start}/{PAGE}")
    assert not [url for url in tab.requested if "playground" in url or "_images" in url]  # nothing before the button
    price = enliven(tab, PRICE)
    price.get_by_text("step 6 of 6").wait_for()
    words = titles(price)
    assert words[0] == "the image"
    assert re.fullmatch(r"kept: \w+, \d+ %", words[1])
    assert re.fullmatch(r"mask: keeps [\d.]+ %", words[2])
    explained = titles(enliven(tab, CLASS))
    assert re.fullmatch(r"\w+: \d+ %", explained[0])
    assert re.fullmatch(r"its mask: [\d.]+ %", explained[1])
    assert re.fullmatch(r"kept part: \d+ %", explained[2])
    beta = titles(enliven(tab, BETA))
    assert len(beta) == 6
    assert re.fullmatch(r"\w+, \d+ %\nbrightness \d+ %", beta[2])
    assert enliven(tab, ROLLOUT).locator(MADE).count() == 4
    game = enliven(tab, GAME)
    game.get_by_role("button", name="Still the same").click()
    assert re.search(r"(Right|Wrong)\. .* [01] of 1 right; a coin: 0.5", game.get_by_role("status").inner_text())
    toy = enliven(tab, TOY)
    toy.get_by_text("step 3 of 3").wait_for()
    assert re.fullmatch(r"mask: keeps [\d.]+ %", titles(toy)[0])
    assert toy.get_by_role("img", name=re.compile("After 3 of 3 steps: distortion .*, objective")).count() == 1
    number = enliven(tab, NUMBER)
    number.get_by_text("step 6 of 6: distortion").wait_for()
    assert 35 <= int(titles(number)[2].removeprefix("mask: keeps ")) <= 45  # the stop nearest to 40
    assert tab.locator(".kwm-stage:visible").count() == 0  # the frames have gone
    assert tab.wrong == []
    assert all(url.startswith((start, "blob:", "data:")) for url in tab.requested)


def downloaded(site, requested) -> dict[str, int]:
    """The bytes of each file of the live parts that was requested, as servers send them that compress."""
    paths = {urlsplit(url).path.lstrip("/") for url in requested if "/playground/" in url and url.startswith("http")}
    return {path: len(gzip.compress((site / path).read_bytes())) for path in paths}


def test_it_works_by_keyboard_offline_and_on_a_phone(site, address, tab):
    tab.set_viewport_size({"width": 390, "height": 844})
    tab.goto(f"{address}/{PAGE}")
    tab.get_by_role("button", name="Make it live").nth(CLASS).focus()
    tab.keyboard.press("Enter")
    box = tab.locator("[data-live]").nth(CLASS).locator(".kwm-live-panel")
    box.locator(MADE).first.wait_for()
    assert box.get_by_label("class").evaluate("each => each === document.activeElement")
    loaded = downloaded(site, tab.requested)
    assert {"explainer.onnx", "scenes-multilabel.onnx", "ort.wasm.bin"} <= {Path(path).name for path in loaded}
    assert sum(loaded.values()) < LARGEST_START, loaded
    beta = enliven(tab, BETA)
    tab.context.set_offline(True)
    before = titles(box)
    box.get_by_label("class").focus()
    tab.keyboard.press("ArrowDown")
    changed = "([box, old]) => box.querySelector('figcaption').innerText.split(':')[0] !== old"  # the class
    tab.wait_for_function(changed, arg=[box.element_handle(), before[0].partition(":")[0]])
    slider = beta.get_by_label("β")
    slider.focus()
    values = {beta.locator("output").inner_text()}
    for _ in range(3):
        tab.keyboard.press("ArrowRight")
        values.add(beta.locator("output").inner_text())
    assert len(values) == 4
    assert slider.get_attribute("aria-valuetext") == beta.locator("output").inner_text()
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390
    axe.prepare(tab)
    assert [fault for colours in (False, True) for fault in axe.violations(tab, colours)] == []
    assert tab.wrong == []


def test_a_run_can_be_paused_and_begun_again(address, tab):
    tab.goto(f"{address}/{PAGE}")
    price = enliven(tab, PRICE)
    price.get_by_text("step 6 of 6").wait_for()
    # in the page: six steps may be over before a click from outside arrives
    price.evaluate(
        """async (box) => {
            const named = (name) => [...box.querySelectorAll("button")].find((each) => each.textContent === name)
            named("From the start").click()
            while (named("Pause")?.disabled ?? true) await new Promise((next) => setTimeout(next, 1))
            named("Pause").click()
        }"""
    )
    price.get_by_role("button", name="Go on").wait_for()
    note = price.locator(".kwm-live-note", has_text="step")
    held = note.inner_text()
    tab.wait_for_timeout(150)
    assert note.inner_text() == held != ""
    price.get_by_role("button", name="Go on").click()
    price.get_by_text("step 6 of 6").wait_for()


def test_failures_are_said_in_words_and_the_page_stays_as_it_was(address, tab):
    tab.goto(f"{address}/{PAGE}")
    box = tab.locator("[data-live]").nth(CLASS)
    button, status = box.get_by_role("button", name="Make it live"), box.locator(".kwm-live-status")
    for fault, words in (
        (lambda route: route.fulfill(status=404), "could not be loaded"),
        (lambda route: route.fulfill(body="cut off"), "not the one that this book was built with"),
    ):
        tab.route("**/explainer.onnx*", fault)
        button.click()
        status.get_by_text(words).wait_for()
        assert box.locator(".kwm-stage").is_visible()
        tab.unroute("**/explainer.onnx*")
    enliven(tab, CLASS)
    tab.add_init_script("delete globalThis.WebAssembly")
    tab.reload()
    button.click()
    status.get_by_text("WebAssembly is missing").wait_for()


RUN = """async ([pixels, steps]) => {
    const image = {data: new Float32Array(Uint8Array.fromBase64(pixels).buffer), dims: [1, 3, 64, 64]};
    const engine = await lab.openEngine(lab.base);
    const masks = [], options = {method: 'cartoonx', image, target: null, sparsityWeight: 20, steps, seed: 0};
    let last;
    for await (last of lab.descend(engine, options)) masks.push(...last.representation);
    engine.close();
    return [new Uint8Array(Float32Array.from(masks).buffer).toBase64(), last.history.objective];
}"""


def test_each_of_sixty_steps_is_pytorchs(address, tab, scenes):
    """From the browser's own mask, since Lion takes the sign of a gradient: one that is 0 to rounding ends anywhere."""
    steps, image = 60, scenes[64][:1]
    tab.goto(f"{address}/{LAB}")
    pixels = base64.b64encode(image.numpy().tobytes()).decode()
    encoded, objectives = tab.evaluate(RUN, [pixels, steps])
    options = RECIPES["fast"].with_options(steps=steps, tolerance=None)
    problem = CartoonX(load_classifier("scenes-cnn"), options).problem(image)
    k = problem.coefficients.shape[2]
    masks = numbers(base64.b64decode(encoded)).reshape(steps + 1, 1, 1, k)
    noise = run_node("web/tests/browser/noise.ts", "0", str(steps * 3 * k))
    noises = numbers(noise).reshape(steps, 1, 3, k)
    momentum, (fast, slow) = torch.zeros(1, 1, k), LION_BETAS
    assert bool((masks[0] == 1).all())
    for step in range(steps):
        mask = masks[step].clone().requires_grad_()
        objective = problem.distortions(mask, noises[step], antithetic=True).mean(0) + problem.penalty(mask)
        assert float(objective.detach()) == pytest.approx(objectives[step], abs=1e-3)
        (gradient,) = torch.autograd.grad(objective.sum(), mask)
        update = momentum * fast + gradient * (1 - fast)
        expected = (mask.detach() - learning_rate_at(step, options) * update.sign()).clamp(0, 1)
        momentum = momentum * slow + gradient * (1 - slow)
        clear = update.abs() > 2e-5  # of some 3e-3; the others' sign hangs on the last digits
        assert clear.float().mean() > 0.99
        assert float((masks[step + 1] - expected)[clear].abs().max()) < 1e-3


def numbers(content):
    return torch.from_numpy(np.frombuffer(content, dtype=np.float32).copy())


def test_memory_stays_small(address, tab):
    """A short version of the benchmark, which makes 1,000 runs."""
    tab.goto(f"{address}/{LAB}")
    used = tab.evaluate(
        """async () => {
            const engine = await lab.openEngine(lab.base);
            const images = {data: new Float32Array(3 * 64 * 64), dims: [1, 3, 64, 64]};
            for (let count = 0; count < 100; count++) await engine.run('scenes-cnn', {images});
            return performance.memory.usedJSHeapSize;
        }"""
    )
    assert used < 100e6
