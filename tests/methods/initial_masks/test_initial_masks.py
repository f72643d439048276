"""Initial masks: thresholds that are known, foregrounds that are drawn, and the door to all of them."""

import numpy as np
import pytest
import torch
from tiny import TinyClassifier, smooth_images
from torch import nn

from helpers.core.runtime import random_generator
from helpers.methods.initial_masks import MASK_NAMES, constant_mask, foreground_mask, grabcut, starting_mask
from helpers.methods.initial_masks.constant import HALVINGS, keeps_prediction
from helpers.methods.rde import CartoonX, PixelRDE


class BrightnessClassifier(nn.Module):
    """Class 0 while the mean of the left half is above `level`: a constant mask's threshold has a closed form."""

    def __init__(self, level):
        super().__init__()
        self.level = level
        self.eval()

    def forward(self, images):
        left = images[..., : images.shape[-1] // 2].mean((1, 2, 3))
        return torch.stack([left - self.level, torch.zeros_like(left)], 1)


def split_images(left, right, side=16):
    """Images whose left half has one grey and whose right half another."""
    images = torch.full((len(left), 3, side, side), 0.0)
    images[..., : side // 2] = torch.tensor(left)[:, None, None, None]
    images[..., side // 2 :] = torch.tensor(right)[:, None, None, None]
    return images


@pytest.mark.parametrize("scan", ["bisection", "published"])
def test_the_constant_has_its_closed_form(scan):
    # without noise the left half is c · left + (1 - c) · 0 under a constant c, so that c* = level / left
    images = split_images([0.9, 0.6, 0.5], [0.2, 0.3, 0.1])
    method = PixelRDE(BrightnessClassifier(0.3), noise="none")
    constants = constant_mask(method, images, scan=scan, samples=2)
    assert constants.shape == (3, 1, 256)
    assert torch.equal(constants, constants[..., :1].expand_as(constants))
    expected = torch.tensor([0.3 / 0.9, 0.3 / 0.6, 0.3 / 0.5])
    resolution = 2.0**-HALVINGS if scan == "bisection" else 0.01
    above = constants[:, 0, 0] - expected
    assert (above > -1e-6).all()
    assert (above <= resolution + 1e-6).all()


def test_bisection_is_the_brute_force_scan_where_the_decision_is_monotone():
    images = split_images([0.9, 0.7, 0.55, 0.8], [0.1, 0.3, 0.2, 0.6])
    method = PixelRDE(BrightnessClassifier(0.5))
    problem = method.problem(images)
    noise = problem.draw(8, random_generator(0))
    count = 2**HALVINGS
    kept = torch.stack([keeps_prediction(problem, torch.full((4,), i / count), noise) for i in range(count + 1)])
    assert (kept.int().diff(dim=0) >= 0).all(), "the case is meant to be monotone"
    smallest = kept.int().argmax(0) / count
    found = constant_mask(method, images, samples=8)[:, 0, 0]
    assert torch.equal(found, smallest.clamp_min(1 / count))


def test_the_published_scan_is_its_literal_restatement():
    images = smooth_images(3, 32)
    method = CartoonX(TinyClassifier(), levels=2)
    problem = method.problem(images)
    noise = problem.draw(16, random_generator(0))
    found = constant_mask(method, images, scan="published", samples=16)[:, 0, 0]
    for place in range(3):
        constant = 1.0
        for percent in range(100, 0, -1):
            constant = percent / 100
            one = torch.full((3,), constant)
            if not bool(keeps_prediction(problem, one, noise)[place]):
                constant = min(percent + 1, 100) / 100
                break
        assert float(found[place]) == pytest.approx(constant)


def test_a_constant_that_passes_stands_above_one_that_fails():
    images = smooth_images(4, 32)
    method = CartoonX(TinyClassifier(), levels=2)
    problem = method.problem(images)
    noise = problem.draw(16, random_generator(0))
    found = constant_mask(method, images, samples=16)[:, 0, 0]
    assert keeps_prediction(problem, found, noise).all()
    below = found - 2.0**-HALVINGS
    assert (~keeps_prediction(problem, below, noise) | (below <= 0)).all()


def test_an_image_whose_decision_never_holds_starts_from_ones():
    images = split_images([0.9, 0.6], [0.2, 0.3])
    constants = constant_mask(PixelRDE(BrightnessClassifier(0.3), noise="none"), images, targets=1, samples=2)
    assert torch.equal(constants, torch.ones_like(constants))


def disc(height, width, radius):
    """A red disc on grey texture, and where it is."""
    rows, columns = np.mgrid[:height, :width]
    inside = (rows - height / 2 + 0.5) ** 2 + (columns - width / 2 + 0.5) ** 2 < radius**2
    texture = np.random.default_rng(0).uniform(0.4, 0.6, (height, width))
    image = np.stack([np.where(inside, 0.9, texture), np.where(inside, 0.1, texture), np.where(inside, 0.1, texture)])
    return torch.from_numpy(image).float()[None], torch.from_numpy(inside)[None, None]


def overlap(one, other):
    """Intersection over union."""
    return float((one & other).sum() / (one | other).sum())


def test_grabcut_finds_a_disc():
    image, inside = disc(64, 64, 15)
    assert overlap(grabcut(image), inside) > 0.9


def test_a_wavelet_foreground_keeps_every_entry_that_the_disc_touches():
    image, inside = disc(64, 64, 15)
    method = CartoonX(TinyClassifier())
    mask = foreground_mask(method, image)
    transform = method.representation((64, 64)).transform
    bands = {name: mask[..., s].unflatten(2, transform.shapes[name]) for name, s in transform.slices.items()}
    for level in range(1, 6):
        assert torch.equal(bands[f"horizontal-{level}"], bands[f"diagonal-{level}"])
        assert torch.equal(bands[f"horizontal-{level}"], bands[f"vertical-{level}"])
    assert set(mask.unique().tolist()) == {0.0, 1.0}
    finest = nn.functional.interpolate(grabcut(image).float(), transform.shapes["diagonal-1"], mode="bilinear") > 0
    assert torch.equal(bands["diagonal-1"] > 0, finest)
    floor = foreground_mask(method, image, background=0.25)
    assert torch.allclose(floor, 0.25 + 0.75 * mask)
    assert float(foreground_mask(PixelRDE(TinyClassifier()), image).mean()) == pytest.approx(
        float(inside.float().mean()), rel=0.15
    )


def test_the_published_rectangle_swaps_height_and_width():
    wide, inside = disc(40, 96, 12)
    right = torch.zeros_like(inside)
    right[..., 41:] = True  # beyond the published width, which is the height
    assert overlap(grabcut(wide), inside) > 0.8
    published = grabcut(wide, rectangle="published")
    assert not (published & right).any()
    square, _ = disc(64, 64, 15)
    assert overlap(grabcut(square, rectangle="published"), grabcut(square)) > 0.9


def test_a_foreground_does_not_depend_on_batch_mates():
    images = torch.cat([disc(48, 48, 10)[0], disc(48, 48, 16)[0]])
    assert torch.equal(grabcut(images)[1:], grabcut(images[1:]))


def test_where_grabcut_finds_nothing_everything_is_kept():
    assert grabcut(torch.full((1, 3, 32, 32), 0.5)).all()


@pytest.mark.parametrize("name", [name for name in MASK_NAMES if name != "learned"])
@pytest.mark.parametrize("kind", [CartoonX, PixelRDE])
def test_every_start_can_be_started_from(name, kind):
    images = smooth_images(2, 64)
    method = kind(TinyClassifier(), steps=1, samples=2)
    start = starting_mask(name, method, images)
    explanation = method.explain(images, initial=start)
    assert explanation.representation_mask.shape == start.shape
    assert 0 <= float(start.min()) <= float(start.max()) <= 1


def test_the_random_start_is_one_draw_for_all_images():
    images = smooth_images(2, 64)
    start = starting_mask("random", PixelRDE(TinyClassifier()), images, seed=4)
    assert torch.equal(start[0], start[1])
    assert torch.equal(start, starting_mask("random", PixelRDE(TinyClassifier()), images, seed=4))
    assert float(start.mean()) == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda m, x: starting_mask("zeros", m, x), "use one of ones"),
        (lambda m, x: starting_mask("ones", m, x[0]), "batch, 3, height, width"),
        (lambda m, x: constant_mask(m, x, lambda logits: logits[:, 0]), "callable"),
        (lambda m, x: constant_mask(m, x, scan="up"), "bisection"),
        (lambda m, x: foreground_mask(m, x, background=2.0), "must lie in"),
        (lambda m, x: grabcut(x, rectangle="whole"), "published"),
        (lambda m, x: grabcut(x[..., :4]), "too small"),
    ],
)
def test_errors_say_what_to_do(unchecked, call, words):
    with pytest.raises((ValueError, IndexError), match=words):
        call(PixelRDE(TinyClassifier()), smooth_images(1, 32))
