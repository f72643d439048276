"""Fine-tuning of ImageNet classifiers to several classes an image, on a miniature VOC."""

from __future__ import annotations

from dataclasses import replace

import pytest
import timm
import torch
import torchvision
from interrupted_training import stopped_in_epoch
from miniature_trees import scene_pictures, write_voc
from torch import nn
from torch.nn import functional

from helpers.classifiers import load_classifier
from helpers.classifiers.hubs import WeightsUnavailableError
from helpers.classifiers.weight_files import write_weights
from helpers.data.multilabel import load_split
from helpers.training.options import FineTuneOptions
from helpers.training.recipes import fine_tune as recipe
from helpers.training.recipes.fine_tune import FineTuneModule, fine_tune, save_fine_tuned
from helpers.training.recipes.fine_tune_network import (
    fine_tune_network,
    normalise,
    trunk_features,
)

VGG16, RESNET50 = FineTuneOptions(), FineTuneOptions(architecture="resnet50")

SIZE = 32
TINY = FineTuneOptions(
    architecture="resnet18", backbone="random", learning_rate=3e-3, batch=8, epochs=3, min_delta=0.0, seed=3
)


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A VOC folder with 20 training and 9 validation pictures."""
    root = tmp_path_factory.mktemp("voc")
    return write_voc(root, train=scene_pictures(20), val=scene_pictures(9, start=40))


@pytest.fixture(scope="module")
def images(tree):
    return tuple(load_split("voc2007", split, size=SIZE, root=tree) for split in ("train", "validation"))


def tuned(images, folder, **changes):
    return fine_tune(*images, replace(TINY, **changes), folder, device="cpu", show=False)


def tuned_as(options, images, folder):
    return fine_tune(*images, options, folder, device="cpu", show=False)


def loss_of(network, images):
    with torch.no_grad():
        return functional.binary_cross_entropy_with_logits(network(normalise(images.pixels)), images.labels.float())


def with_dropout(options, classes):
    """The network with a small head that drops units, as VGG's large one does."""
    made = fine_tune_network(options, classes)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(options.seed)
        made.whole.fc = nn.Sequential(nn.Linear(512, 16), nn.ReLU(), nn.Dropout(), nn.Linear(16, classes))
    return replace(made, head=made.whole.fc)


# --- what is trained ----------------------------------------------------------------------------------------------


def test_a_few_epochs_lower_the_loss_and_leave_the_frozen_layers_as_they_were(images, tmp_path):
    before = fine_tune_network(TINY, 20).whole.eval()
    after = tuned(images, tmp_path, epochs=12).module.network
    assert loss_of(after, images[0]) < 0.5 * loss_of(before, images[0])
    for name, value in before.state_dict().items():  # also the normalisations' running statistics
        assert torch.equal(value, after.state_dict()[name]) != name.startswith("fc."), name
    assert not any(parameter.requires_grad for parameter in after.parameters())
    assert not any(layer.training for layer in after.modules())


@pytest.mark.parametrize("changes", [{}, {"flip": True}])
def test_the_trunk_computed_each_time_gives_the_same_training_but_for_mirrored_images(images, tmp_path, changes):
    kept = tuned(images, tmp_path / "kept").module.network.state_dict()
    each = tuned(images, tmp_path / "each", keep_features=False, **changes).module.network.state_dict()
    if changes:
        assert not torch.allclose(kept["fc.weight"], each["fc.weight"], rtol=1e-3, atol=1e-4)
        return
    for name, value in kept.items():
        torch.testing.assert_close(each[name], value, rtol=1e-4, atol=1e-5, msg=name)


def test_the_loss_of_a_step_is_its_definition_and_reaches_the_head_only(images):
    network = fine_tune_network(replace(TINY, keep_features=False), 20)
    module = FineTuneModule(replace(TINY, keep_features=False), network, 20)
    module.train()
    loss = module.loss(module.features(images[0].pixels), images[0].labels.float())
    logits = network.whole.eval()(normalise(images[0].pixels)).double()
    chances = logits.sigmoid()
    expected = -torch.where(images[0].labels, chances, 1 - chances).log().mean()
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
    loss.backward()
    assert [name for name, parameter in network.whole.named_parameters() if parameter.grad is not None] == [
        "fc.weight",
        "fc.bias",
    ]


def test_features_are_those_of_the_trunk_whatever_the_batches(images, tmp_path):
    network = fine_tune_network(TINY, 20)
    features = trunk_features(network.trunk, images[0], tmp_path, device=torch.device("cpu"), batch=7)
    with torch.no_grad():
        torch.testing.assert_close(features, network.trunk(normalise(images[0].pixels)))
        expected = network.whole.eval()(normalise(images[0].pixels))
        torch.testing.assert_close(network.head(features), expected)
    half = trunk_features(
        network.trunk, images[0], tmp_path, device=torch.device("cpu"), precision="bf16-mixed", batch=7
    )
    assert half.dtype == torch.bfloat16
    torch.testing.assert_close(half.float(), features, rtol=0.1, atol=0.05)
    assert not list(tmp_path.iterdir())  # the files have no names


def test_mixed_precision_learns_too(images, tmp_path):
    after = tuned(images, tmp_path, epochs=12, precision="bf16-mixed").module.network
    assert loss_of(after, images[0]) < 0.5 * loss_of(fine_tune_network(TINY, 20).whole.eval(), images[0])
    assert {value.dtype for value in after.parameters()} == {torch.float32}


def test_vgg_gets_a_new_head_of_three_layers():
    network = fine_tune_network(replace(VGG16, backbone="random"), 20)
    assert isinstance(network.whole, torchvision.models.VGG)
    linear = [layer for layer in network.head if isinstance(layer, nn.Linear)]
    assert [(layer.in_features, layer.out_features) for layer in linear] == [(25088, 4096), (4096, 4096), (4096, 20)]
    assert [layer.p for layer in network.head if isinstance(layer, nn.Dropout)] == [0.5, 0.5]
    assert all(parameter.requires_grad for parameter in network.head.parameters())
    assert not any(parameter.requires_grad for parameter in network.trunk.parameters())
    pixels = torch.rand(1, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    features = network.trunk(pixels)
    assert features.shape == (1, 25088)
    torch.testing.assert_close(network.head.eval()(features), network.whole.eval()(pixels))


# --- all layers of a network of timm's, begun with folded weights ----------------------------------------------------


def folded_weights(path):
    """A file as those of 8 bits give it: normalisations are the identity, with an own mean and standard deviation."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(4)
        published = timm.create_model("mobilenetv2_035", pad_type="same", num_classes=7)
    about = {"architecture": "timm/mobilenetv2_035", "mean": (0.5, 0.4, 0.3), "std": (0.5, 0.5, 0.25), "input_size": 32}
    write_weights(path, published.state_dict(), classes=list("abcdefg"), model_args={"pad_type": "same"}, **about)
    return published


def whole_recipe(path, **changes):
    options = {"architecture": "timm/mobilenetv2_035", "backbone": str(path), "body_rate": 1e-3, "schedule": "cycle"}
    return replace(TINY, **options, weight_decay=0.01, keep_features=False, flip=True, **changes)


def test_all_layers_learn_and_normalisations_keep_their_statistics(images, tmp_path):
    published = folded_weights(tmp_path / "published.safetensors")
    training = tuned_as(whole_recipe(tmp_path / "published.safetensors", epochs=6), images, tmp_path)
    after = training.module.network.state_dict()
    kept = published.state_dict()
    for name, value in kept.items():
        if "running" in name or "num_batches" in name:
            assert torch.equal(after[name], value), name
    changed = [name for name in kept if name.endswith("weight") and not name.startswith("classifier")]
    assert all(not torch.equal(after[name], kept[name]) for name in changed)
    losses = [training.module.loss(training.module.features(part.pixels), part.labels.float()) for part in images]
    untrained = fine_tune_network(whole_recipe(tmp_path / "published.safetensors"), 20)
    with torch.no_grad():
        before = functional.binary_cross_entropy_with_logits(
            untrained.whole.eval()(untrained.normalise(images[0].pixels)), images[0].labels.float()
        )
    assert losses[0] < 0.5 * before


def test_rates_are_those_of_head_and_body_and_no_layer_is_left_out(tmp_path):
    folded_weights(tmp_path / "published.safetensors")
    options = replace(whole_recipe(tmp_path / "published.safetensors"), schedule="constant")
    network = fine_tune_network(options, 20)
    groups = FineTuneModule(options, network, 20).configure_optimizers().param_groups
    assert [group["lr"] for group in groups] == [3e-3, 1e-3]
    sizes = [sum(parameter.numel() for parameter in group["params"]) for group in groups]
    assert sizes[0] == sum(parameter.numel() for parameter in network.whole.classifier.parameters())
    assert sum(sizes) == sum(parameter.numel() for parameter in network.whole.parameters())


def test_pixels_are_normalised_as_the_backbones_file_says_also_after_saving(images, tmp_path):
    folded_weights(tmp_path / "published.safetensors")
    training = tuned_as(whole_recipe(tmp_path / "published.safetensors", epochs=1), images, tmp_path / "run")
    mean, std = (torch.tensor(values).reshape(3, 1, 1) for values in ((0.5, 0.4, 0.3), (0.5, 0.5, 0.25)))
    pixels = images[1].pixels.float() / 255
    with torch.no_grad():
        expected = training.module.network((pixels - mean) / std)
    save_fine_tuned(tmp_path / "tuned.safetensors", training.module, images[0])
    classifier = load_classifier(str(tmp_path / "tuned.safetensors"))
    torch.testing.assert_close(classifier(pixels), expected, rtol=1e-4, atol=1e-4)
    assert classifier.multi_label


def test_an_interrupted_training_of_all_layers_resumes(images, tmp_path):
    folded_weights(tmp_path / "published.safetensors")
    options = whole_recipe(tmp_path / "published.safetensors")
    whole = tuned_as(options, images, tmp_path / "whole")
    with stopped_in_epoch(FineTuneModule, 2):
        tuned_as(options, images, tmp_path / "parts")
    resumed = tuned_as(options, images, tmp_path / "parts")
    for name, value in whole.module.network.state_dict().items():
        torch.testing.assert_close(resumed.module.network.state_dict()[name], value, rtol=1e-4, atol=1e-6, msg=name)


# --- stopping and resuming ----------------------------------------------------------------------------------------


def test_an_interrupted_training_resumes_and_drops_the_same_units(images, tmp_path, monkeypatch):
    monkeypatch.setattr(recipe, "fine_tune_network", with_dropout)
    whole = tuned(images, tmp_path / "whole")
    with stopped_in_epoch(FineTuneModule, 2):
        tuned(images, tmp_path / "parts")
    assert torch.load(tmp_path / "parts" / "last.ckpt", weights_only=True)["epoch"] == 1  # two whole epochs were kept
    torch.rand(5)  # the global generator is somewhere else by now
    state = torch.get_rng_state()
    resumed = tuned(images, tmp_path / "parts")
    assert torch.equal(state, torch.get_rng_state())
    for name, value in whole.module.network.state_dict().items():
        torch.testing.assert_close(resumed.module.network.state_dict()[name], value, rtol=1e-5, atol=1e-7, msg=name)


def test_training_stops_where_the_loss_no_longer_falls_and_keeps_the_best_epoch(images, tmp_path):
    # steps as large as these never settle
    early = tuned(images, tmp_path / "early", epochs=50, patience=2, learning_rate=3.0)
    assert early.epochs < 50
    torch.testing.assert_close(loss_of(early.module.network, images[1]).item(), early.best, rtol=1e-4, atol=1e-6)
    again = tuned(images, tmp_path / "early", epochs=50, patience=2, learning_rate=3.0)
    assert (again.epochs, again.best, again.seconds) == (early.epochs, early.best, early.seconds)
    assert torch.equal(again.module.network.fc.weight, early.module.network.fc.weight)
    last = tuned(images, tmp_path / "last", epochs=50, patience=2, learning_rate=3.0, keep="last")
    assert last.epochs == early.epochs
    assert loss_of(last.module.network, images[1]) > early.best


def test_a_checkpoint_of_another_recipe_is_refused(images, tmp_path):
    tuned(images, tmp_path, epochs=1)
    with pytest.raises(ValueError, match="another value of learning_rate"):
        tuned(images, tmp_path, epochs=1, learning_rate=0.5)
    other = [replace(part, labels=part.labels[:, :5], class_names=part.class_names[:5]) for part in images]
    with pytest.raises(ValueError, match="another value of classes"):
        tuned(other, tmp_path, epochs=1)


# --- weights ------------------------------------------------------------------------------------------------------


def test_a_saved_network_loads_and_answers_the_same(images, tmp_path):
    training = tuned(images, tmp_path, epochs=1)
    digest = save_fine_tuned(tmp_path / "voc2007-resnet18.safetensors", training.module, images[0])
    classifier = load_classifier("voc2007-resnet18", weights=tmp_path / "voc2007-resnet18.safetensors")
    assert (classifier.digest, classifier.input_size) == (digest, SIZE)
    assert classifier.class_names == images[0].class_names
    with torch.no_grad():
        expected = training.module.network(normalise(images[1].pixels))
        torch.testing.assert_close(classifier(images[1].images()), expected, rtol=1e-4, atol=1e-4)


def test_a_backbone_comes_from_a_file_whatever_its_head(tmp_path):
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(9)
        published = torchvision.models.resnet18(num_classes=1000)
        old = {k: v for k, v in published.state_dict().items() if "num_batches" not in k}
        headless = {k: v for k, v in old.items() if not k.startswith("fc.")}
    about = {"architecture": "torchvision/resnet18", "mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0), "input_size": 32}
    for name, state in (("old", old), ("headless", headless)):
        path = tmp_path / f"{name}.safetensors"
        digest = write_weights(path, state, classes=["a"], **about)
        network = fine_tune_network(replace(TINY, backbone=str(path)), 20)
        assert network.source == digest
        assert torch.equal(network.whole.layer4[1].conv2.weight, published.layer4[1].conv2.weight)
        assert network.whole.fc.weight.shape == (20, 512)
    with pytest.raises(ValueError, match="do not fit resnet34"):
        fine_tune_network(replace(TINY, architecture="resnet34", backbone=str(path)), 20)
    with pytest.raises(FileNotFoundError, match="no weights file"):
        fine_tune_network(replace(TINY, backbone=str(tmp_path / "none.safetensors")), 20)


def test_published_weights_that_cannot_be_had_say_where_they_belong(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))

    def offline(*arguments, **options):
        raise OSError("no network")

    monkeypatch.setattr(torch.hub, "download_url_to_file", offline)
    with pytest.raises(WeightsUnavailableError, match=r"resnet50-.*put it at .*checkpoints"):
        fine_tune_network(RESNET50, 20)
    with pytest.raises(ValueError, match="no weights 'IMAGENET9'"):
        fine_tune_network(replace(RESNET50, backbone="IMAGENET9"), 20)


# --- options ------------------------------------------------------------------------------------------------------


def test_the_defaults_are_the_published_settings():
    assert (VGG16.rate, RESNET50.rate) == (1e-5, 1e-4)
    for options in (VGG16, RESNET50):
        assert (options.batch, options.patience, options.min_delta, options.seed) == (16, 5, 0.001, 42)
        assert not options.flip


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epochs": 0}, "epochs"),
        ({"batch": 0}, "batch"),
        ({"min_delta": -1.0}, "min_delta"),
        ({"learning_rate": 0.0}, "learning_rate"),
        ({"learning_rate": None}, "none is published for resnet18"),
        ({"flip": True}, "keep_features=False"),
        ({"body_rate": 1e-4}, "keep_features=False"),
        ({"keep": "first"}, "keep"),
        ({"precision": "8"}, "precision"),
    ],
)
def test_bad_options_are_named(changes, message, unchecked):
    with pytest.raises(ValueError, match=message):
        replace(TINY, **changes)


def test_networks_and_images_that_do_not_fit_are_named(images, tmp_path):
    with pytest.raises(ValueError, match="no VGG or ResNet"):
        fine_tune_network(replace(TINY, architecture="mobilenet_v3_small"), 20)
    train, held_out = images
    with pytest.raises(ValueError, match="different classes"):
        tuned((train, replace(held_out, class_names=held_out.class_names[::-1])), tmp_path)
    with pytest.raises(ValueError, match="expected images of one size"):
        tuned((train, replace(held_out, pixels=held_out.pixels[..., :16])), tmp_path)
