"""Intervals over images against scipy's bootstrap, and against how often they hold the truth."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from helpers.core.statistics import Effect, bootstrap, draw_images, mean_effect, ratio_effect, resampled_means


class TestMeanEffect:
    def test_the_interval_is_scipys_percentile_bootstrap(self):
        values = np.random.default_rng(3).normal(0.3, 1.0, 40)
        effect = mean_effect(values, resamples=20_000)
        peer = stats.bootstrap((values,), np.mean, n_resamples=20_000, method="percentile").confidence_interval
        assert effect.value == pytest.approx(values.mean())
        assert (effect.low, effect.high) == pytest.approx((peer.low, peer.high), abs=0.02)

    def test_it_holds_the_truth_about_as_often_as_it_says(self):
        rng = np.random.default_rng(0)
        effects = [mean_effect(rng.normal(1.0, 1.0, 30), seed=trial, resamples=400) for trial in range(200)]
        held = sum(effect.low <= 1.0 <= effect.high for effect in effects)
        assert 180 <= held <= 199

    def test_it_is_the_same_at_every_call(self):
        values = np.random.default_rng(1).normal(size=20)
        assert mean_effect(values) == mean_effect(values)
        assert mean_effect(values) != mean_effect(values, seed=1)

    def test_missing_values_are_left_out(self):
        assert mean_effect([1.0, math.nan, 3.0]).count == 2
        assert mean_effect([1.0, math.nan, 3.0]).value == 2.0

    @pytest.mark.parametrize(("values", "count", "words"), [([], 0, "no image"), ([0.5], 1, "0.50 [one image]")])
    def test_too_few_images_have_no_interval(self, values, count, words):
        effect = mean_effect(values)
        assert effect.count == count
        assert math.isnan(effect.low)
        assert effect.side_of(0) == 0
        assert str(effect) == words

    @pytest.mark.parametrize(
        ("low", "high", "null", "side"), [(0.1, 0.2, 0, 1), (-0.2, -0.1, 0, -1), (-0.1, 0.1, 0, 0), (0.9, 1.2, 1, 0)]
    )
    def test_sides(self, low, high, null, side):
        assert Effect((low + high) / 2, low, high, 5).side_of(null) == side

    def test_in_words(self):
        assert str(Effect(-0.123, -0.2, 0.0123, 9)) == "−0.12 [−0.20, 0.012]"
        assert Effect(0.0, math.log(0.5), math.log(2), 9).exponential().high == pytest.approx(2.0)


class TestBootstrap:
    def test_a_ratio_of_means_has_scipys_interval(self):
        rng = np.random.default_rng(5)
        under = rng.uniform(1.0, 3.0, 50)
        over = under * rng.uniform(0.2, 0.8, 50)
        effect = ratio_effect(over, under, resamples=20_000)
        peer = stats.bootstrap(
            (over, under),
            lambda a, b, axis=-1: a.mean(axis) / b.mean(axis),
            n_resamples=20_000,
            method="percentile",
            paired=True,
        ).confidence_interval
        assert effect.value == pytest.approx(over.mean() / under.mean())
        assert (effect.low, effect.high) == pytest.approx((peer.low, peer.high), abs=0.005)

    def test_resampled_means_are_those_of_the_drawn_images(self):
        values, draws = np.random.default_rng(2).normal(size=(7, 2)), draw_images(7, 3, 50)
        drawn = np.random.default_rng(3).integers(7, size=(50, 7))
        assert resampled_means(values, draws) == pytest.approx(values[drawn].mean(axis=1))

    def test_every_resample_has_as_many_images(self):
        draws = draw_images(9, resamples=20)
        assert draws.sum(axis=1).tolist() == [9] * 20
        with pytest.raises(ValueError, match="read-only"):
            draws[0] = 0

    @pytest.mark.parametrize("count", [0, 1])
    def test_too_few_images_have_no_interval(self, count):
        effect = bootstrap(np.ones((count, 1)), lambda means: means[..., 0], draw_images(count))
        assert (effect.count, math.isnan(effect.low), math.isnan(effect.value)) == (count, True, count == 0)
