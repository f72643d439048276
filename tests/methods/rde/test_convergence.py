"""The stopping rule: its measure against problems whose solution is known, and an image's stop against its mates."""

import itertools

import pytest
import torch
from tiny import TinyClassifier, smooth_images
from torch import nn

from helpers.core.explanation import Explanation
from helpers.core.runtime import random_generator
from helpers.methods.rde import CartoonX, PixelRDE, duality_gap, estimate_duality_gap, screen_duality_gap
from helpers.methods.rde.optimise import optimise

SIZE = 16
WEIGHT = 0.5


class Bright(nn.Module):
    """One logit: the mean of the image, its columns weighed from 1 to 3. Linear, so that the objective is convex."""

    def forward(self, images):
        weights = torch.linspace(1, 3, images.shape[-1], dtype=images.dtype, device=images.device)
        return (images * weights).mean((1, 2, 3)).unsqueeze(1)


def convex_problem(images, **options):
    """(Σ b (1 - s))² + λk mean(s), with b known: no noise, the first logit as the score."""
    method = PixelRDE(Bright().eval(), noise="none", clamp=False, sparsity_weight=WEIGHT, **options)
    return method.with_options(relative=False).problem(images, lambda logits: logits[:, 0])


def known_solution(problem):
    """The minimum in closed form: entries kept in the order of b until the slope turns, the last one in part."""
    slopes = (problem.coefficients * Bright()(torch.ones(1, 3, 1, SIZE)).new_tensor(1.0)).sum(1)
    weights = torch.linspace(1, 3, SIZE, dtype=slopes.dtype).repeat(SIZE)
    b = (slopes * weights / (3 * SIZE * SIZE))[0]
    price = WEIGHT / len(b)
    order = b.argsort(descending=True)
    best, value = None, float("inf")
    for place in range(len(b)):  # which entry is kept in part
        mask = torch.zeros_like(b)
        mask[order[:place]] = 1
        rest = b[order[place + 1 :]].sum()  # what the dropped ones lose
        part = 1 - (price / (2 * b[order[place]]) - rest) / b[order[place]]
        mask[order[place]] = part.clamp(0, 1)
        objective = (b * (1 - mask)).sum() ** 2 + WEIGHT * mask.mean()
        if objective < value:
            best, value = mask, float(objective)
    return best[None, None], value


def objective(problem, mask):
    noise = problem.draw(1, random_generator(0, mask.device))
    return problem.distortions(mask, noise).mean(0) + problem.penalty(mask)


@pytest.fixture(scope="module")
def bright_images():
    return smooth_images(1, SIZE).double() * 0.8 + 0.1


class TestMeasure:
    def test_it_is_the_best_corner_by_brute_force(self):
        generator = torch.Generator().manual_seed(0)
        mask, gradient = torch.rand(4, 1, 6, generator=generator), torch.randn(4, 1, 6, generator=generator)
        corners = torch.tensor(list(itertools.product([0.0, 1.0], repeat=6)))
        best = ((mask - corners[None]) * gradient).sum(2).max(1).values
        torch.testing.assert_close(duality_gap(mask, gradient), best)

    def test_it_is_the_limit_of_long_projected_steps(self):
        generator = torch.Generator().manual_seed(1)
        mask, gradient = torch.rand(2, 1, 9, generator=generator), torch.randn(2, 1, 9, generator=generator)
        step = mask - (mask - 1e6 * gradient).clamp(0, 1)
        torch.testing.assert_close(duality_gap(mask, gradient), (step * gradient).sum((1, 2)))

    def test_it_is_zero_at_the_known_solution_of_a_convex_problem(self, bright_images):
        problem = convex_problem(bright_images)
        solution, value = known_solution(problem)
        assert 0.05 < solution.mean() < 0.95  # some entries at each bound
        assert float(objective(problem, solution)) == pytest.approx(value, rel=1e-9)
        gap = estimate_duality_gap(problem, solution, random_generator(0, solution.device), pairs=2)
        assert float(gap.value) < 1e-9
        assert abs(float(gap.uncertainty)) < 1e-9

    def test_a_convex_objective_is_never_further_from_its_minimum(self, bright_images):
        problem = convex_problem(bright_images)
        _, value = known_solution(problem)
        generator = torch.Generator().manual_seed(2)
        for _ in range(20):
            mask = torch.rand(1, 1, SIZE**2, generator=generator, dtype=torch.double).round(decimals=1)
            excess = float(objective(problem, mask)) - value
            gap = float(estimate_duality_gap(problem, mask, generator, pairs=2).value)
            assert 0 < excess <= gap + 1e-12

    def test_it_falls_along_the_optimisation_of_a_convex_problem(self, bright_images):
        problem = convex_problem(
            bright_images, tolerance=0.0, check_every=40, steps=200, recipe="fast", learning_rate=0.05
        )
        _, history, convergence = optimise(problem, torch.ones(1, 1, SIZE**2, dtype=torch.double))
        gaps = history["gap"][0][~history["gap"][0].isnan()]
        assert len(gaps) == 5
        assert gaps[-1] < 0.05 * gaps[0]
        assert convergence.steps.tolist() == [200]
        assert not convergence.converged.any()  # a tolerance of 0 measures and never stops

    def test_the_two_bounds_enclose_what_many_draws_find(self):
        method = CartoonX(TinyClassifier(), levels=2, sparsity_weight=2.0)
        problem = method.problem(smooth_images(2, 32))
        mask = torch.rand(2, 1, problem.coefficients.shape[2], generator=torch.Generator().manual_seed(3))
        exact = estimate_duality_gap(problem, mask, random_generator(0, mask.device), pairs=300)
        few = [
            estimate_duality_gap(problem, mask, random_generator(seed, mask.device), pairs=4) for seed in range(1, 30)
        ]
        upper = torch.stack([gap.value + gap.uncertainty for gap in few]).mean(0)
        lower = torch.stack([gap.value - gap.uncertainty for gap in few]).mean(0)
        assert (lower < exact.value).all()
        assert (exact.value < upper).all()
        assert (exact.uncertainty < 0.2 * torch.stack([gap.uncertainty for gap in few]).mean(0)).all()

    def test_a_decision_measures_twice_where_it_is_near(self):
        """The judged gap is the first look's, or where that is below twice the tolerance the second's."""
        method = CartoonX(TinyClassifier(), levels=2, sparsity_weight=2.0)
        problem = method.problem(smooth_images(4, 32))
        mask = torch.rand(4, 1, problem.coefficients.shape[2], generator=torch.Generator().manual_seed(3))
        looks = [
            estimate_duality_gap(problem, mask, random_generator(seed, mask.device), pairs=pairs)
            for seed, pairs in ((5, 8), (6, 16))
        ]
        tolerance = float(looks[0].value.sort().values[1:3].mean()) / 2  # two images are near
        judged = screen_duality_gap(problem, mask, 5, tolerance)
        near = looks[0].value < 2 * tolerance
        assert near.sum() == 2
        torch.testing.assert_close(judged.value, torch.where(near, looks[1].value, looks[0].value))
        torch.testing.assert_close(judged.uncertainty, torch.where(near, looks[1].uncertainty, looks[0].uncertainty))
        torch.testing.assert_close(
            screen_duality_gap(problem, mask, 5, 0.0).value,
            estimate_duality_gap(problem, mask, random_generator(5, mask.device)).value,
        )

    def test_an_odd_number_of_pairs_is_refused(self, bright_images):
        problem = convex_problem(bright_images)
        mask = torch.ones(1, 1, SIZE**2, dtype=torch.double)
        with pytest.raises(ValueError, match="pairs=3 must be an even number"):
            estimate_duality_gap(problem, mask, random_generator(0, mask.device), pairs=3)


SETTINGS = {"steps": 48, "check_every": 8, "learning_rate": 0.05, "sparsity_weight": 4.0}


@pytest.fixture(scope="module")
def images():
    return smooth_images(4, 32)


@pytest.fixture(scope="module", params=["lion", "adam"])
def method(request, images):
    """A tolerance between the images' gaps, so that some stop earlier than others."""
    method = CartoonX(TinyClassifier(), levels=2, optimiser=request.param, **SETTINGS)
    gaps = method.with_options(tolerance=0.0).explain(images).history["gap"]
    return method.with_options(tolerance=float(gaps[:, 23].sort().values[1]) * 1.001)


@pytest.fixture(scope="module")
def explained(method, images):
    """All images explained together."""
    return method.explain(images)


class TestStopping:
    def test_a_stop_does_not_change_the_batch_mates(self, method, images, explained):
        steps = explained.convergence.steps
        assert steps.min() < steps.max()  # some have left before others
        for index in range(len(images)):
            alone = method.explain(images[index : index + 1])
            assert alone.convergence.steps[0] == steps[index]
            torch.testing.assert_close(
                alone.representation_mask[0], explained.representation_mask[index], atol=1e-5, rtol=0
            )

    def test_a_stopped_mask_is_that_of_the_step_at_which_it_stopped(self, method, images):
        whole = method.with_options(tolerance=None, schedule="constant")
        stopped = method.with_options(schedule="constant").explain(images)
        for index, steps in enumerate(stopped.convergence.steps.tolist()):
            if steps < SETTINGS["steps"]:
                shorter = whole.with_options(steps=steps).explain(images[index : index + 1])
                torch.testing.assert_close(
                    stopped.representation_mask[index], shorter.representation_mask[0], atol=1e-5, rtol=0
                )

    def test_what_an_explanation_says_of_it(self, method, images, explained):
        convergence, history = explained.convergence, explained.history
        assert (convergence.gap[convergence.converged] < method.options.tolerance).all()
        assert (convergence.steps[~convergence.converged] == SETTINGS["steps"]).all()
        assert history["objective"].shape == (len(images), SETTINGS["steps"])
        for index, steps in enumerate(convergence.steps.tolist()):
            assert not history["objective"][index, :steps].isnan().any()
            assert history["objective"][index, steps:].isnan().all()
            assert history["gap"][index, steps - 1] == convergence.gap[index]
            assert history["gap_uncertainty"][index, steps - 1] == convergence.uncertainty[index]
            assert (~history["gap"][index].isnan()).nonzero().flatten().tolist() == list(range(7, steps, 8))
        last = explained.last()
        stops = convergence.steps - 1
        assert torch.equal(last["objective"], history["objective"].gather(1, stops[:, None])[:, 0])
        part = explained[1:3]
        assert part.convergence.steps.tolist() == convergence.steps[1:3].tolist()

    def test_without_a_tolerance_nothing_is_measured(self, method, images):
        found = method.with_options(tolerance=None).explain(images)
        assert found.convergence is None
        assert set(found.history) == {"distortion", "sparsity", "objective"}

    def test_measuring_does_not_change_the_run(self, method, images):
        plain, measured = (method.with_options(tolerance=t, steps=24).explain(images[:2]) for t in (None, 0.0))
        assert torch.equal(plain.representation_mask, measured.representation_mask)

    def test_the_default_recipe_has_a_tolerance_and_the_published_has_none(self):
        assert CartoonX.recipe("fast").tolerance == 0.05
        assert CartoonX.recipe("published").tolerance is None


class TestJoin:
    def test_the_parts_of_an_explanation_make_it_again(self):
        images = smooth_images(3, 32)
        found = CartoonX(TinyClassifier(), levels=2, tolerance=0.0, steps=20, check_every=10).explain(images)
        again = Explanation.join([found[0:1], found[1:3]])
        assert torch.equal(again.representation_mask, found.representation_mask)
        assert torch.equal(again.convergence.steps, found.convergence.steps)
        assert torch.equal(again.history["objective"], found.history["objective"])

    def test_shorter_histories_are_filled_up_and_what_one_lacks_is_left_out(self):
        images = smooth_images(2, 32)
        method = CartoonX(TinyClassifier(), levels=2, tolerance=0.0, steps=8, check_every=4)
        short, plain = method.explain(images), method.with_options(steps=12, tolerance=None).explain(images)
        joined = Explanation.join([short, plain])
        assert set(joined.history) == {"distortion", "sparsity", "objective"}
        assert joined.history["objective"].shape == (4, 12)
        assert joined.history["objective"][:2, 8:].isnan().all()
        assert joined.convergence is None
