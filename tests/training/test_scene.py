"""Training of the scene classifiers, and the weights that are shipped."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from interrupted_training import stopped_in_epoch
from scipy.stats import binomtest
from torch.nn import functional

from helpers.classifiers import Classifier, load_classifier, read_weights
from helpers.classifiers.architectures import Preprocessing
from helpers.classifiers.weight_files import write_weights
from helpers.core.files import file_digest
from helpers.data.scenes import SCENE_CLASSES, make_scenes
from helpers.training.augment import augment, hide_blobs, noise_like
from helpers.training.options import TEST_SERIES, SceneOptions
from helpers.training.recipes import shipped as recipes
from helpers.training.recipes.scene import SceneModule, train_scene_classifier
from helpers.training.recipes.scene_data import BACKGROUND, draw_dataset, training_loader
from helpers.training.recipes.scene_evaluation import (
    NOISE_LEVELS,
    SIZES,
    calibration_error,
    evaluate_robustness,
    evaluate_scene_classifier,
    wilson_interval,
)
from helpers.training.rows import EpochSampler

TINY = SceneOptions(size=32, single=96, double=32, epochs=3, batch=32, sizes=(32,), learning_rate=3e-3)


def train(options: SceneOptions, folder: Path):
    return train_scene_classifier(options, folder, device="cpu", validation=0, show=False)


def loss_of(module: SceneModule) -> float:
    with torch.no_grad():
        scenes = training_loader(TINY).dataset
        module.eval()
        return functional.cross_entropy(module(scenes.pixels.float() / 255), scenes.labels).item()


# --- training -----------------------------------------------------------------------------------------------------


def test_a_few_epochs_lower_the_loss_on_the_scenes_trained_on(tmp_path):
    options = replace(TINY, epochs=12)
    before = loss_of(SceneModule(options))
    assert loss_of(train(options, tmp_path).module) < 0.8 * before


def test_an_interrupted_training_resumes_and_ends_where_a_whole_one_ends(tmp_path):
    with stopped_in_epoch(SceneModule, 2):
        train(TINY, tmp_path / "parts")
    resumed, whole = train(TINY, tmp_path / "parts"), train(TINY, tmp_path / "whole")
    for name, value in whole.module.state_dict().items():
        torch.testing.assert_close(resumed.module.state_dict()[name], value, rtol=1e-4, atol=1e-6, msg=name)
    assert resumed.seconds > 0


def test_a_checkpoint_of_another_recipe_is_refused(tmp_path):
    train(replace(TINY, epochs=1), tmp_path)
    with pytest.raises(ValueError, match="another value of weight_decay"):
        train(replace(TINY, epochs=1, weight_decay=0.5), tmp_path)


TINY_VIT = replace(
    TINY,
    architecture="vit_tiny_patch16_224",
    model_args={"img_size": 32, "patch_size": 8, "embed_dim": 24, "depth": 2, "num_heads": 2, "dynamic_img_size": True},
    sizes=(24,),
    optimiser="muon",
    token_weight=1.0,
)


def test_a_transformer_resumes_and_learns_what_its_patches_show(tmp_path):
    whole = train(TINY_VIT, tmp_path / "whole")
    with stopped_in_epoch(SceneModule, 2):
        train(TINY_VIT, tmp_path / "parts")
    resumed = train(TINY_VIT, tmp_path / "parts")
    for name, value in whole.module.state_dict().items():
        torch.testing.assert_close(resumed.module.state_dict()[name], value, rtol=1e-4, atol=1e-6, msg=name)
    longer = train(replace(TINY_VIT, epochs=12), tmp_path / "longer").module
    untrained = SceneModule(TINY_VIT)
    assert token_loss(longer) < 0.9 * token_loss(untrained)
    assert token_loss(longer) < background_loss()


def token_loss(module):
    """How well the tokens name what the patches of the scenes trained on show."""
    scenes = training_loader(TINY_VIT).dataset
    with torch.no_grad():
        module.eval()
        tokens = module.network.forward_features((scenes.pixels.float() / 255 - 0.5) / 0.25)
        return module.patch_labels(tokens, scenes.class_maps).item()


def background_loss():
    """The loss of answering each patch with the shares of the classes over all patches."""
    class_maps = training_loader(TINY_VIT).dataset.class_maps
    shares = torch.bincount(class_maps.flatten().long(), minlength=BACKGROUND + 1) / class_maps.numel()
    return -(shares * shares.clamp_min(1e-9).log()).sum().item()


def test_the_loss_of_patches_is_its_definition():
    module = SceneModule(TINY_VIT)
    generator = torch.Generator().manual_seed(2)
    tokens, parts = torch.randn(3, 17, 24, generator=generator), torch.randint(0, 11, (3, 8, 8), generator=generator)
    total = 0.0
    for image in range(3):
        for row in range(4):
            for column in range(4):
                logits = module.patch_labels.head(tokens[image, 1 + 4 * row + column]).log_softmax(0)
                shown = parts[image, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2].flatten()
                total -= logits[shown].mean().item()
    assert module.patch_labels(tokens, parts.byte()).item() == pytest.approx(total / 48, rel=1e-5)


def test_positions_start_as_waves_that_tell_every_patch_apart():
    embedding = SceneModule(TINY_VIT).network.pos_embed[0, 1:]
    distances = torch.cdist(embedding, embedding) + torch.eye(16) * 9
    assert distances.min() > 0.1
    assert SceneModule(TINY).state_dict().keys().isdisjoint({"patch_labels.head.weight"})


def test_muon_is_for_transformers_only():
    with pytest.raises(ValueError, match="has no blocks"):
        SceneModule(replace(TINY, optimiser="muon")).configure_optimizers()
    with pytest.raises(ValueError, match="a token for each patch"):
        SceneModule(replace(TINY, token_weight=1.0))
    groups = SceneModule(TINY_VIT).configure_optimizers()["optimizer"].param_groups
    counted = sum(parameter.numel() for group in groups for parameter in group["params"])
    assert counted == sum(parameter.numel() for parameter in SceneModule(TINY_VIT).parameters())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epochs": 0}, "epochs"),
        ({"optimiser": "sgd"}, "optimiser"),
        ({"token_weight": -1.0}, "token_weight"),
        ({"single": 3, "double": 2}, "do not fill one batch"),
        ({"noise_share": 0.9, "hidden_share": 0.2}, "noise_share=0.9"),
    ],
)
def test_bad_options_are_named(changes, message, unchecked):
    with pytest.raises(ValueError, match=message):
        replace(TINY, **changes)


def test_a_shipped_classifier_is_trained_saved_measured_and_described(tmp_path, monkeypatch):
    monkeypatch.setitem(recipes.RECIPES, "scenes-cnn", replace(TINY, epochs=1))
    arguments = {"output": tmp_path / "models", "results": tmp_path, "device": "cpu", "held_out": 40}
    assert "accuracy" in recipes.train("scenes-cnn", **arguments)
    weights = tmp_path / "models" / "scenes-cnn.safetensors"
    card = weights.with_suffix(".md").read_text(encoding="utf-8")
    assert file_digest(weights) in card
    assert "python -m helpers train --model scenes-cnn\n" in card
    assert (weights.parent / "SHA256SUMS").read_text() == f"{file_digest(weights)}  scenes-cnn.safetensors\n"
    assert load_classifier("scenes-cnn", weights=weights).class_names == SCENE_CLASSES
    assert {path.name for path in weights.parent.iterdir()} == {weights.name, "scenes-cnn.md", "SHA256SUMS"}
    assert recipes.train("scenes-cnn", **arguments) == "scenes-cnn.safetensors already exists"
    with pytest.raises(ValueError, match="no classifier of scenes 'scenes-rnn'; use one of scenes-cnn, scenes-vit"):
        recipes.train("scenes-rnn")


# --- data ---------------------------------------------------------------------------------------------------------


def test_each_epoch_has_its_own_order_which_comes_back():
    sampler = EpochSampler(50, seed=3)
    orders = []
    for epoch in (0, 1, 0):
        sampler.set_epoch(epoch)
        orders.append(list(sampler))
    assert orders[0] == orders[2] != orders[1]
    assert sorted(orders[0]) == sorted(orders[1]) == list(range(50))


def test_eight_bit_scenes_are_exact_and_shards_do_not_matter(monkeypatch):
    whole = draw_dataset(10, size=32, seed=5, objects=(1, 2))
    monkeypatch.setattr("helpers.training.recipes.scene_data._SHARD", 3)
    parts = draw_dataset(10, size=32, seed=5, objects=(1, 2))
    assert torch.equal(whole.pixels, parts.pixels)
    assert torch.equal(whole.labels, parts.labels)


def test_augmentation_and_noise_stay_in_range_and_follow_their_generator():
    images = draw_dataset(16, size=32, seed=5, objects=(1, 1)).pixels.float() / 255
    parts = torch.zeros(16, 8, 8, dtype=torch.uint8)
    for change in (lambda images, generator: augment(images, parts, generator)[0], noise_like, hide_blobs):
        first, again = (change(images, torch.Generator().manual_seed(7)) for _ in range(2))
        assert torch.equal(first, again)
        assert first.shape == images.shape
        assert first.min() >= 0
        assert first.max() <= 1
        assert (first != images).any(dim=(1, 2, 3)).all()


def test_class_maps_show_the_objects_and_are_mirrored_with_their_images():
    scenes = make_scenes(24, size=32, seed=5, objects=(1, 2))
    drawn = draw_dataset(24, size=32, seed=5, objects=(1, 2))
    for index in range(24):
        middles = [(row, column) for row in range(2, 32, 4) for column in range(2, 32, 4)]
        seen = [(scenes.object_masks[index, :, row, column].nonzero().flatten().tolist()) for row, column in middles]
        wanted = [int(scenes.object_classes[index, slots[0]]) if slots else BACKGROUND for slots in seen]
        assert drawn.class_maps[index].flatten().tolist() == wanted
    assert (drawn.class_maps == BACKGROUND).any()
    assert (drawn.class_maps < BACKGROUND).any()
    # an image that is bright where its map says so, both mirrored or neither
    places = (drawn.class_maps < BACKGROUND).float()
    images = places[:, None].expand(-1, 3, -1, -1).contiguous()
    changed, parts = augment(images, drawn.class_maps, torch.Generator().manual_seed(7))
    for image, part, before in zip(changed, parts, drawn.class_maps, strict=True):
        inside = part < BACKGROUND
        assert image[:, inside].min() > image[:, ~inside].max()
        assert torch.equal(part, before) or torch.equal(part, before.flip(1))
    assert any(not torch.equal(part, before) for part, before in zip(parts, drawn.class_maps, strict=True))


def test_noise_has_about_the_mean_and_spread_of_each_image_and_nothing_of_its_content():
    images = draw_dataset(32, size=64, seed=5, objects=(1, 1)).pixels.float() / 255
    noise = noise_like(images, torch.Generator().manual_seed(7))
    assert (noise.mean(dim=(1, 2, 3)) - images.mean(dim=(1, 2, 3))).abs().mean() < 0.1
    ratio = noise.std(dim=(1, 2, 3)) / images.std(dim=(1, 2, 3))
    assert 0.5 < ratio.median() < 1.5
    pairs = torch.stack([images.mean(1).flatten(1), noise.mean(1).flatten(1)])
    centred = pairs - pairs.mean(dim=2, keepdim=True)
    correlation = functional.cosine_similarity(centred[0], centred[1], dim=1)
    assert correlation.mean().abs() < 0.1


# --- measures -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("hits", "count"), [(0, 10), (10, 10), (37, 40), (970, 1000)])
def test_the_interval_is_scipys(hits, count):
    oracle = binomtest(hits, count).proportion_ci(method="wilson")
    assert wilson_interval(hits, count) == pytest.approx((oracle.low, oracle.high), abs=1e-6)


def test_the_calibration_error_of_a_hand_made_case():
    probabilities = torch.tensor([[0.9, 0.1], [0.9, 0.1], [0.4, 0.6], [0.4, 0.6]])
    labels = torch.tensor([0, 1, 1, 1])  # 0.9 sure, half right; 0.6 sure, all right
    assert calibration_error(probabilities, labels) == pytest.approx(0.5 * 0.4 + 0.5 * 0.4, abs=1e-6)


class Corner(torch.nn.Module):
    """Answers with the class whose number is ten times the red of the upper left pixel."""

    def forward(self, images):
        return functional.one_hot((images[:, 0, 0, 0] * 10).long().clamp(max=9), len(SCENE_CLASSES)).float()


def test_stress_counts_right_answers_under_each_condition():
    options = {"name": "corner", "class_names": SCENE_CLASSES, "digest": "", "source": "test", "normalise": False}
    classifier = Classifier(Corner(), preprocessing=Preprocessing(input_size=32), **options)
    stress = evaluate_robustness(classifier, 40)
    scenes = make_scenes(40, size=32, seed=TEST_SERIES + 1, objects=(3, 3))
    right = ((scenes.images[:, 0, 0, 0] * 10).long().clamp(max=9) == scenes.label).float().mean().item()
    assert 0 < stress.by_objects[3] == pytest.approx(right)
    assert set(stress.by_objects) == {2, 3, 4}
    assert set(stress.by_size) == set(SIZES)
    assert set(stress.by_noise) == set(NOISE_LEVELS)


def test_the_same_weights_make_the_same_file(tmp_path):
    given = {"mean": [0.5] * 3, "std": [0.2] * 3, "input_size": 32, "classes": ["é", "b"]}
    state = {"weight": torch.arange(6.0).reshape(2, 3), "bias": torch.ones(3).half()}
    digests = {write_weights(tmp_path / f"{i}.safetensors", state, architecture="resnet10t", **given) for i in range(6)}
    assert len(digests) == 1
    read = read_weights(tmp_path / "0.safetensors")
    assert read.metadata.class_names() == ("é", "b")
    assert all(torch.equal(read.state[name], value) for name, value in state.items())


# --- what is shipped ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def models(root: Path) -> Path:
    return root / "models"


@pytest.fixture(params=sorted(recipes.RECIPES))
def shipped(request) -> str:
    """The name of weights that come with the book."""
    return request.param


def test_the_shipped_file_is_small_complete_and_the_one_that_its_card_names(models, shipped):
    path, recipe = models / f"{shipped}.safetensors", recipes.RECIPES[shipped]
    file = read_weights(path)  # checks the digest against SHA256SUMS
    card = path.with_suffix(".md").read_text(encoding="utf-8")
    assert re.search(r"SHA-256 `(\w+)`", card).group(1) == file.digest == file_digest(path)
    assert path.stat().st_size <= 4e6
    assert all(value.dtype in (torch.float32, torch.int64) for value in file.state.values())
    given = file.metadata
    assert given.architecture == recipe.architecture
    assert given.model_args == {**json.loads(json.dumps(recipe.model_args)), "num_classes": 10}
    assert given.class_names() == SCENE_CLASSES
    assert given.input_size == recipe.size
    assert given.mean is not None
    assert given.std is not None


def test_the_shipped_weights_are_as_good_as_their_card_says(models, shipped):
    card = (models / f"{shipped}.md").read_text(encoding="utf-8")
    promised = float(re.search(r"\| accuracy \| ([\d.]+) \|", card).group(1))
    assert promised >= 0.95
    measured = evaluate_scene_classifier(load_classifier(shipped), 128, seed=424_242)
    low, high = wilson_interval(round(128 * measured.accuracy), 128, z=3.3)
    assert low <= promised <= high
    assert measured.confident_share > 0.5


def test_noise_is_no_class_of_the_shipped_classifier(shipped):
    """An image fully replaced by noise is not held for any one class, so that explanations have to keep something."""
    measured = evaluate_scene_classifier(load_classifier(shipped), 64, seed=424_243)
    assert measured.noise_label_probability < 0.3
    assert measured.noise_confidence < 0.6
