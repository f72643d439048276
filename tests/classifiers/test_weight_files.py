"""Weights files: where they are looked for, and that no unchecked or unsafe one is opened."""

import hashlib
import json

import pytest
import safetensors.torch
import torch
from classifier_files import CLASSES, MEAN, Bomb, flip_one_bit, normalised, pictures, save, small_network

from helpers.classifiers import (
    load_classifier,
    read_weights,
)
from helpers.core.files import DATA_VARIABLE
from helpers.data.imagenet import imagenet_class_names

# Where files are found


def test_names_are_looked_up_in_models_then_in_the_data_folder(models, tmp_path, monkeypatch):
    data = tmp_path / "data"
    monkeypatch.setenv(DATA_VARIABLE, str(data))
    ours, theirs = small_network(1), small_network(2)
    save(data / "models" / "small.safetensors", theirs)
    images = pictures()
    torch.testing.assert_close(load_classifier("small")(images), theirs(normalised(images)))
    digest = save(models / "small.safetensors", ours)
    for name in ("small", "models/small"):
        result = load_classifier(name)
        torch.testing.assert_close(result(images), ours(normalised(images)))
        assert result.digest == digest
    by_path = load_classifier(str(data / "models" / "small.safetensors"))
    torch.testing.assert_close(by_path(images), theirs(normalised(images)))


def test_a_name_that_only_models_knows_can_have_random_weights(models):
    save(models / "small.safetensors", small_network())
    random = load_classifier("small", weights="random", seed=2)
    assert random.class_names == tuple(CLASSES)
    assert random.mean.flatten().tolist() == pytest.approx(list(MEAN))
    assert not torch.equal(random(pictures()), load_classifier("small")(pictures()))


def test_an_unknown_name_lists_near_names_and_files(models):
    save(models / "scenes.safetensors", small_network())
    with pytest.raises(ValueError, match=r"named 'mobilenet_v3_smal'; similar names: mobilenet_v3_small.*scenes"):
        load_classifier("mobilenet_v3_smal")
    with pytest.raises(ValueError, match="models/ holds scenes"):
        load_classifier("../scenes")


# Files that are not as they should be


def test_a_file_of_which_one_bit_was_changed_is_refused(models):
    save(models / "small.safetensors", small_network())
    load_classifier("small")
    flip_one_bit(models / "small.safetensors")
    with pytest.raises(ValueError, match=r"small\.safetensors is not the expected file: its SHA-256"):
        load_classifier("small")


def test_a_file_in_models_needs_a_line_in_its_sums(models):
    save(models / "small.safetensors", small_network())
    (models / "SHA256SUMS").unlink()
    with pytest.raises(ValueError, match=r"has no line for small\.safetensors.*sha256sum"):
        load_classifier("small")
    (models / "SHA256SUMS").write_text("what is this\n")
    with pytest.raises(ValueError, match="not as sha256sum writes it"):
        load_classifier("small")


def test_sums_are_those_of_sha256sum(models):
    save(models / "b.safetensors", small_network(1))
    save(models / "a.safetensors", small_network(2))
    save(models / "b.safetensors", small_network(3))
    expected = [
        f"{hashlib.sha256((models / name).read_bytes()).hexdigest()}  {name}"
        for name in ("a.safetensors", "b.safetensors")
    ]
    assert (models / "SHA256SUMS").read_text().splitlines() == expected
    assert sorted(path.name for path in models.iterdir()) == ["SHA256SUMS", "a.safetensors", "b.safetensors"]


def test_a_digest_can_be_demanded(tmp_path):
    path = tmp_path / "w.safetensors"
    digest = save(path, small_network())
    assert load_classifier("x", weights=path, sha256=digest).digest == digest
    with pytest.raises(ValueError, match="not the expected file"):
        load_classifier("x", weights=path, sha256="0" * 64)


def test_the_data_folders_own_files_have_known_digests(models, tmp_path, monkeypatch):
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path / "data"))
    save(tmp_path / "data" / "models" / "mobilenetv2_100.safetensors", small_network())
    (tmp_path / "data" / "models" / "SHA256SUMS").unlink()
    with pytest.raises(ValueError, match=r"not the expected file: its SHA-256 is .*, not 9f85ffa7"):
        load_classifier("mobilenetv2_100")


@pytest.mark.parametrize("suffix", [".pth", ".pt", ".bin", ".ckpt"])
def test_pickles_are_never_opened(tmp_path, suffix):
    path = tmp_path / f"weights{suffix}"
    torch.save(Bomb(tmp_path / "ran"), path)
    with pytest.raises(ValueError, match=r"can run any code.*Convert it once.*save_weights"):
        load_classifier("resnet18", weights=path)
    assert not (tmp_path / "ran").exists()


def test_files_that_are_no_safetensors(tmp_path):
    path = tmp_path / "w.safetensors"
    with pytest.raises(FileNotFoundError, match="no weights file"):
        load_classifier("x", weights=path)
    save(tmp_path / "whole" / "w.safetensors", small_network())
    for content in (b"", b"nonsense", (tmp_path / "whole" / "w.safetensors").read_bytes()[:5000]):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="is not a whole safetensors file"):
            load_classifier("x", weights=path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"architecture": "test_resnett"}, "similar names: .*test_resnet"),
        ({"model_args": {"num_classes": 7}}, r"do not fit the network: .*expected \(7, "),
        ({"architecture": "test_efficientnet"}, r"do not fit the network: .* is missing; .*more; check architecture"),
        ({"model_args": {"num_classes": 5, "widths": 3}}, "cannot be built with"),
        ({"model_args": {"pretrained": True}}, "model_args may not hold pretrained"),
        ({"model_args": {"checkpoint_path": "x.pth"}}, "model_args may not hold checkpoint_path"),
        ({"classes": CLASSES[:4]}, "gives 5 logits, but its file has 4 class names"),
        ({"classes": "something"}, "classes is 'something'; expected 'ImageNet-1k, torchvision order' or a JSON list"),
        ({"mean": (0.5,)}, r"metadata of .* cannot be used: mean"),
        ({"std": (0.5, 0.0, 0.5)}, r"metadata of .* cannot be used: std"),
        ({"input_size": 0}, r"metadata of .* cannot be used: input_size"),
    ],
)
def test_metadata_that_does_not_fit_is_refused(tmp_path, changes, message):
    save(tmp_path / "w.safetensors", small_network(), checked=False, **changes)
    with pytest.raises(ValueError, match=message):
        load_classifier("x", weights=tmp_path / "w.safetensors")
    with pytest.raises(ValueError, match=r"."):
        save(tmp_path / "other.safetensors", small_network(), **changes)
    assert not (tmp_path / "other.safetensors").exists()


def test_what_a_saved_file_says_of_itself(tmp_path):
    digest = save(tmp_path / "w.safetensors", small_network(), checked=False, classes="ImageNet-1k, torchvision order")
    file = read_weights(tmp_path / "w.safetensors")
    assert file.digest == digest
    assert file.metadata.architecture == "test_resnet"
    assert file.metadata.class_names() == imagenet_class_names()
    with safetensors.safe_open(tmp_path / "w.safetensors", "pt") as opened:
        assert json.loads(opened.metadata()["mean"]) == list(MEAN)
    with pytest.raises(ValueError, match=r"must end in \.safetensors"):
        save(tmp_path / "w.pth", small_network())


def test_requests_that_make_no_sense(tmp_path):
    for arguments, message in [
        ({"weights": "hub", "model_args": {}}, "weights='random' only"),
        ({"weights": "hub", "sha256": "0" * 64}, "given by its path"),
        ({"weights": "IMAGENET1K_V9"}, "no weights 'IMAGENET1K_V9' for resnet18; use one of IMAGENET1K_V1"),
        ({"weights": "ResNet50_Weights.IMAGENET1K_V1"}, "no weights"),
        ({"device": "tpu9"}, "device 'tpu9'"),
    ]:
        with pytest.raises(ValueError, match=message):
            load_classifier("resnet18", **arguments)
    with pytest.raises(ValueError, match=r"tag in the name"):
        load_classifier("timm/resnet18", weights="IMAGENET1K_V1")
    with pytest.raises(ValueError, match=r"list_pretrained\('resnet18\*'\)"):
        load_classifier("timm/resnet18.nobody", weights="hub")
    with pytest.raises(ValueError, match="only computes features"):
        load_classifier("test_vit", weights="random", model_args={"num_classes": 0})
