"""WAM against its definition, restated with PyWavelets' inverse and one backward pass per image and copy."""

import numpy as np
import pytest
import pywt
import torch
from numpy.testing import assert_allclose
from signed_networks import noise
from tiny import TinyClassifier, smooth_images
from torch import nn

from helpers import WAM
from helpers.methods.baselines import IntegratedGradients

TARGETS = torch.tensor([0, 3, 4])


class LinearClassifier(nn.Module):
    """Logits that are weighted sums of 16 x 16 pixels."""

    def __init__(self, weight=None):
        super().__init__()
        weight = noise(5, 16, seed=9) - 0.5 if weight is None else weight
        self.weight = nn.Parameter(weight, requires_grad=False)

    def forward(self, images):
        return images.flatten(1) @ self.weight.flatten(1).T


def flat(bands):
    """PyWavelets' bands (3, rows, columns) on the flat axis of the book, (3, k)."""
    approximation, *details = bands
    ordered = [approximation, *(band for level in details for band in level)]
    return np.concatenate([band.reshape(3, -1) for band in ordered], 1)


def slope(classifier, image, target, levels=2):
    """∂s/∂h of one image by the chain rule: the gradient in pixels times the wavelet of each coefficient."""
    pixels = torch.tensor(image, dtype=torch.float32).requires_grad_()
    (gradient,) = torch.autograd.grad(classifier(pixels[None])[0, target], pixels)
    empty = pywt.wavedec2(np.zeros_like(image), "haar", level=levels, mode="reflect")
    bands = [empty[0], *(band for level in empty[1:] for band in level)]
    values = []
    for band in bands:  # one coefficient after the other is set to 1
        for place in np.ndindex(band.shape[1:]):
            band[(slice(None), *place)] = 1
            values.append((pywt.waverec2(empty, "haar", mode="reflect") * gradient.numpy()).sum((1, 2)))
            band[(slice(None), *place)] = 0
    return np.stack(values, 1)  # 3, k


def restated(classifier, image, target, *, path, samples):
    """The attributions of one image by WAM's definition."""
    if not path:
        generator = torch.Generator().manual_seed(5)
        draws = [torch.randn(image.shape, generator=generator).numpy() for _ in range(samples)]
        spread = 0.25 * (image.max() - image.min())
        return np.mean([slope(classifier, image + spread * draw, target) for draw in draws], axis=0)
    coefficients = pywt.wavedec2(image, "haar", level=2, mode="reflect")
    nodes, weights = np.polynomial.legendre.leggauss(samples)
    total = 0
    for node, weight in zip((nodes + 1) / 2, weights / 2, strict=True):
        scaled = [coefficients[0] * node, *(tuple(band * node for band in details) for details in coefficients[1:])]
        point = pywt.waverec2(scaled, "haar", mode="reflect")
        total = total + weight * slope(classifier, point, target)
    return flat(coefficients) * total


@pytest.mark.parametrize("path", [False, True], ids=["gradient", "path"])
class TestBoth:
    def test_it_is_the_definition_restated(self, path):
        classifier, images = TinyClassifier(), noise(3, 16)
        method = WAM(classifier, path=path, samples=3, levels=2, seed=5)
        found = method.coefficient_attributions(images, TARGETS)
        for index, target in enumerate(TARGETS.tolist()):
            wanted = restated(classifier, images[index].numpy(), target, path=path, samples=3)
            assert_allclose(found[index], wanted, atol=2e-5 * np.abs(wanted).max())

    def test_a_linear_classifier_has_a_closed_form(self, path):
        classifier, images = LinearClassifier(), noise(3, 16)
        method = WAM(classifier, path=path, samples=4, levels=3)
        transform = method.representation((16, 16)).transform
        # Haar wavelets on an even side are orthonormal: the adjoint of the synthesis is the analysis
        wanted = transform.analyse(classifier.weight[TARGETS])
        if path:
            wanted = wanted * transform.analyse(images)
        found = method.coefficient_attributions(images, TARGETS)
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)
        sizes = wanted.square().sum(1).sqrt()
        together = WAM(classifier, path=path, samples=4, levels=3, bands="together").explain(images, TARGETS)
        torch.testing.assert_close(together.representation_mask[:, 0], sizes / sizes.amax(1, keepdim=True))
        apart = method.explain(images, TARGETS).representation_mask[:, 0]
        for band in transform.slices.values():
            torch.testing.assert_close(apart[:, band], sizes[:, band] / sizes[:, band].amax(1, keepdim=True))

    def test_an_explanation_does_not_depend_on_its_neighbours(self, path):
        images = torch.cat([noise(1, 32), 0.01 * noise(1, 32, seed=4), smooth_images(2, 32)])
        method = WAM(TinyClassifier(), path=path, samples=4)
        together = method.explain(images)
        for split in (WAM(TinyClassifier(), path=path, samples=4, batch=2).explain(images), method.explain(images)):
            torch.testing.assert_close(split.representation_mask, together.representation_mask, rtol=1e-4, atol=1e-5)
        for index in range(len(images)):
            alone = method.explain(images[index : index + 1])
            for name in ("mask", "kept", "targets", "representation_mask"):
                found, wanted = getattr(alone, name)[0], getattr(together, name)[index]
                torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)

    @pytest.mark.parametrize("size", [(32, 32), (21, 30)])
    def test_the_maps_are_relative_to_each_images_largest_value(self, path, size):
        images = smooth_images(2, 32)[..., : size[0], : size[1]]
        explanation = WAM(TinyClassifier(), path=path, samples=2).explain(images, 1)
        for mask in (explanation.mask, explanation.representation_mask):
            assert mask.min() >= 0
            assert mask.flatten(1).amax(1).tolist() == pytest.approx([1, 1])
        assert explanation.mask.shape == (2, 1, *size)
        assert explanation.targets.tolist() == [1, 1]
        assert len(WAM(TinyClassifier(), path=path).explain(images[:0], 1).mask) == 0

    def test_one_coefficient_alone_gives_its_own_wavelet(self, path):
        weight = torch.zeros(3, 16, 16)
        weight[:, 4:6, 8:10] = torch.tensor([[1.0, -1.0], [1.0, -1.0]])  # a vertical wavelet of the finest level
        method = WAM(LinearClassifier(weight[None]), path=path, samples=2, bands="together")
        explanation = method.explain(noise(1, 16), 0)
        assert explanation.representation_mask.gt(1e-5).sum() == 1
        assert explanation.mask[0, 0].gt(1e-5).nonzero().tolist() == [[4, 8], [4, 9], [5, 8], [5, 9]]


def test_the_path_is_complete():
    classifier, images = TinyClassifier(), noise(3, 32)
    found = WAM(classifier, path=True).coefficient_attributions(images, TARGETS).sum((1, 2))
    logits = (classifier(images) - classifier(torch.zeros_like(images)))[range(3), TARGETS]
    torch.testing.assert_close(found, logits, rtol=1e-3, atol=1e-3)


def test_the_path_in_coefficients_sums_to_that_in_pixels():
    classifier, images = TinyClassifier(), noise(2, 32)
    ours = WAM(classifier, path=True, samples=10, score="confidence").coefficient_attributions(images, 2)
    theirs = IntegratedGradients(classifier, steps=10).attribute(images, 2)
    torch.testing.assert_close(ours.sum((1, 2)), theirs.sum((1, 2, 3)), rtol=1e-4, atol=1e-5)


def test_opposite_gradients_of_the_channels_do_not_cancel():
    weight = noise(5, 16, seed=9) - 0.5
    weight[:, 1], weight[:, 2] = -weight[:, 0], 0
    explanation = WAM(LinearClassifier(weight), samples=1, bands="together").explain(noise(1, 16), 0)
    assert explanation.representation_mask.gt(0.01).float().mean() > 0.5
