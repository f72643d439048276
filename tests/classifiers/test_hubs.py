"""Published weights, from the hubs of torchvision and timm: downloaded once, checked at each load."""

import hashlib
import urllib.error
from functools import partial
from pathlib import Path

import huggingface_hub
import pytest
import safetensors.torch
import timm
import torch
import torchvision
from classifier_files import MEAN, STD, Bomb, flip_one_bit, normalised, pictures, randomise
from torchvision.models import Weights, WeightsEnum
from torchvision.transforms._presets import ImageClassification

from helpers.classifiers import (
    WeightsUnavailableError,
    hubs,
    load_classifier,
    loading,
)

# torchvision's hub


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """torch.hub's cache in an empty folder, one published network, and a download that copies a file."""
    network = randomise(torchvision.models.mobilenet_v3_small())
    state = network.state_dict()
    old = {key: value for key, value in state.items() if not key.endswith("num_batches_tracked")}  # as in old files
    source = tmp_path / "source.pth"
    torch.save(old, source)
    name = f"mobilenet_v3_small-{hashlib.sha256(source.read_bytes()).hexdigest()[:8]}.pth"

    class Published(WeightsEnum):
        IMAGENET1K_V1 = Weights(
            url=f"https://weights.invalid/{name}",
            transforms=partial(ImageClassification, crop_size=64, mean=MEAN, std=STD),
            meta={"categories": [str(index) for index in range(1000)]},
        )
        DEFAULT = IMAGENET1K_V1

    def download(url, target, sha256):
        hub.downloads.append(url)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(source.read_bytes())

    class Hub:
        path = tmp_path / "hub" / "checkpoints" / name

    hub = Hub()
    hub.network, hub.url, hub.source, hub.downloads = network, Published.DEFAULT.url, source, []
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    monkeypatch.setattr(hubs, "download", download)
    monkeypatch.setattr(loading, "torchvision_weights", lambda name, weights: Published.DEFAULT)
    return hub


def test_torchvisions_weights_are_downloaded_once(hub, models):
    images = pictures()
    for _ in range(2):
        classifier = load_classifier("mobilenet_v3_small")
        torch.testing.assert_close(classifier(images), hub.network(normalised(images)))
    assert hub.downloads == [hub.url]
    assert classifier.digest == hashlib.sha256(hub.path.read_bytes()).hexdigest()
    assert classifier.class_names[7] == "7"
    assert classifier.input_size == 64


def test_a_cached_file_is_checked_at_each_load(hub):
    load_classifier("mobilenet_v3_small", weights="hub")
    flip_one_bit(hub.path)
    with pytest.raises(ValueError, match="is not the expected file"):
        load_classifier("mobilenet_v3_small", weights="hub")


def test_a_published_pickle_that_runs_code_is_refused(hub, tmp_path, monkeypatch):
    hub.path.parent.mkdir(parents=True)
    torch.save(Bomb(tmp_path / "ran"), hub.path)
    monkeypatch.setattr(hubs, "check_digest", lambda path, digest, expected: None)
    with pytest.raises(ValueError, match="not a file of plain weights"):
        load_classifier("mobilenet_v3_small", weights="hub")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "error", [urllib.error.URLError("no network"), TimeoutError("slow"), ConnectionResetError("gone")]
)
def test_without_a_network_the_wanted_file_and_its_place_are_named(hub, monkeypatch, error):
    def download(*arguments):
        raise error

    monkeypatch.setattr(hubs, "download", download)
    with pytest.raises(WeightsUnavailableError) as caught:
        load_classifier("mobilenet_v3_small", weights="hub")
    assert isinstance(caught.value, OSError)
    assert hub.url in str(caught.value)
    assert f"put it at {hub.path}" in str(caught.value)
    hub.path.parent.mkdir(parents=True)
    hub.path.write_bytes(hub.source.read_bytes())  # as the message says
    load_classifier("mobilenet_v3_small", weights="hub")


def test_a_download_with_a_wrong_hash_is_refused(hub, monkeypatch):
    def download(*arguments):
        raise ValueError("its SHA-256 begins with 2, not with 1")

    monkeypatch.setattr(hubs, "download", download)
    with pytest.raises(ValueError, match="does not have the hash in its name"):
        load_classifier("mobilenet_v3_small", weights="hub")


def test_every_published_weight_of_torchvision_carries_its_hash():
    for name in torchvision.models.list_models(module=torchvision.models):
        for weights in torchvision.models.get_model_weights(name):
            assert hubs._HASH_IN_NAME.search(Path(weights.url).name), weights.url


# timm's hub


@pytest.fixture
def timm_cache(tmp_path, monkeypatch):
    """A file in the layout of Hugging Face's cache: a link to a blob that is named after its SHA-256."""
    network = randomise(timm.create_model("test_vit"))
    content = safetensors.torch.save(network.state_dict())
    blob = tmp_path / "blobs" / hashlib.sha256(content).hexdigest()
    link = tmp_path / "snapshots" / "1" / "model.safetensors"
    for path in (blob, link):
        path.parent.mkdir(parents=True)
    blob.write_bytes(content)
    link.symlink_to(blob)
    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", lambda repository, file: str(link))
    return network, blob


def test_timms_weights_come_from_its_cache(timm_cache, models):
    network, blob = timm_cache
    classifier = load_classifier("test_vit.r160_in1k")
    configuration = timm.get_pretrained_cfg("test_vit")
    images = pictures(side=160)
    torch.testing.assert_close(classifier(images), network(normalised(images, configuration.mean, configuration.std)))
    assert classifier.digest == blob.name
    assert "state_dict" not in classifier.network.pretrained_cfg
    flip_one_bit(blob)
    with pytest.raises(ValueError, match="is not the expected file"):
        load_classifier("test_vit")


@pytest.mark.parametrize(
    "error", [huggingface_hub.errors.LocalEntryNotFoundError("no network"), ConnectionError("no network")]
)
def test_without_a_network_timms_file_is_named(monkeypatch, error):
    def download(*arguments):
        raise error

    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", lambda repository, file: None)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    with pytest.raises(WeightsUnavailableError) as caught:
        load_classifier("deit_tiny_patch16_224", weights="hub")
    assert "https://huggingface.co/timm/deit_tiny_patch16_224.fb_in1k/resolve/main/model.safetensors" in str(
        caught.value
    )
    assert "deit_tiny_patch16_224.safetensors" in str(caught.value)
