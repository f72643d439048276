"""Classifiers: the same logits as the libraries give, whatever file they come from; no unchecked or unsafe file."""

import copy
import hashlib
import json
import urllib.error
from functools import partial
from pathlib import Path

import huggingface_hub
import pytest
import safetensors.torch
import timm
import torch
import torchvision
from torch import nn
from torchvision.models import Weights, WeightsEnum
from torchvision.transforms._presets import ImageClassification

from helpers.classifiers import (
    Classifier,
    WeightsUnavailableError,
    hubs,
    load_classifier,
    loading,
    read_weights,
    save_weights,
    weight_files,
)
from helpers.classifiers.folding import fold_batch_norms
from helpers.core.files import DATA_VARIABLE
from helpers.data.imagenet import imagenet_class_names
from helpers.data.photographs import imagenet_samples

MEAN, STD = (0.4, 0.5, 0.6), (0.2, 0.25, 0.3)
CLASSES = [f"thing {index}" for index in range(5)]


def pictures(count=2, side=64, seed=0):
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(seed))


def randomise(network, seed=0):
    """Weights and statistics that make all logits differ."""
    generator = torch.Generator().manual_seed(seed)
    for value in network.state_dict().values():
        if value.is_floating_point():
            value.copy_(value + 0.05 * torch.rand(value.shape, generator=generator))
    return network.eval()


def normalised(images, mean=MEAN, std=STD):
    return (images - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None]


def save(path, network, **changes):
    """A weights file of `network`, test_resnet of timm unless changed."""
    options = {"architecture": "test_resnet", "model_args": {"num_classes": 5}, "mean": MEAN, "std": STD}
    options |= {"input_size": 64, "classes": CLASSES}
    return save_weights(path, network.state_dict(), **(options | changes))


def small_network(seed=0, **options):
    return randomise(timm.create_model("test_resnet", **({"num_classes": 5} | options)), seed)


def flip_one_bit(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.fixture
def models(tmp_path, monkeypatch):
    """An empty folder in place of the book's models/, and no data folder."""
    monkeypatch.delenv(DATA_VARIABLE, raising=False)
    monkeypatch.setattr(weight_files, "MODELS_FOLDER", tmp_path / "models")
    (tmp_path / "models").mkdir()
    return tmp_path / "models"


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
    wanted = network(normalised(images) if normalise else images)
    # another memory layout sums in another order: equal up to rounding, at the scale of the logits
    torch.testing.assert_close(classifier(images), wanted, rtol=1e-5, atol=1e-5 * float(wanted.detach().abs().max()))
    assert wanted.std() > 0
    assert classifier.class_names == tuple(CLASSES)
    assert classifier.input_size == 64


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
    wanted = network(normalised(images, configuration.mean, configuration.std))
    torch.testing.assert_close(classifier(images), wanted)
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
        found = load_classifier(name)
        torch.testing.assert_close(found(images), ours(normalised(images)))
        assert found.digest == digest
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
    with pytest.raises(
        ValueError, match=r"no.* 'mobilenet_v3_smal'|named 'mobilenet_v3_smal'; near names: mobilenet_v3_small.*scenes"
    ):
        load_classifier("mobilenet_v3_smal")
    with pytest.raises(ValueError, match="models/ holds scenes"):
        load_classifier("../scenes")


# Files that are not as they should be


def test_a_file_of_which_one_bit_was_changed_is_refused(models):
    save(models / "small.safetensors", small_network())
    load_classifier("small")
    flip_one_bit(models / "small.safetensors")
    with pytest.raises(ValueError, match=r"small\.safetensors is not the file that was expected: its SHA-256"):
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
    wanted = [
        f"{hashlib.sha256((models / name).read_bytes()).hexdigest()}  {name}"
        for name in ("a.safetensors", "b.safetensors")
    ]
    assert (models / "SHA256SUMS").read_text().splitlines() == wanted
    assert sorted(path.name for path in models.iterdir()) == ["SHA256SUMS", "a.safetensors", "b.safetensors"]


def test_a_digest_can_be_demanded(tmp_path):
    path = tmp_path / "w.safetensors"
    digest = save(path, small_network())
    assert load_classifier("x", weights=path, sha256=digest).digest == digest
    with pytest.raises(ValueError, match="not the file that was expected"):
        load_classifier("x", weights=path, sha256="0" * 64)


def test_the_data_folders_own_files_have_known_digests(models, tmp_path, monkeypatch):
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path / "data"))
    save(tmp_path / "data" / "models" / "mobilenetv2_100.safetensors", small_network())
    (tmp_path / "data" / "models" / "SHA256SUMS").unlink()
    with pytest.raises(ValueError, match=r"expected: its SHA-256 is .*, not 9f85ffa7"):
        load_classifier("mobilenetv2_100")


class Bomb:
    """A pickle of this runs code."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


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
        ({"architecture": "test_resnett"}, "near names: .*test_resnet"),
        ({"model_args": {"num_classes": 7}}, r"do not fit the network: .*expected \(7, "),
        ({"architecture": "test_efficientnet"}, r"do not fit the network: .* is missing; .*more; check architecture"),
        ({"model_args": {"num_classes": 5, "widths": 3}}, "cannot be built with"),
        ({"model_args": {"pretrained": True}}, "model_args may not hold pretrained"),
        ({"model_args": {"checkpoint_path": "x.pth"}}, "model_args may not hold checkpoint_path"),
        ({"classes": CLASSES[:4]}, "gives 5 logits, but 4 class names"),
        ({"classes": "something"}, "classes is 'something'; expected 'ImageNet-1k, torchvision order' or a JSON list"),
        ({"mean": (0.5,)}, r"metadata of .* cannot be used: mean"),
        ({"std": (0.5, 0.0, 0.5)}, r"metadata of .* cannot be used: std"),
        ({"input_size": 0}, r"metadata of .* cannot be used: input_size"),
    ],
)
def test_metadata_that_does_not_fit_is_refused(tmp_path, changes, message):
    save(tmp_path / "w.safetensors", small_network(), **changes)
    with pytest.raises(ValueError, match=message):
        load_classifier("x", weights=tmp_path / "w.safetensors")


def test_what_a_saved_file_says_of_itself(tmp_path):
    digest = save(tmp_path / "w.safetensors", small_network(), classes="ImageNet-1k, torchvision order")
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

    def download(url, target, hash_prefix=None, progress=True):
        hub.downloads.append(url)
        Path(target).write_bytes(source.read_bytes())

    class Hub:
        path = tmp_path / "hub" / "checkpoints" / name

    hub = Hub()
    hub.network, hub.url, hub.source, hub.downloads = network, Published.DEFAULT.url, source, []
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    monkeypatch.setattr(torch.hub, "download_url_to_file", download)
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
    with pytest.raises(ValueError, match="is not the file that was expected"):
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

    monkeypatch.setattr(torch.hub, "download_url_to_file", download)
    with pytest.raises(WeightsUnavailableError) as caught:
        load_classifier("mobilenet_v3_small", weights="hub")
    assert isinstance(caught.value, OSError)
    assert hub.url in str(caught.value)
    assert f"put it at {hub.path}" in str(caught.value)
    hub.path.write_bytes(hub.source.read_bytes())  # as the message says
    load_classifier("mobilenet_v3_small", weights="hub")


def test_a_download_with_a_wrong_hash_is_refused(hub, monkeypatch):
    def download(*arguments):
        raise RuntimeError('invalid hash value (expected "1", got "2")')

    monkeypatch.setattr(torch.hub, "download_url_to_file", download)
    with pytest.raises(ValueError, match="not the file that its name promises"):
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
    with pytest.raises(ValueError, match="is not the file that was expected"):
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
    folded = fold_batch_norms(network, 64)
    wanted = network(pictures())
    assert wanted.std() > 0
    torch.testing.assert_close(folded(pictures()), wanted, rtol=1e-4, atol=1e-4 * float(wanted.detach().abs().max()))
    norms = [sum(isinstance(m, nn.BatchNorm2d) for m in n.modules()) for n in (network, folded)]
    assert norms[1] < norms[0] * (0.6 if "densenet" in architecture else 0.05)
    assert [type(module) for module in network.modules()] == before
