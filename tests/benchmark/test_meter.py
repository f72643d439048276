"""What explanations cost: operations against the formula, memory, budgets, and when a training has paid."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from helpers.benchmark import cost
from helpers.benchmark.meter import PeakMemory, forward_operations, operations_of
from helpers.benchmark.methods import CONTESTANTS
from helpers.benchmark.passes import count_passes
from helpers.classifiers import Classifier, load_classifier
from helpers.methods.explainer import ExplainerOptions, NetworkOptions


def test_operations_are_two_per_product():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.Flatten(), nn.Linear(4 * 64, 5))
    images = torch.rand(2, 3, 8, 8)
    forward = 2 * (8 * 8 * 4 * 27 + 256 * 5)
    assert forward_operations(network, images) == forward
    images.requires_grad_()  # gradients of images and of all weights: each as much as the forward pass
    assert operations_of(lambda: network(images).sum().backward()) == 3 * 2 * forward


def test_memory_is_that_inside_the_block():
    def megabytes(count):
        with PeakMemory() as memory:
            torch.ones(count, 2**18).sum()
        return memory.mebibytes

    few, many, again = megabytes(1), megabytes(64), megabytes(1)
    if math.isnan(few):
        pytest.skip("this system does not tell its peak memory")
    assert many == pytest.approx(64, abs=16)
    assert max(few, again) < 16, "an earlier peak is forgotten"


def test_a_budget_is_the_share_of_the_methods_own():
    classifier = load_classifier("scenes-multilabel")
    images = torch.rand(1, 3, 64, 64)
    passes = []
    for runner in cost.runners_of(CONTESTANTS["integrated-gradients"], classifier):
        with count_passes(classifier) as count:
            runner.method.attribute(images, torch.tensor([3]))
        passes.append((runner.budget, count.backward))
    assert passes == [(1.0, 50), (0.25, 12)]
    assert [each.budget for each in cost.runners_of(CONTESTANTS["explainer"], classifier)] == [1.0]


def test_a_training_has_paid_when_its_price_is_saved():
    turns = np.array([1.0, 1.1, 0.9, 1.0, 1.05, 0.95])
    whole = {"explainer": 0.5 * turns, "cartoonx": 2.5 * turns, "rise": 0.25 * turns}
    rows = cost.training_rows(cost.Training(lambda: None, 40), turns, "explainer", whole, unit=1.0)
    found = {row["quantity"]: row for row in rows}
    assert found["training-seconds"]["value"] == pytest.approx(40)
    assert found["images-for-cartoonx"]["value"] == pytest.approx(20)
    assert found["images-for-cartoonx"]["low"] == pytest.approx(20), "time and price rise together"
    assert found["images-for-rise"]["value"] == math.inf, "the rival is the cheaper one"


def test_a_step_of_the_training_changes_the_network():
    classifier = Classifier.of(nn.Sequential(nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(48, 10)), size=64)
    options = ExplainerOptions(network=NetworkOptions(widths=(4, 4, 4, 4)), batch=2, epochs=3)
    training = cost.training_of(options, classifier, images=10)
    assert training.steps == 15
    assert training.step() > 0
    assert operations_of(training.update) > 0
