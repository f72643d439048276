"""The places, clusters, correlations, controls and pictures of the chapter on which number to believe."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats

from helpers.benchmark.maps import scene_case
from helpers.benchmark.scenes import OBJECTS, SERIES
from helpers.benchmark.truth import drop_shares
from helpers.chapters.which_number.agreement import (
    agreement_matrix,
    correlation_interval,
    predictions,
    read_correlations,
)
from helpers.chapters.which_number.drawings import (
    draw_agreement,
    draw_gallery,
    draw_places,
    draw_predictions,
    draw_shares,
    draw_standings,
)
from helpers.chapters.which_number.fooled import fooled_counts, report_cards
from helpers.chapters.which_number.gallery import SCENES, TRUTHS, read_gallery, truth_maps
from helpers.chapters.which_number.moves import halves, moved, moves_table
from helpers.chapters.which_number.photographs import (
    PREDICTOR,
    PREDICTORS,
    better_than_centre,
    lead_of_predictor,
    mean_table,
    order_kept,
    photograph_predictions,
    word,
)
from helpers.chapters.which_number.places import place_intervals, simulated_places
from helpers.chapters.which_number.scores import PROFILE, USED, WHERE, goodness, read_clusters, read_scores
from helpers.classifiers import load_classifier
from helpers.data.scenes.parts import SceneParts, draw_parts
from helpers.results import read_table


def made_up(means: dict[str, dict[str, float]], controls: tuple[str, ...] = (), images: int = 30) -> pd.DataFrame:
    """Scores of methods with given means by each metric, and a little noise."""
    generator = np.random.default_rng(0)
    frames = [
        pd.DataFrame(
            {"method": name, "control": name in controls, "image": range(images)}
            | {metric: mean + 0.01 * generator.normal(size=images) for metric, mean in own.items()}
        )
        for name, own in means.items()
    ]
    return pd.concat(frames, ignore_index=True)


class TestPlaces:
    def test_far_apart_they_are_the_truth(self):
        places = simulated_places(5, 100, studies=20, spread=100.0)
        assert (places == np.arange(1, 6)).all()

    def test_each_study_gives_each_place_once(self):
        places = simulated_places(7, 3, studies=50)
        assert (np.sort(places, axis=1) == np.arange(1, 8)).all()

    def test_two_methods_are_exchanged_as_often_as_the_normal_distribution_says(self):
        swapped = (simulated_places(2, 8, studies=40_000, spread=0.5)[:, 0] == 2).mean()
        assert swapped == pytest.approx(stats.norm.cdf(-0.5 / math.sqrt(2 / 8)), abs=0.01)

    def test_an_interval_holds_most_places(self):
        places = simulated_places(6, 10)
        low, high = place_intervals(places).T
        assert (((places >= low) & (places <= high)).mean(0) >= 0.94).all()


class TestAgreement:
    def test_the_matrix_is_symmetric_and_has_all_pairs(self):
        correlations = read_correlations()
        matrix = agreement_matrix(correlations)
        np.testing.assert_array_equal(matrix, matrix.T)
        assert len(correlations) == len(matrix) * (len(matrix) - 1) / 2
        assert (np.diag(matrix) == 1).all()

    def test_a_stored_correlation_is_that_of_pandas(self):
        scores = read_scores()
        methods = scores[~scores["control"]].pivot(index="image", columns="method", values=[WHERE, "insertion-mean"])
        means = methods.dropna().mean().unstack(0)  # over the scenes that all methods have
        expected = means.corr(method="spearman").loc[WHERE, "insertion-mean"]
        assert agreement_matrix(read_correlations()).loc[WHERE, "insertion-mean"] == pytest.approx(expected, abs=1e-4)

    def test_both_kinds_of_interval_have_one_value(self):
        predicted = predictions(read_correlations())
        assert predicted.groupby(["metric", "truth"])["value"].nunique().eq(1).all()
        assert predicted.groupby(["metric", "truth"]).size().eq(2).all()
        over_methods = predicted[predicted["over"] == "methods"]
        assert (over_methods["low"] < over_methods["value"]).all()
        assert (over_methods["value"] < over_methods["high"]).all()

    def test_the_interval_over_methods_covers_the_truth(self):
        generator, true, hits = np.random.default_rng(0), 0.7, 0
        rho = 6 / math.pi * math.asin(true / 2)  # Spearman's correlation of the normal distribution
        for _ in range(1000):
            x, y = generator.multivariate_normal([0, 0], [[1, true], [true, 1]], size=20).T
            effect = correlation_interval(float(stats.spearmanr(x, y).statistic), 20)
            hits += effect.low <= rho <= effect.high
        assert 930 <= hits <= 975

    def test_few_or_perfect_pairs(self):
        assert math.isnan(correlation_interval(0.5, 3).low)
        assert correlation_interval(1.0, 10).low == 1.0


class TestFooled:
    def test_a_control_above_a_truly_better_method_counts(self):
        truly = {WHERE: 0.8, USED: 0.8}
        scores = made_up(
            {
                "a": {**truly, "keep": 0.2, "randomise": 0.9},
                "b": {**truly, USED: 0.1, "keep": 0.2, "randomise": 0.9},  # the truths differ about it
                "centre": {WHERE: 0.3, USED: 0.3, "keep": 0.6, "randomise": 0.1},
            },
            controls=("centre",),
        )
        counts = fooled_counts(scores, ["keep", "randomise", WHERE])
        assert counts["centre"].to_dict() == {"keep": 1, "randomise": 0, WHERE: 0}

    def test_report_cards_have_all_metrics_without_truth(self):
        scores, examination = read_scores(), read_table("benchmark", "metric-examination")
        cards = report_cards(scores, examination, predictions(read_correlations())).set_index("metric")
        assert set(cards.index) == set(examination.loc[examination["truth"] == "none", "metric"])
        assert "control" in cards.loc["hallucinated-edges", "fails"]
        assert (cards.loc[cards["admitted"] == "yes", "fails"] == "").all()
        assert (cards.loc[cards["admitted"] == "no", "fails"] != "").all()


class TestMoves:
    def test_the_same_order_and_its_reverse(self):
        means = {name: {"keep": float(place)} for place, name in enumerate("abcdef")}
        back = {name: {"keep": -own["keep"]} for name, own in means.items()}
        first, second = made_up({**means, "centre": {"keep": 9.0}}, ("centre",)), made_up(back)
        assert moved(first, first, "keep").value == 1
        effect = moved(first, second, "keep")
        assert (effect.value, effect.count) == (-1, 6)

    def test_only_common_methods_and_whole_scenes_count(self):
        first = made_up({name: {"keep": float(place)} for place, name in enumerate("abcdef")})
        slow = first[(first["method"] != "a") | (first["image"] < 10)]
        second = slow[slow["method"] != "f"]
        assert moved(slow, second, "keep").count == 5
        assert moves_table({"methods": (slow, second)}, ["keep"])["keep"].tolist() == ["1.00 [all 5 equal]"]

    def test_halves_have_other_scenes(self):
        first, second = halves(made_up({"a": {"keep": 0.0}}))
        assert set(first["image"]) & set(second["image"]) == set()
        assert len(first) == len(second) == 15


def test_lower_may_be_better():
    scores = made_up({"a": {"infidelity": 0.9}, "b": {"infidelity": 0.1}})
    assert goodness(scores, "infidelity")["a"].mean() == pytest.approx(-0.9, abs=0.01)


@pytest.fixture(scope="module")
def gallery():
    return read_gallery()


class TestGallery:
    def test_all_methods_are_shown_for_each_scene(self, gallery):
        methods = set(read_table(PROFILE, "benchmark-gallery")["method"])
        assert len(gallery) == SCENES
        for shown in gallery:
            assert set(shown.maps) == set(shown.scores) == methods > set(TRUTHS)
            assert {values.shape for values in shown.maps.values()} == {(1, 64, 64)}
            assert shown.controls == {"random", "centre", "edges", "brightness", "everything"}

    def test_the_truths_have_their_own_scores(self, gallery):
        for shown in gallery:
            assert shown.scores["the object"][0] == 1
            assert shown.scores["what was used"][1] == pytest.approx(1, abs=1e-5)
            assert set(shown.maps["the object"].unique().tolist()) == {0.0, 1.0}

    def test_each_part_has_its_share_of_the_drop(self):
        parts = SceneParts.join([draw_parts(1, start=n, seed=SERIES, objects=OBJECTS) for n in range(3)])
        case = scene_case(load_classifier("scenes-multilabel"), parts)
        used = truth_maps(case)[1]
        sums = (used[:, None] * parts.masks).sum((2, 3))  # scenes, parts
        torch.testing.assert_close(sums, drop_shares(case.drops))

    def test_maps_are_relative_to_their_largest_value(self, gallery):
        largest = [float(values.max()) for shown in gallery for values in shown.maps.values()]
        assert all(value == 0 or value > 0.99 for value in largest)
        torch.testing.assert_close(gallery[0].maps["everything"], torch.ones(1, 64, 64))


def test_drawings(gallery):
    drawn = [
        draw_gallery(gallery[0]),
        draw_places({images: simulated_places(20, images, studies=50) for images in (60, 200)}),
        draw_standings(read_clusters(), WHERE),
        draw_agreement(agreement_matrix(read_correlations())),
        draw_predictions(predictions(read_correlations()), frozenset(["keep"])),
        draw_shares(read_table("benchmark", "rendered-deletion")),
    ]
    counts = [len(figure.axes) for figure in drawn]
    assert counts[0] >= 1 + len(gallery[0].maps)
    assert counts[1] == 2
    assert counts[4:] == [2, 2]


class TestPhotographs:
    """Seven methods and a control; the predictor of scenes has their order, or its reverse, and the others none."""

    TRUTH = {f"method {place}": float(place) for place in range(7)} | {"centre": 3.5}
    ALTERNATING = (0, 1, 0, 1, 0, 1, 0, 0)

    def table(self, sign=1.0):
        rows = {}
        for (name, mean), other in zip(self.TRUTH.items(), self.ALTERNATING, strict=True):
            lower = {metric: -float(other) for metric in PREDICTORS if metric.startswith("deletion")}
            rest = dict.fromkeys(PREDICTORS, float(other)) | lower
            rows[name] = {WHERE: mean} | rest | {PREDICTOR: sign * mean}
        return made_up(rows, controls=("centre",))

    def test_the_leading_predictor_is_decided(self):
        assert photograph_predictions(self.table()).index[0] == PREDICTOR
        assert [word(lead_of_predictor(self.table(sign), resamples=100)) for sign in (1, -1)] == ["holds", "fails"]

    def test_an_order_is_kept_or_turned(self):
        table = self.table()
        assert word(order_kept(table, table)) == "holds"
        assert word(order_kept(table, table.assign(**{WHERE: -table[WHERE]}))) == "fails"
        few = table[table["method"].isin(["method 0", "method 1", "method 2", "method 3", "method 4"])]
        assert word(order_kept(few, few)) == "not a fair test"

    def test_methods_are_marked_against_the_centre(self):
        table = self.table()
        assert better_than_centre(table) == ["method 4", "method 5", "method 6"]
        cells = mean_table({"all": table, "few": table[table["method"] != "method 6"]}).set_index("method")
        assert cells["all"].tolist()[3:] == ["3.00 -", "4.00 +", "5.00 +", "6.00 +", "3.50"]
        assert cells.loc["method 6", "few"] == ""
