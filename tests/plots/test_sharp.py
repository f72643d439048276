"""Pictures of figures have twice the pixels with which a page shows them, and say how large that is."""

from __future__ import annotations

import base64
import io

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from helpers.plots import book_figure, panels
from helpers.plots.sharp import COLUMN, INCH, draw_sharp, png_output
from helpers.widgets import frame_slider


def framed(width: float, height: float = 2) -> Figure:
    """A figure whose axes fill it, with a frame, so that nothing is cut off."""
    with book_figure((width, height)) as figure:
        axes = figure.add_axes((0, 0, 1, 1), xticks=[], yticks=[])
        axes.spines[:].set(visible=True, color="black")
    return figure


def shown(figure: Figure) -> tuple[Image.Image, dict[str, int]]:
    content, size = png_output(figure)
    return Image.open(io.BytesIO(base64.b64decode(content))), size


@pytest.mark.parametrize("width", [2.5, 5, 8])
def test_a_figure_that_fits_has_letters_of_one_size(width):
    picture, size = shown(framed(width))
    assert size["width"] == pytest.approx(INCH * width, abs=0.25 * INCH)
    assert (picture.width, picture.height) == pytest.approx((2 * size["width"], 2 * size["height"]), abs=1)


@pytest.mark.parametrize("width", [9, 12, 30])
def test_a_wide_figure_has_no_more_pixels_than_the_column_can_show(width):
    picture, size = shown(framed(width, width / 3))
    assert picture.width == pytest.approx(2 * COLUMN, rel=0.03)
    assert size["width"] == pytest.approx(COLUMN, rel=0.03)


def test_the_height_keeps_the_shape():
    picture, size = shown(framed(6, 3))
    assert picture.width / picture.height == pytest.approx(size["width"] / size["height"], rel=0.01)


def test_only_a_transparent_figure_has_a_channel_for_it():
    with panels(size=(2, 2)) as (figure, axes):
        axes.plot([0, 1])
    assert draw_sharp(figure).mode == "RGB"
    figure.set_facecolor("none")
    axes.set_facecolor("none")
    assert draw_sharp(figure).mode == "RGBA"


def test_the_pixels_are_matplotlibs():
    with panels(size=(3, 2)) as (figure, axes):
        axes.imshow(np.arange(6).reshape(2, 3))
    content = io.BytesIO()
    figure.savefig(content, dpi=2 * INCH, bbox_inches="tight")
    expected = np.asarray(Image.open(content).convert("RGB"))
    np.testing.assert_array_equal(np.asarray(draw_sharp(figure)), expected)


def test_an_empty_figure_is_not_shown():
    assert png_output(Figure()) is None


def test_a_slider_is_as_sharp():
    frame = frame_slider(lambda _: framed(4), [1], "x").frames[0]
    assert frame.picture().width == pytest.approx(2 * frame.width, abs=1)
    assert frame.width == pytest.approx(4 * INCH, abs=0.25 * INCH)


def test_it_leaves_matplotlibs_settings_alone():
    before = dict(plt.rcParams)
    shown(framed(3))
    assert dict(plt.rcParams) == before
