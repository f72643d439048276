"""The classifiers that name every class of a scene: what is done to their training images, and their training."""

from dataclasses import replace

import pytest
import torch
from interrupted_training import stopped_in_epoch

from helpers.data.multilabel.scenes import BACKGROUND, MARK, draw_multilabels
from helpers.training.options import MultiLabelOptions
from helpers.training.recipes.multilabel import (
    MultiLabelModule,
    blobs,
    cut_out,
    empty_pictures,
    train_multilabel,
    training_loader,
    with_holes,
)

TINY = MultiLabelOptions(
    model_args={"layers": [1, 1, 1, 1], "channels": [8, 8, 12, 12], "stem_width": 4},
    size=32, scenes=(48, 48), epochs=2, batch=16,
)  # fmt: skip


@pytest.fixture(scope="module")
def drawn():
    images, class_maps = draw_multilabels(24, size=48, seed=9, objects=(2, 3), shortcut_base_rate=0.5)
    return images.images(), images.labels, class_maps


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def seen(images, class_maps, kind):
    """The share of each image's pixels of a class that are not black."""
    inside = class_maps == kind
    return ((images.amax(1) > 0) & inside).sum((1, 2)) / inside.sum((1, 2)).clamp_min(1)


@pytest.mark.parametrize("seed", range(6))
def test_a_cut_out_shows_what_its_labels_say_and_nothing_else(drawn, seed):
    images, labels, class_maps = drawn
    shown, left = cut_out(images, class_maps, generator(seed))
    for kind in range(labels.shape[1]):
        share = seen(shown, class_maps, kind)
        assert (share[left[:, kind] == 1] > 0.95).all()  # (a few pixels of an object are black by themselves)
        assert (share[(left[:, kind] == 0) & labels[:, kind]] == 0).all()
    assert not ((left == 1) & ~labels).any()
    assert not shown.movedim(1, 3)[class_maps == MARK].any()


def test_half_of_the_cut_outs_keep_their_background(drawn):
    images, _, class_maps = drawn
    shown, _ = cut_out(images, class_maps, generator(1))
    background = seen(shown, class_maps, BACKGROUND)
    assert background[1::2].min() > background[::2].max()


def test_holes_leave_enough_of_every_object(drawn):
    images, labels, class_maps = drawn
    holed = with_holes(images, class_maps, generator())
    assert (holed != images).flatten(1).any(1).float().mean() > 0.5
    assert ((holed == images) | (holed == 0)).all()
    for kind in range(labels.shape[1]):
        assert (seen(holed, class_maps, kind)[(class_maps == kind).any(2).any(1)] > 0.25).all()


def test_empty_pictures_show_no_object(drawn):
    images, _, _ = drawn
    empty = empty_pictures(images, generator())
    assert not empty[::4].any()
    correlation = torch.corrcoef(torch.stack([empty[2::4].flatten(), images[2::4].flatten()]))[0, 1]
    assert correlation.abs() < 0.7  # noise with the image's mean colour and brightness, not the image


def test_blobs_are_sharp_and_cover_some_of_the_image(drawn):
    areas = blobs(drawn[0], generator())
    assert set(areas.unique().tolist()) == {0.0, 1.0}
    assert 0.1 < areas.mean() < 0.9


def test_patterns_darken_some_images_and_mislead_the_network(drawn):
    module = MultiLabelModule(TINY)
    images, labels, _ = drawn
    target = labels.float()
    changed = module.with_patterns(images, target, generator())
    assert torch.equal(changed[::2], images[::2])  # every second stays as it is
    assert (changed <= images + 1e-6).all()
    assert (changed >= (1 - TINY.pattern_strength) * images - 1e-6).all()
    plain, misled = (
        torch.nn.functional.binary_cross_entropy_with_logits(module(each), target) for each in (images, changed)
    )
    assert misled > plain
    without = MultiLabelModule(replace(TINY, pattern_strength=0.0))
    assert without.with_patterns(images, target, generator()) is images


def test_training_lowers_the_loss_and_resumes_bit_for_bit(tmp_path):
    def loss_of(module):
        pixels, labels, _ = next(iter(training_loader(TINY)))
        with torch.no_grad():
            logits = module.eval()(pixels.float() / 255)
        return float(torch.nn.functional.binary_cross_entropy_with_logits(logits, labels.float()))

    def train(options, name):
        return train_multilabel(MultiLabelModule(options), tmp_path / name, device="cpu", show=False)

    longer = replace(TINY, epochs=10)
    done = train(longer, "whole")
    assert loss_of(done.module) < loss_of(MultiLabelModule(longer))
    assert done.seconds > 0
    with stopped_in_epoch(MultiLabelModule, 6):
        train(longer, "parts")
    resumed = train(longer, "parts")
    for name, value in done.module.state_dict().items():
        torch.testing.assert_close(resumed.module.state_dict()[name], value, rtol=1e-4, atol=1e-6, msg=name)
    with pytest.raises(ValueError, match="another value of"):
        train(replace(longer, smoothing=0.1), "parts")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"epochs": 0}, "epochs"),
        ({"scenes": (1, 2)}, "fill a batch"),
        ({"cut_share": 0.9}, "shares of a batch"),
        ({"smoothing": 0.5}, "smoothing"),
        ({"pattern_strength": 2.0}, "pattern_strength"),
    ],
)
def test_wrong_options_are_refused_by_name(options, words):
    with pytest.raises(ValueError, match=words):
        MultiLabelOptions(**options)
