"""Weights of one's own with classes of one's own: what is written is read, and what cannot be read is not written."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import timm
import torch
import torchvision
from classifier_files import small_network
from torch import nn

from helpers.classifiers import load_classifier, save_weights
from helpers.classifiers.vgg import SmallImageVGG

ABOUT = {"mean": (0.4, 0.5, 0.6), "std": (0.2, 0.25, 0.3), "input_size": 64}
CLASSES = ["cat", "dog", "a fish"]
NETWORKS = {
    "timm/test_resnet": lambda **options: timm.create_model("test_resnet", **options),
    "torchvision/resnet18": lambda **options: torchvision.models.resnet18(**options),
    "timm/test_vit": lambda **options: timm.create_model("test_vit", img_size=64, **options),
    "timm/test_efficientnet": lambda **options: timm.create_model("test_efficientnet", **options),
    "vgg11_bn_small": lambda **options: SmallImageVGG(width=0.0625, hidden=8, **options),
}
ARGUMENTS = {"timm/test_vit": {"img_size": np.int64(64)}, "vgg11_bn_small": {"width": np.float64(0.0625), "hidden": 8}}


@pytest.mark.parametrize("architecture", NETWORKS)
def test_any_architecture_with_classes_of_ones_own_comes_back(tmp_path, architecture):
    network = NETWORKS[architecture](num_classes=3).eval()
    about = ABOUT | {"input_size": 32 if architecture.startswith("vgg") else 64}
    digest = save_weights(
        tmp_path / "own.safetensors",
        network.state_dict(),
        architecture=architecture,
        model_args=ARGUMENTS.get(architecture),
        classes=CLASSES,
        **about,
    )
    classifier = load_classifier(str(tmp_path / "own.safetensors"))
    assert (classifier.class_names, classifier.digest) == (tuple(CLASSES), digest)
    images = torch.rand(2, 3, about["input_size"], about["input_size"], generator=torch.Generator().manual_seed(0))
    mean, std = (torch.tensor(about[name])[:, None, None] for name in ("mean", "std"))
    with torch.no_grad():
        torch.testing.assert_close(classifier(images), network((images - mean) / std), rtol=1e-4, atol=1e-4)


WAYS = {
    "the network": lambda network: network,
    "DataParallel": lambda network: nn.DataParallel(network).state_dict(),
    "compiled": lambda network: {f"_orig_mod.{name}": value for name, value in network.state_dict().items()},
    "half precision": lambda network: copy.deepcopy(network).half(),
}


@pytest.mark.parametrize("way", WAYS)
def test_weights_in_any_wrapping(tmp_path, way):
    network = small_network(num_classes=3)
    options = ABOUT | {"architecture": "test_resnet", "classes": CLASSES}
    save_weights(tmp_path / "own.safetensors", WAYS[way](network), **options)
    classifier = load_classifier(str(tmp_path / "own.safetensors"))
    usual = load_classifier("test_resnet", weights="random", model_args={"num_classes": 3})
    assert classifier.class_names == tuple(CLASSES)
    assert classifier.network.__class__ is usual.network.__class__


def test_numbers_of_numpy_are_options(tmp_path):
    about = {"mean": np.array([0.4, 0.5, 0.6], np.float32), "std": [np.float32(0.2)] * 3, "input_size": np.int64(64)}
    options = about | {"classes": np.array(CLASSES), "crop_pct": np.float32(0.9)}
    save_weights(tmp_path / "own.safetensors", small_network(num_classes=3), architecture="test_resnet", **options)
    classifier = load_classifier(tmp_path.name, weights=tmp_path / "own.safetensors")
    assert classifier.input_size == 64
    assert classifier.class_names == tuple(CLASSES)
    assert classifier.preprocessing.mean == pytest.approx((0.4, 0.5, 0.6))


def wrong(said, classes=CLASSES, in_chans=3, **changes):
    """A network, options of which one does not fit, and what the error says."""
    return {"in_chans": in_chans, "num_classes": changes.pop("of", 3)}, {"classes": classes, **changes}, said


WRONG = {
    "one channel": wrong(r"1 channel\(s\), but images here have three", in_chans=1, model_args={"in_chans": 1}),
    "one channel, unsaid": wrong("has shape .*, expected", in_chans=1),
    "four channels": wrong(r"4 channel\(s\)", in_chans=4, model_args={"in_chans": 4}),
    "fewer classes": wrong(r"fc.weight has shape \(3, .*expected \(2, ", classes=["cat", "dog"]),
    "no classes": wrong("expected a name for each logit", classes=[]),
    "an empty name": wrong("expected a name for each logit", classes=["a", "", "c"]),
    "one name": wrong("expected a list of names", classes="cat"),
    "two numbers of classes": wrong("gives 3 logits, but there are 2", ["a", "b"], model_args={"num_classes": 3}),
    "features only": wrong("only computes features", of=0, model_args={"num_classes": 0}),
    "another architecture": wrong("similar names", architecture="resnet"),
    "one mean": wrong(r"mean=\[0.5\]: expected three numbers", mean=(0.5,)),
    "a std of 0": wrong("expected three numbers", std=(1, 1, 0)),
    "no size": wrong("whole pixels", input_size=0),
    "a broken size": wrong("whole pixels", input_size=64.5),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_could_not_be_read_is_not_written(tmp_path, kind, unchecked):
    network, changes, said = WRONG[kind]
    options = ABOUT | {"architecture": "test_resnet", "classes": CLASSES} | changes
    with pytest.raises(ValueError, match=said):
        save_weights(tmp_path / "own.safetensors", small_network(**network), **options)
    assert not list(tmp_path.iterdir())


def test_a_file_of_the_book_that_is_missing_names_the_remedy(tmp_path, monkeypatch):
    from helpers.classifiers import weight_files
    from helpers.core import files
    from helpers.methods.explainer import files as explainer_files
    from helpers.methods.initial_masks import files as mask_files
    from helpers.methods.space_vae import files as space_vae_files

    shipped = (files.MODELS_FOLDER / "SHA256SUMS").read_text()
    (tmp_path / "SHA256SUMS").write_text(shipped)
    for module in (weight_files, explainer_files, mask_files, space_vae_files):
        monkeypatch.setattr(module, "MODELS_FOLDER", tmp_path)
    for load, name in (
        (load_classifier, "scenes-cnn"),
        (explainer_files.read_explainer, "scenes-multilabel-explainer"),
        (mask_files.load_mask_network, "scenes-cnn-cartoonx-mask"),
        (space_vae_files.read_space_vae, "scenes-small-beta-10"),
    ):
        with pytest.raises(FileNotFoundError, match=rf"git checkout models/{name}\.safetensors`.*`make models`"):
            load(name)
    with pytest.raises(ValueError, match="similar names"):
        load_classifier("scenes-cnm")
