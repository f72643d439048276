"""Widgets: they move without a kernel, everybody can use them, and no error of theirs stays hidden."""

from __future__ import annotations

import base64
import io
import re
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser

import ipywidgets
import jupyter_client.kernelspec
import matplotlib.pyplot as plt
import nbclient
import nbformat
import numpy as np
import pytest
import torch
from PIL import Image
from uploads import upload

from helpers.plots import show_images
from helpers.widgets import LivePanel, explain_own_image, frame_list, frame_slider, with_live_controls
from helpers.widgets.upload import uploaded_image

COLOURS = torch.rand(4, 3, generator=torch.Generator().manual_seed(0))
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def plain(value):
    """A picture of one colour, which says which value it was drawn for."""
    return COLOURS[value][:, None, None].expand(3, 20, 30)


def page(*widgets):
    body = "".join(f"<section>{widget._repr_html_()}</section>" for widget in widgets)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"/><title>t</title></head><body>{body}</body></html>'
    )


SLIDER = frame_slider(plain, [0, 1, 2, 3], "λk", describe=lambda value: f"colour {value}", start=1)
LIST = frame_list(plain, [0, 1, 2, 3], "class", show_value=lambda value: ["cat", "dog", "owl", "fox"][value])


# --- the page -----------------------------------------------------------------------------------------------------


class StrictParser(HTMLParser):
    """Notes what a browser would have to guess."""

    def __init__(self):
        super().__init__()
        self.tags, self.open, self.problems = [], [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if len(dict(attributes)) != len(attributes):
            self.problems.append(f"an attribute stands twice in {tag}")
        if tag not in ("img", "input", "meta"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.problems.append(f"{tag} is closed and not open")


@pytest.mark.parametrize("widget", [SLIDER, LIST], ids=["slider", "list"])
def test_the_html_is_well_formed_and_needs_nobody_else(widget):
    text = widget._repr_html_()
    ElementTree.fromstring(text)
    parser = StrictParser()
    parser.feed(text)
    assert (parser.problems, parser.open) == ([], [])
    tags = [tag for tag, _ in parser.tags]
    assert "script" not in tags
    assert "link" not in tags
    assert not any("id" in attributes for _, attributes in parser.tags), "two of them may stand on one page"
    addresses = re.findall(r"(?:src|href|url)\W+([^\"')]+)", text)
    assert len(addresses) == 4
    assert all(address.startswith("data:image/webp;base64,") for address in addresses)


def test_every_frame_is_there_and_is_what_was_drawn():
    images = ElementTree.fromstring(SLIDER._repr_html_()).iter("img")
    for image, colour in zip(images, COLOURS, strict=True):
        content = base64.b64decode(image.get("src").split(",")[1])
        picture = Image.open(io.BytesIO(content)).convert("RGB")
        assert picture.size == (int(image.get("width")), int(image.get("height"))) == (30, 20)
        np.testing.assert_allclose(np.asarray(picture) / 255, np.broadcast_to(colour, (20, 30, 3)), atol=0.02)


def test_figures_tensors_and_pictures_can_be_drawn():
    figure, axes = plt.subplots(figsize=(2, 1), dpi=100)
    axes.plot([0, 1])
    plt.close(figure)
    drawn = [figure, show_images(COLOURS[:, :, None, None]), plain(1), plain(1)[:1], Image.new("L", (5, 6))]
    frames = frame_slider(lambda index: drawn[index], range(5), "kind").frames
    assert [(frame.width, frame.height) for frame in frames[2:]] == [(30, 20), (30, 20), (5, 6)]
    assert len({np.asarray(frame.picture()).tobytes() for frame in frames}) == 5
    np.testing.assert_array_equal(np.asarray(frames[4].picture()), 0)


def test_a_drawing_stays_sharp():
    """A lossless file where it costs little: the lines and letters of a figure are exactly what was drawn."""
    picture = Image.new("RGB", (200, 100), "white")
    picture.paste((10, 20, 30), (50, 20, 52, 90))
    frame = frame_slider(lambda _: picture, [1], "x").frames[0]
    np.testing.assert_array_equal(np.asarray(frame.picture()), np.asarray(picture))


def test_the_same_frames_give_the_same_page():
    def draw(value):
        return show_images(plain(value)[None], [str(value)])

    first, second = (frame_slider(draw, [0, 1], "λk")._repr_html_() for _ in range(2))
    assert first == second


def test_words_cannot_break_the_page():
    nasty = "\"'<b>&amp;</b>--></style><script>alert(1)</script>"
    for make in (frame_slider, frame_list):
        text = make(plain, [0, 1], nasty, describe=lambda _: nasty, show_value=lambda _: nasty)._repr_html_()
        root = ElementTree.fromstring(text)
        assert root.get("aria-label") == nasty
        assert {image.get("alt") for image in root.iter("img")} == {nasty}
        assert "<script" not in text


def test_the_first_value_is_shown():
    root = ElementTree.fromstring(SLIDER._repr_html_())
    shown = [index for index, frame in enumerate(root.iter("figure")) if "kwm-shown" in frame.get("class")]
    control = next(root.iter("input"))
    assert shown == [1]
    assert (control.get("value"), control.get("max"), control.get("aria-valuetext")) == ("1", "3", "1")
    assert frame_slider(plain, [0, 1, 2], "x").start == 1, "the middle one, where nothing is said"
    chosen = [
        option.text for option in ElementTree.fromstring(LIST._repr_html_()).iter("option") if option.get("selected")
    ]
    assert chosen == ["owl"]


def test_numbers_are_written_shortly():
    values = [0.1 + 0.2, 16, 1e-5, "ones"]
    frames = frame_slider(lambda _: plain(0), values, "value").frames
    assert [frame.value for frame in frames] == ["0.3", "16", "1e-05", "ones"]
    assert frames[1].description == "value: 16"


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: frame_slider(plain, [], "λk"), "'λk' needs at least one value"),
        (lambda: frame_slider(plain, [0, 1], "λk", start=3), "start=3 is not one of the values"),
        (lambda: frame_list(lambda _: torch.rand(2, 4, 4), [0], "λk"), r"render must return.*not \(2, 4, 4\)"),
        (lambda: frame_slider(lambda _: None, [0], "λk"), "render must return.*not NoneType"),
    ],
)
def test_what_does_not_fit_is_an_error(make, said):
    with pytest.raises(ValueError, match=said):
        make()


def test_an_error_of_render_is_not_swallowed():
    with pytest.raises(ZeroDivisionError):
        frame_slider(lambda value: 1 / value, [0], "x")


# --- in a browser ---------------------------------------------------------------------------------------------------


@pytest.fixture
def visit(browser):
    """Opens a page of widgets; a message on the console, or a wish for another file, is a failure."""
    contexts, wrong = [], []

    def open_page(*widgets, **options):
        context = browser.new_context(viewport={"width": 900, "height": 700}, **options)
        contexts.append(context)
        tab = context.new_page()
        tab.on("console", lambda message: wrong.append(message.text))
        tab.on("pageerror", lambda error: wrong.append(str(error)))
        tab.on("request", lambda request: None if request.url.startswith("data:") else wrong.append(request.url))
        tab.set_content(page(*widgets))
        return tab

    yield open_page
    for context in contexts:
        context.close()
    assert wrong == []


def visible(tab, box=0):
    """The indices of the frames that can be seen."""
    frames = tab.locator(".kwm-frames").nth(box).locator(".kwm-frame")
    return [index for index in range(frames.count()) if frames.nth(index).is_visible()]


def colour_at(tab, locator):
    """The colour in the middle of something, on the screen."""
    picture = Image.open(io.BytesIO(locator.screenshot())).convert("RGB")
    return np.asarray(picture)[picture.height // 2, picture.width // 2] / 255


def test_the_slider_moves_by_keyboard_and_only_itself(visit):
    tab = visit(SLIDER, SLIDER)
    first, second = (tab.locator(".kwm-frames").nth(index) for index in range(2))
    assert visible(tab) == [1]
    tab.keyboard.press("Tab")
    for key, frame in (("ArrowRight", 2), ("End", 3), ("Home", 0), ("ArrowUp", 1), ("ArrowRight", 2)):
        tab.keyboard.press(key)
        assert visible(tab) == [frame]
        control = first.get_by_role("slider", name="λk")
        assert control.get_attribute("aria-valuetext") == str(frame)
        assert first.locator("output").inner_text() == str(frame)
        assert first.get_by_role("img", name=f"colour {frame}").is_visible()
        np.testing.assert_allclose(
            colour_at(tab, first.locator(".kwm-stage img").nth(frame)), COLOURS[frame], atol=0.03
        )
    assert visible(tab, 1) == [1]
    assert second.locator("output").inner_text() == "1"


def test_a_screen_reader_finds_one_picture_and_the_control(visit):
    tab = visit(SLIDER)
    assert tab.get_by_role("group", name="λk").count() == 1
    assert tab.get_by_role("img").count() == 1
    assert tab.locator("output").get_attribute("aria-live") == "polite"


def test_the_list_chooses(visit):
    tab = visit(LIST)
    tab.get_by_role("combobox", name="class").select_option("fox")
    assert visible(tab) == [3]
    tab.get_by_role("combobox", name="class").select_option("cat")
    assert visible(tab) == [0]


def test_the_page_does_not_jump(visit):
    sizes = [(30, 20), (60, 90), (40, 40)]
    tab = visit(frame_slider(lambda value: Image.new("RGB", sizes[value]), range(3), "size"))
    heights = set()
    for value in range(3):
        tab.locator("input").fill(str(value))
        heights.add(tab.locator(".kwm-frames").bounding_box()["height"])
    assert len(heights) == 1


def test_a_wide_picture_fits_a_telephone(visit):
    tab = visit(frame_slider(lambda _: Image.new("RGB", (1200, 300)), [0, 1], "width"))
    tab.set_viewport_size({"width": 320, "height": 600})
    assert tab.evaluate("document.documentElement.scrollWidth") <= 320
    box = tab.locator(".kwm-shown img").bounding_box()
    assert box["width"] / box["height"] == pytest.approx(4, rel=0.02)


def test_without_javascript_all_frames_are_shown(visit):
    tab = visit(SLIDER, LIST, java_script_enabled=False)
    for box, words in ((0, ["0", "1", "2", "3"]), (1, ["cat", "dog", "owl", "fox"])):
        frames = tab.locator(".kwm-frames").nth(box)
        assert [frames.locator("img").nth(index).is_visible() for index in range(4)] == [True] * 4
        assert frames.locator("figcaption").all_inner_texts() == words
        assert not frames.locator(".kwm-control").is_visible(), "a control that does nothing is not shown"
    places = [tab.locator("img").nth(index).bounding_box() for index in range(4)]
    assert len({(place["x"], place["y"]) for place in places}) == 4
    np.testing.assert_allclose(colour_at(tab, tab.locator("img").nth(3)), COLOURS[3], atol=0.03)


def test_on_paper_all_frames_are_shown(visit):
    tab = visit(SLIDER)
    tab.emulate_media(media="print")
    assert visible(tab) == [0, 1, 2, 3]
    assert not tab.locator(".kwm-control").is_visible()


def test_where_styles_and_handlers_are_taken_away_all_frames_are_shown(browser):
    """As in a notebook that is not trusted: JupyterLab strips them."""
    text = re.sub(r"<style>.*?</style>| oninput=\"[^\"]*\"", "", page(SLIDER), flags=re.DOTALL)
    context = browser.new_context()
    tab = context.new_page()
    tab.set_content(text)
    assert visible(tab) == [0, 1, 2, 3]
    context.close()


@pytest.mark.parametrize("background", ["#ffffff", "#121212"])
def test_words_can_be_read_on_light_and_dark_pages(visit, background):
    """The text takes the page's colour, and a select's list has its own two."""
    colour = {"#ffffff": "rgb(20, 20, 20)", "#121212": "rgb(230, 230, 230)"}[background]
    tab = visit(SLIDER, LIST)
    tab.evaluate(
        "([back, front]) => {document.body.style.background = back; document.body.style.color = front}",
        [background, colour],
    )
    for place in ("output", "label", "select"):
        assert tab.locator(place).first.evaluate("one => getComputedStyle(one).color") == colour


# --- live controls --------------------------------------------------------------------------------------------------


def panel(draw, **controls):
    return LivePanel(draw, controls or {"value": ipywidgets.IntSlider(1, 0, 3)}, label="a colour")


def kinds(live):
    return [entry["output_type"] for entry in live.output.outputs]


def test_a_live_panel_draws_at_each_change():
    live = panel(plain)
    assert kinds(live) == ["display_data"]
    first = live.output.outputs
    assert 'alt="a colour"' in first[0]["data"]["text/html"]
    live.controls["value"].value = 2
    assert live.output.outputs != first
    live.controls["value"].value = 1
    assert live.output.outputs == first


def test_with_a_button_it_waits_for_the_button():
    seen = []
    live = panel(lambda value: seen.append(value) or plain(value), value=ipywidgets.IntText(0), go=ipywidgets.Button())
    live.controls["value"].value = 3
    assert seen == [0]
    live.controls["go"].click()
    assert seen == [0, 3]


def test_an_error_of_the_first_drawing_stops_the_page():
    with pytest.raises(ZeroDivisionError):
        with_live_controls("<p>static</p>", lambda: panel(lambda value: 1 / (value - 1)))


def test_a_later_error_is_shown_in_one_line_recorded_and_then_gone(caplog):
    live = panel(lambda value: plain(3 // (3 - value)))
    live.controls["value"].value = 3
    (record,) = live.output.outputs
    assert (record["output_type"], record["ename"]) == ("error", "ZeroDivisionError")
    assert len(record["traceback"]) == 1
    assert record["traceback"][0].startswith("ZeroDivisionError: ")
    assert "3 // (3 - value)" in caplog.text  # whoever mends it finds the place in the log
    assert not live.controls["value"].disabled
    live.controls["value"].value = 0
    assert kinds(live) == ["display_data"]


def test_controls_are_off_while_it_draws():
    live = panel(lambda value: plain(int(slider.disabled)), value=(slider := ipywidgets.IntSlider(0, 0, 3)))
    resting = live.output.outputs
    slider.value = 2
    assert live.output.outputs != resting
    assert not slider.disabled


def demo(explain=lambda image, sparsity_weight, target: image, **changes):
    arguments = {"class_names": ["cat", "dog"], "sparsity_weights": [4, 8, 16], "start": 8} | changes
    return explain_own_image(explain, plain(0), **arguments)


def upload_and_click(live, content):
    upload(live.controls["upload"], "a.png", content)
    live.controls["button"].click()


def png(size=(90, 60), colour=(255, 0, 0)):
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "PNG")
    return buffer.getvalue()


def test_your_own_image_is_explained():
    calls = []
    live = demo(lambda image, sparsity_weight, target: calls.append((image, sparsity_weight, target)) or image)
    assert torch.equal(calls[0][0], plain(0))
    assert calls[0][1:] == (8, None)
    live.controls["sparsity_weight"].value = 16.0
    live.controls["target"].value = 1
    upload_and_click(live, memoryview(png()))
    image, sparsity_weight, target = calls[-1]
    assert (len(calls), image.shape, sparsity_weight, target) == (2, (3, 20, 30), 16, 1)
    np.testing.assert_allclose(image[:, 5, 5], [1, 0, 0], atol=0.01)
    assert kinds(live) == ["display_data"]


V8 = ({"name": "a.png", "type": "image/png", "size": 3, "content": memoryview(png()), "last_modified": None},)
V7 = {"a.png": {"metadata": {"name": "a.png", "type": "image/png", "size": 3}, "content": png()}}


@pytest.mark.parametrize("value", [V8, V7], ids=["ipywidgets 8", "ipywidgets 7, as on Colab"])
def test_an_upload_is_read_in_either_form(value):
    image = uploaded_image(value, plain(0))
    assert image.shape == (3, 20, 30)
    np.testing.assert_allclose(image[:, 5, 5], [1, 0, 0], atol=0.01)


@pytest.mark.parametrize("nothing", [(), {}], ids=["ipywidgets 8", "ipywidgets 7, as on Colab"])
def test_without_an_upload_it_is_the_default(nothing):
    assert torch.equal(uploaded_image(nothing, plain(0)), plain(0))


@pytest.mark.parametrize("content", [b"", b"no picture", png()[:60]], ids=["empty", "text", "cut off"])
def test_a_bad_upload_is_told_to_the_reader(content):
    live = demo()
    upload_and_click(live, content)
    (shown,) = live.output.outputs
    assert re.match(r"a\.png (is|cannot be)", shown["data"]["text/plain"])
    assert 'role="alert"' in shown["data"]["text/html"]
    assert shown["data"]["text/plain"].count("a.png") == 1
    upload_and_click(live, png())
    assert kinds(live) == ["display_data"]


def test_an_upload_as_a_camera_makes_it_is_reduced():
    """54 megapixels."""
    buffer = io.BytesIO()
    Image.new("RGB", (9000, 6000), (255, 0, 0)).save(buffer, "JPEG")
    live = demo()
    upload_and_click(live, buffer.getvalue())
    assert kinds(live) == ["display_data"]


@pytest.mark.parametrize("names", [[], ["cat"], ["cat", "cat", ""], [f"thing {i}" for i in range(1000)]], ids=len)
def test_the_list_of_classes_is_never_empty_and_the_note_says_what_can_be_named(names):
    calls = []
    live = demo(lambda image, sparsity_weight, target: calls.append(target) or image, class_names=names)
    control, note = live.controls["target"], live.controls["note"].value
    assert control.label == "the predicted class"
    assert len(control.options) == len(names) + 1
    for index in range(min(3, len(names))):
        control.value = index
        assert control.label
        live.controls["button"].click()
        assert calls[-1] == index
    assert calls[0] is None
    assert "no names" in note if not names else names[0] in note
    assert ("1,000 classes" in note) == (len(names) == 1000)


def test_a_broken_demonstration_stops_the_page():
    with pytest.raises(KeyError):
        demo(lambda *_: {}["no such key"])


def test_one_output_holds_the_widget_and_its_static_sibling():
    live = demo()
    bundle = with_live_controls(SLIDER, lambda: live)._repr_mimebundle_()
    assert bundle["text/html"] == SLIDER._repr_html_()
    assert bundle[WIDGET_VIEW]["model_id"] == live.widget.model_id
    assert "λk" in bundle["text/plain"]
    plain_widget = ipywidgets.IntSlider()
    assert with_live_controls("<p>x</p>", lambda: plain_widget)._repr_mimebundle_()["text/html"] == "<p>x</p>"


@pytest.mark.parametrize(
    ("static", "widget", "said"),
    [(3, ipywidgets.IntSlider, "static fallback"), ("<p/>", dict, "must return an ipywidgets")],
)
def test_a_live_widget_needs_both_faces(static, widget, said):
    with pytest.raises(ValueError, match=said):
        with_live_controls(static, widget)


# --- in a kernel ------------------------------------------------------------------------------------------------------

CELLS = [
    "import torch, ipywidgets\nfrom helpers.plots import show_images\nfrom helpers.widgets import *\n"
    "def draw(value): return show_images(torch.full((1, 3, 8, 8), 1 / value))",
    "draw(2)",
    "frame_slider(draw, [1, 2], 'x')",
    "slider = ipywidgets.IntSlider(1, 0, 3)\n"
    "with_live_controls(frame_slider(draw, [1, 2], 'x'), lambda: LivePanel(draw, {'value': slider}, label='x'))",
    "slider.value = 0",
]


@pytest.fixture(scope="module")
def notebook(root):
    if "python3" not in jupyter_client.kernelspec.find_kernel_specs():
        pytest.skip("no kernel named python3: pip install ipykernel")
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in CELLS])
    nbclient.NotebookClient(made, kernel_name="python3", resources={"metadata": {"path": str(root)}}).execute()
    return made


def test_a_figure_is_shown_once(notebook):
    (output,) = notebook.cells[1].outputs
    assert "image/png" in output.data


def test_a_notebook_shows_the_widget_and_holds_the_static_one(notebook):
    (static,), (both,) = (notebook.cells[index].outputs for index in (2, 3))
    assert "kwm-frames" in static.data["text/html"]
    assert both.data["text/html"] == static.data["text/html"]
    assert WIDGET_VIEW in both.data


def test_an_error_in_a_callback_is_in_the_executed_notebook(notebook):
    """ipywidgets alone would hide it: the build looks for this record."""
    state = notebook.metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"]
    errors = [
        output["ename"]
        for model in state.values()
        for output in model["state"].get("outputs", [])
        if output["output_type"] == "error"
    ]
    assert errors == ["ZeroDivisionError"]
