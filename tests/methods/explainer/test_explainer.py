"""The Explainer as a method: masks, targets, files, and torchvision's network at the paper's scale."""

import json
from dataclasses import replace

import pytest
import torch
from tiny import TinyClassifier, WindowClassifier, smooth_images

from helpers.classifiers import load_classifier
from helpers.classifiers.digests import weights_digest
from helpers.core.class_masks import ClassMaskMethod, merge_classes, min_max_normalise
from helpers.data.multilabel import class_truth
from helpers.data.scenes import make_scenes
from helpers.methods.explainer import (
    Explainer,
    ExplainerFile,
    ExplainerNetwork,
    NetworkOptions,
    load_explainer,
    read_explainer,
    save_explainer,
)

SMALL = NetworkOptions(widths=(8, 8, 12, 12), first_logit=1.0)
ABOUT = ExplainerFile("explainer", "tiny", weights_digest(TinyClassifier(5)), 16, ("a", "b", "c", "d", "e"))


@pytest.fixture
def explainer():
    network = ExplainerNetwork(SMALL, 5, seed=3)
    with torch.no_grad():  # an untrained head gives every class the same mask
        network.body.head.weight.normal_(generator=torch.Generator().manual_seed(0))
    return Explainer(network, TinyClassifier(5))


def test_one_pass_gives_every_class_a_mask(explainer):
    images = smooth_images(3, 24)
    masks = explainer.class_masks(images, None)
    assert masks.shape == (3, 5, 24, 24)
    assert ((masks >= 0) & (masks <= 1)).all()
    torch.testing.assert_close(masks, explainer.network(images).sigmoid())
    expected = torch.tensor([[1, 0, 0, 0, 0], [0, 0, 1, 1, 0], [0, 0, 0, 0, 0]], dtype=torch.bool)
    some = explainer.class_masks(images, expected)
    assert torch.equal(some[expected], masks[expected])
    assert not some[~expected].any()


def test_an_images_masks_do_not_depend_on_its_batch(explainer):
    images = smooth_images(5, 24)
    whole = explainer.class_masks(images, None)
    explainer.batch = 2
    torch.testing.assert_close(explainer.class_masks(images, None), whole, atol=1e-6, rtol=1e-5)


def test_explain_takes_a_class_or_the_most_likely_one(explainer):
    images = smooth_images(4, 24)
    masks = explainer.class_masks(images, None)
    one = explainer.explain(images, 3)
    assert torch.equal(one.mask[:, 0], masks[:, 3])
    assert torch.equal(one.kept, images * one.mask)
    likely = explainer.explain(images)
    assert torch.equal(likely.targets, explainer.classifier(images).argmax(1))
    each = explainer.explain(images, torch.tensor([0, 1, 2, 4]))
    assert torch.equal(each.mask[2, 0], masks[2, 2])
    assert explainer.attribute(images, 3).shape == images.shape


@pytest.mark.parametrize(
    ("targets", "words"),
    [
        (7, "0 to 4"),
        (-1, "0 to 4"),
        (torch.tensor([0, 1]), "do not fit 3 images"),
        (lambda x: x, "not callables"),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_wrong_targets_are_refused(explainer, targets, words):
    with pytest.raises(ValueError, match=words):
        explainer.explain(smooth_images(3, 24), targets)


@pytest.mark.usefixtures("unchecked")
def test_classes_must_fit_images_and_network(explainer):
    images = smooth_images(2, 24)
    with pytest.raises(ValueError, match="booleans of shape"):
        explainer.class_masks(images, torch.zeros(2, 5))
    with pytest.raises(ValueError, match="one row per image"):
        explainer.class_masks(images, torch.zeros(3, 5, dtype=torch.bool))
    with pytest.raises(ValueError, match="4 columns"):
        explainer.class_masks(images, torch.zeros(2, 4, dtype=torch.bool))
    with pytest.raises(ValueError, match="batch, 3"):
        explainer.class_masks(images[0], torch.zeros(2, 5, dtype=torch.bool))


def test_merging_is_the_maximum_over_the_classes_asked_for():
    masks = torch.rand(2, 3, 4, 4)
    merged = merge_classes(masks, torch.tensor([[True, False, True], [False, False, False]]))
    assert torch.equal(merged[0, 0], torch.maximum(masks[0, 0], masks[0, 2]))
    assert not merged[1].any()


def test_stretching_spans_zero_to_one_and_leaves_even_masks_dark():
    masks = torch.rand(2, 3, 4, 4) * 0.3 + 0.2
    masks[1, 2] = 0.7
    stretched = min_max_normalise(masks)
    assert torch.allclose(stretched[0].amin((1, 2)), torch.zeros(3))
    assert torch.allclose(stretched[0].amax((1, 2)), torch.ones(3))
    assert not stretched[1, 2].any()


# --- files --------------------------------------------------------------------------------------------------------


def test_a_file_gives_back_what_was_saved(explainer, tmp_path):
    path = tmp_path / "some-explainer.safetensors"
    digest = save_explainer(path, explainer.network, ABOUT)
    network, about, result = read_explainer(path)
    assert (about, result) == (ABOUT, digest)
    assert network.options == SMALL
    images = smooth_images(2, 24)
    loaded = load_explainer(path, explainer.classifier)
    assert loaded.name == "explainer"
    assert torch.equal(loaded.class_masks(images, None), explainer.class_masks(images, None))


def test_a_changed_file_is_refused(explainer, tmp_path):
    path = tmp_path / "some-explainer.safetensors"
    save_explainer(path, explainer.network, ABOUT)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(ValueError, match=r"SHA-256|digest"):
        read_explainer(path)


def test_a_missing_file_says_what_makes_it(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"python -m helpers train --profile"):
        read_explainer(tmp_path / "none.safetensors")


def test_an_explainer_of_another_classifier_is_refused(explainer, tmp_path):
    path = tmp_path / "some-explainer.safetensors"
    save_explainer(path, explainer.network, ABOUT)
    classifier = load_classifier("scenes-cnn", weights="random")
    with pytest.raises(ValueError, match="was trained for the classifier 'tiny'"):
        load_explainer(path, classifier)


def test_another_networks_file_is_refused(tmp_path):
    path = tmp_path / "wrong.safetensors"
    import safetensors.torch

    safetensors.torch.save_file({"a": torch.zeros(1)}, path, metadata={"explainer": json.dumps({"network": {}})})
    with pytest.raises(ValueError, match="not the file of an Explainer"):
        read_explainer(path)


# --- the paper's network ------------------------------------------------------------------------------------------


def test_the_papers_network_is_torchvisions_deeplab():
    network = ExplainerNetwork(NetworkOptions(name="deeplabv3_resnet50"), 20)
    assert sum(p.numel() for p in network.parameters()) == 39_638_612  # as counted in the original
    assert network.eval()(torch.rand(1, 3, 64, 48)).shape == (1, 20, 64, 48)


def test_the_backbone_can_come_from_a_file(tmp_path):
    import torchvision
    from safetensors.torch import save_file

    backbone = torchvision.models.resnet50(weights=None)
    path = tmp_path / "resnet50.safetensors"
    save_file(backbone.state_dict(), path)
    options = NetworkOptions(name="deeplabv3_resnet50", backbone=str(path))
    network = ExplainerNetwork(options, 3)
    assert torch.equal(network.body.backbone["layer3"][2].conv2.weight, backbone.layer3[2].conv2.weight)
    save_file({"conv1.weight": torch.zeros(1)}, path)
    with pytest.raises(ValueError, match="no ResNet-50"):
        ExplainerNetwork(options, 3)


# --- what ships ---------------------------------------------------------------------------------------------------


def overlap(mask, truth):
    return (torch.minimum(mask, truth).sum((1, 2, 3)) / torch.maximum(mask, truth).sum((1, 2, 3))).mean()


@pytest.mark.parametrize(("objects", "least"), [((1, 2), 0.60), ((3, 4), 0.45)])
def test_the_shipped_explainer_finds_the_objects(objects, least):
    classifier = load_classifier("scenes-multilabel")
    shipped = load_explainer("scenes-multilabel-explainer", classifier)
    scenes = make_scenes(64, size=64, seed=4321, objects=objects)
    masks = shipped.class_masks(scenes.images, scenes.labels)
    merged, truth = merge_classes(masks, scenes.labels), scenes.object_masks.any(1, keepdim=True).float()
    assert overlap(merged, truth) >= least
    # each class's mask lies on its own object rather than on another's
    parts = class_truth(scenes)
    here = (masks * parts).sum((2, 3)) / parts.sum((2, 3)).clamp_min(1)
    others = scenes.object_masks.any(1, keepdim=True) & ~parts
    there = (masks * others).sum((2, 3)) / others.sum((2, 3)).clamp_min(1)
    many = scenes.labels & (scenes.labels.sum(1, keepdim=True) > 1)
    assert here[many].mean() > 2 * there[many].mean()


def test_all_methods_of_class_masks_share_one_interface():
    assert issubclass(Explainer, ClassMaskMethod)
    window = WindowClassifier((slice(4, 12), slice(4, 12)))
    network = ExplainerNetwork(replace(SMALL), 2)
    assert Explainer(network, window).explain(smooth_images(1, 16), 0).mask.shape == (1, 1, 16, 16)
