"""Deletion and insertion curves against a plain loop and closed forms; infidelity against Captum."""

from __future__ import annotations

import captum.metrics
import pytest
import torch
from tiny import TinyClassifier, WindowClassifier, smooth_images

from helpers.core.blur import gaussian_blur
from helpers.metrics import curve_area, infidelity, pixel_curve

SIDE = 16
TARGETS = torch.tensor([1, 4])


def relevance(seed=0):
    return torch.randn(2, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(seed))


def baselines():
    images = smooth_images(2, SIDE)
    noise = torch.rand(images.shape, generator=torch.Generator().manual_seed(1))
    return images, {"black": torch.zeros_like(images), "blur": gaussian_blur(images, 3), "noise": noise}


def curve_by_hand(model, image, values, target, baseline, direction, steps):
    """One image, one pixel at a time."""
    order = sorted(range(SIDE * SIDE), key=lambda pixel: -float(values.flatten()[pixel]))
    mixed = (image if direction == "delete" else baseline).clone()
    other = baseline if direction == "delete" else image
    scores, done = [], 0
    for step in range(steps + 1):
        for pixel in order[done : SIDE * SIDE * step // steps]:
            mixed[:, pixel // SIDE, pixel % SIDE] = other[:, pixel // SIDE, pixel % SIDE]
        done = SIDE * SIDE * step // steps
        scores.append(model(mixed[None]).softmax(1)[0, target])
    return torch.stack(scores)


@pytest.mark.parametrize("direction", ["delete", "insert"])
@pytest.mark.parametrize("kind", ["black", "blur", "noise"])
def test_curves_against_a_plain_loop(direction, kind):
    model, (images, kinds), values = TinyClassifier(), baselines(), relevance()
    found = pixel_curve(model, images, values, TARGETS, kinds[kind], direction=direction, steps=7, chunk=5)
    for row in range(2):
        each = (images[row], values[row], int(TARGETS[row]), kinds[kind][row])
        torch.testing.assert_close(found[row], curve_by_hand(model, *each, direction, 7))
        points = found[row].tolist()
        area = sum((points[i] + points[i + 1]) / 14 for i in range(7))
        assert float(curve_area(found)[row]) == pytest.approx(area, rel=1e-5)


def test_the_true_relevance_has_the_best_areas():
    window = (slice(4, 8), slice(4, 8))
    model, images = WindowClassifier(window), torch.full((1, 3, SIDE, SIDE), 0.9)
    truth = torch.zeros(1, 1, SIDE, SIDE)
    truth[(..., *window)] = 1
    black, target = torch.zeros_like(images), torch.tensor([0])
    areas = {
        name: [
            float(curve_area(pixel_curve(model, images, values, target, black, direction=d, steps=64))[0])
            for d in ("delete", "insert")
        ]
        for name, values in (("truth", truth), ("wrong", -truth), ("constant", torch.ones_like(truth)))
    }
    assert areas["truth"][0] < areas["constant"][0] < areas["wrong"][0]
    assert areas["truth"][1] > areas["constant"][1] > areas["wrong"][1]


def test_equal_pixels_come_in_a_random_order():
    model, (images, kinds) = TinyClassifier(), baselines()
    flat = torch.zeros(2, 1, SIDE, SIDE)
    first, again, other = (
        pixel_curve(model, images, flat, TARGETS, kinds["black"], steps=4, seed=seed) for seed in (0, 0, 1)
    )
    assert torch.equal(first, again)
    assert not torch.allclose(first, other)
    torch.testing.assert_close(first[:, [0, -1]], other[:, [0, -1]])  # the image, and the baseline


@pytest.mark.parametrize("scaled", [False, True])
def test_infidelity_is_captums(scaled):
    model, images, values = TinyClassifier(), smooth_images(2, SIDE), relevance() / 50
    noise = torch.randn(9, *images.shape, generator=torch.Generator().manual_seed(2))
    perturbed = (images + 0.2 * noise).clamp(0, 1)
    draws = iter(perturbed)

    def perturb(inputs):
        changed = next(draws)
        return inputs - changed, changed

    wanted = captum.metrics.infidelity(
        lambda inputs: model(inputs).softmax(1),
        perturb,
        images,
        values.expand(-1, 3, -1, -1),
        target=TARGETS,
        n_perturb_samples=9,
        max_examples_per_batch=2,
        normalize=scaled,
    )
    found = infidelity(model, images, values, TARGETS, perturbed, scaled=scaled, chunk=4)
    torch.testing.assert_close(found, wanted)


def test_a_linear_classifiers_weights_have_no_infidelity():
    """The gradient of a linear score, the same for each channel, predicts every change."""
    window = (slice(4, 8), slice(4, 8))
    weights = torch.zeros(1, 1, SIDE, SIDE)
    weights[(..., *window)] = 12 / (3 * 16)  # the mean of 3 x 16 values, times 12
    images, perturbed = torch.rand(1, 3, SIDE, SIDE), torch.rand(5, 1, 3, SIDE, SIDE)
    model, target = WindowClassifier(window), torch.tensor([0])
    for scaled, factor in ((False, 1), (True, 7)):
        value = infidelity(model, images, factor * weights, target, perturbed, scaled=scaled, score="logit")
        assert float(value[0]) == pytest.approx(0, abs=1e-9)


def test_wrong_calls_are_named(unchecked):
    model, (images, kinds), values = TinyClassifier(), baselines(), relevance()
    with pytest.raises(ValueError, match="use 'delete' or 'insert'"):
        pixel_curve(model, images, values, TARGETS, kinds["black"], direction="keep")
    with pytest.raises(ValueError, match="steps=0 must lie between 1 and 256"):
        pixel_curve(model, images, values, TARGETS, kinds["black"], steps=0)
    with pytest.raises(ValueError, match="two or more values"):
        curve_area(torch.ones(2, 1))
    with pytest.raises(ValueError, match=r"perturbed images must be \(samples, 2, 3, 16, 16\)"):
        infidelity(model, images, values, TARGETS, images)
