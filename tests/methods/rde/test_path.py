"""Relative distortion, an image's own λk, rate-distortion paths and the spatial penalty."""

import copy

import pytest
import pywt
import torch
from tiny import TinyClassifier, smooth_images

from helpers.core.runtime import random_generator
from helpers.methods.rde import CartoonX, DistortionMeasure, PixelRDE, explain_at, rate_distortion_path

SIZE = 32


@pytest.fixture(scope="module")
def classifier():
    return TinyClassifier()


@pytest.fixture(scope="module")
def images():
    return smooth_images(3, SIZE)


@pytest.fixture(scope="module")
def method(classifier):
    return CartoonX(classifier, levels=2, steps=120, tolerance=None, relative=True)


class TestRelativeDistortion:
    def test_an_output_of_zeros_costs_one(self):
        logits = torch.tensor([[4.0, 0.0, 0.0], [0.2, 0.0, 0.1]])
        nothing = torch.tensor([[[-60.0, 0.0, 60.0], [-60.0, 60.0, 0.0]]])  # the target's probability is 0
        absolute = DistortionMeasure("label", logits)(nothing)
        relative = DistortionMeasure("label", logits, relative=True)(nothing)
        torch.testing.assert_close(absolute[0], logits.softmax(1).amax(1).square())
        torch.testing.assert_close(relative, torch.ones(1, 2))

    @pytest.mark.parametrize("name", ["label", "l2"])
    def test_it_is_the_distortion_divided_by_its_scale(self, name):
        generator = torch.Generator().manual_seed(0)
        logits, other = torch.randn(4, 5, generator=generator), torch.randn(7, 4, 5, generator=generator)
        probabilities = logits.softmax(1)
        scale = {"label": probabilities.amax(1).square(), "l2": probabilities.square().sum(1).sqrt()}[name]
        expected = DistortionMeasure(name, logits)(other) / scale
        torch.testing.assert_close(DistortionMeasure(name, logits, relative=True)(other), expected)

    def test_the_others_have_no_relative_form(self):
        with pytest.raises(ValueError, match="'kl' has no relative form"):
            DistortionMeasure("kl", torch.zeros(1, 2), relative=True)


class TestOwnWeights:
    def test_each_image_is_explained_as_by_a_method_with_its_weight(self, classifier, images):
        method = CartoonX(classifier, levels=2, steps=15, tolerance=None)
        weights = torch.tensor([1.0, 8.0, 60.0])
        together = method.explain(images, sparsity_weights=weights).representation_mask
        for place, weight in enumerate(weights.tolist()):
            alone = method.with_options(sparsity_weight=weight).explain(images[place : place + 1]).representation_mask
            torch.testing.assert_close(together[place], alone[0], atol=1e-5, rtol=0)

    def test_the_objective_charges_them(self, classifier, images):
        problem = PixelRDE(classifier).problem(images, None, torch.tensor([0.0, 2.0, 5.0]))
        mask = torch.full_like(problem.coefficients[:, :1], 0.5)
        torch.testing.assert_close(problem.penalty(mask), torch.tensor([0.0, 1.0, 2.5]))
        result = problem.evaluate(mask, samples=4)
        torch.testing.assert_close(result["objective"], result["distortion"] + torch.tensor([0.0, 1.0, 2.5]))
        torch.testing.assert_close(problem.select(slice(1, 2)).penalty(mask[1:2]), torch.tensor([1.0]))

    @pytest.mark.parametrize(
        ("weights", "message"), [([1.0], "1 sparsity weights do not fit"), ([1, -1, 1], "at least 0")]
    )
    def test_weights_that_do_not_fit(self, unchecked, classifier, images, weights, message):
        with pytest.raises(ValueError, match=message):
            CartoonX(classifier).explain(images, sparsity_weights=torch.tensor(weights, dtype=torch.float32))


class TestPath:
    def test_masks_get_sparser_and_less_faithful_along_it(self, method, images):
        path = rate_distortion_path(method, images, weights=[1, 4, 16, 64], steps=60)
        assert path.sparsity.shape == path.distortion.shape == (4, 3)
        assert (path.sparsity.diff(dim=0) < 0.01).all()
        assert (path.sparsity[-1] < 0.5 * path.sparsity[0]).all()
        assert (path.distortion[-1] > path.distortion[0]).all()
        torch.testing.assert_close(path.explanations[2].representation_mask.mean((1, 2)), path.sparsity[2])

    @pytest.mark.parametrize("weights", [[], [2, 1], [0, 1], [1, 1]])
    def test_weights_must_ascend(self, method, images, weights):
        with pytest.raises(ValueError, match="must be positive and ascend"):
            rate_distortion_path(method, images, weights=weights)

    def test_a_wanted_sparsity_is_met(self, method, images):
        found = explain_at(method, images, sparsity=0.02, rounds=8, steps=60)
        assert ((found.sparsity / 0.02).log().abs() < 0.2).all()
        torch.testing.assert_close(found.explanation.representation_mask.mean((1, 2)), found.sparsity)
        assert torch.equal(found.reached, (found.sparsity / 0.02 - 1).abs() <= 0.1)

    def test_a_wanted_distortion_is_kept(self, method, images):
        found = explain_at(method, images, distortion=0.15, rounds=7, steps=60)
        assert found.reached.all()
        assert (found.distortion <= 0.15).all()
        dearer = method.explain(images, sparsity_weights=found.sparsity_weights * 6)
        measured = method.problem(images).evaluate(dearer.representation_mask, samples=64)["distortion"]
        assert measured.mean() > 1.5 * found.distortion.mean()  # there is not much left to win

    def test_batch_mates_do_not_matter(self, method, images):
        together = explain_at(method, images, sparsity=0.1, rounds=3, steps=20)
        alone = explain_at(method, images[1:2], sparsity=0.1, rounds=3, steps=20)
        torch.testing.assert_close(alone.sparsity_weights[0], together.sparsity_weights[1])
        torch.testing.assert_close(alone.sparsity[0], together.sparsity[1], atol=1e-5, rtol=1e-4)

    def test_a_wish_that_cannot_be_met_says_so(self, method, images):
        found = explain_at(method, images, sparsity=0.9, weight_range=(300, 400), rounds=1, steps=10)
        assert not found.reached.any()

    @pytest.mark.parametrize(
        ("wish", "message"),
        [
            ({}, "exactly one"),
            ({"sparsity": 0.1, "distortion": 0.1}, "exactly one"),
            ({"sparsity": 1.5}, "between 0 and 1"),
            ({"distortion": 0.0}, "greater than 0"),
            ({"sparsity": 0.1, "weight_range": (5.0, 1.0)}, "lowest < highest"),
        ],
    )
    def test_wishes_out_of_range(self, method, images, wish, message):
        with pytest.raises(ValueError, match=message):
            explain_at(method, images, **wish)


class TestSpatialPenalty:
    def test_it_is_the_mean_of_the_kept_grey_picture(self, classifier, images):
        """Against PyWavelets: mask the grey image's coefficients, invert, clamp, take the mean."""
        method = CartoonX(classifier, levels=2, sparsity_weight=0.0, spatial_weight=3.0)
        problem = method.problem(images)
        mask = torch.rand(3, 1, problem.coefficients.shape[2], generator=torch.Generator().manual_seed(4))
        transform = problem.representation.transform
        for place in range(len(images)):
            low, *details = pywt.wavedec2(images[place].mean(0).double().numpy(), "db3", mode="zero", level=2)
            kept = {
                name: mask[place, 0, part].numpy().reshape(transform.shapes[name])
                for name, part in transform.slices.items()
            }
            masked = [low * kept["approximation"]]
            for level, bands in zip((2, 1), details, strict=True):
                names = [f"{kind}-{level}" for kind in ("horizontal", "vertical", "diagonal")]
                masked.append(tuple(band * kept[name] for band, name in zip(bands, names, strict=True)))
            picture = pywt.waverec2(masked, "db3", mode="zero")[:SIZE, :SIZE].clip(0, 1)
            assert float(problem.penalty(mask)[place]) == pytest.approx(3.0 * picture.mean(), rel=1e-4)

    def test_its_gradient_is_that_of_finite_differences(self, classifier, images):
        double = copy.deepcopy(classifier).double()
        problem = CartoonX(double, levels=2, spatial_weight=3.0).problem(images[:1].double())
        k = problem.coefficients.shape[2]
        mask = (
            0.2 + 0.6 * torch.rand(1, 1, k, generator=torch.Generator().manual_seed(5), dtype=torch.double)
        ).requires_grad_()
        (gradient,) = torch.autograd.grad(problem.penalty(mask).sum(), mask)
        for place in (0, 7, k // 2, k - 1):
            step = torch.zeros_like(mask)
            step[..., place] = 1e-6
            slope = (problem.penalty(mask + step) - problem.penalty(mask - step)).detach() / 2e-6
            assert float(gradient[0, 0, place]) == pytest.approx(float(slope), rel=1e-4, abs=1e-9)

    def test_it_makes_the_kept_picture_darker(self, classifier, images):
        plain = CartoonX(classifier, levels=2, steps=60, sparsity_weight=2.0)
        found, spatial = plain.explain(images), plain.with_options(spatial_weight=5.0).explain(images)
        assert (plain.cartoon(images, spatial).mean((1, 2, 3)) < plain.cartoon(images, found).mean((1, 2, 3))).all()

    def test_without_it_no_picture_is_computed(self, classifier, images, monkeypatch):
        problem = CartoonX(classifier, levels=2).problem(images)
        assert problem.grey is None
        mask = torch.ones_like(problem.coefficients[:, :1])
        monkeypatch.setattr(problem.representation, "synthesise", None)
        torch.testing.assert_close(problem.penalty(mask), torch.full((3,), 20.0))

    def test_it_counts_in_the_objective_of_an_evaluation(self, classifier, images):
        problem = CartoonX(classifier, levels=2, spatial_weight=3.0).problem(images)
        mask = torch.full_like(problem.coefficients[:, :1], 0.5)
        noise = problem.draw(8, random_generator(1, mask.device))
        expected = problem.distortions(mask, noise).mean(0) + problem.penalty(mask)
        torch.testing.assert_close(problem.evaluate(mask, samples=8, seed=1, chunk=8)["objective"], expected)
