"""Classifiers: the same logits as the libraries give, frozen, and with their own normaliser."""

import copy
from functools import partial

import pytest
import safetensors.torch
import timm
import torch
import torchvision
from classifier_files import CLASSES, MEAN, STD, normalised, pictures, randomise, save, small_network
from tiny import named
from torch import nn

from helpers.classifiers import Classifier, load_classifier, save_weights
from helpers.classifiers.folding import fold_batch_norms
from helpers.classifiers.weight_files import write_weights
from helpers.data.imagenet import imagenet_class_names
from helpers.data.photographs import imagenet_samples

# Logits, against the libraries


@pytest.mark.parametrize(
    ("architecture", "build"),
    [
        ("torchvision/mobilenet_v3_small", partial(torchvision.models.mobilenet_v3_small, num_classes=5)),
        ("torchvision/mnasnet0_5", partial(torchvision.models.mnasnet0_5, num_classes=5)),
        ("timm/test_efficientnet", partial(timm.create_model, "test_efficientnet", num_classes=5)),
        ("timm/resnet10t", partial(timm.create_model, "resnet10t", num_classes=5)),
    ],
)
@pytest.mark.parametrize("normalise", [True, False])
def test_a_file_gives_the_librarys_logits(tmp_path, architecture, build, normalise):
    network = randomise(build())
    save(tmp_path / "weights.safetensors", network, architecture=architecture)
    classifier = load_classifier("anything", weights=tmp_path / "weights.safetensors", normalise=normalise)
    images = pictures()
    expected = network(normalised(images) if normalise else images)
    # another memory layout sums in another order: equal up to rounding, at the scale of the logits
    torch.testing.assert_close(
        classifier(images), expected, rtol=1e-5, atol=1e-5 * float(expected.detach().abs().max())
    )
    assert expected.std() > 0
    assert classifier.class_names == tuple(CLASSES)
    assert classifier.input_size == 64


def test_a_lack_of_memory_is_not_taken_for_a_wrong_network(tmp_path, monkeypatch):
    save(tmp_path / "w.safetensors", small_network())
    monkeypatch.setattr(nn.Conv2d, "forward", lambda *arguments: _raise("could not create a primitive"))
    with pytest.raises(RuntimeError, match=r"^could not create a primitive$"):
        load_classifier("x", weights=tmp_path / "w.safetensors")
    with pytest.raises(RuntimeError, match=r"^could not create a primitive$"):
        Classifier.of(small_network(), mean=MEAN, std=STD)


def _raise(words):
    raise RuntimeError(words)


def test_model_args_are_used(tmp_path):
    network = small_network(act_layer="gelu")
    save(tmp_path / "w.safetensors", network, model_args={"num_classes": 5, "act_layer": "gelu"})
    classifier = load_classifier("x", weights=tmp_path / "w.safetensors")
    torch.testing.assert_close(classifier(pictures()), network(normalised(pictures())))


def test_a_file_without_metadata_takes_the_name_and_the_librarys_defaults(tmp_path):
    network = randomise(timm.create_model("test_vit"))
    path = tmp_path / "model.safetensors"
    safetensors.torch.save_file(network.state_dict(), path, metadata={"format": "pt"})
    classifier = load_classifier("test_vit", weights=path)
    configuration = timm.get_pretrained_cfg("test_vit")
    images = pictures(side=160)
    expected = network(normalised(images, configuration.mean, configuration.std))
    torch.testing.assert_close(classifier(images), expected)
    assert classifier.class_names == imagenet_class_names()


def test_half_precision_files_load(tmp_path):
    network = small_network()
    save(tmp_path / "w.safetensors", copy.deepcopy(network).half())
    classifier = load_classifier("x", weights=tmp_path / "w.safetensors")
    assert {p.dtype for p in classifier.parameters()} == {torch.float32}
    torch.testing.assert_close(classifier(pictures()), network(normalised(pictures())), atol=5e-2, rtol=5e-2)


# What a classifier is


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "small.safetensors"
    save(path, small_network())
    return load_classifier("small", weights=path)


def test_it_is_frozen_and_the_image_still_gets_a_gradient(classifier):
    assert not any(parameter.requires_grad for parameter in classifier.parameters())
    images = pictures().requires_grad_()
    classifier(images).sum().backward()
    assert images.grad.abs().sum() > 0
    assert all(parameter.grad is None for parameter in classifier.parameters())


def test_it_stays_in_eval_mode_inside_a_module_that_trains(classifier):
    parent = nn.Sequential(classifier, nn.Dropout())
    before = copy.deepcopy(classifier.state_dict())
    parent.train()
    assert parent[1].training
    assert not any(module.training for module in classifier.modules())
    parent(pictures())
    assert all(torch.equal(value, before[key]) for key, value in classifier.state_dict().items())
    assert classifier.train() is classifier


def test_predict_gives_the_most_probable_class(classifier):
    classes, confidences = classifier.predict(pictures(4))
    probabilities = classifier(pictures(4)).softmax(1)
    assert torch.equal(classes, probabilities.argmax(1))
    assert torch.equal(confidences, probabilities.amax(1))


def test_copies_and_precisions(classifier):
    images = pictures()
    assert torch.equal(copy.deepcopy(classifier)(images), classifier(images))
    precise = copy.deepcopy(classifier).double()(images.double())
    torch.testing.assert_close(precise.float(), classifier(images), atol=1e-4, rtol=1e-4)


def test_its_text_says_what_it_is(classifier):
    text = repr(classifier)
    for part in ("'small'", "5 classes", "64 px", "mean (0.4, 0.5, 0.6)", "small.safetensors", classifier.digest[:12]):
        assert part in text
    assert "\n" not in text


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (torch.zeros(3, 64, 64), r"expects images of shape \(batch, 3.* image\[None\]"),
        (torch.zeros(1, 1, 64, 64), r"got \(1, 1, 64, 64\)"),
        (torch.zeros(1, 64, 64, 3), r"got \(1, 64, 64, 3\)"),
        (torch.zeros(1, 3, 64, 64, dtype=torch.uint8), r"expects floats in \[0, 1\].* / 255"),
    ],
)
def test_images_of_another_shape_or_type_are_refused(classifier, images, message):
    with pytest.raises(ValueError, match=message):
        classifier.check_images(images)


def test_a_network_of_one_size_says_so():
    load = partial(load_classifier, "vit_tiny_patch16_224", weights="random")
    transformer = load(model_args={"depth": 1, "img_size": 48})
    assert transformer.fixed_size == (48, 48)
    assert transformer.input_size == 48
    with pytest.raises(ValueError, match="48 x 48 pixels only, got 64 x 64; load the images with size=48"):
        transformer(pictures())
    flexible = load(model_args={"depth": 1, "dynamic_img_size": True})
    assert flexible.fixed_size is None
    assert flexible(pictures()).shape == (2, 1000)


# Random weights


def test_random_weights_depend_on_the_seed_only():
    load = partial(load_classifier, "test_resnet", weights="random", model_args={"num_classes": 5})
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first = load(seed=3)
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(2)
    again, other = load(seed=3), load(seed=4)
    assert torch.equal(first(pictures()), again(pictures()))
    assert first.digest == again.digest != other.digest
    assert first.class_names[4] == "class 4"


def test_random_weights_of_both_libraries_have_their_normalisers():
    torchvisions = load_classifier("torchvision/resnet18", weights="random")
    timms = load_classifier("timm/test_vit", weights="random")
    assert torchvisions.mean.flatten().tolist() == pytest.approx([0.485, 0.456, 0.406])
    assert timms.mean.flatten().tolist() == pytest.approx([0.5, 0.5, 0.5])
    assert torchvisions.class_names == imagenet_class_names()
    assert type(torchvisions.network).__module__.startswith("torchvision")  # a name of both is torchvision's
    assert type(load_classifier("resnet18", weights="random").network) is type(torchvisions.network)


# Real weights


@pytest.mark.parametrize(("normalise", "accuracy"), [(True, 0.88), (False, 0.81)])
def test_the_known_accuracy_on_the_study_images(real_data, normalise, accuracy):
    classifier = load_classifier("mobilenetv2_100", normalise=normalise)
    assert isinstance(classifier, Classifier)
    samples = imagenet_samples(real_data, size=256)
    correct = [
        classifier.predict(images)[0] == labels
        for images, labels in zip(samples.images.split(10), samples.labels.split(10), strict=True)
    ]
    assert torch.cat(correct).float().mean().item() == pytest.approx(accuracy)


def test_the_vision_transformer_classifies_the_study_images(real_data):
    classifier = load_classifier("vit_tiny_patch16_224")
    samples = imagenet_samples(real_data, size=224, count=20, seed=0)
    assert (classifier.predict(samples.images)[0] == samples.labels).float().mean() > 0.75


@pytest.mark.parametrize(
    ("architecture", "build"),
    [
        ("torchvision/mobilenet_v3_small", torchvision.models.mobilenet_v3_small),
        ("timm/mobilenetv2_100", partial(timm.create_model, "mobilenetv2_100")),
        ("torchvision/densenet121", torchvision.models.densenet121),
        ("timm/resnet10t", partial(timm.create_model, "resnet10t")),
    ],
)
def test_folded_batch_norms_compute_the_same(architecture, build):
    network = build().eval().requires_grad_(False)
    generator = torch.Generator().manual_seed(1)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            for value in (module.running_var, module.weight):
                value.copy_(0.5 + torch.rand(value.shape, generator=generator))
            for value in (module.running_mean, module.bias):
                value.copy_(0.1 * torch.randn(value.shape, generator=generator))
    before = [type(module) for module in network.modules()]
    folded = fold_batch_norms(network, (64, 64))
    expected = network(pictures())
    assert expected.std() > 0
    torch.testing.assert_close(
        folded(pictures()), expected, rtol=1e-4, atol=1e-4 * float(expected.detach().abs().max())
    )
    norms = [sum(isinstance(m, nn.BatchNorm2d) for m in n.modules()) for n in (network, folded)]
    assert norms[1] < norms[0] * (0.6 if "densenet" in architecture else 0.05)
    assert [type(module) for module in network.modules()] == before


# Networks of unusual build


def test_a_network_for_images_that_are_not_square():
    classifier = load_classifier(
        "vit_tiny_patch16_224", weights="random", model_args={"depth": 1, "img_size": (32, 48), "num_classes": 5}
    )
    assert classifier.fixed_size == (32, 48)
    assert classifier(torch.rand(2, 3, 32, 48)).shape == (2, 5)
    with pytest.raises(ValueError, match=r"32 x 48 pixels only, got 64 x 64; load the images with size=\(32, 48\)"):
        classifier(pictures())


@pytest.mark.parametrize("channels", [1, 4])
def test_a_network_for_images_without_colour_is_refused(channels, models):
    load = partial(load_classifier, "test_resnet", model_args={"in_chans": channels, "num_classes": 5})
    with pytest.raises(ValueError, match=rf"takes images of {channels} channel.*in_chans=3"):
        load(weights="random")
    state = timm.create_model("test_resnet", in_chans=channels, num_classes=5).state_dict()
    write_weights(
        models / "grey.safetensors",
        state,
        architecture="timm/test_resnet",
        model_args={"in_chans": channels, "num_classes": 5},
        mean=(0.5,) * 3,
        std=(0.5,) * 3,
        input_size=64,
        classes=list("abcde"),
    )
    with pytest.raises(ValueError, match=rf"takes images of {channels} channel.*in_chans=3"):
        load_classifier("grey")


class InThreeDimensions(nn.Module):
    """Rows, columns and colours as a volume."""

    def __init__(self):
        super().__init__()
        self.volume, self.norm = nn.Conv3d(1, 4, 3, padding=1), nn.BatchNorm3d(4)
        self.flat, self.head = nn.Conv2d(4, 4, 3), nn.Linear(4, 5)

    def forward(self, images):
        return self.head(self.flat(self.norm(self.volume(images[:, None])).mean(2)).mean((2, 3)))


def test_convolutions_in_three_dimensions_keep_their_layout():
    network = InThreeDimensions().eval()
    expected = network(pictures()).detach()
    torch.testing.assert_close(named(network, 64)(pictures()), expected)


# Several classes in one image


@pytest.mark.parametrize(
    ("name", "expected"), [("scenes-multilabel", True), ("scenes-shortcut", True), ("scenes-cnn", False)]
)
def test_the_book_s_classifiers_know_whether_their_classes_exclude_each_other(name, expected):
    assert load_classifier(name).multi_label is expected
    assert load_classifier(name, weights="random").multi_label is expected


@pytest.mark.parametrize("multi_label", [True, False])
def test_a_weights_file_says_so_too(models, multi_label):
    state = timm.create_model("test_resnet", num_classes=5).state_dict()
    description = {"architecture": "timm/test_resnet", "mean": (0.5,) * 3, "std": (0.5,) * 3, "input_size": 64}
    save_weights(
        models / "mine.safetensors",
        state,
        **description,
        model_args={"num_classes": 5},
        classes=list("abcde"),
        multi_label=multi_label,
    )
    assert load_classifier("mine").multi_label is multi_label


def test_a_network_built_for_another_size_says_so():
    options = {"img_size": 64, "num_classes": 5}
    classifier = load_classifier("timm/coat_lite_tiny", weights="random", model_args=options)
    assert classifier.input_size == 64
    assert classifier(pictures()).shape == (2, 5)


class InBlocks(nn.Sequential):
    """Accepts sides of whole blocks only, as HaloNet does."""

    def forward(self, images):
        assert images.shape[-1] % 8 == 0
        return super().forward(images)


def test_a_size_that_the_network_s_scales_do_not_fit():
    classifier = named(InBlocks(nn.Conv2d(3, 5, 8), nn.AdaptiveAvgPool2d(1), nn.Flatten()), 64)
    with pytest.raises(ValueError, match=r"does not accept images of 100 x 100 pixels.*size=64"):
        classifier(torch.rand(1, 3, 100, 100))


def test_captum_s_lrp_explains_a_folded_network():
    """It has no rule for `nn.Identity`, which folding would leave in place of the normalisation."""
    from captum.attr import LRP

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = torch.nn.Sequential(
            *(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.ReLU()),
            *(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(4, 3)),
        ).eval()
    network[1].running_mean.fill_(0.1)
    folded = fold_batch_norms(network, (16, 16))
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in folded.modules())
    convolutions = torch.nn.Sequential(*folded[:4])  # Captum has no rule for Flatten either
    images = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0), requires_grad=True)
    relevance = LRP(convolutions).attribute(images, target=(1, 0, 0))
    assert relevance.isfinite().all()
    assert relevance.abs().sum() > 0
