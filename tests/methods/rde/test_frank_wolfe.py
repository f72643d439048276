"""Masks of a given number of coefficients: against brute force, bounds, and λ found by search at equal size."""

import itertools

import pytest
import torch
from tiny import TinyClassifier, WindowClassifier, smooth_images
from torch import nn

from helpers.core.runtime import random_generator
from helpers.methods import rde
from helpers.methods.rde import (
    CartoonX,
    PixelRDE,
    RDEOptions,
    best_corner,
    duality_gap,
    estimate_duality_gap,
    explain_at,
    largest_entries,
    relevance_order,
)
from helpers.methods.rde.frank_wolfe import feasible

SIDE, KEEP = 4, 3


class Weighed(nn.Module):
    """One logit: a weighted sum of the pixels. Linear, so that the label distortion of the logit is convex."""

    def forward(self, images):
        weights = torch.linspace(0.2, 2, SIDE * SIDE, dtype=images.dtype).roll(5).view(SIDE, SIDE)
        return (images * weights).mean((1, 2, 3)).unsqueeze(1)


def first_logit(logits):
    return logits[:, 0]


def subsets(keep=KEEP):
    """All binary masks of a 4 × 4 image with at most so many ones: (subsets, 1, 16)."""
    chosen = [c for size in range(keep + 1) for c in itertools.combinations(range(SIDE * SIDE), size)]
    masks = torch.zeros(len(chosen), 1, SIDE * SIDE, dtype=torch.double)
    for mask, places in zip(masks, chosen, strict=True):
        mask[0, list(places)] = 1
    return masks


def convex_method(**options):
    settings = {"keep": KEEP, "noise": "none", "clamp": False, "relative": False, "tolerance": 0.0, **options}
    return PixelRDE(Weighed().eval(), **settings)


@pytest.fixture(scope="module")
def convex():
    """A problem whose best mask of each size is known, and the objective of all masks of at most 3 pixels."""
    image = torch.rand(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0), dtype=torch.double) * 0.8 + 0.1
    method = convex_method(steps=200)
    problem = method.problem(image, first_logit)
    values = torch.stack([objective(problem, mask[None]) for mask in subsets()])
    return method, image, problem, values[:, 0]


def objective(problem, mask):
    return problem.distortions(mask, problem.draw(1, random_generator(0, mask.device))).mean(0) + problem.penalty(mask)


class TestOracle:
    def test_it_is_the_best_binary_mask_by_brute_force(self):
        gradient = torch.randn(5, 1, SIDE * SIDE, generator=torch.Generator().manual_seed(0), dtype=torch.double)
        values = (subsets()[:, None] * gradient).sum(3)  # subsets, batch, 1
        torch.testing.assert_close((best_corner(gradient, KEEP) * gradient).sum(2), values.amin(0))

    def test_it_takes_only_entries_that_descend(self):
        gradient = torch.tensor([[[1.0, -1.0, 0.0, 2.0]]])
        assert best_corner(gradient, 3).tolist() == [[[0, 1, 0, 0]]]
        assert best_corner(gradient).tolist() == [[[0, 1, 0, 0]]]

    def test_each_mask_can_have_its_own_sum(self):
        gradient = -torch.rand(3, 1, 8, generator=torch.Generator().manual_seed(1))
        together = best_corner(gradient, torch.tensor([1.0, 2.7, 8.0]).view(3, 1, 1))
        assert together.sum((1, 2)).tolist() == [1, 2, 8]
        for place, keep in enumerate((1, 2, 8)):
            assert torch.equal(together[place], best_corner(gradient[place : place + 1], keep)[0])

    def test_the_gap_is_that_of_the_best_mask_by_brute_force(self):
        generator = torch.Generator().manual_seed(2)
        mask = torch.rand(4, 1, SIDE * SIDE, generator=generator, dtype=torch.double)
        mask, gradient = feasible(mask, KEEP), torch.randn(mask.shape, generator=generator, dtype=torch.double)
        best = ((mask - subsets()[:, None]) * gradient).sum((2, 3)).amax(0)
        torch.testing.assert_close(duality_gap(mask, gradient, keep=KEEP), best)


class TestConvexProblem:
    def test_it_finds_the_best_mask_by_brute_force(self, convex):
        method, image, problem, values = convex
        found = method.explain(image, first_logit)
        best = subsets()[int(values.argmin())]
        torch.testing.assert_close(method.binary(image, found).representation_mask[0], best)
        value = float(objective(problem, found.representation_mask))
        assert float(values.min()) - 1e-9 <= value < 1.02 * float(values.min())

    def test_the_gap_bounds_the_distance_from_the_minimum(self, convex):
        _, _, problem, values = convex  # with all slopes negative, a corner is the minimum
        generator = torch.Generator().manual_seed(3)
        for _ in range(20):
            mask = feasible(torch.rand(1, 1, SIDE * SIDE, generator=generator, dtype=torch.double), KEEP)
            excess = float(objective(problem, mask) - values.min())
            assert 0 < excess <= float(estimate_duality_gap(problem, mask, generator, pairs=2).value) + 1e-12

    def test_it_stops_where_the_gap_is_below_the_tolerance(self, convex):
        method, image, problem, values = convex
        bound = 0.1 * float(values.min())
        found = method.with_options(tolerance=bound, steps=4000, check_every=50).explain(image, first_logit)
        assert found.convergence.converged.all()
        assert 2000 <= int(found.convergence.steps) < 4000  # not before the masks have come down to their sum
        assert float(objective(problem, found.representation_mask) - values.min()) <= bound


@pytest.fixture(scope="module")
def images():
    return smooth_images(4, 32).double()


@pytest.fixture(scope="module")
def method():
    """In double precision: a rounding error can change which entry is the last of a corner."""
    return CartoonX(TinyClassifier().double(), levels=2, steps=60, check_every=10, keep=40, tolerance=None)


class TestMasks:
    def test_they_are_feasible_and_the_binary_ones_keep_at_most_so_many(self, method, images):
        for each, most in ((method, 40), (method.with_options(keep=0.1), None), (method.with_options(steps=0), 40)):
            found = each.explain(images)
            most = most or round(0.1 * found.representation_mask.shape[2])
            mask, binary = found.representation_mask, each.binary(images, found)
            assert mask.min() >= 0
            assert mask.max() <= 1
            assert (mask.sum((1, 2)) <= most * (1 + 1e-5)).all()
            assert set(binary.representation_mask.unique().tolist()) == {0.0, 1.0}
            assert (binary.representation_mask.sum((1, 2)) <= most).all()
        assert torch.equal(binary.targets, found.targets)
        assert binary.kept.shape == images.shape

    def test_the_binary_mask_has_the_largest_entries(self):
        mask = torch.tensor([[[0.2, 0.9, 0.0, 0.5]]])
        assert largest_entries(mask, 2).tolist() == [[[0, 1, 0, 1]]]
        assert largest_entries(mask, 4).tolist() == [[[1, 1, 0, 1]]]

    @pytest.mark.parametrize("target", [2, [0, 1, 2, 3], first_logit])
    def test_a_batch_is_a_loop(self, method, images, target):
        gaps = method.with_options(tolerance=0.0).explain(images, target).history["gap"]
        stopping = method.with_options(tolerance=float(gaps[:, 39].sort().values[1]) * 1.001)
        together = stopping.explain(images, target)
        assert together.convergence.steps.min() < together.convergence.steps.max()
        for place in range(len(images)):
            own = target[place] if isinstance(target, list) else target
            alone = stopping.explain(images[place : place + 1], own)
            assert alone.convergence.steps[0] == together.convergence.steps[place]
            torch.testing.assert_close(
                alone.representation_mask[0], together.representation_mask[place], atol=1e-5, rtol=0
            )

    def test_a_given_start_falls_from_its_own_sum(self, method, images):
        denser = method.with_options(keep=120).explain(images).representation_mask
        starts = torch.cat([denser[:2], torch.ones_like(denser[2:])])
        together = method.explain(images, initial=starts).representation_mask
        for place in range(len(images)):
            alone = method.explain(images[place : place + 1], initial=starts[place : place + 1]).representation_mask
            torch.testing.assert_close(alone[0], together[place], atol=1e-5, rtol=0)

    def test_it_keeps_the_window_that_the_classifier_looks_at(self):
        window = (slice(4, 8), slice(8, 12))
        images = smooth_images(2, 16) * 0.2 + 0.6
        found = PixelRDE(WindowClassifier(window), keep=16, steps=300, tolerance=None).explain(images, 0)
        inside = found.mask[(..., *window)].sum((1, 2, 3)) / found.mask.sum((1, 2, 3))
        assert (inside > 0.9).all()


def test_it_is_as_good_as_a_price_found_by_search_at_equal_size(images):
    method = CartoonX(TinyClassifier(), levels=2, relative=True, steps=200, tolerance=None)
    images = images.float()
    searched = explain_at(method, images, sparsity=0.1, weight_range=(0.1, 400))
    rate = method.with_options(keep=0.1)
    distortion = rate.problem(images).evaluate(rate.explain(images).representation_mask, samples=64)["distortion"]
    assert searched.reached.all()
    assert float(distortion.mean()) < 1.1 * float(searched.distortion.mean()) + 0.01


class TestRelevanceOrder:
    def test_the_entries_that_a_smaller_rate_keeps_come_first(self, method, images):
        keeps = (10, 40, 160)
        found = relevance_order(method, images, keeps=keeps, steps=40)
        masks = [explanation.representation_mask for explanation in found.explanations]
        for keep, mask in zip(keeps, masks, strict=True):
            assert (mask.sum((1, 2)) <= keep * (1 + 1e-5)).all()
        torch.testing.assert_close(found.score, sum(masks) / 3)
        for order, score in zip(found.order, found.score[:, 0], strict=True):
            assert sorted(order.tolist()) == list(range(len(score)))
            assert (score[order].diff() <= 0).all()
        first = largest_entries(masks[0], keeps[0])[:, 0].gather(1, found.order)[:, : keeps[0]]
        assert first.mean() > 0.6

    @pytest.mark.parametrize("keeps", [(), (10, 10), (40, 10), (10, 0.5)])
    def test_rates_that_do_not_ascend_are_refused(self, method, images, keeps):
        with pytest.raises(ValueError, match="keeps must ascend"):
            relevance_order(method, images, keeps=keeps)


class TestOptions:
    @pytest.mark.parametrize("keep", [0, -3, 1.0, 1.5, 0.0, True, "many", float("nan")])
    def test_a_bad_rate_is_refused_in_words(self, keep):
        with pytest.raises(ValueError, match=r"neither a number of coefficients .* nor a share of them"):
            CartoonX(TinyClassifier(), keep=keep)

    def test_more_than_there_are_is_refused(self, images):
        with pytest.raises(ValueError, match="keep=5000 is more than the 1024 coefficients"):
            PixelRDE(TinyClassifier(), keep=5000).explain(images)

    def test_a_rate_and_its_price_are_refused(self, method, images):
        with pytest.raises(ValueError, match="give one of them"):
            method.explain(images, sparsity_weights=torch.ones(4))
        with pytest.raises(ValueError, match="needs the option keep"):
            method.with_options(keep=None).binary(images, method.explain(images))

    def test_a_method_without_a_rate_has_the_keys_that_it_had(self):
        assert "keep" not in RDEOptions().stored()
        assert RDEOptions(keep=0.02).stored()["keep"] == 0.02


def test_the_function_is_not_hidden_by_a_module_of_its_name():
    """Importing `RelevanceOrder` once turned `relevance_order` into a module."""
    assert rde.RelevanceOrder.__module__ == rde.relevance_order.__module__
    assert callable(rde.relevance_order)
