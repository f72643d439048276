"""Photographs are prepared as the network's own library does, to the last bit of a byte."""

from __future__ import annotations

import io
import math
from dataclasses import replace

import numpy as np
import pytest
import timm
import torch
import torchvision
from classifier_files import CLASSES, MEAN, STD, save, small_network
from PIL import Image
from timm.data import create_transform, resolve_data_config

import helpers.data.decoding as decoding
from helpers.classifiers import Classifier, load_classifier
from helpers.classifiers.architectures import Preprocessing, default_preprocessing, find_architecture
from helpers.classifiers.preparation import load_prepared

TIMM = (  # of each interpolation, crop and mode
    *("resnet18", "mobilenetv3_small_100", "mobilenetv2_100", "vit_tiny_patch16_224", "deit_tiny_patch16_224"),
    *("vit_base_patch16_siglip_224", "convnext_tiny", "inception_v3", "efficientnet_b3", "beit_base_patch16_224"),
    *(name for name in timm.list_models() if (c := timm.get_pretrained_cfg(name)) and c.crop_mode == "border"),
)
TORCHVISION = ("resnet18", "resnet50", "mobilenet_v3_small", "efficientnet_b0", "efficientnet_b3", "vit_b_16", "swin_t")


def photograph(height, width):
    values = np.random.default_rng(height).integers(0, 256, (height // 8, width // 8, 3), dtype=np.uint8)
    return Image.fromarray(values).resize((width, height), Image.Resampling.BICUBIC)


PHOTOGRAPHS = [photograph(*size) for size in ((300, 450), (500, 333), (90, 64), (257, 257))]


def prepared(picture, preprocessing):
    side = preprocessing.input_size
    image = load_prepared(picture, preprocessing, (side, side))
    mean, std = (torch.tensor(values)[:, None, None] for values in (preprocessing.mean, preprocessing.std))
    return (image - mean) / std


@pytest.mark.parametrize("name", TIMM)
def test_timms_own_transform(name):
    configuration = timm.get_pretrained_cfg(name).to_dict()
    transform = create_transform(**resolve_data_config(pretrained_cfg=configuration))
    preprocessing = default_preprocessing(find_architecture(f"timm/{name}"))
    for picture in PHOTOGRAPHS:
        torch.testing.assert_close(prepared(picture, preprocessing), transform(picture), rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize("name", TORCHVISION)
def test_torchvisions_own_transform(name):
    transform = torchvision.models.get_model_weights(name).DEFAULT.transforms()
    preprocessing = default_preprocessing(find_architecture(f"torchvision/{name}"))
    for picture in PHOTOGRAPHS:
        torch.testing.assert_close(prepared(picture, preprocessing), transform(picture), rtol=1e-5, atol=2e-6)


def test_every_network_of_both_libraries_has_a_preparation():
    """The size before the crop is timm's and torchvision's."""
    for name in timm.list_models():
        configuration = timm.get_pretrained_cfg(name)
        if configuration is None or configuration.input_size[-1] != configuration.input_size[-2]:
            continue
        preprocessing = default_preprocessing(find_architecture(f"timm/{name}"))
        side, share = preprocessing.input_size, preprocessing.crop_pct
        assert math.floor(side / share + 1e-6) == math.floor(side / (configuration.crop_pct or 0.875)), name
        assert preprocessing.interpolation in ("bilinear", "bicubic"), name
        assert preprocessing.crop_mode in ("center", "squash", "border"), name
    for name in torchvision.models.list_models(module=torchvision.models):
        transform = torchvision.models.get_model_weights(name).DEFAULT.transforms()
        preprocessing = default_preprocessing(find_architecture(f"torchvision/{name}"))
        assert math.floor(preprocessing.input_size / preprocessing.crop_pct + 1e-6) == transform.resize_size[0], name
        assert preprocessing.interpolation == transform.interpolation.value, name


def test_a_classifier_loads_what_any_source_holds(tmp_path, unchecked):
    save(tmp_path / "w.safetensors", small_network(), crop_pct=0.9, interpolation="bicubic")
    classifier = load_classifier(str(tmp_path / "w.safetensors"))
    assert classifier.preprocessing == Preprocessing(MEAN, STD, 64, 0.9, "bicubic", "center")
    picture = PHOTOGRAPHS[0]
    picture.save(tmp_path / "a.png")
    expected = load_prepared(picture, classifier.preprocessing, (64, 64))
    content = (tmp_path / "a.png").read_bytes()
    for source in (
        tmp_path / "a.png",
        str(tmp_path / "a.png"),
        content,
        memoryview(content),
        io.BytesIO(content),
        picture,
    ):
        assert torch.equal(classifier.load(source), expected)
    assert torch.equal(classifier.load(np.asarray(picture)), expected)
    assert torch.equal(classifier.load(np.asarray(picture) / 255), expected)
    assert classifier.load(picture, np.int64(48)).shape == (3, 48, 48)
    assert classifier.load(picture, (48, 80)).shape == (3, 48, 80)
    assert classifier.predict(classifier.load(picture)[None])[0].shape == (1,)
    with pytest.raises(TypeError, match="expects a path"):
        classifier.load(3.0)


def test_a_file_without_a_preparation_has_that_of_its_architecture(tmp_path):
    save(tmp_path / "w.safetensors", small_network())
    classifier = load_classifier(str(tmp_path / "w.safetensors"))
    usual = default_preprocessing(find_architecture("test_resnet"))
    assert (classifier.preprocessing.crop_pct, classifier.preprocessing.interpolation) == (
        usual.crop_pct,
        usual.interpolation,
    )
    assert classifier.class_names == tuple(CLASSES)


def test_a_module_of_timm_brings_its_preparation():
    network = timm.create_model("test_resnet", num_classes=3)
    classifier = Classifier.of(network, mean=MEAN, std=STD)
    usual = default_preprocessing(find_architecture("timm/test_resnet"))
    assert classifier.preprocessing == replace(usual, mean=MEAN, std=STD)
    assert Classifier.of(torchvision.models.squeezenet1_1(num_classes=3)).preprocessing.crop_pct == 0.875


def test_a_huge_photograph_is_prepared_alike(monkeypatch):
    preprocessing, picture = Preprocessing(), photograph(1600, 2400)
    whole = load_prepared(picture, preprocessing, (64, 64))
    monkeypatch.setattr(decoding, "WHOLE_PIXELS", 1000)
    torch.testing.assert_close(load_prepared(picture, preprocessing, (64, 64)), whole, rtol=0, atol=0.12)
    assert (load_prepared(picture, preprocessing, (64, 64)) - whole).abs().mean() < 0.02
