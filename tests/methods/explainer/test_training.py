"""The training of Explainers: it learns, resumes, stops, shares its work, and leaves the classifier alone."""

import os
import subprocess
import sys
from dataclasses import replace

import pytest
import safetensors.torch
import torch
from explainer_runs import TINY, ColourClassifier, squares, train
from interrupted_training import stopped_in_epoch
from tiny import TinyClassifier

from helpers.methods.explainer import Explainer, ExplainerLoss, ExplainerNetwork, NetworkOptions
from helpers.methods.explainer.training import ExplainerModule, train_explainer


def run(root, *arguments):
    command = [sys.executable, str(root / "tests" / "support" / "explainer_runs.py"), *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, cwd=root, env=environment, check=False, capture_output=True, text=True, timeout=240)


def loss_of(network, seed=1):
    images, _ = squares(16, seed=seed)
    with torch.no_grad():
        pixels = images.images()
        return float(ExplainerLoss(TINY.loss)(ColourClassifier().eval(), pixels, images.labels, network(pixels)))


def inside_and_outside(network):
    """The mean mask of a shown class on its own square and elsewhere, on images that no training saw."""
    images, truth = squares(24, seed=5)
    masks = Explainer(network, ColourClassifier()).class_masks(images.images(), images.labels)
    shown = images.labels
    return float(masks[shown][truth[shown]].mean()), float(masks[shown][~truth[shown]].mean())


def test_it_learns_where_each_class_is(tmp_path):
    done = train(replace(TINY, epochs=30), tmp_path)
    untrained = ExplainerNetwork(TINY.network, 3)
    assert loss_of(done.module.network) < 0.7 * loss_of(untrained.eval())
    inside, outside = inside_and_outside(done.module.network)
    assert inside > outside + 0.1
    assert done.epochs == 30
    assert done.seconds > 0


def test_an_interrupted_training_resumes_and_ends_where_a_whole_one_ends(tmp_path):
    with stopped_in_epoch(ExplainerModule, 2):
        train(TINY, tmp_path / "parts")
    resumed, whole = train(TINY, tmp_path / "parts"), train(TINY, tmp_path / "whole")
    assert resumed.best == pytest.approx(whole.best, rel=1e-5)
    for name, value in whole.module.network.state_dict().items():
        torch.testing.assert_close(resumed.module.network.state_dict()[name], value, rtol=1e-4, atol=1e-6, msg=name)


@pytest.mark.slow  # `fit` is tested with two processes; this one adds the normalisations of an Explainer
def test_two_processes_train_as_one(tmp_path, root):
    done = run(root, tmp_path / "two")
    assert done.returncode == 0, done.stderr
    together = safetensors.torch.load_file(tmp_path / "two" / "trained.safetensors")
    # each process normalises its own half of a batch, so the weights are near those of one process, not equal to them
    network = ExplainerNetwork(TINY.network, 3)
    network.load_state_dict(together)
    alone = train(replace(TINY, flip=False), tmp_path / "one")
    start = loss_of(ExplainerNetwork(TINY.network, 3).eval())
    assert loss_of(network) < start
    assert loss_of(network) == pytest.approx(loss_of(alone.module.network), abs=0.25 * start)
    checkpoint = torch.load(tmp_path / "two" / "last.ckpt", weights_only=True)
    assert checkpoint["global_step"] == TINY.epochs * 4  # 32 images in batches of 8, shared: no step more


def test_the_best_epoch_is_kept_and_training_stops_when_nothing_improves(tmp_path):
    options = replace(TINY, epochs=40, schedule="constant", learning_rate=1e-9, patience=2, weight_decay=0.0)
    done = train(options, tmp_path)
    assert done.epochs < 40  # nothing improves at such a rate
    best = torch.load(tmp_path / "best.ckpt", weights_only=True)["state_dict"]
    for name, value in done.module.network.state_dict().items():
        assert torch.equal(value, best[f"network.{name}"])


def test_the_last_epoch_is_kept_where_that_is_asked_for(tmp_path):
    done = train(replace(TINY, keep="last"), tmp_path)
    last = torch.load(tmp_path / "last.ckpt", weights_only=True)["state_dict"]
    for name, value in done.module.network.state_dict().items():
        assert torch.equal(value, last[f"network.{name}"])


def test_the_classifier_is_left_as_it_is_and_in_no_checkpoint(tmp_path):
    classifier = ColourClassifier().train()
    images, held_out = squares(32)[0], squares(16, seed=1)[0]
    train_explainer(replace(TINY, epochs=1), classifier, images, held_out, tmp_path, device="cpu", show=False)
    assert all(module.training for module in classifier.modules())
    assert classifier.scale.item() == 40.0
    assert classifier.scale.requires_grad
    assert classifier.scale.grad is None
    state = torch.load(tmp_path / "last.ckpt", weights_only=True)["state_dict"]
    assert all(name.startswith("network.") for name in state)


def test_a_classifier_of_other_classes_is_refused(tmp_path):
    images = squares(32)[0]
    with pytest.raises(ValueError, match="gives 7 logits, but the training images have 3 classes"):
        train_explainer(TINY, TinyClassifier(7), images, images, tmp_path, device="cpu", show=False)


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_mixed_precision_gives_finite_losses(tmp_path, precision):
    done = train(replace(TINY, epochs=2, precision=precision), tmp_path)
    assert all(value.isfinite().all() for value in done.module.network.state_dict().values())
    assert done.best < 5


def test_the_loss_of_rtis_trains_the_same_network(tmp_path):
    short, long = (train(replace(TINY, objective="rtis", epochs=n), tmp_path / str(n)) for n in (1, 20))
    assert long.best < short.best


def test_another_recipe_is_refused(tmp_path):
    train(replace(TINY, epochs=1), tmp_path)
    with pytest.raises(ValueError, match="another value of learning_rate"):
        train(replace(TINY, epochs=1, learning_rate=1e-4), tmp_path)


def test_too_few_images_are_refused(tmp_path):
    with pytest.raises(ValueError, match="do not fill a batch"):
        train_explainer(TINY, ColourClassifier(), squares(4)[0], squares(4)[0], tmp_path, device="cpu", show=False)


def test_the_weights_depend_on_the_seed_alone():
    networks = [ExplainerModule(replace(TINY, seed=seed), ColourClassifier(), 3, 10).network for seed in (1, 1, 2)]
    first, same, other = (network.state_dict() for network in networks)
    assert all(torch.equal(first[name], same[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


@pytest.mark.parametrize("size", [(16, 16), (30, 45), (64, 64)])
def test_masks_have_the_size_of_their_images(size):
    network = ExplainerNetwork(NetworkOptions(widths=(8, 8, 12, 12)), 4).eval()
    assert network(torch.rand(2, 3, *size)).shape == (2, 4, *size)
