"""Figure 6: steps and ends by hand."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from helpers.papers.recartoonx.figures.fig6 import (
    NAMES,
    draw_loss_curves,
    mean_curves,
    published_words,
    slope_words,
    steps_table,
)
from helpers.papers.recartoonx.measures.starts import steps_until
from helpers.profiles import PublishedRun, Start

STEPS = np.arange(1, 101)


def losses(start, first, rate, end=0.2, recipe="profile"):
    """A loss that falls from `first` to `end` at an exponential rate, for three images of different size."""
    parts = []
    for image, scale in (("a", 0.5), ("b", 1.0), ("c", 1.5)):
        values = scale * (end + (first - end) * np.exp(-rate * (STEPS - 1)))
        part = pd.DataFrame({"step": STEPS, "distortion": values / 2, "sparsity": values / 40, "objective": values})
        parts.append(part.assign(recipe=recipe, start=start, image=image))
    return pd.concat(parts, ignore_index=True)


def ends(values, recipe="profile"):
    rows = [
        (recipe, start, image, scale * first, scale * last)
        for start, (first, last) in values.items()
        for image, scale in (("a", 0.5), ("b", 1.0), ("c", 1.5))
    ]
    return pd.DataFrame(rows, columns=["recipe", "start", "image", "first_objective", "last_objective"])


CURVES = pd.concat([losses("ones", 20, 0.2), losses("constant", 5, 0.2), losses("foreground", 10, 0.2, end=0.4)])
ENDS = ends({"ones": (20, 0.2), "constant": (5, 0.204), "foreground": (10, 0.4)})


def test_every_start_has_a_name():
    assert set(NAMES) == set(Start.__args__)


@pytest.mark.parametrize(
    ("excess", "expected"),
    [
        ([0.5, 0.1, 0.009, 0.0], 3),
        ([0.5, 0.0, 0.1, 0.0], 4),
        ([0.0, 0.0, -0.5, 0.0], 1),
        ([0.5, 0.0, 0.0, 0.1], None),
    ],
    ids=["falls", "rises once more", "below counts as there", "never"],
)
def test_steps_until(excess, expected):
    assert steps_until(pd.Series(excess, index=[1, 2, 3, 4])) == expected


def test_means_over_images():
    means = mean_curves(CURVES).query("start == 'ones'").set_index("step")
    assert means.loc[1, "objective"] == pytest.approx(20)


def test_the_table_of_steps():
    table = steps_table(CURVES, ENDS).set_index("initial mask")
    # 20 falls below 1 % of the way at exp(-0.2 t) = 0.01, t = 23; the running mean of five moves that by a step or so
    assert table.loc["ones", "steps to 99 % of the fall"] == pytest.approx(24, abs=1)
    assert table.loc["constant (pre-optimised)", "steps to 99 % of the fall"] < 20
    # within 1 % of 0.2: 19.8 exp(-0.2 t) = 0.002
    assert table.loc["ones", "steps to within 1 % of its end"] == pytest.approx(1 + np.log(19.8 / 0.002) / 0.2, abs=2)
    # the two meet to 5 %: 15 exp(-0.2 t) = 0.01 and a little
    assert table.loc["constant (pre-optimised)", "steps to within 5 % of ones"] == pytest.approx(37.6, abs=2)
    assert pd.isna(table.loc["foreground", "steps to within 5 % of ones"]), "it ends at twice the loss"
    assert pd.isna(table.loc["ones", "steps to within 5 % of ones"])
    assert table.loc["ones", "objective, first mask"].startswith("20 ")


def test_the_drawing():
    figure = draw_loss_curves(pd.concat([CURVES, losses("ones", 20, 0.1, recipe="published")]))
    assert len(figure.axes) == 6
    assert figure.axes[0].get_yscale() == figure.axes[2].get_yscale() == "log"
    labels = [line.get_label() for line in figure.axes[0].lines if line.get_alpha() is None]
    assert labels == ["ones", "constant (pre-optimised)", "foreground"]
    assert len(figure.axes[0].lines) == 3 * (1 + 3), "each of the three images, too"
    assert figure.axes[0].get_ylim()[0] > 0
    figure.canvas.draw()


def test_how_the_published_recipe_was_run():
    texts = [
        published_words(run)
        for run in (None, PublishedRun(images=2), PublishedRun(images=2, steps=200, samples=4, learning_rate=0.01))
    ]
    assert len(set(texts)) == 3
    shortened = [re.findall(r"(\d+) steps instead of (\d+)", text) for text in texts]
    assert shortened == [[], [], [("200", "2000")]]


def test_the_slope_at_zero_is_told_as_it_is():
    assert "right slope of the rate, 1" in slope_words(1)
    assert "published code's slope of the rate, 0" in slope_words(0)
