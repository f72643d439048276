"""Rate-distortion curves against a brute-force statement, and their ends against closed forms."""

import math

import pytest
import torch
from tiny import TinyClassifier, WindowClassifier, smooth_images

from helpers.core.runtime import random_generator
from helpers.methods.rde import CartoonX, PixelRDE
from helpers.metrics import random_ranks, rate_distortion_curve

SIZE = 32
FRACTIONS = (0.0, 0.013, 0.25, 1.0)


@pytest.fixture(scope="module")
def classifier():
    return TinyClassifier()


@pytest.fixture(scope="module")
def images():
    return smooth_images(2, SIZE)


def brute_force(problem, mask, fractions, direction, draws, seed):
    """One draw, one image, one fraction at a time, entry by entry."""
    generator = random_generator(seed)
    noise = problem.draw(draws, generator)
    ranks = random_ranks(mask[:, 0], draws, generator)
    result = torch.zeros(len(mask), len(fractions), draws)
    for image in range(len(mask)):
        for column, fraction in enumerate(fractions):
            for draw in range(draws):
                h = problem.coefficients[image].clone()
                replacement = problem.mean[image] + problem.deviation[image] * noise[draw]
                count = math.ceil(round(fraction * mask.shape[2], 6))
                for entry in range(mask.shape[2]):
                    relevant = ranks[draw, image, entry] < count
                    if relevant != (direction == "keep"):
                        h[:, entry] = replacement[:, entry]
                picture = problem.representation.synthesise(h[None])
                picture = picture.clamp(0, 1) if problem.options.clamp else picture
                after = problem.classifier(picture).softmax(-1)[0]
                result[image, column, draw] = torch.linalg.vector_norm(after - problem.measure.probabilities[image])
    return result.mean(-1), result.std(-1) / draws**0.5


@pytest.mark.parametrize("direction", ["keep", "randomise"])
@pytest.mark.parametrize(("method", "clamp"), [(CartoonX, True), (PixelRDE, False)])
def test_curves_are_the_brute_force_ones(classifier, images, method, clamp, direction):
    arguments = {"levels": 2} if method is CartoonX else {}
    problem = method(classifier, distortion="l2", clamp=clamp, **arguments).problem(images)
    mask = torch.rand(problem.coefficients[:, :1].shape, generator=torch.Generator().manual_seed(0)).round(decimals=1)
    got = rate_distortion_curve(problem, mask, FRACTIONS, direction=direction, draws=3, seed=4, chunk=5)
    for ours, brute in zip(got, brute_force(problem, mask, FRACTIONS, direction, 3, 4), strict=True):
        torch.testing.assert_close(ours, brute, atol=2e-5, rtol=1e-4)


def test_ranks_order_the_mask_and_break_ties_by_chance():
    mask = torch.tensor([[0.2, 0.9, 0.0, 0.0, 0.0, 0.9]])
    ranks = random_ranks(mask, 200, random_generator(0))
    assert ranks.sort(-1).values.unique(dim=0).tolist() == [[list(range(6))]]
    assert set(ranks[:, 0, 1].tolist()) == {0, 1}
    assert set(ranks[:, 0, 0].tolist()) == {2}
    for entry in (2, 3, 4):
        share = [(ranks[:, 0, entry] == place).float().mean().item() for place in (3, 4, 5)]
        assert all(0.2 < s < 0.47 for s in share)


@pytest.mark.parametrize("method", [CartoonX, PixelRDE])
def test_keeping_all_and_randomising_none_have_no_distortion(classifier, images, method):
    problem = method(classifier, distortion="l2").problem(images)
    mask = torch.rand(problem.coefficients[:, :1].shape, generator=torch.Generator().manual_seed(0))
    kept, _ = rate_distortion_curve(problem, mask, (0.0, 1.0), direction="keep", draws=2)
    randomised, _ = rate_distortion_curve(problem, mask, (0.0, 1.0), direction="randomise", draws=2)
    assert kept[:, 1].max() < 1e-4
    assert randomised[:, 0].max() < 1e-4
    torch.testing.assert_close(kept[:, 0], randomised[:, 1])  # all noise, the same draws


def test_an_image_does_not_depend_on_its_batch_mates_nor_on_the_chunk(classifier, images):
    method = CartoonX(classifier, distortion="l2")
    mask = torch.rand(method.problem(images).coefficients[:, :1].shape, generator=torch.Generator().manual_seed(0))
    together, _ = rate_distortion_curve(method.problem(images), mask, FRACTIONS, draws=2, chunk=3)
    alone, _ = rate_distortion_curve(method.problem(images[1:]), mask[1:], FRACTIONS, draws=2, chunk=64)
    torch.testing.assert_close(together[1:], alone, atol=1e-5, rtol=0)


def test_the_true_window_is_better_than_chance_in_both_directions():
    window = (slice(8, 24), slice(8, 24))
    images = smooth_images(1, SIZE) * 0.3
    images[(..., *window)] = 0.9
    problem = PixelRDE(WindowClassifier(window), distortion="l2").problem(images)
    truth = torch.zeros(1, 1, SIZE, SIZE)
    truth[(..., *window)] = 1
    true, chance = truth.flatten(2), torch.ones(1, 1, SIZE * SIZE)
    share = (0.25,)
    keep = [rate_distortion_curve(problem, mask, share, direction="keep")[0].item() for mask in (true, chance)]
    randomise = [
        rate_distortion_curve(problem, mask, share, direction="randomise")[0].item() for mask in (true, chance)
    ]
    assert keep[0] < 1e-5 < keep[1]
    assert randomise[0] > randomise[1]


def test_one_draw_has_no_standard_error_and_more_draws_have_a_smaller_one(classifier, images):
    problem = CartoonX(classifier, distortion="l2").problem(images)
    mask = torch.ones_like(problem.coefficients[:, :1])
    _, none = rate_distortion_curve(problem, mask, (0.1,), draws=1)
    _, few = rate_distortion_curve(problem, mask, (0.1,), draws=16)
    _, many = rate_distortion_curve(problem, mask, (0.1,), draws=256)
    assert none.isnan().all()
    assert (many < 0.5 * few).all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fractions": (0.5, 1.2)}, "these do not: \\[1.2\\]"),
        ({"draws": 0}, "draws must be at least 1"),
        ({"mask": torch.ones(2, 1, 7)}, r"mask must be \(2, 1, 1024\)"),
    ],
)
def test_bad_arguments(classifier, images, changes, message):
    arguments = {"mask": torch.ones(2, 1, SIZE * SIZE), "fractions": (0.5,), **changes}
    with pytest.raises(ValueError, match=message):
        rate_distortion_curve(PixelRDE(classifier).problem(images), **arguments)
