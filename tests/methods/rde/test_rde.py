"""The rate-distortion explanation against literal re-statements, closed forms and its own promises."""

import contextlib
import copy

import pytest
import torch
from captum.metrics import infidelity
from tiny import TinyClassifier, WindowClassifier, smooth_images
from torch import nn

from benchmarks.published import flat_mask, published_cartoonx
from helpers.core.runtime import random_generator
from helpers.methods.rde import RECIPES, CartoonX, DistortionMeasure, PixelRDE, RDEOptions, Wavelets, band_statistics
from helpers.methods.rde.problem import draw_noise
from helpers.methods.rde.schedule import check_steps, cycles, learning_rate_at

SIZE = 64


@pytest.fixture(scope="module")
def classifier():
    return TinyClassifier()


@pytest.fixture(scope="module")
def images():
    return smooth_images(3, SIZE)


FEW = {"steps": 6, "samples": 4}


class TestAgainstThePublishedLoop:
    def test_same_noise_gives_the_same_masks_and_losses(self, classifier, images):
        method = CartoonX(classifier, recipe="published", levels=3, **FEW)
        ours = method.explain(images)
        transform = method.representation((SIZE, SIZE)).transform
        for index in range(len(images)):
            drawn = _replay(transform, method.options, images.dtype)
            masks, log, _ = published_cartoonx(
                copy.deepcopy(classifier).requires_grad_(), images[index : index + 1], **FEW, levels=3, noise=drawn
            )
            torch.testing.assert_close(
                ours.representation_mask[index], flat_mask(masks, transform)[0], atol=2e-6, rtol=0
            )
            losses = torch.tensor([row[0] for row in log])
            torch.testing.assert_close(ours.history["objective"][index], losses, atol=1e-5, rtol=1e-5)

    @pytest.mark.parametrize("slope_at_zero", [0, 1])
    def test_entries_at_zero_follow_the_published_slope(self, slope_at_zero):
        """In double precision, with a rate at which entries reach 0 after a few steps."""
        classifier, images = TinyClassifier().double(), smooth_images(1, SIZE).double()
        run = {"steps": 20, "samples": 4, "learning_rate": 0.2, "sparsity_weight": 1.0}
        options = {} if slope_at_zero == 0 else {"slope_at_zero": 1}
        method = CartoonX(classifier, recipe="published", levels=3, **run, **options)
        ours = method.explain(images).representation_mask
        transform = method.representation((SIZE, SIZE)).transform
        drawn = _replay(transform, method.options, images.dtype)
        with double_filters():
            masks, _, _ = published_cartoonx(classifier, images, **run, levels=3, noise=drawn)
        difference = (ours - flat_mask(masks, transform)).abs().max()
        assert difference < 1e-6 if slope_at_zero == 0 else difference > 0.1
        assert (ours == 0).double().mean() > 0.5

    def test_the_slope_at_zero_changes_no_value(self, classifier, images):
        mask = torch.tensor([0.0, 0.5, 1.0]).repeat(1, 1, 1024)
        mask.requires_grad_()
        problem = PixelRDE(classifier, sparsity_weight=2.0).problem(images[:1, :, :48])
        slopes = {}
        for slope_at_zero in (0, 1):
            penalty = problem.penalty(mask, slope_at_zero=slope_at_zero)
            torch.testing.assert_close(penalty, torch.tensor([1.0]))
            (slopes[slope_at_zero],) = torch.autograd.grad(penalty.sum(), mask)
        share = 2.0 / mask.numel()
        torch.testing.assert_close(slopes[1], torch.full_like(mask, share))
        torch.testing.assert_close(slopes[0], torch.where(mask == 0, 0, share))

    def test_the_recipes_are_the_published_ones(self, classifier):
        cartoonx, pixel_rde = CartoonX.recipe("published"), PixelRDE.recipe("published")
        assert (cartoonx.sparsity_weight, pixel_rde.sparsity_weight) == (20, 4)
        for options in (cartoonx, pixel_rde):
            assert (options.steps, options.samples, options.learning_rate) == (2000, 64, 1e-3)
            assert (options.distortion, options.noise, options.initial_mask) == ("label", "gaussian", "ones")
            assert options.slope_at_zero == 0
        assert cartoonx.clamp
        assert not pixel_rde.clamp
        assert PixelRDE(classifier).options.clamp


@contextlib.contextmanager
def double_filters():
    """pytorch-wavelets makes its filters in PyTorch's default precision."""
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


def _replay(transform, options, dtype):
    """The noise that `optimise` draws, cut into the bands of pytorch-wavelets, band after band."""
    generator = random_generator(options.seed)
    queue = []

    def noise(shape):
        if not queue:
            flat = draw_noise(options.noise, (options.samples, 3, transform.coefficients), generator, dtype)
            queue.append(flat[..., transform.slices["approximation"]])
            for level in range(1, transform.levels + 1):
                names = [f"{orientation}-{level}" for orientation in ("horizontal", "vertical", "diagonal")]
                queue.append(torch.stack([flat[..., transform.slices[name]] for name in names], 2))
        return queue.pop(0).reshape(shape)

    return noise


class TestDistortions:
    logits = torch.tensor([[2.0, 0.0, -1.0], [0.5, 0.4, 0.0]])
    other = torch.tensor([[[0.0, 1.0, 0.0], [0.5, 0.4, 0.0]], [[3.0, 0.0, 0.0], [-1.0, 2.0, 0.0]]])

    def test_label_is_the_squared_change_of_the_targets_probability(self):
        measure = DistortionMeasure("label", self.logits, torch.tensor([1, 0]))
        before, after = self.logits.softmax(-1), self.other.softmax(-1)
        for sample in range(2):
            for image, target in enumerate([1, 0]):
                wanted = (before[image, target] - after[sample, image, target]) ** 2
                torch.testing.assert_close(measure(self.other)[sample, image], wanted)

    def test_maximise_is_the_squared_gap_to_certainty(self):
        values = DistortionMeasure("maximise", self.logits)(self.other)
        torch.testing.assert_close(values, (1 - self.other.softmax(-1)[..., 0]) ** 2)

    def test_l2_is_the_unsquared_norm(self):
        values = DistortionMeasure("l2", self.logits)(self.other)
        wanted = torch.linalg.vector_norm(self.other.softmax(-1) - self.logits.softmax(-1), dim=-1)
        torch.testing.assert_close(values, wanted, atol=2e-6, rtol=1e-5)

    def test_kl_is_pytorchs(self):
        values = DistortionMeasure("kl", self.logits)(self.other)
        wanted = nn.functional.kl_div(
            self.other.log_softmax(-1),
            self.logits.log_softmax(-1).expand_as(self.other),
            log_target=True,
            reduction="none",
        ).sum(-1)
        torch.testing.assert_close(values, wanted, atol=1e-6, rtol=1e-5)

    @pytest.mark.parametrize("name", ["label", "l2", "kl"])
    def test_an_unchanged_output_has_none_and_a_finite_gradient(self, name):
        logits = self.logits.clone().requires_grad_()
        values = DistortionMeasure(name, self.logits)(logits.unsqueeze(0))
        assert values.abs().max() < 2e-6
        (gradient,) = torch.autograd.grad(values.sum(), logits)
        assert gradient.isfinite().all()

    def test_a_callable_target_explains_any_scalar(self):
        gap = DistortionMeasure("label", self.logits, lambda logits: logits[:, 0] - logits[:, 1], relative=False)
        torch.testing.assert_close(gap(self.other), torch.tensor([[9.0, 0.0], [1.0, 9.61]]))
        assert gap.targets.tolist() == [-1, -1]

    @pytest.mark.parametrize(
        ("name", "target", "message"),
        [
            ("label", 3, "not all among the 3 classes"),
            ("label", torch.tensor([0, -1]), "not all among the 3 classes"),
            ("label", torch.tensor([0, 1, 2]), "one class per image"),
            ("maximise", lambda logits: logits[:, 0], "needs a class as target"),
        ],
    )
    def test_targets_that_do_not_fit(self, unchecked, name, target, message):
        with pytest.raises(ValueError, match=message):
            DistortionMeasure(name, self.logits, target)


class TestProblem:
    def test_the_statistics_are_those_of_each_image_and_band(self):
        coefficients = torch.randn(2, 3, 10, generator=torch.Generator().manual_seed(0))
        mean, deviation = band_statistics(coefficients, {"a": slice(0, 4), "b": slice(4, 10)})
        for image in range(2):
            for part in (slice(0, 4), slice(4, 10)):
                values = coefficients[image, :, part].numpy()
                assert mean[image, 0, part].numpy() == pytest.approx(values.mean(), abs=1e-6)
                assert deviation[image, 0, part].numpy() == pytest.approx(values.std(ddof=1), rel=1e-5)

    @pytest.mark.parametrize("method", [CartoonX, PixelRDE])
    def test_an_all_ones_mask_changes_nothing(self, classifier, images, method):
        problem = method(classifier).problem(images)
        ones = torch.ones_like(problem.coefficients[:, :1])
        noise = problem.draw(2, random_generator(0))
        torch.testing.assert_close(problem.obfuscate(ones, noise), images.expand(2, -1, -1, -1, -1), atol=1e-5, rtol=0)
        result = problem.evaluate(ones, samples=4)
        assert result["distortion"].max() < 1e-8
        torch.testing.assert_close(result["objective"], torch.full((3,), problem.options.sparsity_weight))

    def test_obfuscations_are_the_formula(self, classifier, images):
        problem = CartoonX(classifier).problem(images)
        mask = torch.rand_like(problem.coefficients[:, :1])
        noise = problem.draw(2, random_generator(1))
        got = problem.obfuscate(mask, noise, antithetic=True)
        for place, sign in [(0, 1), (1, 1), (2, -1), (3, -1)]:
            drawn = problem.mean + problem.deviation * sign * noise[place % 2]
            coefficients = mask * problem.coefficients + (1 - mask) * drawn
            wanted = problem.representation.synthesise(coefficients).clamp(0, 1)
            torch.testing.assert_close(got[place], wanted, atol=1e-5, rtol=0)

    def test_the_gradient_agrees_with_finite_differences(self, classifier, images):
        precise = copy.deepcopy(classifier).double()
        problem = CartoonX(precise, levels=2, clamp=False).problem(images[:1].double())
        noise = problem.draw(2, random_generator(2))
        mask = torch.rand(1, 1, problem.coefficients.shape[2], dtype=torch.double)
        direction = torch.randn_like(mask)

        def along(step):
            return problem.distortions(mask + step * direction, noise).mean()

        step = torch.zeros((), dtype=torch.double, requires_grad=True)
        (slope,) = torch.autograd.grad(along(step), step)
        h = 1e-6
        torch.testing.assert_close(slope, (along(h) - along(-h)) / (2 * h), rtol=1e-5, atol=1e-9)

    def test_without_noise_the_rest_is_zero(self, classifier, images):
        problem = PixelRDE(classifier, noise="none", samples=2).problem(images)
        mask = torch.rand_like(problem.coefficients[:, :1])
        got = problem.obfuscate(mask, problem.draw(2, random_generator(0)))
        torch.testing.assert_close(got[1], images * mask.view(3, 1, SIZE, SIZE))

    def test_uniform_noise_stays_within_one_deviation(self, classifier, images):
        problem = PixelRDE(classifier, noise="uniform", clamp=False).problem(images)
        zeros = torch.zeros_like(problem.coefficients[:, :1])
        got = problem.obfuscate(zeros, problem.draw(4, random_generator(0))).flatten(3)
        assert ((got - problem.mean.unsqueeze(0)).abs() <= problem.deviation * 1.001).all()


class TestExplanations:
    def test_the_window_that_decides_is_found_and_nothing_else(self):
        window = (slice(16, 32), slice(32, 48))
        images = torch.full((1, 3, SIZE, SIZE), 0.2) + 0.02 * torch.randn(
            (1, 3, SIZE, SIZE), generator=torch.Generator().manual_seed(0)
        )
        images[(..., *window)] = 0.9
        mask = PixelRDE(WindowClassifier(window), sparsity_weight=0.5).explain(images.clamp(0, 1)).mask[0, 0]
        inside = torch.zeros_like(mask, dtype=torch.bool)
        inside[window] = True
        assert mask[~inside].max() < 1e-3
        assert mask[inside].mean() > 0.3

    @pytest.mark.parametrize("method", [CartoonX, PixelRDE])
    def test_an_explanation_does_not_depend_on_its_batch_mates(self, classifier, images, method):
        explainer = method(classifier, **FEW)
        together = explainer.explain(images, targets=torch.tensor([0, 3, 1]))
        for index, target in enumerate([0, 3, 1]):
            alone = explainer.explain(images[index : index + 1], targets=target)
            torch.testing.assert_close(together.mask[index], alone.mask[0], atol=1e-5, rtol=0)
            torch.testing.assert_close(together.history["objective"][index], alone.history["objective"][0])

    def test_the_same_seed_gives_the_same_bits_and_another_does_not(self, classifier, images):
        torch.manual_seed(1)
        first = CartoonX(classifier, **FEW).explain(images)
        torch.manual_seed(2)  # the global generator plays no part
        again = CartoonX(classifier, **FEW).explain(images)
        other = CartoonX(classifier, seed=5, **FEW).explain(images)
        assert torch.equal(first.representation_mask, again.representation_mask)
        assert not torch.equal(first.representation_mask, other.representation_mask)

    @pytest.mark.parametrize("method", [CartoonX, PixelRDE])
    def test_shapes_and_ranges(self, classifier, images, method):
        explanation = method(classifier, **FEW).explain(images)
        assert explanation.mask.shape == (3, 1, SIZE, SIZE)
        assert explanation.kept.shape == images.shape
        for values in (explanation.mask, explanation.kept, explanation.representation_mask):
            assert values.min() >= 0
            assert values.max() <= 1
        assert explanation.targets.tolist() == classifier(images).argmax(1).tolist()
        assert {name: values.shape for name, values in explanation.history.items()} == dict.fromkeys(
            ("distortion", "sparsity", "objective", "gap", "gap_uncertainty"), (3, FEW["steps"])
        )
        assert len(explanation[1:]) == 2
        assert torch.equal(explanation[1:].history["sparsity"], explanation.history["sparsity"][1:])

    def test_the_objective_falls(self, classifier, images):
        history = CartoonX(classifier, tolerance=None).explain(images).history["objective"]
        assert (history[:, -1] < 0.25 * history[:, 0]).all()

    def test_no_value_leaves_the_device_during_the_optimisation(self, unchecked, classifier, images, monkeypatch):
        from helpers.methods.rde import optimise as module

        problem = CartoonX(classifier, tolerance=None, **FEW).problem(images)
        start = module.initial_mask(problem)

        def refuse(*_):
            raise AssertionError("a value was fetched from the device")

        for name in ("item", "tolist", "cpu", "numpy", "__bool__", "__float__", "__int__"):
            monkeypatch.setattr(torch.Tensor, name, refuse)
        module.optimise(problem, start)

    def test_the_classifier_is_left_as_it_was(self, classifier, images):
        before = copy.deepcopy(classifier.state_dict())
        CartoonX(classifier, **FEW).explain(images)
        assert not classifier.training
        assert all(parameter.grad is None and not parameter.requires_grad for parameter in classifier.parameters())
        assert all(torch.equal(value, before[name]) for name, value in classifier.state_dict().items())

    def test_a_constant_mask_is_a_constant_relevance(self, classifier, images):
        for method in (CartoonX(classifier), PixelRDE(classifier)):
            problem = method.problem(images)
            constant = torch.full_like(problem.coefficients[:, :1], 0.3)
            relevance = problem.representation.relevance(constant, problem.coefficients)
            torch.testing.assert_close(relevance, torch.full_like(relevance, 0.3))

    @pytest.mark.parametrize(
        ("size", "mode"), [((64, 64), "zero"), ((51, 70), "symmetric"), ((64, 48), "periodization")]
    )
    def test_a_coefficient_is_relevant_just_where_its_wavelet_is(self, size, mode):
        representation = Wavelets(size, mode=mode, levels=3)
        for part in representation.transform.slices.values():
            # two coefficients of equal size, of which the mask keeps one
            single = torch.zeros(2, 1, representation.transform.coefficients)
            single[0, 0, (part.start + part.stop) // 2] = single[1, 0, part.stop - 1] = 1
            wavelet, other = representation.synthesise(single).abs()
            relevance = representation.relevance(single[:1], single.sum(0, keepdim=True))[0]
            seen = wavelet + other > 1e-4
            torch.testing.assert_close(relevance[seen], (wavelet / (wavelet + other))[seen], atol=1e-3, rtol=0)

    def test_relevance_lies_where_the_kept_coefficients_lie(self, classifier, images):
        method = CartoonX(classifier)
        problem = method.problem(images)
        part = problem.representation.transform.slices["vertical-2"]
        mask = torch.zeros_like(problem.coefficients[:, :1])
        height, width = problem.representation.transform.shapes["vertical-2"]
        mask[..., part] = torch.eye(height, width)[0].repeat(height)  # the leftmost column of one band
        relevance = problem.representation.relevance(mask, problem.coefficients)
        assert relevance[..., :4].amax() > 0
        assert relevance[..., 8:].amax() == 0

    def test_the_cartoon_is_the_inverse_transform_of_the_masked_grey_image(self, classifier, images):
        method = CartoonX(classifier, **FEW)
        explanation = method.explain(images)
        problem = method.problem(images)
        colour = problem.representation.synthesise(problem.coefficients * explanation.representation_mask)
        wanted = colour.mean(1, keepdim=True).clamp(0, 1)
        torch.testing.assert_close(method.cartoon(images, explanation), wanted, atol=1e-5, rtol=0)

    def test_captums_metrics_accept_the_attributions(self, classifier, images):
        attributions = PixelRDE(classifier, **FEW).attribute(images, target=torch.tensor([0, 1, 2]))
        assert attributions.shape == images.shape

        def perturb(inputs):
            noise = 0.01 * torch.ones_like(inputs)
            return noise, inputs - noise

        score = infidelity(
            classifier, perturb, images, attributions, target=torch.tensor([0, 1, 2]), n_perturb_samples=2
        )
        assert score.shape == (3,)
        assert score.isfinite().all()


class TestStartsAndOptions:
    def test_no_step_returns_the_initial_mask(self, classifier, images):
        method = PixelRDE(classifier, steps=0)
        start = torch.rand(3, 1, SIZE * SIZE, generator=torch.Generator().manual_seed(0))
        assert torch.equal(method.explain(images, initial=start).representation_mask, start)
        assert (method.explain(images).representation_mask == 1).all()
        random = PixelRDE(classifier, steps=0, initial_mask="random").explain(images).representation_mask
        assert 0.45 < random.mean() < 0.55
        assert random.std() > 0.2

    def test_the_cosine_schedule_falls_from_the_rate_to_a_hundredth(self):
        cosine = RDEOptions(steps=100, learning_rate=0.1, schedule="cosine")
        rates = [learning_rate_at(step, cosine) for step in range(100)]
        assert rates[0] == pytest.approx(0.1)
        assert rates[50] == pytest.approx(0.1 * 0.505)
        assert rates[99] == pytest.approx(0.001, rel=0.03)
        assert rates == sorted(rates, reverse=True)
        assert learning_rate_at(70, cosine.with_options(schedule="constant")) == 0.1

    def test_restarts_halve_the_rate_and_double_the_run(self):
        restarts = RDEOptions(steps=100, learning_rate=0.1, schedule="restarts", check_every=20)
        assert cycles(restarts) == [(0, 20), (20, 20), (40, 40), (80, 20)]
        assert [learning_rate_at(start, restarts) for start, _ in cycles(restarts)] == pytest.approx(
            [0.1, 0.05, 0.025, 0.0125]
        )
        assert learning_rate_at(19, restarts) < 0.002
        assert check_steps(restarts) == frozenset()
        assert check_steps(restarts.with_options(tolerance=0.1)) == {20, 40, 80, 100}
        assert check_steps(restarts.with_options(tolerance=0.1, schedule="cosine", check_every=30)) == {30, 60, 90, 100}

    @pytest.mark.parametrize(
        ("override", "message"),
        [
            ({"samples": 3, "antithetic": True}, "odd"),
            ({"samples": 0}, "samples"),
            ({"learning_rate": -1.0}, "learning_rate"),
            ({"distortion": "L2"}, "distortion"),
            ({"noise": "pink"}, "noise"),
            ({"sparsity_weight": -1.0}, "sparsity_weight"),
            ({"tolerance": -0.1}, "tolerance"),
            ({"check_every": 0}, "check_every"),
            ({"relative": True, "distortion": "kl"}, "relative=True goes with distortion 'label' or 'l2'"),
        ],
    )
    def test_options_out_of_range(self, override, message):
        with pytest.raises(ValueError, match=message):
            RDEOptions(**override)

    def test_unknown_options_and_recipes(self, unchecked, classifier):
        with pytest.raises(ValueError, match="momentum"):
            CartoonX(classifier, momentum=0.9)
        with pytest.raises(ValueError, match="recipe 'quickest' is not known; use one of: published, later, fast"):
            CartoonX(classifier, recipe="quickest")
        assert set(RECIPES) == {"published", "later", "fast"}

    @pytest.mark.parametrize(
        ("initial", "message"), [(torch.ones(3, 1, 7), "must be"), (torch.full((3, 1, SIZE**2), 1.5), "in \\[0, 1\\]")]
    )
    def test_initial_masks_that_do_not_fit(self, classifier, images, initial, message):
        with pytest.raises(ValueError, match=message):
            PixelRDE(classifier, **FEW).explain(images, initial=initial)

    def test_images_that_do_not_fit(self, unchecked, classifier, images):
        with pytest.raises(ValueError, match="must be \\(batch, 3, height, width\\)"):
            PixelRDE(classifier, **FEW).problem(images[0])

    def test_classifiers_that_are_not_frozen_are_explained_as_if_they_were(self, images):
        unfrozen = nn.Sequential(nn.Dropout(0.9), TinyClassifier().requires_grad_()).train()
        found, wanted = (CartoonX(model, **FEW).explain(images) for model in (unfrozen, TinyClassifier()))
        torch.testing.assert_close(found.mask, wanted.mask)
