"""Training of the classifiers that SpaCE-VAE explains: the published recipe, resumed bit for bit."""

from __future__ import annotations

import math
from dataclasses import fields, replace

import pytest
import torch
from interrupted_training import stopped_in_epoch
from torch.nn import functional
from torchvision.transforms.functional import crop, hflip

from helpers.classifiers import load_classifier
from helpers.core.runtime import random_generator
from helpers.data.labelled import LabelledImages
from helpers.training.options import LabelledOptions
from helpers.training.recipes.labelled import LabelledModule, erase, save_labelled, shift_and_mirror, train_labelled

TINY = LabelledOptions(
    width=0.0625, hidden=12, epochs=3, batch=16, learning_rate=0.02, padding=2, weight_decay=1e-3, dropout=0.2
)
COLOURS = ("red", "green", "blue")


def coloured(count, seed=0):
    """Noise that is brighter in the channel that is the label."""
    generator = torch.Generator().manual_seed(seed)
    pixels = torch.randint(0, 120, (count, 3, 32, 32), generator=generator, dtype=torch.uint8)
    labels = torch.arange(count) % 3
    pixels[torch.arange(count), labels] += 90
    return LabelledImages(pixels, labels, COLOURS, "colours")


def train(options, folder, **more):
    return train_labelled(options, coloured(48), coloured(24, seed=1), folder, device="cpu", show=False, **more)


def states(training):
    return training.module.state_dict()


def same(one, other):
    return all(torch.equal(value, other[name]) for name, value in one.items())


# --- the recipe ---------------------------------------------------------------------------------------------------


def test_the_defaults_are_the_published_recipe():
    """Facts of the code whose accuracy the paper gives; only the choice of the checkpoint is another one."""
    published = {
        "epochs": 100, "batch": 256, "learning_rate": 1e-2, "momentum": 0.9, "weight_decay": 1e-2, "warm_up": 0.3,
        "padding": 4, "flip": True, "mean": (0.4914, 0.4822, 0.4465), "std": (0.2471, 0.2435, 0.2616), "seed": 0,
        "hidden": 4096, "width": 1.0, "dropout": 0.5,
    }  # fmt: skip
    assert {name: getattr(LabelledOptions(), name) for name in published} == published
    optimiser = LabelledModule(replace(TINY, learning_rate=0.1), 3, 10).configure_optimizers()["optimizer"]
    group = optimiser.param_groups[0]
    assert isinstance(optimiser, torch.optim.SGD)
    assert (group["nesterov"], group["momentum"], group["weight_decay"]) == (True, 0.9, TINY.weight_decay)


@pytest.mark.parametrize(("steps", "warm_up"), [(40, 0.3), (200, 0.25), (7, 0.5)])
def test_the_rate_rises_in_a_line_and_falls_along_a_cosine(steps, warm_up):
    rate, least, start = 0.05, 1e-8, 1e-3
    configured = LabelledModule(replace(TINY, learning_rate=rate, warm_up=warm_up), 3, steps).configure_optimizers()
    optimiser, schedule = configured["optimizer"], configured["lr_scheduler"]["scheduler"]
    assert configured["lr_scheduler"]["interval"] == "step"
    rising = round(warm_up * steps)
    for step in range(steps):
        if step < rising:
            expected = rate * (start + (1 - start) * step / rising)
        else:
            turn = (step - rising) / (steps - rising)
            expected = least + (rate - least) * (1 + math.cos(math.pi * turn)) / 2
        assert optimiser.param_groups[0]["lr"] == pytest.approx(expected, rel=1e-6)
        optimiser.step()
        schedule.step()


# --- augmentation -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("padding", [1, 4])
@pytest.mark.parametrize("flip", [True, False])
def test_shifts_and_mirrors_are_crops_of_the_padded_image(padding, flip):
    images = torch.rand(64, 3, 8, 11, generator=torch.Generator().manual_seed(0))
    changed = shift_and_mirror(images, random_generator(5), padding=padding, flip=flip)
    drawn = random_generator(5)
    mirrored = (torch.rand(64, generator=drawn) < 0.5) & flip
    tops, lefts = torch.randint(0, 2 * padding + 1, (2, 64, 1), generator=drawn).flatten(1).tolist()
    for index, image in enumerate(images):
        padded = functional.pad(hflip(image) if mirrored[index] else image, (padding,) * 4)
        assert torch.equal(changed[index], crop(padded, tops[index], lefts[index], 8, 11))
    assert mirrored.any() == flip
    assert set(tops) == set(lefts) == set(range(2 * padding + 1))  # every offset occurs among so many


def test_no_padding_and_no_mirror_change_nothing():
    images = torch.rand(4, 3, 8, 8)
    assert torch.equal(shift_and_mirror(images, random_generator(1), padding=0, flip=False), images)


# --- training -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A finished training of three epochs."""
    folder = tmp_path_factory.mktemp("whole")
    return train(TINY, folder), folder


def test_it_learns(tmp_path):
    done = train(replace(TINY, epochs=8), tmp_path)
    assert done.best > 0.9
    held_out = coloured(30, seed=2)
    with torch.no_grad():
        right = (done.module.eval()(held_out.floats()).argmax(1) == held_out.labels).float().mean()
    assert right > 0.9
    assert done.seconds > 0


def test_an_interrupted_training_resumes_to_the_same_weights(tmp_path, whole):
    with stopped_in_epoch(LabelledModule, 2):
        train(TINY, tmp_path)
    assert torch.load(tmp_path / "last.ckpt", weights_only=True)["epoch"] == 1  # two whole epochs were kept
    resumed = train(TINY, tmp_path)
    assert same(states(resumed), states(whole[0]))
    assert resumed.best == whole[0].best


@pytest.mark.parametrize("keep", ["best", "last"])
def test_a_finished_training_is_not_done_again_and_gives_the_same(tmp_path, keep, monkeypatch):
    options = replace(TINY, keep=keep)
    first = train(options, tmp_path)

    def refuse(self, batch, index):
        raise AssertionError("this was done before")

    monkeypatch.setattr(LabelledModule, "training_step", refuse)
    again = train(options, tmp_path)
    assert same(states(again), states(first))
    assert again.best == first.best
    assert again.seconds == first.seconds


def test_best_and_last_are_those_epochs(tmp_path, monkeypatch):
    kept, accuracies = [], []
    options = replace(TINY, epochs=6)

    def note(self):
        accuracies.append(float(self.trainer.callback_metrics["validation accuracy"]))
        kept.append({name: value.clone() for name, value in self.state_dict().items()})

    monkeypatch.setattr(LabelledModule, "on_train_epoch_end", note)
    best = train(options, tmp_path / "best")
    place = accuracies.index(max(accuracies))
    assert same(states(best), kept[place])
    assert best.best == pytest.approx(max(accuracies))
    accuracies.clear(), kept.clear()
    last = train(replace(options, keep="last"), tmp_path / "last")
    assert same(states(last), kept[-1])
    assert last.last == pytest.approx(accuracies[-1])


def test_the_seed_alone_decides_and_the_global_generator_is_left_alone(tmp_path, whole):
    torch.manual_seed(123)
    before = torch.get_rng_state()
    again = train(TINY, tmp_path / "again")
    assert torch.equal(torch.get_rng_state(), before)
    other = train(replace(TINY, seed=1), tmp_path / "other")
    assert same(states(again), states(whole[0]))
    assert not same(states(other), states(whole[0]))


def test_another_recipe_is_refused(tmp_path, whole):
    with pytest.raises(ValueError, match="another value of weight_decay"):
        train(replace(TINY, weight_decay=0.5), whole[1])


def test_too_few_images_are_refused(tmp_path):
    for training, validation in ((coloured(15), coloured(3)), (coloured(16), coloured(16)[:0])):
        with pytest.raises(ValueError, match="do not fill a batch of 16"):
            train_labelled(TINY, training, validation, tmp_path, device="cpu", show=False)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"epochs": 0}, "epochs"),
        ({"batch": 0}, "batch"),
        ({"learning_rate": 0.0}, "learning_rate"),
        ({"momentum": 1.0}, "momentum"),
        ({"weight_decay": -1.0}, "weight_decay"),
        ({"warm_up": 0.0}, "warm_up"),
        ({"warm_up": 1.0}, "warm_up"),
        ({"padding": -1}, "padding"),
        ({"policy_share": 0.0}, "policy_share"),
        ({"std": (0.2, 0.0, 0.2)}, "std"),
        ({"keep": "first"}, "keep"),
        ({"precision": "8"}, "precision"),
    ],
)
def test_wrong_options_are_refused_by_name(changes, words):
    with pytest.raises(ValueError, match=words):
        replace(TINY, **changes)


def test_every_option_is_in_the_checkpoint(whole):
    stored = torch.load(whole[1] / "last.ckpt", weights_only=True)["hyper_parameters"]["options"]
    assert set(stored) == {field.name for field in fields(LabelledOptions)}


def test_a_saved_classifier_gives_the_same_answers(tmp_path, whole):
    path = tmp_path / "colours.safetensors"
    digest = save_labelled(path, whole[0].module, COLOURS)
    classifier = load_classifier("colours", weights=path, sha256=digest)
    images = coloured(9, seed=4).floats()
    torch.testing.assert_close(classifier(images), whole[0].module.eval()(images), rtol=1e-4, atol=1e-5)
    assert classifier.class_names == COLOURS
    assert classifier.input_size == 32


def test_a_square_is_erased():
    images = torch.rand(200, 3, 32, 32, generator=random_generator(3)) + 1
    colour = torch.tensor([0.1, 0.2, 0.3]).reshape(1, 3, 1, 1)
    changed = erase(images, random_generator(4), side=8, colour=colour)
    gone = (changed != images).all(1)
    assert (changed.movedim(1, 3)[gone] == colour.flatten()).all()
    assert torch.equal(changed.movedim(1, 3)[~gone], images.movedim(1, 3)[~gone])
    rows, columns = gone.any(2).sum(1), gone.any(1).sum(1)
    assert torch.equal(gone.flatten(1).sum(1), rows * columns)  # a rectangle
    assert set(rows.tolist()) == set(columns.tolist()) == {4, 5, 6, 7, 8}  # cut off at the border


def test_the_policy_changes_groups_and_depends_on_the_step_alone():
    first, again = (pixels_that_are_learnt_from(step=0, erase=8) for _ in range(2))
    assert torch.equal(first, again)
    assert not torch.equal(first, PIXELS.float() / 255)


def test_the_policy_rests_in_the_last_steps():
    alone = {"policy_share": 0.8, "padding": 0, "flip": False}
    assert not torch.equal(pixels_that_are_learnt_from(step=7, **alone), PIXELS.float() / 255)
    assert torch.equal(pixels_that_are_learnt_from(step=8, **alone), PIXELS.float() / 255)


PIXELS = torch.randint(0, 256, (32, 3, 32, 32), generator=random_generator(1), dtype=torch.uint8)


def pixels_that_are_learnt_from(step, **changes):
    """What the network sees of `PIXELS` in one of ten steps with a policy."""
    options = replace(TINY, policy="trivial", dropout=0.0, **changes)
    seen = []

    class Watched(LabelledModule):
        global_step = step

        def forward(self, images):
            seen.append(images)
            return torch.zeros(len(images), 10, requires_grad=True)

        def log(self, *_, **__):
            pass

    Watched(options, 10, 10).training_step([PIXELS, torch.arange(32) % 10], 0)
    return seen[0]
