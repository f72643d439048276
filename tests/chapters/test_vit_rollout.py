"""What the chapter on rollout draws and measures."""

from __future__ import annotations

import datetime

import pytest
import torch

from helpers.chapters.vit_rollout.attention import (
    class_token_reads,
    map_correlations,
    own_patch_share,
    patch_map,
    patches_apart,
    relevance_concentration,
    rollout_after_layers,
    show_heads,
    show_rollouts,
)
from helpers.chapters.vit_rollout.drawings import draw_truth_scores, draw_two_classes
from helpers.chapters.vit_rollout.panel import rollout_panel, show_rollout
from helpers.classifiers import load_classifier
from helpers.data.scenes import make_scenes
from helpers.methods.rollout import AttentionRollout, capture_attention


@pytest.fixture(scope="module")
def classifier():
    options = {"img_size": 32, "patch_size": 8, "depth": 3, "embed_dim": 24, "num_heads": 2, "num_classes": 10}
    return load_classifier("vit_tiny_patch16_224", weights="random", model_args=options)


@pytest.fixture(scope="module")
def images():
    return make_scenes(2, size=32, seed=4).images


@pytest.fixture(scope="module")
def found(classifier, images):
    return capture_attention(classifier, images)


def test_patches_apart_keep_their_pixels_and_their_order():
    image = torch.rand(3, 4, 6, generator=torch.Generator().manual_seed(0)) * 0.9
    shown = patches_apart(image, 2, gap=1)
    assert shown.shape == (3, 5, 8)
    assert (shown[:, 2] == 1).all()
    assert (shown[:, :, [2, 5]] == 1).all()
    kept = shown[:, [0, 1, 3, 4]][:, :, [0, 1, 3, 4, 6, 7]]
    assert torch.equal(kept, image)
    assert torch.equal(patches_apart(image, 2, gap=0), image)
    with pytest.raises(ValueError, match="cannot be cut"):
        patches_apart(image, 4)


def test_a_patch_map_has_one_even_square_a_patch(found):
    values = torch.arange(16.0)
    drawn = patch_map(values, found, (32, 32))
    for place, value in enumerate(values.tolist()):
        row, column = 8 * (place // 4), 8 * (place % 4)
        assert torch.all(drawn[0, row : row + 8, column : column + 8] == value / 15)


@pytest.mark.parametrize("fusion", ["mean", "max", "min"])
def test_the_class_tokens_row_is_that_of_the_attention(found, fusion):
    rows = class_token_reads(found, 1, fusion)
    for image in range(2):
        for patch in (0, 7, 15):
            entries = found.layers[1][image, :, 0, 1 + patch].tolist()
            wanted = {"mean": sum(entries) / 2, "max": max(entries), "min": min(entries)}[fusion]
            assert rows[image, patch].item() == pytest.approx(wanted)


def test_own_shares_start_at_half_and_more_and_fall(found):
    shares = own_patch_share(found)
    assert len(shares) == 3
    diagonal = found.layers[0].mean(1).diagonal(dim1=1, dim2=2)[:, 1:].mean().item()
    assert shares[0] == pytest.approx((1 + diagonal) / 2)
    assert shares[0] > shares[1] > shares[2] > 0.125  # each layer keeps half


def test_rollout_after_layers_is_drawn_for_the_images_asked_for(classifier, found):
    method = AttentionRollout(classifier, discard_ratio=0.0)
    drawn = rollout_after_layers(method, found, (1,), 2, (32, 32))
    assert len(drawn) == 1
    wanted = method.rollout(found, layers=2)[1]
    torch.testing.assert_close(drawn[0][0, ::8, ::8].flatten(), wanted / wanted.max())


def test_concentration_of_hand_made_maps():
    maps = torch.tensor([[1.0, 1.0, 1.0, 1.0], [9.0, 1.0, 0.0, 0.0], [0.0, 0.0, 4.0, 6.0]])
    assert relevance_concentration(maps, 0.5).tolist() == [0.5, 0.25, 0.25]
    assert relevance_concentration(maps, 0.95).tolist() == [1.0, 0.5, 0.5]


def test_heads_and_rollout_are_drawn(classifier, images, found):
    assert len(show_heads(found, 0, (32, 32)).axes) == 6  # 3 layers of 2 heads
    figure = show_rollout(classifier, images[0], layers=1, discard_ratio=0.5, fusion="max", target=3)
    titles = [axes.get_title() for axes in figure.axes]
    assert titles[1:] == ["rollout, 1 layer", "gradient rollout, class 3"]


def upload(name, content):
    """What ipywidgets' upload control holds after an upload."""
    when = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
    return {"name": name, "type": "image/png", "size": len(content), "content": content, "last_modified": when}


def test_the_panel_draws_at_each_change_and_takes_an_upload(classifier, images):
    panel = rollout_panel(classifier, images[0], layers=3, discard_ratios=[0.0, 0.9])
    before = panel.output.outputs
    panel.controls["layers"].value = 1
    assert panel.output.outputs != before
    before = panel.output.outputs
    panel.controls["target"].value = 2
    assert panel.output.outputs != before
    panel.controls["upload"].value = (upload("x.png", b"no image"),)
    assert [output["output_type"] for output in panel.output.outputs] == ["display_data"]
    assert "x.png is not a picture" in panel.output.outputs[0]["data"]["text/plain"]


def test_correlations_are_those_of_each_pair_of_maps():
    first = torch.tensor([[[1.0, 2.0, 3.0]], [[1.0, 2.0, 3.0]]])
    second = torch.tensor([[[2.0, 4.0, 6.0]], [[3.0, 2.0, 1.0]]])
    assert map_correlations(first, second) == pytest.approx([1, -1])


def test_rollouts_stand_below_their_images(classifier, images, found):
    method = AttentionRollout(classifier, discard_ratio=0.0)
    figure = show_rollouts(images, method, found)
    assert len(figure.axes) == 4
    drawn = torch.from_numpy(figure.axes[3].images[0].get_array().data)
    torch.testing.assert_close(drawn, rollout_after_layers(method, found, (1,), 3, (32, 32))[0][0])


def test_two_classes_of_each_scene(classifier):
    scenes = make_scenes(2, size=32, seed=4, objects=(2, 2))
    explanation = AttentionRollout(classifier).explain(scenes.images)
    figure = draw_two_classes(classifier, scenes, explanation, (explanation, explanation))
    titles = [axes.get_title() for axes in figure.axes]
    names = [classifier.class_names[label] for label in scenes.object_classes[1, :2].tolist()]
    assert titles[5:] == ["rollout", f"gradient: {names[0]}", f"gradient: {names[1]}"]


def test_a_dot_for_each_scene_and_a_stroke_for_the_mean():
    figure = draw_truth_scores({"random": torch.tensor([0.1, 0.3]), "CartoonX": torch.tensor([0.5, 0.7])})
    lines = figure.axes[0].lines
    assert len(lines) == 4
    assert lines[2].get_xdata() == pytest.approx([50, 70])
    assert float(lines[3].get_xdata()[0]) == pytest.approx(60)
