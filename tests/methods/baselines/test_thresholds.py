"""From attributions to sparse images, and the choice of a threshold, on tables made by hand."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from helpers.methods.baselines.thresholds import (
    PUBLISHED_THRESHOLDS,
    choose_threshold,
    sweep_thresholds,
    threshold_images,
    to_unit_range,
)

VALUES = torch.tensor([[-2.0, 0.0], [1.0, 4.0]]).view(1, 1, 2, 2)


class TestUnitRange:
    def test_by_the_largest_zero_stays_zero(self):
        assert to_unit_range(VALUES).flatten().tolist() == [-0.5, 0.0, 0.25, 1.0]

    def test_by_both_ends(self):
        result = to_unit_range(VALUES, "min-max").flatten()
        torch.testing.assert_close(result, torch.tensor([-1.0, -1 / 3, 0.0, 1.0]))

    @pytest.mark.parametrize("how", ["largest", "min-max"])
    def test_each_image_on_its_own_and_a_constant_one_gives_zeros(self, how):
        images = torch.cat([VALUES, VALUES * 100, torch.zeros_like(VALUES)])
        first, second, third = to_unit_range(images, how)
        torch.testing.assert_close(first, second)
        assert not third.any()

    @given(
        st.lists(st.floats(-(2.0**100), 2.0**100, width=32, allow_subnormal=False), min_size=4, max_size=4),
        st.sampled_from(["largest", "min-max"]),
    )
    def test_the_range_is_never_left(self, values, how):
        result = to_unit_range(torch.tensor(values, dtype=torch.float32).view(1, 1, 2, 2), how)
        assert bool((result.abs() <= 1).all())

    def test_another_way_is_refused(self, unchecked):
        with pytest.raises(ValueError, match="'largest' or 'min-max'"):
            to_unit_range(VALUES, "standard")


class TestThresholdImages:
    def test_entries_at_the_threshold_are_kept(self):
        images = torch.full((1, 3, 1, 2), 0.5)
        attributions = torch.tensor([-1.0, -0.2, 0.0, 0.2, 0.5, 1.0]).view(1, 3, 1, 2)
        kept = {sigma: threshold_images(images, attributions, sigma).flatten().tolist() for sigma in (-1, -0.5, 0, 1)}
        assert kept[-1] == [0.5] * 6
        assert kept[-0.5] == [0.0, *[0.5] * 5]
        assert kept[0] == [0.0, 0.0, *[0.5] * 4]
        assert kept[1] == [*[0.0] * 5, 0.5]

    @pytest.mark.parametrize("threshold", [-1.1, 2, math.nan])
    def test_a_threshold_out_of_range_is_refused(self, threshold):
        with pytest.raises(ValueError, match="must lie in"):
            threshold_images(VALUES, VALUES, threshold)


class TestChooseThreshold:
    SIGMA = (-0.9, -0.5, -0.2, -0.1, 0.0)
    L0 = (0.0, 1.0, 8.0, 10.0, 40.0)

    def test_the_grids(self):
        assert PUBLISHED_THRESHOLDS == (-0.9, -0.8, -0.7, -0.6, -0.5, -0.4, -0.3, -0.2, -0.1, 0.0)
        assert sweep_thresholds(5) == (-1.0, -0.5, 0.0, 0.5, 1.0)
        assert len(sweep_thresholds()) == 41
        assert {-0.9, -0.3, 0.0, 0.3} <= set(sweep_thresholds())
        with pytest.raises(ValueError, match="at least 2"):
            sweep_thresholds(1)

    def test_published_is_the_largest_that_removes_less_than_ten_percent(self):
        assert choose_threshold(self.SIGMA, self.L0) == -0.2
        assert choose_threshold(self.SIGMA[::-1], self.L0[::-1]) == -0.2
        assert choose_threshold(self.SIGMA, self.L0, largest_l0=50) == 0.0

    def test_confidence_is_the_surest_of_those_that_remove_anything(self):
        assert choose_threshold(self.SIGMA, self.L0, [0.99, 0.7, 0.8, 0.6, 0.5], rule="confidence") == -0.2
        assert choose_threshold(self.SIGMA, self.L0, [0.99, 0.8, 0.8, 0.6, 0.8], rule="confidence") == 0.0

    @pytest.mark.parametrize(
        ("arguments", "options", "message"),
        [
            (((-0.1,), (12.0,)), {}, "none of 1 thresholds has an L0 sparsity below 10"),
            (((-0.1,), (0.0,), (0.9,)), {"rule": "confidence"}, "none of 1 thresholds has an L0 sparsity above 0"),
            (((-0.1,), (3.0,)), {"rule": "confidence"}, "needs the mean confidence"),
            (((-0.1, 0.0), (3.0,)), {}, "2 thresholds, 1 sparsities"),
            (((), ()), {}, "none of 0"),
            (((-0.1,), (3.0,)), {"rule": "best"}, "'published' or 'confidence'"),
        ],
    )
    def test_tables_without_an_answer_are_refused(self, arguments, options, message, unchecked):
        with pytest.raises(ValueError, match=message):
            choose_threshold(*arguments, **options)
