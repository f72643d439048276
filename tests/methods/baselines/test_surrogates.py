"""SmoothGrad, LIME and KernelSHAP on classifiers whose attributions are known."""

import pytest
import torch
from torch import nn

from helpers.methods.baselines import LIME, KernelSHAP, SmoothGrad

SIZE, CELLS = 16, 4


class Polynomial(nn.Module):
    """Two classes: a weighted sum of the pixels, and the sum of their squares."""

    def __init__(self, weights):
        super().__init__()
        self.weights = nn.Parameter(weights)

    def forward(self, images):
        return torch.stack([(images * self.weights).sum((1, 2, 3)), images.square().sum((1, 2, 3))], 1)


@pytest.fixture
def classifier():
    return Polynomial(torch.randn(3, SIZE, SIZE, generator=torch.Generator().manual_seed(1)))


@pytest.fixture
def images():
    return torch.rand(2, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))


def squares(values):
    """The sum over each square of the grid, and over the channels."""
    side = SIZE // CELLS
    return values.sum(1).unfold(1, side, side).unfold(2, side, side).sum((3, 4))


def test_smooth_grad_is_the_mean_gradient(classifier, images):
    linear = SmoothGrad(classifier, samples=3).attribute(images, target=0)
    torch.testing.assert_close(linear, classifier.weights.detach().expand_as(images))
    # that of the squares is linear in the noise, whose mean goes to 0
    squared = SmoothGrad(classifier, samples=400, noise=0.1).attribute(images, target=1)
    torch.testing.assert_close(squared, 2 * images, atol=0.05, rtol=0)


def test_kernel_shap_has_the_shapley_values_of_a_sum(classifier, images):
    found = KernelSHAP(classifier, cells=CELLS, samples=200).attribute(images, target=0)
    known = squares(images * classifier.weights.detach())
    torch.testing.assert_close(found[:, 0, :: SIZE // CELLS, :: SIZE // CELLS], known, atol=1e-3, rtol=1e-3)


def test_lime_orders_the_squares_of_a_sum(classifier, images):
    found = LIME(classifier, cells=CELLS, samples=300).attribute(images, target=0)[:, 0]
    known = squares(images * classifier.weights.detach())
    for mine, its in zip(found[:, :: SIZE // CELLS, :: SIZE // CELLS], known, strict=True):
        assert torch.corrcoef(torch.stack([mine.flatten(), its.flatten()]))[0, 1] > 0.99


@pytest.mark.parametrize("method", [LIME, KernelSHAP])
def test_samples_come_from_the_seed_alone(classifier, images, method):
    state = torch.get_rng_state()
    first = method(classifier, cells=CELLS, samples=20).attribute(images, target=1)
    assert torch.equal(state, torch.get_rng_state())
    torch.manual_seed(7)
    alone = method(classifier, cells=CELLS, samples=20).attribute(images[1:], target=1)
    torch.testing.assert_close(first[1:], alone)
