"""The scores and drawings of the page on WaveletX."""

from __future__ import annotations

import pandas as pd
import pytest
import torch
from tiny import TinyClassifier, named, smooth_images

from helpers.chapters.waveletx import (
    MEASURES,
    count_edges,
    dimmed,
    draw_dropped_wave,
    draw_invented_edges,
    invented_share,
    sharpness,
    sharpness_summary,
)
from helpers.core.explanation import Explanation
from helpers.methods.rde import CartoonX, Wavelets

SIZE = 32


def test_an_explanation_that_keeps_all():
    images, classifier = smooth_images(3, SIZE), TinyClassifier()
    representation = Wavelets((SIZE, SIZE), levels=2)
    everything = torch.ones_like(representation.analyse(images)[:, :1])
    explanation = Explanation(
        mask=torch.ones(3, 1, SIZE, SIZE),
        kept=images,
        targets=classifier(images).argmax(1),
        representation_mask=everything,
    )
    table = sharpness(classifier, images, explanation, representation)
    assert list(table.columns) == list(MEASURES)
    expected = dict.fromkeys(("rate", "brightness", "probability"), 100.0)
    expected |= dict.fromkeys(("cp_pixels", "cp_coefficients", "cp_entropy"), 1.0)
    expected |= {"hallucination": 0.0, "invented": 0.0}
    for name, value in expected.items():
        assert table[name].tolist() == pytest.approx([value] * 3, abs=1e-3), name


def test_the_share_of_invented_edges_does_not_fall_when_less_is_shown():
    images, kept = torch.zeros(2, 3, SIZE, SIZE), torch.zeros(2, 3, SIZE, SIZE)
    images[..., 4:12, 4:12] = 1
    kept[0, :, 20:28, 20:28] = 1  # all that is shown is invented
    assert invented_share(images, kept)[0] == 1
    assert invented_share(images, kept)[1].isnan()  # nothing is shown
    kept[1, :, 4:12, 4:12] = 0.5
    assert invented_share(images, kept)[1] == 0


def test_edges_are_counted_and_their_shares_make_the_score():
    images, kept = torch.zeros(1, 3, SIZE, SIZE), torch.zeros(1, 3, SIZE, SIZE)
    images[..., 4:12, 4:12] = kept[..., 20:28, 20:28] = 1  # as many edges, in another place
    invented, shown, true = count_edges(images, kept)
    assert invented == shown == true > 0


def test_dimming_changes_the_brightness_and_nothing_else():
    bright = Explanation(torch.ones(2, 1, SIZE, SIZE), smooth_images(2, SIZE), torch.tensor([0, 1]))
    factors = torch.tensor([0.5, 0.25]).view(2, 1, 1, 1)
    dark = Explanation(torch.zeros(2, 1, SIZE, SIZE), bright.kept * factors, bright.targets)
    result = dimmed(bright, dark)
    torch.testing.assert_close(result.kept, dark.kept)
    assert result.mask is bright.mask
    torch.testing.assert_close(dimmed(dark, bright).kept, dark.kept)  # never brighter


def test_the_difference_is_paired():
    first = pd.DataFrame({name: [1.0, 2.0, 4.0] for name in MEASURES})
    table = sharpness_summary({"a": first, "b": first + 1})
    assert list(table.columns) == ["measure", "a", "b", "b − a"]
    assert list(table["measure"]) == list(MEASURES.values())
    assert set(table["a"]) == {"2.33"}
    assert set(table["b"]) == {"3.33"}
    assert all(text.endswith("[all 3 equal]") for text in table["b − a"])
    with pytest.raises(ValueError, match="needs two tables or more, not 1"):
        sharpness_summary({"a": first})


def test_a_row_for_each_image_and_two_columns_for_each_method():
    images, classifier = smooth_images(2, SIZE), named(TinyClassifier(), SIZE)
    explanation = CartoonX(classifier, levels=2, steps=2, samples=2).explain(images)
    figure = draw_invented_edges(classifier, images, {"CartoonX": explanation, "WaveletX": explanation})
    titles = [axes.get_title().split(":")[0] for axes in figure.axes]
    assert titles[1:5] == ["CartoonX", "invented edges", "WaveletX", "invented edges"]
    assert len(titles) == 10


def test_the_disc_is_the_rest_and_the_wave():
    figure = draw_dropped_wave(Wavelets((SIZE, SIZE), levels=3), "vertical-3")
    disc, wave, without, _ = (torch.as_tensor(axes.images[0].get_array()) for axes in figure.axes)
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == ["a disc", "its largest wave", "without this wave", "invented edges"]
    torch.testing.assert_close(without.float(), (disc - (wave - 0.5)).float(), atol=0.02, rtol=0)
