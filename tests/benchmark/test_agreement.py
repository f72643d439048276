"""Rank correlation and concordance against SciPy."""

import numpy as np
import pytest
from scipy.stats import friedmanchisquare, spearmanr

from helpers.benchmark import kendall_w, spearman

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("levels", [3, 1000], ids=["with ties", "without"])
def test_spearman_is_that_of_scipy(levels):
    first, second = RNG.integers(levels, size=(2, 40, 7)).astype(float)
    expected = [spearmanr(*pair).statistic for pair in zip(first, second, strict=True) if np.ptp(pair, axis=1).all()]
    found = spearman(first, second)[(np.ptp(first, axis=1) > 0) & (np.ptp(second, axis=1) > 0)]
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_a_constant_row_agrees_with_nothing():
    assert spearman(np.ones((2, 4)), np.arange(4.0)).tolist() == [0, 0]


@pytest.mark.parametrize("levels", [4, 1000], ids=["with ties", "without"])
def test_kendalls_w_is_that_of_friedmans_test(levels):
    """Friedman's statistic, which SciPy corrects for ties, is judges · (items - 1) · W."""
    values = RNG.integers(levels, size=(20, 5, 6)).astype(float)  # samples, judges, items
    expected = [friedmanchisquare(*sample.T).statistic / (5 * 5) for sample in values]
    np.testing.assert_allclose(kendall_w(values), expected, atol=1e-12)


def test_kendalls_w_at_its_ends():
    same = np.tile(np.arange(5.0), (3, 1))
    assert kendall_w(same) == pytest.approx(1)
    assert kendall_w(np.stack([same[0], -same[0]])) == 0
    assert kendall_w(np.zeros((3, 5))) == 0
