"""Sparsity of images whose answer is known, scores of a classifier whose answers are known, and bootstrap intervals."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import bootstrap
from torch import nn

from helpers.metrics import SparseScores, lp_norm, lp_sparsity, score_explanations, summarise


class ByChannel(nn.Module):
    """The class is the brightest channel, with logits of ten times the channels' means."""

    def forward(self, images):
        return images.mean((2, 3)) * 10


def picture(*entries, channels=3):
    """One image of one row whose entries are given channel by channel."""
    return torch.tensor(entries).view(1, channels, 1, -1)


def some_scores(count=60, seed=0):
    """Scores with nothing in common."""
    generator = torch.Generator().manual_seed(seed)
    numbers = torch.rand(6, count, generator=generator)
    classes = torch.randint(3, (3, count), generator=generator)
    before = [numbers[0] * 90 + 10, numbers[1] * 50 + 5]
    return SparseScores(
        l0_before=before[0],
        l0_after=before[0] * numbers[2],
        l1_before=before[1],
        l1_after=before[1] * numbers[3] * 1.5,
        label=classes[0],
        predicted=classes[1],
        predicted_after=classes[2],
        confidence=numbers[4],
        top_confidence=numbers[5],
    )


class TestNorms:
    def test_entries_are_counted_not_pixels(self):
        images = torch.cat([picture(0.0, 0.5, 0.0, 0.25, 0.0, 1.0), picture(*[0.0] * 6)])
        assert lp_norm(images, 0).tolist() == [3, 0]
        assert lp_norm(images, 1).tolist() == [1.75, 0]

    def test_distances_from_a_colour(self):
        image = picture(1.0, 0.5, 1.0, 0.5, 1.0, 0.25)
        white = torch.ones(1, 3, 1, 1)
        assert lp_norm(image, 0, white).tolist() == [3]
        assert lp_norm(image, 1, white).tolist() == [1.75]
        own = torch.tensor([1.0, 0.5, 0.25]).view(1, 3, 1, 1)
        assert lp_norm(image, 0, own).tolist() == [3]  # each channel has one entry of its own colour
        assert lp_norm(image, 1, own).tolist() == [0.5 + 0.5 + 0.75]

    def test_a_colour_for_each_image(self):
        images = torch.cat([picture(*[0.25] * 6), picture(*[0.75] * 6)])
        colours = torch.tensor([0.25, 0.5]).view(2, 1, 1, 1)
        assert lp_norm(images, 0, colours).tolist() == [0, 6]
        assert lp_norm(images, 1, colours).tolist() == [0, 1.5]

    def test_entries_within_the_tolerance_do_not_count(self):
        image = picture(0.0, 0.125, 0.25, 0.5, 0.75, 1.0)
        assert [int(lp_norm(image, 0, tolerance=tolerance)) for tolerance in (0, 0.125, 0.3, 1)] == [5, 4, 3, 0]

    @pytest.mark.parametrize(("p", "tolerance"), [(2, 0), (0, -0.1)])
    def test_other_norms_are_refused(self, p, tolerance, unchecked):
        with pytest.raises(ValueError, match="0 or 1"):
            lp_norm(picture(*[0.0] * 6), p, tolerance=tolerance)


class TestSparsity:
    def test_is_a_ratio_of_means(self):
        before, after = torch.tensor([100.0, 10.0]), torch.tensor([50.0, 10.0])
        assert lp_sparsity(before, after) == pytest.approx(100 * 50 / 110)

    def test_all_and_nothing(self):
        before = torch.tensor([3.0, 5.0])
        assert lp_sparsity(before, torch.zeros(2)) == 100
        assert lp_sparsity(before, before) == 0
        assert math.isnan(lp_sparsity(torch.zeros(2), torch.zeros(2)))

    def test_brighter_explanations_have_a_negative_one(self):
        image, kept = picture(0.0, 0.5, 0.5, 0.5, 0.5, 0.0), picture(*[0.5] * 6)
        assert lp_sparsity(lp_norm(image, 0), lp_norm(kept, 0)) == -50
        assert lp_sparsity(lp_norm(image, 1), lp_norm(kept, 1)) == -50

    def test_zeros_of_the_original_are_nothing_that_was_removed(self):
        image, kept = picture(0.0, 0.0, 0.0, 0.0, 1.0, 0.5), picture(0.0, 0.0, 0.0, 0.0, 1.0, 0.0)
        assert lp_sparsity(lp_norm(image, 0), lp_norm(kept, 0)) == 50
        assert lp_sparsity(lp_norm(image, 1), lp_norm(kept, 1)) == pytest.approx(100 / 3)


class TestScores:
    def images(self):
        """Red, green, blue, each with a little of the next colour; and what is kept of them."""
        images = torch.zeros(3, 3, 4, 4)
        for number in range(3):
            images[number, number] = 0.75
            images[number, (number + 1) % 3] = 0.25
        kept = images.clone()
        kept[1, 1] = 0  # the green one keeps its blue only
        return images, kept

    @pytest.mark.parametrize("batch", [1, 2, 256])
    def test_of_pictures_whose_answers_are_known(self, batch):
        images, kept = self.images()
        scores = score_explanations(ByChannel(), images, kept, torch.tensor([0, 2, 1]), batch=batch)
        assert scores.predicted.tolist() == [0, 1, 2]
        assert scores.predicted_after.tolist() == [0, 2, 2]
        assert scores.l0_before.tolist() == [32] * 3
        assert scores.l0_after.tolist() == [32, 16, 32]
        assert scores.l1_after.tolist() == [16, 4, 16]
        whole = math.exp(7.5) / (math.exp(7.5) + math.exp(2.5) + 1)
        half = 1 / (2 + math.exp(2.5))
        assert scores.confidence.tolist() == pytest.approx([whole, half, whole])
        assert scores.top_confidence.tolist() == pytest.approx([whole, half * math.exp(2.5), whole])
        summary = summarise(scores)
        assert summary["images"] == 3
        assert summary["accuracy"] == pytest.approx(2 / 3)  # true labels: 0, 2, 1
        assert summary["agreement"] == pytest.approx(2 / 3)
        assert summary["l0"] == pytest.approx(100 * 16 / 96)
        assert summary["l1"] == pytest.approx(100 * 12 / 48)

    def test_predictions_that_are_known_are_not_asked_for(self):
        images, kept = self.images()
        scores = score_explanations(ByChannel(), images, kept, torch.zeros(3).long(), predicted=torch.tensor([2, 2, 2]))
        assert scores.predicted.tolist() == [2, 2, 2]
        assert float(scores.confidence[0]) == pytest.approx(1 / (math.exp(7.5) + math.exp(2.5) + 1))

    def test_against_a_colour(self):
        images, kept = self.images()
        white = torch.ones(1, 3, 1, 1)
        scores = score_explanations(ByChannel(), images, kept, torch.zeros(3).long(), reference=white)
        assert scores.l0_before.tolist() == [48] * 3
        assert scores.l1_before.tolist() == [32] * 3
        assert scores.l1_after.tolist() == [32, 44, 32]
        tolerant = score_explanations(ByChannel(), images, kept, torch.zeros(3).long(), reference=white, tolerance=0.3)
        assert tolerant.l0_before.tolist() == [32] * 3

    def test_what_does_not_belong_together_is_refused(self, unchecked):
        images, kept = self.images()
        for wrong, words in (
            ((kept[:2], torch.zeros(3).long()), "kept images must be"),
            ((kept, torch.zeros(2).long()), "do not fit 3 images"),
        ):
            with pytest.raises(ValueError, match=words):
                score_explanations(ByChannel(), images, *wrong)

    def test_parts_joined_are_the_whole(self):
        scores = some_scores()
        joined = SparseScores.join([scores[:10], scores[10:45], scores[45:]])
        assert len(joined) == 60
        assert all(torch.equal(value, scores.columns()[name]) for name, value in joined.columns().items())


def sparsity(before, after, axis):
    return 100 * (before.mean(axis) - after.mean(axis)) / before.mean(axis)


STATISTICS = {
    "confidence": (("confidence",), lambda confidence, axis: confidence.mean(axis)),
    "l0": (("l0_before", "l0_after"), sparsity),
    "l1": (("l1_before", "l1_after"), sparsity),
}


class TestIntervals:
    @pytest.mark.parametrize("name", STATISTICS)
    def test_agree_with_scipy(self, name):
        scores = some_scores()
        columns, statistic = STATISTICS[name]
        data = [scores.columns()[column].double().numpy() for column in columns]
        theirs = bootstrap(
            data, statistic, paired=True, vectorized=True, n_resamples=4000, method="percentile", rng=5
        ).confidence_interval
        summary = summarise(scores)
        width = theirs.high - theirs.low
        assert summary[f"{name}_low"] == pytest.approx(theirs.low, abs=0.06 * width)
        assert summary[f"{name}_high"] == pytest.approx(theirs.high, abs=0.06 * width)
        assert summary[name] == pytest.approx(statistic(*data, axis=-1), rel=1e-5)

    def test_of_a_share_against_the_binomial_law(self):
        scores = some_scores(400, seed=3)
        summary = summarise(scores)
        share = summary["accuracy"]
        half = 1.96 * math.sqrt(share * (1 - share) / 400)
        assert summary["accuracy_low"] == pytest.approx(share - half, abs=0.008)
        assert summary["accuracy_high"] == pytest.approx(share + half, abs=0.008)

    def test_many_images_in_portions(self, monkeypatch):
        scores = some_scores()
        whole = summarise(scores)
        monkeypatch.setattr("helpers.core.statistics.resampling._WEIGHTS_AT_ONCE", 600)
        assert summarise(scores) == pytest.approx(whole)

    def test_the_seed_decides(self):
        scores = some_scores()
        assert summarise(scores, seed=1) == summarise(scores, seed=1)
        assert summarise(scores, seed=1)["l1_low"] != summarise(scores, seed=2)["l1_low"]
        assert summarise(scores, seed=1)["l1"] == summarise(scores, seed=2)["l1"]

    def test_black_images_have_no_sparsity(self):
        scores = some_scores(5)
        nothing = SparseScores(**(scores.columns() | {"l0_before": torch.zeros(5), "l0_after": torch.zeros(5)}))
        summary = summarise(nothing)
        assert np.isnan([summary["l0"], summary["l0_low"], summary["l0_high"]]).all()
        assert not math.isnan(summary["l1_low"])

    def test_one_image_has_no_interval_and_none_no_row(self):
        summary = summarise(some_scores()[:1])
        assert math.isnan(summary["l1_low"])
        assert not math.isnan(summary["l1"])
        with pytest.raises(ValueError, match="no image"):
            summarise(some_scores()[:0])
