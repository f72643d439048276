"""What the methods of helpers/methods/baselines share, and the adapted loss of RTIS."""

import cv2
import numpy as np
import pytest
import torch
from tiny import TinyClassifier, smooth_images
from torch import nn

from helpers.core.blur import gaussian_blur
from helpers.core.runtime import random_generator
from helpers.methods.baselines import RTISLoss, RTISOptions, rtis_loss
from helpers.methods.explainer.rtis import alternative_images, squared_variation

LABELS = torch.tensor([[True, False, True, False, False], [False, True, False, False, False]])


class TestBlur:
    @pytest.mark.parametrize(("sigma", "radius"), [(1.5, 6), (50.0, 25), (3.0, 4)])
    def test_it_is_that_of_opencv(self, sigma, radius):
        image = torch.rand(33, 40, generator=torch.Generator().manual_seed(0))
        expected = cv2.GaussianBlur(image.numpy(), (2 * radius + 1,) * 2, sigma, borderType=cv2.BORDER_REFLECT_101)
        assert np.allclose(gaussian_blur(image, sigma, radius).numpy(), expected, atol=1e-5)

    def test_wider_than_the_image_it_tends_to_one_colour(self):
        image = torch.rand(2, 3, 9, 9, generator=torch.Generator().manual_seed(0))
        blurred = gaussian_blur(image, 30)
        assert blurred.std((-1, -2)).max() < 1e-3
        assert torch.equal(gaussian_blur(image, 0), image)
        assert torch.allclose(gaussian_blur(torch.ones(4, 5), 2.0), torch.ones(4, 5))

    def test_negative_lengths_are_refused(self):
        with pytest.raises(ValueError, match="must not be negative"):
            gaussian_blur(torch.ones(4, 4), -1.0)


class TestRTIS:
    def terms(self, mask, options=None, labels=LABELS, seed=0):
        images = smooth_images(2, 32)
        mask = torch.full((2, 1, 32, 32), mask) if isinstance(mask, float) else mask
        return RTISLoss(options)(TinyClassifier(), images, mask, labels, random_generator(seed))

    def test_each_term_against_a_loop(self):
        images, classifier, options = smooth_images(2, 32), TinyClassifier(), RTISOptions()
        mask = torch.rand(2, 1, 32, 32, generator=torch.Generator().manual_seed(5))
        other = alternative_images(images, classifier, options, random_generator(0))
        expected = dict.fromkeys(("smoothness", "area", "preserve", "destroy"), 0.0)
        for image, m, o, labels in zip(images, mask, other, LABELS, strict=True):
            kept = classifier((m * image + (1 - m) * o)[None])[0].sigmoid()
            left = classifier(((1 - m) * image + m * o)[None])[0].sigmoid()
            rows = sum((m[0, y + 1, x] - m[0, y, x]) ** 2 for y in range(31) for x in range(32))
            columns = sum((m[0, y, x + 1] - m[0, y, x]) ** 2 for y in range(32) for x in range(31))
            expected["smoothness"] += 10 * (rows + columns) / 32**2 / 2
            expected["area"] += m.mean() / 2
            expected["preserve"] -= kept[labels].log().mean() / 2
            expected["destroy"] += 5 * left[labels].mean() ** 0.3 / 2
        result = self.terms(mask)
        assert result.keys() == expected.keys()
        for name in expected:
            assert torch.allclose(result[name], expected[name], rtol=1e-4), name

    def test_closed_forms(self):
        classifier, images = TinyClassifier(), smooth_images(2, 32)
        p = classifier(images).sigmoid()
        shown = torch.stack([p[0, LABELS[0]].log().mean(), p[1, LABELS[1]].log().mean()]).mean()
        everything, nothing = self.terms(1.0), self.terms(0.0)
        assert torch.allclose(everything["preserve"], -shown)  # the kept image is the image
        assert torch.allclose(everything["area"], torch.ones(()))
        assert everything["smoothness"] == nothing["smoothness"] == nothing["area"] == 0
        left = torch.stack([p[0, LABELS[0]].mean() ** 0.3, p[1, LABELS[1]].mean() ** 0.3]).mean()
        assert torch.allclose(nothing["destroy"], 5 * left)  # what is left is the image

    def test_an_image_without_a_class_adds_nothing_but_area_and_smoothness(self):
        both, first = self.terms(0.4), self.terms(0.4, labels=LABELS & torch.tensor([[True], [False]]))
        assert first["area"] == both["area"]
        assert 0 < first["preserve"] < both["preserve"]
        assert 0 < first["destroy"] < both["destroy"]
        none = self.terms(0.4, labels=torch.zeros_like(LABELS))
        assert none["preserve"] == none["destroy"] == 0

    def test_the_slope_is_finite_where_the_probability_is_nought(self):
        class Sure(nn.Module):
            def forward(self, images):
                return images.mean((2, 3)) * 1e-3 - 200  # sigmoid underflows

        mask = torch.full((1, 1, 8, 8), 0.5, requires_grad=True)
        loss = rtis_loss(Sure(), smooth_images(1, 8), mask, torch.tensor([[True, False, True]]))
        loss.backward()
        assert mask.grad.isfinite().all()

    def test_the_noise_of_each_variant(self):
        grey = torch.full((400, 3, 8, 8), 0.5)  # blurred, it stays as it is
        drawn = {}
        for variant in ("corrected", "published"):
            options = RTISOptions(variant=variant, colour=0.0)
            batches = [alternative_images(grey, nn.Identity(), options, random_generator(seed)) for seed in range(6)]
            noisy = [batch.flatten(1).std(1) > 1e-3 for batch in batches]
            drawn[variant] = torch.cat([batch[chosen] for batch, chosen in zip(batches, noisy, strict=True)])
            shares = torch.stack([chosen.float().mean() for chosen in noisy])
            if variant == "published":
                assert set(shares.tolist()) == {0.0, 1.0}  # one decision a batch
            else:
                assert ((shares - 0.5).abs() < 0.1).all()  # one decision an image
        assert float(drawn["corrected"].std()) == pytest.approx(0.25 * 0.11, rel=0.05)
        assert float(drawn["corrected"].mean()) == pytest.approx(0.5, abs=0.01)
        assert float(drawn["published"].std()) == pytest.approx(0.25, rel=0.05)
        assert float(drawn["published"].mean()) == pytest.approx(0.5 + 0.25 * 0.11, abs=0.01)

    def test_a_seed_decides(self):
        images, mask = smooth_images(2, 32), torch.full((2, 1, 32, 32), 0.3)
        losses = [rtis_loss(TinyClassifier(), images, mask, LABELS, seed=seed) for seed in (0, 0, 1)]
        assert losses[0] == losses[1]
        assert losses[0] != losses[2]

    @pytest.mark.parametrize("change", [{"power": 0.0}, {"area": -1.0}, {"variant": "other"}, {"unknown": 1}])
    def test_bad_options_are_refused(self, change):
        with pytest.raises(ValueError, match=next(iter(change))):
            RTISOptions(**change)


def test_squared_variation_of_a_ramp():
    ramp = torch.arange(4.0).expand(1, 1, 4, 4) / 3
    assert torch.allclose(squared_variation(ramp), torch.tensor([12 / 9 / 16]))
