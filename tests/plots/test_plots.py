"""Figures show what they were given, in colours that everybody can tell apart, and leave nothing behind."""

from __future__ import annotations

import io
from itertools import combinations

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image
from skimage.color import rgb2lab

from helpers.core.explanation import Explanation
from helpers.plots import (
    BOOK_STYLE,
    METHOD_COLOURS,
    curve_with_band,
    published_values,
    show_explanations,
    show_images,
    use_book_style,
)

IMAGES = torch.rand(5, 3, 16, 24, generator=torch.Generator().manual_seed(0))
MASKS = IMAGES.mean(1, keepdim=True)
EXPLANATIONS = Explanation(mask=MASKS, kept=IMAGES * MASKS, targets=torch.zeros(5, dtype=torch.long))

# What people without one kind of cone see, on linear RGB: Machado, Oliveira and Fernandes (2009), severity 1
COLOUR_BLINDNESS = {
    "none": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


@pytest.fixture(autouse=True)
def nothing_is_left_behind():
    """No open figure and no changed default after any test here."""
    with mpl.rc_context():
        before = dict(mpl.rcParams)
        yield
        assert plt.get_fignums() == []
        assert dict(mpl.rcParams) == before


def drawn(figure):
    """The axes that show an image, as (title, pixels)."""
    return [(axes.get_title(), np.asarray(axes.images[0].get_array())) for axes in figure.axes if axes.images]


def test_images_are_drawn_as_given():
    figure = show_images(IMAGES, [f"image {i}" for i in range(5)], columns=3, caption="five")
    shown = drawn(figure)
    assert len(figure.axes) == 6, "the last place of the grid stays empty"
    assert [title for title, _ in shown] == [f"image {i}" for i in range(5)]
    for (_, pixels), image in zip(shown, IMAGES, strict=True):
        np.testing.assert_allclose(pixels, image.permute(1, 2, 0), atol=1e-6)
    assert figure.get_supxlabel() == "five"


def test_masks_share_one_scale_unless_asked_otherwise():
    figure = show_images(MASKS)
    assert {axes.images[0].get_clim() for axes in figure.axes} == {(0.0, 1.0)}
    own = show_images(MASKS, limits=None).axes[1].images[0].get_clim()
    np.testing.assert_allclose(own, (MASKS[1].min(), MASKS[1].max()))


def test_mixed_images_and_gradients_are_drawn():
    figure = show_images([IMAGES[0].requires_grad_(), MASKS[0], 3 * IMAGES[1] - 1])
    assert [pixels.shape for _, pixels in drawn(figure)] == [(16, 24, 3), (16, 24), (16, 24, 3)]
    assert drawn(figure)[2][1].min() == 0.0
    assert drawn(figure)[2][1].max() == 1.0


@pytest.mark.parametrize("columns", [None, 1, 2, 9])
def test_the_grid_keeps_the_pictures_shape(columns):
    """A picture on the page is as wide to high as its pixels, with little room between pictures."""
    figure = show_images(IMAGES, columns=columns)
    FigureCanvasAgg(figure).draw()
    for axes in figure.axes[:5]:
        place = axes.get_window_extent()
        assert place.width / place.height == pytest.approx(24 / 16, rel=0.02)
    area = sum(axes.get_window_extent().width * axes.get_window_extent().height for axes in figure.axes)
    assert area / (figure.bbox.width * figure.bbox.height) > 0.8


def test_explanations_are_three_rows():
    figure = show_explanations(IMAGES, EXPLANATIONS, titles=list("abcde"), kept_titles=list("vwxyz"))
    shown = drawn(figure)
    assert [title for title, _ in shown] == [*"abcde", *["mask"] * 5, *"vwxyz"]
    np.testing.assert_allclose(shown[6][1], MASKS[1, 0])
    np.testing.assert_allclose(shown[11][1], EXPLANATIONS.kept[1].permute(1, 2, 0), atol=1e-6)


@pytest.mark.parametrize(
    ("draw", "said"),
    [
        (lambda: show_images([]), "no images"),
        (lambda: show_images(IMAGES[:0]), "no images"),
        (lambda: show_explanations(IMAGES[:0], EXPLANATIONS[:0]), "no images"),
        (lambda: show_images(IMAGES, ["one"]), "1 titles were given for 5 images"),
        (lambda: show_images(IMAGES, []), "0 titles were given for 5 images"),
        (lambda: show_images(IMAGES, [None] * 6), "6 titles were given for 5 images"),
        (lambda: show_images(IMAGES, "abcde"), "not the word 'abcde'"),
        (lambda: show_images(IMAGES, columns=0), "columns=0 must be at least 1"),
        (lambda: show_images(IMAGES[0]), r"1 or 3 channels.*mask\[None\]"),
        (lambda: show_images([IMAGES[0] * torch.nan]), "not finite"),
        (lambda: show_images(["cat.png"]), "a tensor .*, not str"),
        (lambda: show_images([torch.rand(2, 4, 4)]), r"1 or 3 channels.*\(2, 4, 4\)"),
        (lambda: show_explanations(IMAGES[:2], EXPLANATIONS), "2 images came with 5 explanations"),
        (lambda: show_explanations(IMAGES, EXPLANATIONS, mask_titles=["a"]), "1 titles were given for 5 images"),
    ],
)
def test_what_does_not_fit_is_an_error_and_leaves_no_figure(draw, said, unchecked):
    with pytest.raises((TypeError, ValueError), match=said):
        draw()


@pytest.mark.parametrize("kind", [list, tuple, iter, pd.Series])
def test_titles_are_anything_that_has_words(kind):
    given = [1, None, "cat", 0.123456, np.int64(3)]
    assert [title for title, _ in drawn(show_images(IMAGES, kind(given)))] == ["1", "", "cat", "0.1235", "3"]
    shown = drawn(show_explanations(IMAGES, EXPLANATIONS, mask_titles=kind(given)))
    assert [title for title, _ in shown][5:10] == ["1", "", "cat", "0.1235", "3"]


@pytest.mark.parametrize("titles", [torch.arange(5), np.arange(5), range(5)])
def test_titles_may_be_labels(titles):
    assert [title for title, _ in drawn(show_images(IMAGES, titles))] == list("01234")
    np.testing.assert_allclose(drawn(show_images(IMAGES.numpy()))[1][1], IMAGES[1].permute(1, 2, 0), atol=1e-6)


def test_a_figure_is_the_same_bytes_each_time():
    def content():
        buffer = io.BytesIO()
        show_images(IMAGES, list("abcde")).savefig(buffer, format="png")
        return buffer.getvalue()

    assert content() == content()


def test_figures_are_white_where_a_page_is_dark():
    buffer = io.BytesIO()
    with mpl.rc_context({"figure.facecolor": "black", "savefig.facecolor": "auto"}):
        show_images(MASKS, list("abcde")).savefig(buffer, format="png")
    assert Image.open(buffer).convert("RGB").getpixel((1, 1)) == (255, 255, 255)


@pytest.fixture
def axes():
    figure, made = plt.subplots()
    yield made
    plt.close(figure)


def test_the_band_is_two_standard_errors_wide(axes):
    x, mean, error = np.linspace(0, 1, 7), np.arange(7.0), np.full(7, 0.25)
    curve_with_band(axes, torch.tensor(x), list(mean), error, "CartoonX")
    (line,), (band,) = axes.lines, axes.collections
    np.testing.assert_allclose(line.get_xydata(), np.stack([x, mean], 1))
    assert line.get_color() == METHOD_COLOURS["CartoonX"]
    corners = band.get_paths()[0].vertices
    for place, middle in zip(x, mean, strict=True):
        heights = corners[np.isclose(corners[:, 0], place), 1]
        assert (heights.min(), heights.max()) == pytest.approx((middle - 0.5, middle + 0.5))


def test_a_curve_of_no_known_error_has_no_band(axes):
    curve_with_band(axes, [0, 1], [1, 2], None, "my method", colour="black")
    assert not axes.collections
    assert axes.lines[0].get_color() == "black"


def test_published_values_have_the_methods_colour_and_another_form(axes):
    published_values(axes, [0, 1], [1, 2], method="Pixel RDE")
    published_values(axes, [0, 1], [1, 2], method="Pixel RDE", markers=False, label="paper")
    markers, dashes = axes.lines
    assert markers.get_color() == dashes.get_color() == METHOD_COLOURS["Pixel RDE"]
    assert (markers.get_linestyle(), markers.get_markerfacecolor()) == ("None", "none")
    assert (dashes.get_linestyle(), dashes.get_label()) == ("--", "paper")
    assert markers.get_label() == "Pixel RDE, published"


@pytest.mark.parametrize(
    ("draw", "said"),
    [
        (lambda axes: curve_with_band(axes, [0, 1], [1, 2, 3], [0, 0], "a"), "equally long"),
        (lambda axes: curve_with_band(axes, [0, 1], [1, 2], [-1, 0], "a"), "negative"),
        (lambda axes: published_values(axes, [0], [1], method="Cartoon"), "has no colour; use one of CartoonX"),
    ],
)
def test_curves_that_do_not_fit_are_errors(axes, draw, said):
    with pytest.raises(ValueError, match=said):
        draw(axes)


def test_the_style_is_set_only_when_asked_for():
    with mpl.rc_context():
        use_book_style()
        assert mpl.rcParams["font.size"] == BOOK_STYLE["font.size"]
        assert mpl.rcParams["axes.prop_cycle"].by_key()["color"][0] == METHOD_COLOURS["CartoonX"]


@pytest.mark.parametrize("kind", COLOUR_BLINDNESS)
def test_colours_differ_for_every_eye(kind):
    """Any two methods are at least 10 apart in CIE Lab (a just noticeable difference is about 2.3)."""
    colours = np.array([mpl.colors.to_rgb(colour) for colour in METHOD_COLOURS.values()])
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear @ np.asarray(COLOUR_BLINDNESS[kind]).T, 0, 1)
    seen = np.where(seen <= 0.0031308, 12.92 * seen, 1.055 * seen ** (1 / 2.4) - 0.055)
    lab = rgb2lab(seen)
    distances = {pair: float(np.linalg.norm(lab[pair[0]] - lab[pair[1]])) for pair in combinations(range(len(lab)), 2)}
    names = list(METHOD_COLOURS)
    closest = min(distances, key=distances.get)
    assert distances[closest] > 10, [names[index] for index in closest]
