"""Scores of class masks: closed forms of the constant masks, slow restatements, and other libraries."""

import math

import numpy as np
import pytest
import torch
from sklearn.metrics import f1_score, jaccard_score, precision_recall_fscore_support
from tiny import TinyClassifier, smooth_images
from torchmetrics.functional.classification import multilabel_stat_scores

from helpers.data.scenes import make_scenes
from helpers.metrics import (
    class_score_matrix,
    decision_counts,
    masked_images,
    masked_probabilities,
    micro_scores,
    saliency_score,
    sanity_masks,
    segmentation_scores,
)

SIZE = 24


class Coloured(TinyClassifier):
    """A classifier with a mean colour, as those with a normaliser have."""

    mean = torch.tensor([0.5, 0.25, 0.75]).reshape(1, 3, 1, 1)


@pytest.fixture(scope="module")
def objects():
    return (torch.rand(4, SIZE, SIZE, generator=torch.Generator().manual_seed(1)) > 0.7).float()


@pytest.fixture(scope="module")
def masks():
    return torch.rand(4, SIZE, SIZE, generator=torch.Generator().manual_seed(2))


class TestSanityColumns:
    """What a mask of zeros, halves, ones and the truth must score, whatever the images are (Table 2)."""

    def test_they_have_their_closed_forms(self, objects):
        area = objects.mean((1, 2))
        scores = {name: segmentation_scores(mask, objects) for name, mask in sanity_masks(objects).items()}
        expected = {
            "0": {"accuracy": 1 - area, "iou": 0 * area, "mae": area},
            "0.5": {"accuracy": 0 * area + 0.5, "iou": 0.5 * area / (area + 0.5 * (1 - area)), "mae": 0 * area + 0.5},
            "1": {"accuracy": area, "iou": area, "mae": 1 - area},
            "G.T.": {"accuracy": 0 * area + 1, "iou": 0 * area + 1, "mae": 0 * area},
        }
        for name, values in expected.items():
            for score, value in values.items():
                torch.testing.assert_close(scores[name][score], value, msg=f"{name}: {score}")

    def test_a_mask_of_ones_scores_the_saliency_of_the_whole_image(self):
        classifier, images = TinyClassifier(), smooth_images(3, SIZE)
        instances = torch.tensor([[1, 0, 0, 0, 0], [0, 1, 1, 0, 0], [0, 0, 0, 2, 1]])
        result = saliency_score(classifier, images, torch.ones(3, SIZE, SIZE), instances)
        probabilities = classifier(images).softmax(1)
        for row in range(3):
            total = sum(float(probabilities[row, c]) for c in range(5) if instances[row, c])
            assert float(result[row]) == pytest.approx(-math.log(total), abs=1e-5)

    def test_an_empty_mask_scores_the_saliency_of_a_black_image(self):
        classifier, images = TinyClassifier(), smooth_images(1, SIZE)
        result = saliency_score(classifier, images, torch.zeros(1, SIZE, SIZE), torch.tensor([[0, 0, 1, 0, 0]]))
        black = classifier(torch.zeros_like(images)).softmax(1)[0, 2]
        assert float(result[0]) == pytest.approx(math.log(0.05) - math.log(float(black)), abs=1e-5)


class TestSegmentation:
    def test_accuracy_is_one_minus_the_error_for_a_binary_truth(self, masks, objects):
        scores = segmentation_scores(masks, objects)
        torch.testing.assert_close(scores["accuracy"], 1 - scores["mae"])

    def test_it_is_the_sum_over_pixels(self, masks):
        truth = torch.rand(masks.shape, generator=torch.Generator().manual_seed(3))  # not binary, as COCO's published
        counted = torch.rand(masks.shape, generator=torch.Generator().manual_seed(4)) > 0.2
        scores = segmentation_scores(masks, truth, counted)
        for row in range(len(masks)):
            pairs = [
                (float(masks[row, y, x]), float(truth[row, y, x]))
                for y in range(SIZE)
                for x in range(SIZE)
                if counted[row, y, x]
            ]
            accuracy = sum(m * g + (1 - m) * (1 - g) for m, g in pairs) / len(pairs)
            iou = sum(min(pair) for pair in pairs) / sum(max(pair) for pair in pairs)
            assert float(scores["accuracy"][row]) == pytest.approx(accuracy, abs=1e-5)
            assert float(scores["iou"][row]) == pytest.approx(iou, abs=1e-5)
            assert float(scores["mae"][row]) == pytest.approx(sum(abs(m - g) for m, g in pairs) / len(pairs), abs=1e-5)

    @pytest.mark.parametrize("threshold", [0.25, 0.5, 0.75])
    def test_f1_is_scikit_learns(self, masks, objects, threshold):
        result = segmentation_scores(masks, objects)[f"f1_{round(100 * threshold)}"]
        expected = [f1_score(g.flatten() > 0.5, m.flatten() > threshold) for m, g in zip(masks, objects, strict=True)]
        np.testing.assert_allclose(result, expected, rtol=1e-5)

    def test_discrete_iou_is_scikit_learns_on_the_counted_pixels(self, masks, objects):
        counted = torch.rand(masks.shape, generator=torch.Generator().manual_seed(4)) > 0.5
        scores = segmentation_scores(masks, objects, counted)
        for step in range(1, 10):
            expected = [
                jaccard_score(g[c] > 0.5, m[c] > step / 10) for m, g, c in zip(masks, objects, counted, strict=True)
            ]
            np.testing.assert_allclose(scores[f"iou_{10 * step}"], expected, rtol=1e-5)

    def test_pixels_that_do_not_count_do_not_count(self, masks, objects):
        counted = torch.rand(masks.shape, generator=torch.Generator().manual_seed(4)) > 0.2
        changed = torch.where(counted, masks, 1 - masks)
        before, after = (segmentation_scores(m, objects, counted) for m in (masks, changed))
        assert all(torch.equal(before[name], after[name]) for name in before)

    def test_nothing_where_nothing_is_is_right_and_an_uncounted_image_has_no_score(self):
        empty = torch.zeros(1, SIZE, SIZE)
        scores = segmentation_scores(empty, empty)
        assert all(float(value) == (0 if name == "mae" else 1) for name, value in scores.items())
        uncounted = segmentation_scores(empty, empty, torch.zeros(1, SIZE, SIZE, dtype=torch.bool))
        assert all(bool(value.isnan().all()) for value in uncounted.values())

    def test_a_mask_where_nothing_is_scores_nothing(self):
        scores = segmentation_scores(torch.ones(1, SIZE, SIZE), torch.zeros(1, SIZE, SIZE))
        assert float(scores["iou"]) == float(scores["f1_50"]) == float(scores["iou_50"]) == 0


class TestSaliency:
    def test_published_counts_objects_and_corrected_counts_classes(self):
        classifier, images, mask = Coloured(), smooth_images(1, SIZE), torch.full((1, SIZE, SIZE), 0.3)
        one, three = torch.tensor([[0, 1, 0, 0, 0]]), torch.tensor([[0, 3, 0, 0, 0]])
        difference = [
            float(saliency_score(classifier, images, mask, one, variant=v))
            - float(saliency_score(classifier, images, mask, three, variant=v))
            for v in ("corrected", "published")
        ]
        assert difference == pytest.approx([0, math.log(3)], abs=1e-5)

    def test_published_hides_by_the_mean_colour(self):
        classifier, images, instances = Coloured(), smooth_images(2, SIZE), torch.eye(5, dtype=torch.long)[:2]
        mask = torch.rand(2, SIZE, SIZE, generator=torch.Generator().manual_seed(5))
        # multiplying the image as the normaliser sees it, then taking the normaliser back
        shown = (images - classifier.mean) * mask[:, None] + classifier.mean
        probabilities = classifier(shown).softmax(1).diagonal()
        expected = mask.mean((1, 2)).clamp_min(0.05).log() - probabilities.log()
        result = saliency_score(classifier, images, mask, instances, variant="published")
        torch.testing.assert_close(result, expected, atol=1e-5, rtol=1e-5)

    def test_it_is_finite_where_the_probability_is_not(self):
        class Sure(torch.nn.Module):
            def forward(self, images):
                return torch.tensor([[1000.0, 0.0]]).expand(len(images), 2)

        result = saliency_score(Sure(), smooth_images(1, SIZE), torch.ones(1, SIZE, SIZE), torch.tensor([[0, 1]]))
        assert float(result) == pytest.approx(1000)

    def test_an_image_without_objects_has_no_score(self):
        result = saliency_score(
            TinyClassifier(), smooth_images(1, SIZE), torch.ones(1, SIZE, SIZE), torch.zeros(1, 5, dtype=torch.long)
        )
        assert bool(result.isnan().all())

    def test_an_unknown_variant_is_refused(self, unchecked):
        with pytest.raises(ValueError, match="'corrected' or 'published'"):
            masked_images(TinyClassifier(), smooth_images(1, SIZE), torch.ones(1, 1, SIZE, SIZE), "original")


class TestClassScores:
    @pytest.mark.parametrize("variant", ["corrected", "published"])
    @pytest.mark.parametrize("chunk", [7, 256])
    def test_they_are_those_of_one_image_mask_and_threshold_at_a_time(self, variant, chunk):
        classifier, images = Coloured(), smooth_images(3, SIZE)
        masks = torch.rand(3, 2, SIZE, SIZE, generator=torch.Generator().manual_seed(6))
        result = masked_probabilities(classifier, images, masks, variant=variant, chunk=chunk)
        hidden = classifier.mean if variant == "published" else torch.zeros(1, 3, 1, 1)
        for row in range(3):
            torch.testing.assert_close(result[row, 0], classifier(images[row : row + 1]).softmax(1)[0])
            for mask in range(2):
                mean = torch.zeros(5)
                for step in range(1, 10):
                    kept = masks[row, mask] > step / 10
                    picture = torch.where(kept, images[row], hidden[0])
                    mean += classifier(picture[None]).softmax(1)[0] / 9
                torch.testing.assert_close(result[row, 1 + mask], mean, atol=1e-5, rtol=1e-5)

    def test_a_mask_of_ones_is_the_image_and_one_of_zeros_is_black(self):
        classifier, images = TinyClassifier(), smooth_images(2, SIZE)
        masks = torch.stack([torch.ones(2, SIZE, SIZE), torch.zeros(2, SIZE, SIZE)], 1)
        result = masked_probabilities(classifier, images, masks)
        torch.testing.assert_close(result[:, 1], result[:, 0])
        black = classifier(torch.zeros_like(images)).softmax(1)
        torch.testing.assert_close(result[:, 2], black)

    def test_the_matrix_averages_over_the_images_of_a_class(self):
        probabilities = torch.rand(3, 2, 4, generator=torch.Generator().manual_seed(7))
        labels = torch.tensor([[1, 0, 1, 0], [1, 1, 0, 0], [0, 0, 1, 0]], dtype=torch.bool)
        matrix = class_score_matrix(probabilities, labels)
        for column in range(2):
            assert float(matrix[0, column]) == pytest.approx(float(probabilities[:2, column, 0].mean()))
            assert float(matrix[1, column]) == pytest.approx(float(probabilities[1, column, 1]))
            assert float(matrix[2, column]) == pytest.approx(float(probabilities[[0, 2], column, 2].mean()))
        assert bool(matrix[3].isnan().all())  # no image shows this class

    def test_no_threshold_is_an_error(self):
        with pytest.raises(ValueError, match="at least one threshold"):
            masked_probabilities(TinyClassifier(), smooth_images(1, SIZE), torch.ones(1, 1, SIZE, SIZE), thresholds=())


class TestDecisions:
    @pytest.mark.parametrize("threshold", [0.0, -1.0])
    def test_they_are_scikit_learns_over_all_decisions(self, threshold):
        generator = torch.Generator().manual_seed(8)
        logits, labels = torch.randn(40, 6, generator=generator) * 2, torch.rand(40, 6, generator=generator) > 0.7
        counts = decision_counts(logits, labels, threshold).sum(0)
        expected = precision_recall_fscore_support(labels.flatten(), (logits > threshold).flatten(), average="binary")[
            :3
        ]
        assert [float(value) for value in micro_scores(counts).values()] == pytest.approx(expected, abs=1e-6)

    @pytest.mark.parametrize("threshold", [0.0, -1.0])
    def test_each_images_counts_are_torchmetrics(self, threshold):
        generator = torch.Generator().manual_seed(9)
        logits, labels = torch.randn(5, 6, generator=generator), torch.rand(5, 6, generator=generator) > 0.5
        expected = [
            multilabel_stat_scores((row > threshold).int()[None], label.int()[None], 6, average="micro")[:4]
            for row, label in zip(logits, labels, strict=True)
        ]
        assert torch.equal(decision_counts(logits, labels, threshold), torch.stack(expected))

    def test_logits_between_zero_and_one_are_still_logits(self):
        # a library that guesses would take these for probabilities
        counts = decision_counts(torch.tensor([[0.1, 0.2, -0.1]]), torch.tensor([[True, True, False]]))
        assert counts.tolist() == [[2, 0, 1, 0]]

    def test_a_batch_of_counts_gives_a_batch_of_scores(self):
        scores = micro_scores(torch.tensor([[2, 0, 1, 0], [0, 0, 3, 0]]))
        assert scores["precision"].tolist() == [1, 0]
        assert scores["f_score"].tolist() == [1, 0]


def test_the_truth_of_a_scene_is_its_own_best_mask():
    scenes = make_scenes(4, size=32, seed=1)
    truth = scenes.object_masks.any(1).float()
    assert float(segmentation_scores(truth, truth)["iou"].min()) == 1
