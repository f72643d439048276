"""The data beside a control that can compute in the reader's browser, in the notebook and in the built book."""

import base64
import gzip
import json
import re
from xml.etree import ElementTree

import torch

from helpers.site.polish.embedded import separate_files
from helpers.site.polish.scripts import drop_unused
from helpers.widgets import InBrowser, frame_slider

IMAGES = torch.rand(2, 3, 4, 5, generator=torch.Generator().manual_seed(0))
LIVE = InBrowser("cartoonx-price", IMAGES, {"steps": 50, "name": 'λ "k"'})


def unpacked(text):
    return json.loads(gzip.decompress(base64.b64decode(text)))


def slider(live):
    return frame_slider(lambda value: torch.full((3, 8, 8), value), [0.0, 1.0], "λk", live=live)._repr_html_()


def test_a_control_carries_its_images_and_facts():
    element = ElementTree.fromstring(slider(LIVE))
    assert element.get("data-live") == "cartoonx-price"
    data = unpacked(element.get("data-live-data").partition("base64,")[2])
    assert (data["steps"], data["name"], data["shape"]) == (50, 'λ "k"', [2, 3, 4, 5])
    pixels = torch.frombuffer(bytearray(base64.b64decode(data["pixels"])), dtype=torch.uint8).reshape(2, 3, 4, 5)
    assert (pixels / 255 - IMAGES).abs().max() <= 0.5 / 255 + 1e-6
    assert data["colours"][:6] == "000003"  # magma begins almost black and ends in pale yellow
    assert data["colours"][-6:] == "fbfcbf"
    assert len(data["colours"]) == 256 * 6


def test_a_control_without_it_is_as_before():
    assert "data-live" not in slider(None)
    assert "kwm-live" not in slider(None)


def test_in_the_book_the_data_are_a_script_of_their_own():
    page = f'<html data-content_root="../"><body>{slider(LIVE)}</body></html>'
    html, files = separate_files(page)
    address = re.search(r'data-live-data="\.\./(_images/(\w+)\.js)"', html)
    name, text = re.fullmatch(r'keepWhatMattersFile\("(\w+)","(.+)"\)\n', files[address[1]].decode()).groups()
    assert name == address[2]
    assert unpacked(text)["steps"] == 50
    assert len(html) - len(separate_files(f'<html data-content_root="../"><body>{slider(None)}</body></html>')[0]) < 500


def test_only_a_page_with_such_a_control_loads_the_button():
    script = '<script src="../_static/live.js?v=1"></script>\n'
    assert drop_unused(script + slider(None)).count("live.js") == 0
    assert drop_unused(script + slider(LIVE)).count("live.js") == 1
