"""The competitors of SpaCE-VAE against closed forms, and what they leave behind: nothing."""

import copy

import pytest
import torch
from captum import attr
from signed_networks import Failing, LinearClassifier, SharedReLU, gained, noise, small_vgg, traces
from tiny import TinyClassifier, smooth_images
from torch import nn

from helpers.methods.baselines.attribution_methods import (
    METHODS,
    DeepLIFT,
    FeatureAblationOptions,
    IntegratedGradients,
    attribution_method,
    threshold_images,
    to_unit_range,
)
from helpers.methods.baselines.deep_lift import private_copy

NAMES = list(METHODS)


class TestAllMethods:
    @pytest.mark.parametrize("name", NAMES)
    def test_a_linear_logit_gives_entries_times_weights(self, name):
        classifier, images = LinearClassifier(), noise(3)
        targets = torch.tensor([0, 3, 4])
        found = attribution_method(classifier, name, score="logit").attribute(images, targets)
        expected = images * classifier.weight[targets]
        if name == "feature-ablation":
            expected = expected.sum(1, keepdim=True).expand(-1, 3, -1, -1)
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)

    @pytest.mark.parametrize("name", NAMES)
    @pytest.mark.parametrize("make", [TinyClassifier, small_vgg])
    def test_a_batch_gives_what_single_images_give(self, name, make):
        classifier, images = make(), smooth_images(3, 32)
        options = {"batch": 64} | ({"steps": 20} if name == "integrated-gradients" else {})
        method = attribution_method(classifier, name, **options)
        together = method.attribute(images)
        apart = torch.cat([method.attribute(image) for image in images.split(1)])
        torch.testing.assert_close(together, apart, rtol=1e-3, atol=1e-4 * float(together.abs().max()))

    @pytest.mark.parametrize("name", NAMES)
    def test_the_target_is_the_predicted_class_unless_another_is_given(self, name):
        classifier, images = TinyClassifier(), smooth_images(3, 16)
        predicted = classifier(images).argmax(1)
        method = attribution_method(classifier, name)
        found = method.attribute(images)
        torch.testing.assert_close(method.attribute(images, predicted), found)
        assert not torch.allclose(method.attribute(images, (predicted + 1) % 5), found)
        torch.testing.assert_close(method.attribute(images, 2), method.attribute(images, torch.full((3,), 2)))

    @pytest.mark.parametrize("name", NAMES)
    def test_at_threshold_minus_one_all_is_kept_and_at_one_only_the_largest(self, name):
        images = noise(3, 32, seed=4) * 0.9 + 0.05
        found = to_unit_range(attribution_method(small_vgg(), name).attribute(images))
        assert torch.equal(threshold_images(images, found, -1), images)
        kept = threshold_images(images, found, 1) > 0
        assert torch.equal(kept, found == found.abs().amax((1, 2, 3), keepdim=True))
        assert (kept.flatten(1).sum(1) <= 3).all()  # one entry, or the three of a pixel; none where a loss is larger

    @pytest.mark.parametrize("name", NAMES)
    @pytest.mark.parametrize("make", [SharedReLU, small_vgg])
    def test_the_classifier_is_left_as_found(self, name, make, unchecked):
        classifier = make().train()
        images = noise(2, 8 if make is SharedReLU else 32)
        before, state = traces(classifier), copy.deepcopy(classifier.state_dict())
        method = attribution_method(classifier, name)
        method.attribute(images)
        with pytest.raises(ValueError, match="0 to 4"):
            method.attribute(images, 5)
        assert traces(classifier) == before
        assert all(torch.equal(value, state[key]) for key, value in classifier.state_dict().items())
        assert not images.requires_grad

    @pytest.mark.parametrize("name", NAMES)
    @pytest.mark.parametrize("passes", [0, 1, 2])
    def test_nothing_is_left_behind_by_a_classifier_that_breaks(self, name, passes):
        classifier, images = Failing(passes), noise(2, 8)
        before = traces(classifier)
        with pytest.raises(RuntimeError, match="broken on purpose"):
            attribution_method(classifier, name, batch=8).attribute(images)
        assert traces(classifier) == before
        assert not images.requires_grad

    @pytest.mark.parametrize("name", NAMES)
    def test_no_image_gives_no_attribution(self, name):
        assert attribution_method(TinyClassifier(), name).attribute(torch.zeros(0, 3, 8, 8)).shape == (0, 3, 8, 8)

    @pytest.mark.parametrize("name", NAMES)
    def test_gradients_may_be_switched_off_outside(self, name):
        method, images = attribution_method(TinyClassifier(), name), smooth_images(1, 16)
        with torch.no_grad():
            without = method.attribute(images)
        torch.testing.assert_close(without, method.attribute(images))
        assert not without.requires_grad

    @pytest.mark.parametrize(
        "target", [-1, torch.tensor([0, 1]), torch.tensor([0.0, 1.0, 2.0]), torch.tensor([[0], [1], [2]])]
    )
    def test_a_target_that_is_none_is_refused(self, target, unchecked):
        with pytest.raises(ValueError, match="target"):
            attribution_method(TinyClassifier(), "deeplift").attribute(smooth_images(3, 16), target)

    def test_inputs_that_are_no_images_are_refused(self, unchecked):
        method = attribution_method(TinyClassifier(), "deeplift")
        with pytest.raises(ValueError, match=r"must be \(batch, 3"):
            method.attribute(torch.zeros(3, 16, 16))
        with pytest.raises(ValueError, match="8-bit"):
            method.attribute(torch.zeros(1, 3, 16, 16, dtype=torch.uint8))

    @pytest.mark.parametrize(
        ("name", "options"),
        [
            ("gradient", {}),
            ("deeplift", {"steps": 3}),
            ("deeplift", {"variant": "other"}),
            ("feature-ablation", {"batch": 0}),
            ("feature-ablation", {"channels": "both"}),
            ("integrated-gradients", {"steps": 0}),
            ("integrated-gradients", {"score": "sigmoid"}),
        ],
    )
    def test_wrong_names_and_options_are_refused(self, name, options):
        with pytest.raises(ValueError, match=r"gradient|steps|variant|batch|channels|score"):
            attribution_method(TinyClassifier(), name, **options)

    def test_options_of_another_method_are_refused(self):
        with pytest.raises(TypeError, match="IntegratedGradientsOptions"):
            IntegratedGradients(TinyClassifier(), FeatureAblationOptions())


class TestIntegratedGradients:
    def test_attributions_sum_to_what_the_confidence_gains(self):
        classifier, images = TinyClassifier(), smooth_images(4, 24)
        targets = classifier(images).argmax(1)
        found = attribution_method(classifier, "integrated-gradients", steps=100).attribute(images)
        gain = gained(classifier, images, targets, "confidence")
        assert float(gain.abs().max()) > 0.1
        torch.testing.assert_close(found.sum((1, 2, 3)).double(), gain, rtol=0, atol=1e-3)

    @pytest.mark.parametrize("batch", [1, 7, 64])
    def test_the_size_of_a_batch_changes_nothing(self, batch):
        classifier, images = TinyClassifier(), smooth_images(3, 16)
        expected = attribution_method(classifier, "integrated-gradients", steps=10).attribute(images)
        found = attribution_method(classifier, "integrated-gradients", steps=10, batch=batch).attribute(images)
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)


class TestDeepLIFT:
    @pytest.mark.parametrize("score", ["confidence", "logit"])
    def test_attributions_sum_to_what_the_score_gains(self, score):
        classifier, images = small_vgg(), noise(4, 32)
        targets = classifier(images).argmax(1)
        found = DeepLIFT(classifier, DeepLIFT.Options(score=score)).attribute(images)
        gain = gained(classifier, images, targets, score)
        torch.testing.assert_close(found.sum((1, 2, 3)).double(), gain, rtol=1e-3, atol=1e-3 * float(gain.abs().max()))

    def test_one_hidden_layer_against_the_rescale_rule_written_out(self):
        generator = torch.Generator().manual_seed(9)
        network = nn.Sequential(nn.Flatten(), nn.Linear(48, 20), nn.ReLU(), nn.Linear(20, 5)).requires_grad_(False)
        for parameter in network.parameters():
            parameter.data = torch.randn(parameter.shape, generator=generator)
        images = noise(3, 4)
        hidden, black = network[1](images.flatten(1)), network[1].bias
        multipliers = (hidden.relu() - black.relu()) / (hidden - black) * network[3].weight[2]
        expected = images * (multipliers @ network[1].weight).view_as(images)
        found = attribution_method(network, "deeplift", score="logit").attribute(images, 2)
        torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)

    def test_the_confidence_of_a_linear_classifier_in_closed_form(self):
        classifier, images = LinearClassifier(0.05), noise(3)
        targets = torch.tensor([0, 3, 4])
        weight = classifier.weight - classifier.weight.mean(0)
        share = images * weight[targets]
        expected = (
            share * (gained(classifier, images, targets, "confidence") / share.sum((1, 2, 3)))[:, None, None, None]
        )
        found = attribution_method(classifier, "deeplift").attribute(images, targets)
        torch.testing.assert_close(found, expected.float(), rtol=1e-3, atol=1e-6)

    def test_a_black_image_has_no_attributions(self):
        found = attribution_method(small_vgg(), "deeplift").attribute(torch.zeros(2, 3, 32, 32))
        assert not found.any()

    def test_a_module_called_twice_in_place_counts_as_two(self):
        shared, separate, images = SharedReLU(), SharedReLU(separate=True), noise(3, 8)
        found, expected = (attribution_method(model, "deeplift").attribute(images, 1) for model in (shared, separate))
        torch.testing.assert_close(found, expected)
        gain = gained(separate, images, torch.ones(3, dtype=torch.long), "confidence")
        torch.testing.assert_close(found.sum((1, 2, 3)).double(), gain, rtol=1e-3, atol=1e-4)

    def test_published_is_captum_as_it_comes_which_misses_the_sum(self):
        classifier, images = small_vgg(), noise(3, 32)
        options = DeepLIFT.Options(score="logit", variant="published")
        found = DeepLIFT(classifier, options).attribute(images, 1)
        with pytest.warns(UserWarning, match="hooks"):
            captum = attr.DeepLift(copy.deepcopy(classifier)).attribute(images.clone().requires_grad_(), target=1)
        torch.testing.assert_close(found, captum.detach(), rtol=1e-3, atol=1e-5)
        gain = gained(classifier, images, torch.ones(3, dtype=torch.long), "logit")
        assert float((found.sum((1, 2, 3)) - gain).abs().max()) > 0.01 * float(gain.abs().max())

    def test_the_private_copy_shares_weights_and_computes_the_same(self):
        network, images = SharedReLU(), noise(2, 8)
        private = private_copy(network, images)
        torch.testing.assert_close(private(images), network(images), rtol=0, atol=0)
        ours = {each.data_ptr() for each in network.parameters()}
        assert {each.data_ptr() for each in private.parameters()} == ours
        assert not {id(module) for module in private.modules()} & {id(module) for module in network.modules()}
        assert not any(getattr(module, "inplace", False) for module in private.modules())
