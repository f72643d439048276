"""The Explainer that begins as the classifier, and a SqueezeNet without a last ReLU."""

from __future__ import annotations

from dataclasses import replace

import pytest
import timm
import torch
import torchvision
from explainer_runs import squares
from torch.nn import functional

from helpers.classifiers import load_classifier, save_weights
from helpers.methods.explainer import (
    Explainer,
    ExplainerFile,
    ExplainerNetwork,
    ExplainerOptions,
    NetworkOptions,
    read_explainer,
    save_explainer,
)
from helpers.methods.explainer.training import ExplainerModule, train_explainer

SIZE, NAMES = 64, ("red", "green", "blue")
COLOURS = {"mean": (0.5, 0.4, 0.3), "std": (0.25, 0.5, 0.5)}
TRUNKS = {"squeezenet1_1_linear": (12, 16, 16), "mobilenetv3_small_050": (12, 16, 16, 16)}


def pixels(count=3, size=SIZE, seed=0):
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(seed))


def larger(images):
    """The same images at four times the size, which both encoders accept."""
    return replace(images, pixels=images.pixels.repeat_interleave(4, 2).repeat_interleave(4, 3))


@pytest.fixture(scope="module", params=TRUNKS)
def pair(request, tmp_path_factory):
    """A classifier, its file, and the options of an Explainer that begins with it."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(1)
        network = timm.create_model(request.param, num_classes=3).eval()
        for layer in network.modules():  # as after a training: else every normalisation is the identity
            if isinstance(layer, torch.nn.BatchNorm2d):
                layer.running_mean.normal_(0, 0.1)
                layer.running_var.uniform_(0.5, 1.5)
    path = tmp_path_factory.mktemp("models") / "classifier.safetensors"
    about = {"input_size": SIZE, "classes": NAMES, "multi_label": True, **COLOURS}
    save_weights(path, network, architecture=f"timm/{request.param}", **about)
    options = NetworkOptions(
        name="pyramid", trunk=request.param, trunk_args={}, widths=TRUNKS[request.param], backbone=str(path), **COLOURS
    )
    return network, load_classifier(str(path)), options


def test_the_first_masks_are_what_each_position_adds_to_the_logits(pair):
    network, classifier, options = pair
    images = pixels()
    mean, std = (torch.tensor(COLOURS[name]).reshape(3, 1, 1) for name in ("mean", "std"))
    with torch.no_grad():
        features = network.forward_features((images - mean) / std)
    assert min(features.shape[2:]) > 1
    pooled = features.mean((2, 3), keepdim=True).requires_grad_()
    whole = network.forward_head(pooled)
    gradients = torch.stack([torch.autograd.grad(whole[:, c].sum(), pooled, retain_graph=True)[0] for c in range(3)], 1)
    around = torch.einsum("nkc,nchw->nkhw", gradients[..., 0, 0], features - pooled)
    logits = (whole[..., None, None] + around).detach()
    torch.testing.assert_close(logits.mean((2, 3)), classifier(images), rtol=1e-4, atol=1e-4)
    if "squeezenet" in options.trunk:  # a linear head gives the same for each position alone
        alone = [network.forward_head(column[..., None, None]) for column in features.flatten(2).unbind(2)]
        torch.testing.assert_close(logits.flatten(2), torch.stack(alone, 2).detach(), rtol=1e-4, atol=1e-4)
    expected = functional.interpolate(0.5 * logits, (SIZE, SIZE), mode="bilinear", align_corners=False)
    explainer = ExplainerNetwork(options, 3)
    for mode in (False, True):  # no dropout and no statistics of a batch in a training either
        torch.testing.assert_close(explainer.train(mode)(images).detach(), expected, rtol=1e-2, atol=1e-3)
    assert expected.std() > 0.01


def test_all_of_it_is_trained_and_the_encoder_at_its_own_rate(pair, tmp_path):
    _, classifier, network = pair
    options = ExplainerOptions(
        network=network, epochs=2, batch=8, learning_rate=1e-2, body_rate=1e-4, weight_decay=0.01, seed=2
    )
    optimiser = ExplainerModule(options, classifier, 3, 8).configure_optimizers()
    assert [group["lr"] for group in optimiser.param_groups] == [1e-2, 1e-4]
    body = ExplainerModule(options, classifier, 3, 8).network.body
    sizes = [sum(parameter.numel() for parameter in group["params"]) for group in optimiser.param_groups]
    assert sizes[1] == sum(parameter.numel() for parameter in body.trunk.parameters())
    assert sum(sizes) == sum(parameter.numel() for parameter in body.parameters())

    images = [larger(squares(16)[0]), larger(squares(8, seed=1)[0])]
    done = train_explainer(options, classifier, *images, tmp_path, device="cpu", show=False)
    before, after = body.state_dict(), done.module.network.body.state_dict()
    for name, value in before.items():
        if "running" in name or "num_batches" in name:
            assert torch.equal(after[name], value), name
    for part in ("trunk.", "lateral.", "up.", "head.", "trust"):
        assert any(not torch.equal(after[name], before[name]) for name in before if name.startswith(part)), part
    assert all(parameter.grad is None for parameter in classifier.parameters())


@torch.no_grad()
def test_files_and_images_of_any_size(pair, tmp_path):
    _, classifier, options = pair
    network = ExplainerNetwork(options, 3)
    network.body.head.weight.normal_(generator=torch.Generator().manual_seed(0))
    about = ExplainerFile("explainer", "classifier", classifier.digest, SIZE, NAMES)
    save_explainer(tmp_path / "net.safetensors", network, about)
    again, found, _ = read_explainer(tmp_path / "net.safetensors")
    assert found == about
    images = pixels(2, 75)
    masks = Explainer(again, classifier).class_masks(images, None)
    assert masks.shape == (2, 3, 75, 75)
    torch.testing.assert_close(masks, network.eval()(images).sigmoid())


def test_what_does_not_fit_is_named(pair):
    _, _, options = pair
    with pytest.raises(ValueError, match="has 7 entries, but"):
        ExplainerNetwork(NetworkOptions(name="pyramid", trunk=options.trunk, trunk_args={}, widths=(8,) * 7), 3)
    with pytest.raises(ValueError, match="no classifier like its trunk"):
        ExplainerNetwork(options, 4)
    with pytest.raises(ValueError, match="body_rate is for the network 'pyramid'"):
        ExplainerOptions(body_rate=1e-4)


@torch.no_grad()
def test_squeezenet_has_torchvisions_layers_and_logits_of_either_sign():
    torch.manual_seed(0)  # with some random weights no logit is negative
    published = torchvision.models.squeezenet1_1(num_classes=3).eval()
    ours = timm.create_model("squeezenet1_1_linear", num_classes=3).eval()
    state = published.state_dict()
    state["classifier.1.weight"] = state["classifier.1.weight"].flatten(1)
    ours.load_state_dict(state)
    images = 4 * pixels(4) - 2
    maps = published.features(images)
    scores = published.classifier[1](maps)  # before the ReLU that its sigmoids do not survive
    torch.testing.assert_close(ours(images), scores.mean((2, 3)), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(published(images), scores.relu().mean((2, 3)), rtol=1e-4, atol=1e-5)
    assert (scores.mean((2, 3)) < 0).any()
    last, all_maps = ours.forward_intermediates(images)
    torch.testing.assert_close(last, maps)
    assert [level.shape[1] for level in all_maps] == [each["num_chs"] for each in ours.feature_info]
    with pytest.raises(ValueError, match="no published weights"):
        timm.create_model("squeezenet1_1_linear", pretrained=True)
