"""The VGG for small images: the published network, by the book's loader, and open to Captum's hooks."""

from __future__ import annotations

import captum.attr
import pytest
import torch
import torchvision
from torch import nn

from helpers.classifiers import load_classifier, save_weights
from helpers.classifiers.architectures import CIFAR_MEAN, CIFAR_STD, find_architecture
from helpers.classifiers.vgg import VGG_NAME, SmallImageVGG

SMALL = {"num_classes": 4, "width": 0.125, "hidden": 24}


def pictures(count=3, side=32, seed=0):
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(seed))


def lively(network, seed=0):
    """Statistics and shifts of the normalisations that are not 0 and 1, as after a training."""
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            for value in (module.weight.data, module.bias.data, module.running_mean, module.running_var):
                value += 0.3 * torch.rand(value.shape, generator=generator)
    return network.eval()


def test_it_is_the_published_network_of_28_150_million_parameters():
    with torch.device("meta"):
        network = SmallImageVGG()
    assert round(sum(parameter.numel() for parameter in network.parameters()) / 1e6, 3) == 28.150
    kinds = [type(module) for module in network.modules()]
    counts = {kind: kinds.count(kind) for kind in (nn.Conv2d, nn.BatchNorm2d, nn.MaxPool2d, nn.Linear, nn.ReLU)}
    assert list(counts.values()) == [8, 8, 5, 3, 10]
    assert [m.p for m in network.modules() if isinstance(m, nn.Dropout)] == [0.5, 0.5]


def test_it_computes_what_torchvisions_layers_compute_with_the_same_weights():
    ours = lively(SmallImageVGG(width=1, hidden=16))
    theirs = torchvision.models.vgg11_bn(weights=None, init_weights=False).features.eval()
    theirs.load_state_dict(ours.features.state_dict())
    images = pictures(2)
    torch.testing.assert_close(ours.features(images), theirs(images.clone()))
    first, second, third = (layer for layer in ours.head if isinstance(layer, nn.Linear))
    flat = theirs(images.clone()).mean((2, 3))
    by_hand = third(second(first(flat).clamp_min(0)).clamp_min(0))
    torch.testing.assert_close(ours(images), by_hand)


def test_larger_images_are_averaged_over_places():
    network = lively(SmallImageVGG(**SMALL))
    images = pictures(2, side=64)
    torch.testing.assert_close(network(images), network.head(network.features(images).mean((2, 3))))


def test_a_narrow_one_is_narrow_throughout():
    network = SmallImageVGG(**SMALL)
    widths = [m.out_channels for m in network.modules() if isinstance(m, nn.Conv2d)]
    assert widths == [8, 16, 32, 32, 64, 64, 64, 64]


def test_it_changes_nothing_in_place():
    network = lively(SmallImageVGG(**SMALL))
    images = pictures()
    before, seen = images.clone(), []
    hooks = [m.register_forward_hook(lambda m, i, o: seen.append((i[0], i[0].clone()))) for m in network.modules()]
    network(images)
    for hook in hooks:
        hook.remove()
    assert all(torch.equal(now, then) for now, then in seen)
    assert torch.equal(images, before)


@pytest.mark.parametrize(
    "options", [{"num_classes": 0}, {"hidden": 0}, {"width": 0.0}, {"width": 5.0}, {"dropout": 1.0}, {"dropout": -0.1}]
)
def test_sizes_out_of_range_are_refused(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        SmallImageVGG(**options)


# --- through the loader -------------------------------------------------------------------------------------------


def test_a_saved_one_is_loaded_with_its_normaliser_inside(tmp_path):
    network, mean, std = lively(SmallImageVGG(**SMALL)), (0.3, 0.4, 0.5), (0.2, 0.3, 0.4)
    path = tmp_path / "small.safetensors"
    digest = save_weights(
        path,
        network.state_dict(),
        architecture=VGG_NAME,
        model_args=SMALL,
        mean=mean,
        std=std,
        input_size=32,
        classes=list("abcd"),
    )
    classifier = load_classifier("small", weights=path)
    assert (classifier.digest, classifier.class_names, classifier.input_size) == (digest, tuple("abcd"), 32)
    images = pictures()
    by_hand = network((images - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None])
    torch.testing.assert_close(classifier(images), by_hand, rtol=1e-4, atol=1e-5)  # its normalisations are folded


def test_random_weights_follow_the_seed_and_expect_cifar_10s_colours():
    one, same, other = (load_classifier(VGG_NAME, weights="random", model_args=SMALL, seed=s) for s in (1, 1, 2))
    images = pictures()
    assert torch.equal(one(images), same(images))
    assert not torch.equal(one(images), other(images))
    assert one.mean.flatten().tolist() == pytest.approx(list(CIFAR_MEAN))
    assert one.std.flatten().tolist() == pytest.approx(list(CIFAR_STD))


def test_its_names_and_what_is_said_where_there_are_no_weights():
    assert find_architecture(VGG_NAME) == find_architecture(f"book/{VGG_NAME}")
    with pytest.raises(ValueError, match="without published weights"):
        load_classifier(VGG_NAME, weights="hub")
    with pytest.raises(ValueError, match=rf"nor the book has .* 'vgg11_bn_smal'; similar names: .*{VGG_NAME}"):
        find_architecture("vgg11_bn_smal")
    with pytest.raises(ValueError, match="unexpected keyword"):
        load_classifier(VGG_NAME, weights="random", model_args={"depth": 3})


# --- inside Captum ------------------------------------------------------------------------------------------------


class View(nn.Module):
    """Changes nothing."""

    def forward(self, x):
        return x.view_as(x)


def separated(classifier):
    """The same classifier with a step between each ReLU and the pooling after it.

    Without one, Captum's rule for the ReLU reads a gradient that its rule for the pooling has not changed yet (its
    issue 1104), and DeepLIFT's shares do not add up to the difference.
    """
    parts = []
    for module in classifier.network.features:
        parts += [View(), module] if isinstance(module, nn.MaxPool2d) else [module]
    classifier.network.features = nn.Sequential(*parts)
    return classifier


@pytest.mark.parametrize("change", [None, separated])
def test_deeplift_runs_through_it_and_leaves_no_hook(change):
    classifier = load_classifier(VGG_NAME, weights="random", model_args=SMALL, seed=3).double()
    classifier = change(classifier) if change else classifier
    images, target = pictures().double().requires_grad_(), torch.tensor([0, 3, 1])
    with pytest.warns(UserWarning, match="hooks"):
        shares = captum.attr.DeepLift(classifier).attribute(images, torch.zeros_like(images), target=target)
    hooks = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    assert not any(getattr(module, name) for module in classifier.modules() for name in hooks)
    difference = (classifier(images) - classifier(torch.zeros_like(images)))[torch.arange(3), target]
    off = (shares.sum((1, 2, 3)) - difference).abs() / difference.abs()
    assert off.max() < (1e-6 if change else 0.5)
