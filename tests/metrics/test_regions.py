"""Scores of a region: the shortcut's mark, a class's visible part. Slow restatements and masks with known answers."""

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score
from tiny import WindowClassifier

from helpers.data.scenes import make_scenes
from helpers.metrics import (
    pixel_auroc,
    pointing_game,
    relevance_mass_above_chance,
    relevance_rank_accuracy,
    shortcut_scores,
    shortcut_sensitivity,
)
from helpers.metrics.regions import region_share, widened

SIZE = 20


@pytest.fixture(scope="module")
def regions():
    generator = torch.Generator().manual_seed(1)
    kinds = torch.rand(3, SIZE, SIZE, generator=generator)
    return kinds < 0.1, (kinds > 0.2) & (kinds < 0.6)


@pytest.fixture(scope="module")
def masks():
    return torch.rand(3, SIZE, SIZE, generator=torch.Generator().manual_seed(2)).round(decimals=1)  # with ties


@pytest.fixture(scope="module")
def pair():
    """The same scenes without the mark and with it."""
    settings = {"size": 32, "seed": 3, "objects": (1, 1), "shortcut_class": "fish", "shortcut_strength": 0.0}
    return tuple(make_scenes(6, **settings, shortcut_base_rate=rate) for rate in (0.0, 1.0))


def test_outranking_is_the_area_under_the_roc_curve(masks, regions):
    inside, outside = regions
    result = pixel_auroc(masks, inside, outside)
    for row in range(3):
        compared = inside[row] | outside[row]
        expected = roc_auc_score(inside[row][compared].numpy(), masks[row][compared].numpy())
        assert float(result[row]) == pytest.approx(expected, abs=1e-6)


def test_outranking_sees_the_order_alone(masks, regions):
    torch.testing.assert_close(pixel_auroc(masks**3 * 0.2, *regions), pixel_auroc(masks, *regions))


def test_a_constant_mask_tells_no_region_from_another(regions):
    assert pixel_auroc(torch.full((3, SIZE, SIZE), 0.3), *regions).tolist() == [0.5] * 3
    assert pixel_auroc(regions[0].float(), *regions).tolist() == [1.0] * 3


def test_an_empty_region_cannot_be_ranked(masks, regions):
    assert bool(pixel_auroc(masks, torch.zeros_like(regions[0]), regions[1]).isnan().all())
    assert bool(pixel_auroc(masks, regions[0], torch.zeros_like(regions[1])).isnan().all())


def test_the_excess_share_has_its_closed_forms(regions):
    region = regions[0]
    area = region.float().mean((1, 2))
    torch.testing.assert_close(relevance_mass_above_chance(region.float(), region), 1 - area)
    torch.testing.assert_close(relevance_mass_above_chance((~region).float() * 0.1, region), -area)
    for constant in (0.0, 0.4):
        torch.testing.assert_close(
            relevance_mass_above_chance(torch.full(region.shape, constant), region), 0 * area, atol=1e-6, rtol=0
        )


def test_the_excess_share_does_not_see_a_factor(masks, regions):
    torch.testing.assert_close(
        relevance_mass_above_chance(0.01 * masks, regions[0]), relevance_mass_above_chance(masks, regions[0])
    )


def test_pointing_looks_at_the_largest_value(regions):
    mask = torch.zeros(1, SIZE, SIZE)
    mask[0, 3, 4] = 0.2
    region = torch.zeros(1, SIZE, SIZE, dtype=torch.bool)
    assert pointing_game(mask, region).tolist() == [0]
    region[0, 3, 4] = True
    assert pointing_game(mask, region).tolist() == [1]
    mask[0, 7, 7] = 0.2  # two pixels share the maximum: chance decides
    assert pointing_game(mask, region).tolist() == [0.5]
    flat = pointing_game(torch.zeros_like(regions[0]).float(), regions[0])
    torch.testing.assert_close(flat, regions[0].float().mean((1, 2)))


class TestPhotographs:
    """Photographs have void pixels, and the pointing game a tolerance: against loops over pixels."""

    @pytest.fixture
    def counted(self):
        return torch.rand(3, SIZE, SIZE, generator=torch.Generator().manual_seed(4)) < 0.8

    @pytest.mark.parametrize("tolerance", [0, 1, 1.5, 3, 3.2])
    def test_widening_is_a_distance_below_the_tolerance(self, regions, tolerance):
        sparse = regions[0] & (torch.rand(3, SIZE, SIZE, generator=torch.Generator().manual_seed(6)) < 0.1)
        found = widened(sparse, tolerance)
        for row in range(3):
            points = sparse[row].nonzero().double()
            for y in range(SIZE):
                for x in range(SIZE):
                    nearest = (points - torch.tensor([y, x])).norm(dim=1).min() if len(points) else torch.inf
                    expected = bool(nearest < tolerance) or bool(sparse[row, y, x])
                    assert bool(found[row, y, x]) == expected

    def test_a_negative_tolerance_is_refused(self, regions):
        with pytest.raises(ValueError, match="must not be negative"):
            widened(regions[0], -1)

    @pytest.mark.parametrize("tolerance", [0, 2.5])
    def test_pointing_among_the_pixels_that_count(self, masks, regions, counted, tolerance):
        found = pointing_game(masks, regions[0], counted, tolerance=tolerance)
        for row in range(3):
            best = max(float(masks[row, y, x]) for y, x in counted[row].nonzero().tolist())
            tops = [p for p in counted[row].nonzero().tolist() if float(masks[row, p[0], p[1]]) == best]
            inside = (regions[0][row] & counted[row]).nonzero().tolist()
            hits = [
                any((y - v) ** 2 + (x - u) ** 2 < tolerance**2 or (y, x) == (v, u) for v, u in inside) for y, x in tops
            ]
            assert float(found[row]) == pytest.approx(sum(hits) / len(tops))

    def test_mass_among_the_pixels_that_count(self, masks, regions, counted):
        found = relevance_mass_above_chance(masks, regions[0], counted)
        for row in range(3):
            pixels = counted[row].nonzero().tolist()
            inside = [(y, x) for y, x in pixels if regions[0][row, y, x]]
            mass, total = (sum(float(masks[row, y, x]) for y, x in some) for some in (inside, pixels))
            assert float(found[row]) == pytest.approx(mass / total - len(inside) / len(pixels), abs=1e-6)

    def test_the_rank_is_the_mean_overlap_over_random_orders_of_ties(self, masks, regions, counted):
        """A slow restatement: take the K largest values, ties in random order, and average over many draws."""
        found, rng = relevance_rank_accuracy(masks, regions[0], counted), np.random.default_rng(0)
        for row in range(3):
            kept = counted[row].numpy().ravel()
            values, inside = masks[row].numpy().ravel()[kept], regions[0][row].numpy().ravel()[kept]
            size, overlaps = int(inside.sum()), []
            for _ in range(4000):
                order = np.lexsort((rng.random(len(values)), -values))
                overlaps.append(inside[order[:size]].mean())
            assert float(found[row]) == pytest.approx(np.mean(overlaps), abs=0.01)

    def test_the_rank_has_its_closed_forms(self, regions, counted):
        region = regions[0]
        assert relevance_rank_accuracy(region.float(), region).tolist() == [1.0] * 3
        assert relevance_rank_accuracy((~region).float(), region).tolist() == pytest.approx([0.0] * 3)
        flat = torch.full(region.shape, 0.7)
        torch.testing.assert_close(relevance_rank_accuracy(flat, region, counted), region_share(region, counted))
        assert bool(relevance_rank_accuracy(flat, torch.zeros_like(region)).isnan().all())

    def test_silence_scores_as_chance(self, regions, counted):
        """The entrance examination for metrics: a constant map gets the score of chance, exactly."""
        for value in (0.0, 0.4, 1.0):
            flat = torch.full((3, SIZE, SIZE), value)
            near = region_share(widened(regions[0] & counted, 2.5), counted)
            torch.testing.assert_close(pointing_game(flat, regions[0], counted, tolerance=2.5), near)
            assert relevance_mass_above_chance(flat, regions[0], counted).abs().max() < 1e-6


class TestShortcut:
    def test_a_mask_of_the_mark_scores_highest_and_one_of_the_object_lowest(self, pair):
        _, marked = pair
        objects = marked.object_masks.any(1)
        mark = shortcut_scores(marked.shortcut_mask.float(), marked.shortcut_mask, objects)
        assert mark["over_background"].tolist() == mark["over_object"].tolist() == [1.0] * 6
        assert float(mark["relevance_mass_above_chance"].min()) > 0.8
        own = shortcut_scores(objects.float(), marked.shortcut_mask, objects)
        assert own["over_background"].tolist() == [0.5] * 6
        assert own["over_object"].tolist() == [0.0] * 6
        assert float(own["relevance_mass_above_chance"].max()) < 0

    def test_background_is_neither_mark_nor_object(self, pair):
        _, marked = pair
        objects = marked.object_masks.any(1)
        mask = torch.rand(objects.shape, generator=torch.Generator().manual_seed(5))
        result = shortcut_scores(mask, marked.shortcut_mask, objects)["over_background"]
        for row in range(6):
            inside = mask[row][marked.shortcut_mask[row]]
            outside = mask[row][~marked.shortcut_mask[row] & ~objects[row]]
            expected = np.mean([[float(a > b) for b in outside.tolist()] for a in inside.tolist()])
            assert float(result[row]) == pytest.approx(expected, abs=1e-6)

    def test_a_classifier_that_looks_at_one_corner_relies_on_marks_in_it(self, pair):
        without, marked = pair
        window = (slice(0, 16), slice(0, 16))
        classifier = WindowClassifier(window)
        result = shortcut_sensitivity(classifier, without.images, marked.images)
        touched = (without.images != marked.images).any(1)[(slice(None), *window)].flatten(1).any(1)
        assert torch.equal(result["logit"][:, 0] != 0, touched)
        assert bool((result["logit"][:, 1] == 0).all())
        expected = classifier(marked.images).sigmoid() - classifier(without.images).sigmoid()
        torch.testing.assert_close(result["probability"], expected)

    def test_the_pair_differs_in_the_mark_alone(self, pair):
        without, marked = pair
        changed = (without.images != marked.images).any(1)
        around = torch.nn.functional.max_pool2d(marked.shortcut_mask[:, None].float(), 3, stride=1, padding=1)[:, 0] > 0
        assert not bool((changed & ~around).any())  # its border is smooth, and reaches one pixel further
