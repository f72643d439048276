"""Feature ablation against one call of the classifier for each feature, and its windows against whole passes."""

import pytest
import torch
from signed_networks import LinearClassifier, noise, small_vgg, traces
from tiny import TinyClassifier, smooth_images

from helpers.methods.baselines.attribution_methods import FeatureAblation, attribution_method
from helpers.methods.baselines.pixel_removal import PixelRemoval


def ablated(classifier, images, targets, channels="tied"):
    """Feature ablation as it is defined, one call of the classifier for each feature."""

    def scores(pictures):
        return classifier(pictures).double().softmax(1).gather(1, targets[:, None])[:, 0]

    result = torch.zeros(images.shape, dtype=torch.float64)
    whole = scores(images)
    for part in [slice(0, 3)] if channels == "tied" else [slice(i, i + 1) for i in range(3)]:
        for row in range(images.shape[2]):
            for column in range(images.shape[3]):
                changed = images.clone()
                changed[:, part, row, column] = 0
                result[:, part, row, column] = (whole - scores(changed))[:, None]
    return result.float()


class TestFeatureAblation:
    @pytest.mark.parametrize(("channels", "batch"), [("tied", 1), ("tied", 512), ("apart", 50)])
    def test_against_one_call_for_each_feature(self, channels, batch):
        classifier, images = TinyClassifier(), smooth_images(2, 13)
        targets = classifier(images).argmax(1)
        method = attribution_method(classifier, "feature-ablation", channels=channels, batch=batch)
        expected = ablated(classifier, images, targets, channels=channels)
        torch.testing.assert_close(method.attribute(images), expected, rtol=1e-4, atol=1e-6)

    @pytest.mark.parametrize(("channels", "score"), [("tied", "logit"), ("apart", "confidence")])
    def test_windows_give_what_the_whole_classifier_gives(self, channels, score):
        classifier, images = small_vgg(), noise(1, 32)
        images[0, :, 5:9, 3:8] = 0
        images[0, 1, 20:, :] = 0
        options = {"channels": channels, "score": score}
        fast = attribution_method(classifier, "feature-ablation", **options, batch=32).attribute(images)
        whole = attribution_method(classifier, "feature-ablation", **options, windows=False).attribute(images)
        assert float(whole.abs().max()) > 1e-3
        torch.testing.assert_close(fast, whole, rtol=1e-3, atol=1e-4 * float(whole.abs().max()))
        assert not fast[0, :, 5:9, 3:8].any()
        assert bool(fast[0, 1, 20:].any()) == (channels == "tied")

    def test_of_a_confident_classifier_differences_far_below_single_precision(self):
        sure, images = LinearClassifier(0.1, first=30.0), noise(2)
        found = attribution_method(sure, "feature-ablation").attribute(images)
        expected = ablated(sure, images, torch.zeros(2, dtype=torch.long))
        assert bool((sure(images).softmax(1)[:, 0] == 1).all())
        assert 0 < float(expected.abs().max()) < 1e-9
        torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-3 * float(expected.abs().max()))


class TestPixelRemoval:
    @pytest.mark.parametrize(("size", "normalise"), [((32, 32), True), ((32, 32), False), ((32, 64), True)])
    def test_logits_are_those_of_images_without_the_pixel(self, normalise, size):
        classifier, images = small_vgg(normalise), noise(2, *size)
        channels = torch.tensor([True, False, True])
        whole, without = PixelRemoval(classifier, size).logits(images, channels)
        torch.testing.assert_close(whole, classifier(images), rtol=1e-4, atol=1e-5)
        rows, columns = (torch.tensor([*range(10), side - 2, side - 1]) for side in size)  # all of a step, both ends
        for row in rows.tolist():
            changed = images.repeat_interleave(len(columns), 0)
            for number, column in enumerate(columns.tolist()):
                changed[number :: len(columns), channels, row, column] = 0
            expected = classifier(changed).unflatten(0, (2, -1))
            torch.testing.assert_close(without[:, row, columns], expected, rtol=1e-4, atol=1e-5)
        assert float((without - whole[:, None, None]).abs().amax()) > 1e-3

    def test_only_what_is_known_fits(self):
        assert PixelRemoval.fits(small_vgg(), (32, 32))
        assert not PixelRemoval.fits(small_vgg(), (40, 32))
        assert not PixelRemoval.fits(small_vgg().network, (32, 32))
        assert not PixelRemoval.fits(TinyClassifier(), (32, 32))
        with pytest.raises(ValueError, match="SmallImageVGG"):
            PixelRemoval(TinyClassifier(), (32, 32))

    def test_the_classifier_keeps_its_layers(self):
        classifier = small_vgg()
        before, images = traces(classifier), noise(1, 32)
        formats = [
            each.is_contiguous(memory_format=torch.channels_last) for each in classifier.parameters() if each.ndim == 4
        ]
        FeatureAblation(classifier).attribute(images)
        assert traces(classifier) == before
        assert formats == [
            each.is_contiguous(memory_format=torch.channels_last) for each in classifier.parameters() if each.ndim == 4
        ]
