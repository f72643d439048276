"""What the chapter on rollout draws and measures."""

from __future__ import annotations

import pytest
import torch
from uploads import upload

from helpers.chapters.correlations import correlations
from helpers.chapters.vit_rollout.attention import (
    last_layer_maps,
    patch_map,
    patches_apart,
    show_heads,
    show_rollouts,
)
from helpers.chapters.vit_rollout.comparison import CONSTANT, control_maps, map_scores, score, score_table
from helpers.chapters.vit_rollout.drawings import draw_own_shares, draw_two_classes
from helpers.chapters.vit_rollout.interventions import (
    HidingEffects,
    hiding_effects,
    measured_own_share,
    own_patch_share,
    rank_agreement,
)
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


def test_the_last_layers_map_is_the_class_tokens_row(found):
    drawn = last_layer_maps(found, (32, 32))
    row = found.layers[2][1, :, 0, 1:].mean(0)
    torch.testing.assert_close(drawn[1, 0, ::8, ::8].flatten(), row / row.max())


def test_own_shares_start_at_half_and_more_and_fall(found):
    shares = own_patch_share(found)
    assert len(shares) == 3
    diagonal = found.layers[0].mean(1).diagonal(dim1=1, dim2=2)[:, 1:].mean().item()
    assert shares[0] == pytest.approx((1 + diagonal) / 2)
    assert shares[0] > shares[1] > shares[2] > 0.125  # each layer keeps half


def test_measured_shares_are_those_of_the_whole_jacobian(classifier, images):
    network = classifier.network
    patches = network.patch_embed((images[:1] - classifier.mean) / classifier.std).flatten(1, -2)
    start = torch.cat([network.cls_token, patches], 1) + network.pos_embed
    jacobian = torch.autograd.functional.jacobian(network.blocks[0], start)[0, :, :, 0]
    norms = jacobian.pow(2).sum((1, 3)).sqrt()[1:, 1:]  # of all directions: the mean over directions, squared
    wanted = float((norms.diagonal() / norms.sum(1)).mean())
    shares = measured_own_share(classifier, images, draws=40)
    assert shares.shape == (3, 2)
    assert float(shares[0, 0]) == pytest.approx(wanted, rel=0.1)
    assert torch.equal(measured_own_share(classifier, images, draws=2), measured_own_share(classifier, images, draws=2))


def test_hiding_a_window_is_hiding_it_by_hand(classifier, images):
    effects = hiding_effects(classifier, images, torch.tensor([3, 4]), window=16)
    assert effects.token.shape == effects.logit.shape == (2, 4)
    hidden = images[1:].clone()
    hidden[:, :, :16, 16:] = images[1].mean((1, 2))[:, None, None]
    with torch.no_grad():
        fall = classifier(images[1:])[0, 4] - classifier(hidden)[0, 4]
        normal = [(x - classifier.mean) / classifier.std for x in (images[1:], hidden)]
        tokens = [classifier.network.forward_features(x) for x in normal]
    assert float(effects.logit[1, 1]) == pytest.approx(float(fall), abs=1e-5)
    moved = (tokens[0] - tokens[1])[0, 0].norm()
    assert float(effects.token[1, 1]) == pytest.approx(float(moved), abs=1e-5)


def test_agreement_is_one_for_the_effects_own_order():
    effects = torch.tensor([[1.0, 4.0, 2.0, 3.0], [4.0, 3.0, 2.0, 1.0]])
    maps = effects.exp().reshape(2, 1, 2, 2).repeat_interleave(8, 2).repeat_interleave(8, 3)
    assert rank_agreement(maps, effects).tolist() == pytest.approx([1, 1])
    assert rank_agreement(-maps, effects).tolist() == pytest.approx([-1, -1])


def test_scores_of_controls(images):
    maps = control_maps(images)
    regions = torch.zeros(2, 1, 32, 32, dtype=torch.bool)
    regions[..., :8] = True
    effects = HidingEffects(torch.tensor([[1.0, 2.0, 3.0, 4.0]]), torch.tensor([[4.0, 3.0, 2.0, 1.0]]))
    scores = map_scores(maps, regions, effects)
    assert score(scores, "mass", CONSTANT).value == pytest.approx(0.25)
    assert score(scores, "mass", "a blob at the centre").value < 0.25
    contrast = scores[scores["map"] == "contrast"].set_index("image")
    assert contrast.loc[0, "token"] == pytest.approx(-contrast.loc[0, "logit"])
    assert contrast["token"].notna().tolist() == [True, False]
    paired = score(scores, "mass", "contrast", CONSTANT)
    assert paired.value == pytest.approx(contrast["mass"].mean() - 0.25)
    table = score_table(scores).set_index("map")
    assert table.loc[CONSTANT, "token"] == "–"


def test_heads_and_rollout_are_drawn(classifier, images, found):
    assert len(show_heads(found, 0, (32, 32)).axes) == 6  # 3 layers of 2 heads
    figure = show_rollout(classifier, images[0], layers=1, discard_ratio=0.5, fusion="max", target=3)
    titles = [axes.get_title() for axes in figure.axes]
    assert titles[1:] == ["rollout, 1 layer", "gradient rollout, class 3"]


def test_the_panel_draws_at_each_change_and_takes_an_upload(classifier, images):
    panel = rollout_panel(classifier, images[0], layers=3, discard_ratios=[0.0, 0.9])
    before = panel.output.outputs
    panel.controls["layers"].value = 1
    assert panel.output.outputs != before
    before = panel.output.outputs
    panel.controls["target"].value = 2
    assert panel.output.outputs != before
    upload(panel.controls["upload"], "x.png", b"no image")
    assert [output["output_type"] for output in panel.output.outputs] == ["display_data"]
    assert "x.png is not a picture" in panel.output.outputs[0]["data"]["text/plain"]


def test_correlations_are_those_of_each_pair_of_maps():
    first = torch.tensor([[[1.0, 2.0, 3.0]], [[1.0, 2.0, 3.0]]])
    second = torch.tensor([[[2.0, 4.0, 6.0]], [[3.0, 2.0, 1.0]]])
    assert correlations(first, second).tolist() == pytest.approx([1, -1])


def test_rollouts_stand_below_their_images(classifier, images, found):
    method = AttentionRollout(classifier, discard_ratio=0.0)
    figure = show_rollouts(images, method, found)
    assert len(figure.axes) == 4
    drawn = torch.from_numpy(figure.axes[3].images[0].get_array().data)
    wanted = method.rollout(found)[1]
    torch.testing.assert_close(drawn[::8, ::8].flatten(), wanted / wanted.max())


def test_two_classes_of_each_scene(classifier):
    scenes = make_scenes(2, size=32, seed=4, objects=(2, 2))
    explanation = AttentionRollout(classifier).explain(scenes.images)
    figure = draw_two_classes(classifier, scenes, explanation, (explanation, explanation))
    titles = [axes.get_title() for axes in figure.axes]
    names = [classifier.class_names[label] for label in scenes.object_classes[1, :2].tolist()]
    assert titles[5:] == ["rollout", f"for {names[0]}", f"for {names[1]}"]


def test_a_line_for_each_share_and_dashes_for_the_formula():
    figure = draw_own_shares({"rollout, trained": [0.5, 0.25], "measured": [0.9, 0.8]})
    lines = figure.axes[0].lines
    assert lines[0].get_ydata() == pytest.approx([50, 25])
    assert [line.get_linestyle() for line in lines] == ["--", "-"]
