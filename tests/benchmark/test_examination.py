"""The tests of the examination, on scores whose verdict is known, and the whole of it on a few scenes."""

import numpy as np
import pytest
import torch
from torch import nn

from helpers.benchmark.case import Case
from helpers.benchmark.examination import control, examine, free_lunch, known_order, lunch_on_truth, occlusion, silent
from helpers.benchmark.maps import controls, scene_case
from helpers.benchmark.twins import TWINS
from helpers.data.scenes.parts import draw_parts

RNG = np.random.default_rng(0)


def test_falling_scores_have_the_known_order():
    falling = np.linspace(1, 0, 5)[:, None, None] + np.zeros((5, 2, 8))
    order, single = known_order(falling)
    assert (order.test, order.effect.value, order.passed) == ("order", 1, True)
    assert (single.test, single.effect.value, single.passed) == ("order-of-one", 1, True)
    assert [outcome.effect.value for outcome in known_order(-falling)] == [-1, -1]


def test_a_score_may_know_the_order_of_means_and_not_that_of_images():
    noisy = np.linspace(1, 0, 5)[:, None, None] + RNG.normal(0, 0.7, (5, 3, 400))
    order, single = known_order(noisy)
    assert order.passed
    assert not single.passed
    assert 0.3 < single.effect.value < 0.8


def test_a_score_that_never_changes_does_not_know_the_order():
    """SciPy's correlation of a constant is nan, and would leave the silent metric out of the mean."""
    for outcome in known_order(np.ones((5, 2, 8))):
        assert outcome.effect.value == 0
        assert not outcome.passed


def test_images_without_a_score_are_not_counted():
    levels = np.linspace(1, 0, 5)[:, None, None] + np.zeros((5, 2, 8))
    levels[2, 0, 3] = np.nan
    assert [outcome.effect.count for outcome in known_order(levels)] == [7, 7]
    assert free_lunch("blur", levels[0], levels[2]).effect.count == 7


def test_a_lunch_is_a_gain_of_the_median_image():
    plain = np.ones((3, 10))
    gain = plain + np.where(np.arange(10) < 6, 0.1, -0.1)
    assert free_lunch("blur", plain, gain).effect.value == pytest.approx(0.6)
    assert not free_lunch("blur", plain, gain).passed
    assert free_lunch("blur", plain, plain + 1e-9).effect.value == 0.5  # ties
    assert free_lunch("blur", plain, 2 - gain).passed
    one = np.vstack([plain[:2], gain[:1] + 9])  # a single method gains
    assert free_lunch("blur", plain, one).passed


def test_on_the_truth_the_worst_change_counts():
    truth = np.ones(10)
    outcome = lunch_on_truth(truth, np.stack([truth - 1, truth + 1, truth]))
    assert (outcome.effect.value, outcome.passed) == (1, False)
    assert lunch_on_truth(truth, np.stack([truth - 1, truth])).effect.value == 0  # a tie on all images does not count
    assert lunch_on_truth(truth, np.stack([truth, truth])).passed
    assert control(truth, truth + 1).effect.value == 1
    assert control(truth, truth).passed


def test_one_image_that_is_skipped_fails_the_silence():
    assert silent(np.ones(8)).passed
    outcome = silent(np.array([1.0] * 7 + [0.0]))
    assert not outcome.passed
    assert outcome.effect.value == 7 / 8


def test_an_order_that_depends_on_the_fill_fails_the_occlusion():
    maps = np.arange(6.0)[:, None] + np.zeros((6, 9))
    assert occlusion(np.stack([maps, 3 * maps + 1, maps**2])).passed
    outcome = occlusion(np.stack([maps, -maps, maps]))
    assert not outcome.passed
    assert outcome.decided


def small_network() -> nn.Module:
    """Untrained, with ten classes, and quick."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 8, 5, 4), nn.Tanh(), nn.Flatten(), nn.Linear(8 * 7 * 7, 10))


@pytest.fixture(scope="module")
def case():
    return scene_case(small_network(), draw_parts(4, size=32, seed=5, objects=(2, 4)))


@pytest.fixture(scope="module")
def table(case):
    found = controls(case)
    return examine(case, {"truth": case.region.float(), "centre": found["centre"]}, found)


def test_every_metric_sits_every_test(table):
    tests = table.groupby("metric")["test"].agg(set)
    always = {"order", "order-of-one", "lunch-truth", "control", "silence"}
    assert all(always < sat for sat in tests)
    with_fill = tests[[name for name in tests.index if name.startswith(("deletion-", "insertion-", "srg-"))]]
    assert len(with_fill) == 9
    assert all("occlusion" in sat for sat in with_fill)
    assert set(table[table["test"] == "twin"]["metric"]) == set(TWINS)
    assert not table.duplicated(["metric", "test"]).any()
    assert table["n"].between(1, 4).all()


def test_all_twins_agree(table):
    assert table[table["test"] == "twin"]["passed"].all()


def test_metrics_that_skip_the_silent_fail(table):
    silence = table[table["test"] == "silence"].set_index("metric")["passed"]
    assert not silence["conciseness-preciseness"]  # nan for a black picture
    assert not silence["iou"]  # 0 and 0.5 everywhere are not 1 everywhere
    assert silence[["pixel-auroc", "rank-accuracy", "relevance-mass", "rendered-deletion", "srg-mean"]].all()


def test_the_truth_is_known_to_the_metrics_with_truth(table):
    rows = table[table["metric"].isin(["iou", "rank-accuracy", "pixel-auroc"])].set_index("test")
    assert rows.loc[["order", "lunch-truth", "control"], "passed"].all()


def test_what_an_image_is_shown_does_not_depend_on_its_company(case):
    alone = Case(case.classifier, case.images[1:2], case.targets[1:2])
    for name in ("mean", "blur", "noise"):
        torch.testing.assert_close(alone.fill(name)[0], case.fill(name)[1])
    torch.testing.assert_close(alone.perturbed[:, 0], case.perturbed[:, 1])
