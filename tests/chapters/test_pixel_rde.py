"""The drawings of the page on Pixel RDE."""

from __future__ import annotations

import pytest
import torch
from tiny import TinyClassifier, named, smooth_images

from helpers.chapters.pixel_rde import (
    draw_discs,
    draw_entries,
    draw_obfuscations,
    draw_search,
    search_controls,
)
from helpers.core.runtime import random_generator
from helpers.methods.rde import PixelRDE

SIZE = 16


@pytest.fixture(scope="module")
def classifier():
    return named(TinyClassifier(), SIZE)


@pytest.fixture(scope="module")
def problem(classifier):
    return PixelRDE(classifier).problem(smooth_images(1, SIZE))


def test_masks_stand_beside_their_obfuscations(classifier, problem):
    image, noise = smooth_images(1, SIZE), problem.draw(1, random_generator(0))
    everything = torch.ones(SIZE, SIZE, dtype=torch.bool)
    figure = draw_obfuscations(classifier, problem, image, {"none": ~everything, "all": everything}, noise)
    titles = [axes.get_title() for axes in figure.axes]
    assert titles[1::2] == ["none", "all"]
    assert titles[0] == titles[4]  # the whole image is predicted as itself
    drawn = torch.from_numpy(figure.axes[4].images[0].get_array().data)
    torch.testing.assert_close(drawn, image[0].permute(1, 2, 0))


def test_the_best_disc_is_marked(classifier):
    radii, ones = torch.arange(3.0), torch.ones(3)
    values = {"distortion": ones, "distortion_error": 0 * ones, "sparsity": ones}
    figure = draw_discs(classifier, radii, values, torch.tensor([3.0, 2.0, 1.0]), smooth_images(3, SIZE))
    assert figure.axes[0].lines[-1].get_xydata().tolist() == [[2, 1]]
    assert figure.axes[2].get_title().startswith("the best disc:\n")


def test_a_search_has_a_slider_for_each_option_that_it_takes(classifier):
    method = PixelRDE(classifier, steps=4, samples=2)
    chosen = {name: control.value for name, control in search_controls().items()}
    assert method.with_options(**chosen).options.steps == 100
    figure = draw_search(method.explain(smooth_images(1, SIZE)))
    assert [len(line.get_ydata()) for line in figure.axes[1].lines] == [4, 4]


def test_two_entries_and_the_fastest_way_at_each_rate():
    path = torch.linspace(1, 0, 6).view(6, 1, 1, 1).repeat(1, 1, 2, 2)
    path[:, 0, 1, 1] = 1
    lines = draw_entries({0.1: path, 0.01: path, 0.001: path}, useless=(0, 0), useful=(1, 1)).axes[0].lines
    assert len(lines) == 9
    assert lines[0].get_ydata() == pytest.approx([0.8, 0.6, 0.4, 0.2, 0])  # without the mask before the first step
    assert lines[1].get_ydata() == pytest.approx([1] * 5)
    assert lines[2].get_ydata() == pytest.approx([0.9, 0.8, 0.7, 0.6, 0.5])
