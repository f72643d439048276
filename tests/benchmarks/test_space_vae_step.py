"""The step that SpaCE-VAE's training is compared with in `make bench` does the same: equal losses and gradients."""

from __future__ import annotations

import pytest
import torch

from benchmarks.published_space_vae import PublishedStep
from benchmarks.space_vae_step import EPOCHS, HELD_OUT, IMAGES, PlainClassifier, main, projected_hours
from helpers.classifiers import load_classifier
from helpers.classifiers.architectures import build_network, find_architecture
from helpers.classifiers.vgg import VGG_NAME, SmallImageVGG
from helpers.methods.space_vae import NetworkOptions, SpaceVAEOptions
from helpers.methods.space_vae.training import SpaceVAEModule

SMALL = {"width": 0.0625, "hidden": 8}


def test_both_steps_have_the_same_loss_and_gradients():
    classifier = load_classifier(VGG_NAME, weights="random", model_args=SMALL)
    plain = SmallImageVGG(**SMALL).eval()
    plain.load_state_dict(unfolded())
    module = SpaceVAEModule(SpaceVAEOptions(network=NetworkOptions(dead_below=0.0)), classifier, 0.06, 1).train()
    step = PublishedStep(PlainClassifier(plain).eval(), "cpu", variance=0.06, alpha=12.0, beta=10.0)
    ours, theirs = list(module.network.parameters()), [*step.encoder.parameters(), *step.decoder.parameters()]
    with torch.no_grad():
        for mine, other in zip(ours, theirs, strict=True):
            other.copy_(mine)
        step.codebook.vectors.copy_(module.network.quantiser.codebook)
    images = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    terms, _ = module.terms(images, classifier(images).argmax(1), None)
    loss = torch.stack(list(terms.values())).sum()
    loss.backward()
    step(images)
    assert step.losses[0] == pytest.approx(float(loss.detach()), rel=1e-4)
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine.grad, other.grad, rtol=1e-2, atol=1e-4)
    assert 1 <= step.perplexities[0] <= 512


def unfolded():
    """The weights that `load_classifier` draws, before its normalisations are folded."""
    return build_network(find_architecture(VGG_NAME), SMALL).state_dict()


def test_the_projection_is_the_number_of_steps_times_their_time():
    steps = EPOCHS * IMAGES / 32 + EPOCHS * HELD_OUT / 32 / 3
    assert projected_hours(0.01, 32) == pytest.approx(steps * 0.01 / 3600)


@pytest.mark.slow  # the tests above compare the two steps; this one times them
def test_the_script_runs(capsys):
    main(["--device", "cpu", "--small"])
    printed = capsys.readouterr().out
    assert printed.count("images per second, published") == 2
    assert "200 epochs of 42,500 images" in printed
