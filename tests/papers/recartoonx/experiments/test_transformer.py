"""Figures 4 to 7: the experiments say what direct calls say, keep models apart, and resume."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats
from tiny import TinyClassifier

from helpers.classifiers import Classifier
from helpers.core.explanation import Explanation
from helpers.methods.initial_masks import MASK_NAMES, starting_mask
from helpers.methods.rde import CartoonX
from helpers.papers.recartoonx.experiments import (
    Study,
    curve_table,
    loss_curve_table,
    loss_end_table,
    published_normalised,
    transformer_curve_table,
    transformer_explanations,
    transformer_sweep,
    transformer_table,
)
from helpers.papers.recartoonx.experiments import study as study_module
from helpers.papers.recartoonx.experiments import transformer as transformer_module
from helpers.papers.recartoonx.experiments.initial_masks import initial_mask
from helpers.papers.recartoonx.experiments.transformer import (
    both_correct,
    brightness,
    grid_means,
    rank_correlation,
    rollout,
)
from helpers.profiles import Profile, Start
from helpers.results import read_provenance
from tests.papers.recartoonx.experiments.test_experiments import NO_CHANGE, PROFILE, draw_once, tiny_classifier

SIZE = 40  # of the transformer's images; the CNN's have 32
MODELS = {
    "transformer": {
        "classifier": {"name": "tiny-vit"},
        "size": SIZE,
        "images": 2,
        "sparsity_weight": 7.0,
        "sweep": {"sparsity_weights": [2, 7], "images": 2},
    },
    "initial_masks": {
        "starts": ["ones", "random", "constant"],
        "images": 2,
        "published": {"images": 1, "steps": 4, "samples": 3, "learning_rate": 0.1},
    },
}


class OtherClassifier(TinyClassifier):
    """The same with its classes in reverse: another model, which agrees on nothing."""

    def forward(self, images):
        return super().forward(images).flip(-1)


class FixedRollout:
    """Stands in for attention rollout, which has tests of its own: a ramp, brighter to the right."""

    def __init__(self, classifier, *, fusion, discard_ratio, variant):
        assert (classifier.name, fusion, discard_ratio) == ("tiny-vit", "mean", 0.9)
        self.power = {"corrected": 1, "published": 2}[variant]

    def explain(self, images):
        ramp = torch.linspace(0, 1, images.shape[-1]) ** self.power
        mask = ramp.expand(len(images), 1, images.shape[-2], -1).contiguous()
        return Explanation(mask, images * mask, torch.zeros(len(images), dtype=torch.long), mask.flatten(2))


def load(name, **_):
    if name != "tiny-vit":
        return tiny_classifier()
    return Classifier(
        OtherClassifier(),
        name=name,
        class_names=[f"class {place}" for place in range(5)],
        preprocessing=NO_CHANGE,
        digest=hashlib.sha256(b"vit").hexdigest(),
        source="tests",
        normalise=False,
    )


@pytest.fixture(autouse=True)
def no_files_of_weights(monkeypatch):
    monkeypatch.setattr(study_module, "load_images", draw_once)
    monkeypatch.setattr(study_module, "load_classifier", load)
    monkeypatch.setattr(transformer_module, "AttentionRollout", FixedRollout)


def models_profile(**changes):
    return Profile.model_validate({**PROFILE, **MODELS, **changes})


@pytest.fixture
def study(tmp_path):
    return Study(models_profile(), root=tmp_path)


class TestTheTransformersStudy:
    def test_it_has_the_transformers_settings(self, study):
        vit = study.with_transformer()
        assert vit is study.with_transformer()
        assert vit.classifier.name == "tiny-vit"
        assert tuple(vit.images.images.shape) == (2, 3, SIZE, SIZE)
        assert vit.images.names == study.images.names[:2]
        assert vit.method("cartoonx").options == study.method("cartoonx", sparsity_weight=7.0).options
        assert vit.with_transformer().profile == vit.profile

    def test_stores_do_not_mix(self, study):
        ours = study.explain("cartoonx", count=2)
        theirs = study.with_transformer().explain("cartoonx")
        assert ours.representation_mask.shape != theirs.representation_mask.shape
        direct = study.with_transformer().method("cartoonx").explain(study.with_transformer().images.images)
        assert torch.equal(theirs.representation_mask.half(), direct.representation_mask.half())
        assert torch.equal(study.explain("cartoonx", count=2).mask, ours.mask)

    def test_rollout_is_the_transformers(self, study):
        vit = study.with_transformer()
        assert tuple(rollout(vit, count=1).mask.shape) == (1, 1, SIZE, SIZE)
        assert not torch.equal(rollout(vit).mask, rollout(vit, variant="published").mask)
        with pytest.raises(ValueError, match=r"is tiny; ask study\.with_transformer"):
            rollout(study)

    def test_no_transformer(self, tmp_path):
        with pytest.raises(ValueError, match="no section `transformer`"):
            Study(models_profile(transformer=None), root=tmp_path).with_transformer()

    def test_a_study_of_other_images(self, study, tmp_path):
        with pytest.raises(ValueError, match="has its own images"):
            Study(study.profile, root=tmp_path, images=study.images[:1]).with_transformer()


class TestSideBySide:
    def test_a_row_an_image_and_explanation(self, study):
        table = transformer_table(study)
        assert table["explanation"].tolist() == ["cnn"] * 2 + ["vit"] * 2 + ["rollout"] * 2
        vit = study.with_transformer()
        rows = table.set_index(["explanation", "image"])
        for place, image in enumerate(vit.images.names):
            mask = vit.explain("cartoonx").representation_mask[place]
            assert rows.loc[("vit", image), "sparsity"] == pytest.approx(float(mask.mean()), rel=1e-5)
            assert rows.loc[("vit", image), "prediction"] == int(vit.predictions[0][place])
            assert rows.loc[("rollout", image), "sparsity"] == pytest.approx(0.5, abs=1e-5)
        assert table[table["explanation"] == "rollout"]["brightness"].isna().all()
        assert table[table["explanation"] == "rollout"]["correlation_rollout"].tolist() == pytest.approx([1.0, 1.0])

    def test_kept_confidence_is_the_models_own(self, study):
        vit = study.with_transformer()
        rows = transformer_table(study).query("explanation == 'vit'")
        probabilities = vit.classifier(vit.explain("cartoonx").kept).softmax(-1)
        expected = probabilities.gather(1, vit.predictions[0][:, None])[:, 0]
        torch.testing.assert_close(torch.tensor(rows["kept_confidence"].to_numpy()).float(), expected)

    def test_both_right(self, study, monkeypatch):
        vit = study.with_transformer()
        monkeypatch.setitem(study.__dict__, "predictions", (torch.tensor([1, 2, 3]), torch.ones(3)))
        monkeypatch.setitem(vit.__dict__, "predictions", (torch.tensor([1, 2]), torch.ones(2)))
        for labels, expected in (([1, 3, 0], [True, False]), ([-1, -1, 0], [True, True]), ([0, -1, 0], [False, True])):
            images = type(study.images)(
                study.images.names, study.images.images, torch.tensor(labels), study.images.digests, ""
            )
            monkeypatch.setitem(study.__dict__, "images", images)
            assert both_correct(study).tolist() == expected

    def test_black_is_dark(self, study):
        explanation = study.explain("cartoonx", count=2)
        nothing = Explanation(
            explanation.mask, explanation.kept, explanation.targets, torch.zeros_like(explanation.representation_mask)
        )
        assert brightness(study, nothing) == pytest.approx([0, 0], abs=1e-6)
        all_kept = Explanation(
            explanation.mask, explanation.kept, explanation.targets, torch.ones_like(explanation.representation_mask)
        )
        assert brightness(study, all_kept) == pytest.approx([1, 1], abs=1e-4)

    def test_masks_are_compared_on_a_grid(self):
        fine = torch.rand(1, 1, 32, 32, generator=torch.Generator().manual_seed(0))
        assert grid_means(fine)[0, 9].item() == pytest.approx(float(fine[0, 0, 4:8, 4:8].mean()), abs=1e-6)
        upsampled = fine.repeat_interleave(2, 2).repeat_interleave(2, 3)
        assert rank_correlation(grid_means(fine)[0], grid_means(upsampled)[0]) == pytest.approx(1.0)
        one, other = torch.rand(2, 64, generator=torch.Generator().manual_seed(1)).unbind()
        peer = np.corrcoef(stats.rankdata(one), stats.rankdata(other))[0, 1]
        assert rank_correlation(one, other) == pytest.approx(peer)
        assert np.isnan(rank_correlation(one, torch.zeros(64)))


class TestCurves:
    def test_each_curve_is_its_own_models(self, study):
        table = transformer_curve_table(study)
        assert set(table["curve"]) == {"cnn", "vit", "rollout", "random-wavelets", "random-pixels"}
        assert set(table["variant"]) == {"corrected", "published"}
        vit = study.with_transformer()
        for name, source, curve in (("cnn", study, "cartoonx"), ("vit", vit, "cartoonx")):
            own = curve_table(source, "corrected", curves=(curve,), count=2)
            rows = table[(table["curve"] == name) & (table["variant"] == "corrected")]
            assert rows["distortion"].tolist() == own["distortion"].tolist()

    def test_rollout_orders_pixels(self, study):
        """With half of the pixels kept, the left half of each image is noise, and the right one is as it was."""
        table = transformer_curve_table(study)
        vit = study.with_transformer()
        problem = vit.method("pixel-rde", distortion="l2", clamp=True).problem(vit.images.images[:1])
        keep = (torch.arange(SIZE) >= SIZE // 2).float().expand(1, 1, SIZE, SIZE).flatten(2)
        noise = problem.draw(2, torch.Generator().manual_seed(study.profile.seed))
        expected = problem.distortions(keep, noise).mean()
        rows = table.query("curve == 'rollout' and direction == 'keep' and fraction == 0.5 and variant == 'corrected'")
        assert rows["distortion"].iloc[0] == pytest.approx(float(expected), rel=1e-4)

    def test_published_values(self):
        table = published_normalised().set_index(["curve", "direction", "fraction"])["percent"]
        assert table["cnn", "keep", 0.01] == 62
        assert table["vit", "keep", 0.5] == 60
        assert table["rollout", "keep", 0.99] == 14
        assert table["cnn", "randomise", 0.01] == 111
        assert table["rollout", "randomise", 0.1] == 69
        assert len(table) == 3 * 12 + 6 + 7 + 7


def test_the_sweep_is_what_direct_calls_give(study):
    table = transformer_sweep(study)
    assert sorted(set(zip(table["model"], table["sparsity_weight"], strict=True))) == [
        *(("cnn", 4.0), ("cnn", 16.0), ("cnn", 20.0), ("vit", 2.0), ("vit", 7.0))
    ]
    vit = study.with_transformer()
    masks = vit.explain("cartoonx", sparsity_weight=2.0).representation_mask
    row = table.query("model == 'vit' and sparsity_weight == 2").iloc[1]
    assert row["sparsity"] == pytest.approx(float(masks[1].mean()), rel=1e-5)
    assert row["objective"] == pytest.approx(row["distortion"] + 2 * row["sparsity"], rel=1e-5)
    problem = vit.method("cartoonx", sparsity_weight=2.0).problem(vit.images.images[1:2])
    empty = problem.evaluate(torch.zeros_like(masks[1:2]), samples=64, seed=1)
    assert row["empty_objective"] == pytest.approx(float(empty["distortion"][0]), rel=1e-5)


class TestInitialMasks:
    def test_names_are_those_of_the_masks(self):
        assert set(Start.__args__) == set(MASK_NAMES)

    def test_a_run_starts_where_it_says(self, study):
        method = study.method("cartoonx")
        images = study.images.images[:2]
        expected = method.explain(images, initial=starting_mask("random", method, images))
        found = study.explain("cartoonx", count=2, start=initial_mask("random"))
        assert torch.equal(found.representation_mask.half(), expected.representation_mask.half())
        assert not torch.equal(found.representation_mask, study.explain("cartoonx", count=2).representation_mask)

    def test_curves_are_means_over_windows(self, study, monkeypatch):
        monkeypatch.setattr("helpers.papers.recartoonx.experiments.initial_masks.POINTS", 2)
        table = loss_curve_table(study)
        rows = table.query("recipe == 'profile' and start == 'random'")
        rows = rows[rows["image"] == study.images.names[1]]
        history = study.explain("cartoonx", count=2, start=initial_mask("random")).history["objective"][1]
        assert rows["step"].tolist() == [1.5, 3.0], "three steps in windows of two"
        assert rows["objective"].tolist() == pytest.approx([float(history[:2].mean()), float(history[2])])
        assert set(table[table["recipe"] == "published"]["image"]) == {study.images.names[0]}

    def test_ends_are_measured_on_fresh_noise(self, study):
        table = loss_end_table(study)
        ones = table[table["start"] == "ones"]
        assert ones["first_objective"].tolist() == pytest.approx([20.0] * 3), "all ones cost λk and distort nothing"
        assert (table["first_sparsity"] >= table["last_sparsity"]).all()
        row = table.query("recipe == 'published' and start == 'constant'").iloc[0]
        changes = {"steps": 4, "samples": 3, "learning_rate": 0.1}
        changes |= {"optimiser": "adam", "schedule": "constant", "antithetic": False}
        method = study.method("cartoonx", **changes)
        image = study.images.images[:1]
        mask = method.explain(image, initial=starting_mask("constant", method, image)).representation_mask
        expected = method.problem(image).evaluate(mask, samples=64, seed=1)
        assert row["last_objective"] == pytest.approx(float(expected["objective"][0]), rel=1e-4)

    def test_no_section(self, tmp_path):
        with pytest.raises(ValueError, match="no section `initial_masks`"):
            loss_curve_table(Study(models_profile(initial_masks=None), root=tmp_path))


NEW = ("transformer", "transformer-curves", "transformer-sweep", "initial-masks", "initial-mask-ends")


@pytest.mark.parametrize("name", NEW)
def test_a_table_is_read_until_a_model_changes(study, tmp_path, monkeypatch, name):
    first = study.table(name)
    about = read_provenance("tiny", name, root=tmp_path)
    assert about["wall_seconds"] > 0
    with monkeypatch.context() as patch:
        patch.setattr(CartoonX, "explain", None)
        pd.testing.assert_frame_equal(Study(models_profile(), root=tmp_path).table(name), first)
    if not name.startswith("initial"):
        other = hashlib.sha256(b"other").hexdigest()

        def another(name, **_):
            found = load(name)
            found.digest = other if name == "tiny-vit" else found.digest
            return found

        monkeypatch.setattr(study_module, "load_classifier", another)
        Study(models_profile(), root=tmp_path).table(name)
        again = read_provenance("tiny", name, root=tmp_path)
        assert [a["depends"]["transformer"]["classifier"] for a in (about, again)] == [load("tiny-vit").digest, other]


def test_the_explanations_come_with_their_study(study):
    found = transformer_explanations(study)
    assert [source.classifier.name for source, _ in found.values()] == ["tiny", "tiny-vit", "tiny-vit"]
    assert [len(explanation) for _, explanation in found.values()] == [2, 2, 2]
