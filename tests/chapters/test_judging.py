"""The chapter's experiments on judging: known maps, a network that ignores its image, and samples of known values."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats

from helpers.chapters.judging import (
    CONTROLS,
    area_table,
    curves_of,
    gradient_map,
    map_agreement,
    maps_of,
    nothing_table,
    percentile_interval,
    randomised,
    small_samples,
    truth_scores,
)
from helpers.chapters.what_is_an_explanation import REPLACEMENTS
from helpers.classifiers import Classifier, load_classifier
from helpers.data.scenes import make_scenes


class Mean(torch.nn.Module):
    """Two classes: the logit of class 1 is ten times the mean of the left half, so pixels there have equal weight."""

    def forward(self, images):
        left = images[..., : images.shape[-1] // 2].mean((1, 2, 3))
        return torch.stack([torch.full_like(left, 5.0), 10 * left], 1)


@pytest.fixture
def left():
    return Classifier.of(Mean(), classes=["dark", "bright"])


IMAGES = torch.rand(3, 3, 16, 16, generator=torch.Generator().manual_seed(0)) / 2 + 0.5
TARGETS = torch.ones(3, dtype=torch.long)


def test_maps_are_of_the_classifier_and_controls_are_not(left):
    maps = maps_of(left, IMAGES, TARGETS)
    assert set(maps) == {"occlusion", "gradient", *CONTROLS}
    for values in maps.values():
        assert values.shape == (3, 16, 16)
        torch.testing.assert_close(values.amax((1, 2)), torch.ones(3))
        assert values.min() >= 0
    for name in ("occlusion", "gradient"):
        assert maps[name][..., 12:].max() < 1e-6, "nothing to the right of the middle matters"
    torch.testing.assert_close(maps["brightness"], IMAGES.mean(1) / IMAGES.mean(1).amax((1, 2), keepdim=True))


def test_a_gradient_is_that_of_the_logit(left):
    found = gradient_map(left, IMAGES, TARGETS)
    expected = torch.zeros(3, 16, 16)
    expected[..., :8] = 10 * 3 / (3 * 16 * 8)  # ten times the mean, summed over three channels
    torch.testing.assert_close(found, expected)


def test_a_perfect_map_and_a_constant_one():
    regions = torch.zeros(2, 8, 8, dtype=torch.bool)
    regions[:, 2:4, 2:6] = True
    table = truth_scores({"perfect": regions.float(), "constant": torch.ones(2, 8, 8)}, regions).set_index("map")
    assert table.loc["perfect", ["mass", "pointing", "rank"]].to_numpy() == pytest.approx(np.ones((2, 3)))
    assert table.loc["constant", ["mass", "pointing", "rank"]].to_numpy() == pytest.approx(np.full((2, 3), 8 / 64))
    assert table["area"].to_numpy() == pytest.approx(8 / 64)


def test_areas_are_the_means_of_the_curves(left):
    maps = {"gradient": gradient_map(left, IMAGES, TARGETS)}
    table = area_table(left, IMAGES, maps, TARGETS, steps=8).set_index("map")
    assert list(table.columns) == list(REPLACEMENTS)
    curve = curves_of(left, IMAGES, maps, TARGETS, replacement="black", direction="delete", steps=8)["gradient"]
    assert table.loc["gradient", "black"] == pytest.approx(np.trapezoid(curve.numpy(), dx=1 / 8).mean(), rel=1e-5)
    assert table.loc["gradient", "black"] < table.loc["random order", "black"]


def test_a_randomised_copy_leaves_the_classifier_alone():
    classifier = load_classifier("scenes-cnn")
    images = make_scenes(2, size=64, seed=5).images
    before = classifier(images)
    other = randomised(classifier)
    assert torch.equal(classifier(images), before)
    assert (other(images) - before).abs().max() > 0.1
    assert torch.equal(other(images), randomised(classifier)(images)), "the seed decides"


def test_agreement_is_a_rank_correlation():
    first, second = (torch.rand(2, 6, 6, generator=torch.Generator().manual_seed(seed)) for seed in (1, 2))
    maps = {"same": first, "other": first, "constant": first}
    found = map_agreement(maps, {"same": first**3, "other": second, "constant": torch.ones(2, 6, 6)})
    expected = np.mean([stats.spearmanr(a.flatten(), b.flatten())[0] for a, b in zip(first, second, strict=True)])
    assert found == {"same": pytest.approx(1), "other": pytest.approx(expected), "constant": 0}


def test_nothing_is_answered(left):
    table = nothing_table(left, IMAGES).set_index("replacement")
    assert table.loc["black", "class"] == "dark"
    assert table.loc["the mean colour", "class"] == "bright", "its mean is above a half"
    assert (table["share"] == 1).all()


def test_an_interval_of_two_values_is_these_values():
    """The chapter says so: the means of resampled pairs are the values and their middle."""
    low, high = percentile_interval(np.array([[1.0, 3.0]]))
    assert (low[0], high[0]) == (1.0, 3.0)


def test_an_interval_is_that_of_scipy():
    values = np.random.default_rng(0).normal(size=(1, 12))
    low, high = percentile_interval(values, resamples=9999)
    reference = stats.bootstrap((values[0],), np.mean, method="percentile", n_resamples=9999, rng=1)
    assert (low[0], high[0]) == pytest.approx(tuple(reference.confidence_interval), abs=0.03)


def test_small_samples_mislead_as_often_as_is_known():
    """Normal differences of mean 0.5 and deviation 1: the mean of n has the wrong sign with probability Φ(−0.5 √n)."""
    differences = stats.norm.ppf((np.arange(400) + 0.5) / 400) + 0.5
    table = small_samples(differences, (4, 16)).set_index("size")
    for size in (4, 16):
        assert table.loc[size, "wrong_sign"] == pytest.approx(stats.norm.cdf(-0.5 * size**0.5), abs=0.03)
    assert table.loc[4, "test"] == 0
    assert table.loc[16, "test"] == pytest.approx(0.05, abs=0.02)
    assert table.loc[4, "bootstrap"] > 0.15
