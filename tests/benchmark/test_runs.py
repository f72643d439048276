"""The runs of the benchmark: scenes, settings, costs, stored maps and answers."""

import numpy as np
import pandas as pd
import pytest
import torch

from helpers.benchmark import constructors, planted, runs
from helpers.benchmark.methods import CONTESTANTS, contestants_for
from helpers.benchmark.passes import count_passes
from helpers.benchmark.questions import QUESTIONS, answers
from helpers.benchmark.scenes import SCENE_NUMBERS, SCORED, find_scenes
from helpers.classifiers import load_classifier
from helpers.core.files import ROOT
from helpers.methods.baselines import GradCAM, IntegratedGradients, OcclusionMaps
from helpers.papers.recartoonx.experiments import Study

PROFILE = """
name: few
description: Three scenes of the benchmark.
batch_size: 2
images: {source: scenes, count: 3, size: 64, seed: 3600, objects: [2, 3]}
classifier: {name: scenes-multilabel}
cartoonx: {steps: 1}
pixel_rde: {steps: 1}
curves: {resolution: 3, draws: 1}
sweep: {sparsity_weights: [20]}
"""


@pytest.fixture(scope="module")
def classifier():
    return load_classifier("scenes-multilabel")


@pytest.fixture
def few(tmp_path, monkeypatch):
    """A function that opens the study of three scenes, as in a new process, with few methods."""
    names = ("grad-cam", "integrated-gradients", "everything")
    monkeypatch.setattr(runs, "contestants_for", lambda classifier: [CONTESTANTS[name] for name in names])
    (tmp_path / "few.yaml").write_text(PROFILE)
    return lambda: Study(str(tmp_path / "few.yaml"), root=tmp_path / "results")


def test_scenes_are_those_that_all_classifiers_get_right():
    assert find_scenes(12) == SCENE_NUMBERS[:12]
    assert len(set(SCENE_NUMBERS)) >= SCORED + runs.TUNING


def test_methods_fit_their_classifiers(classifier):
    names = {
        name: {each.name for each in contestants_for(load_classifier(name))} for name in ("scenes-cnn", "scenes-vit")
    }
    names["scenes-multilabel"] = {each.name for each in contestants_for(classifier)}
    assert {"explainer", "rtis", "grad-cam"} <= names["scenes-multilabel"] - names["scenes-vit"]
    assert {"rollout", "gradient-rollout"} <= names["scenes-vit"] - names["scenes-cnn"]
    assert {"cartoonx-learned", "cartoonx-predicted"} <= names["scenes-cnn"] - names["scenes-multilabel"]
    assert {len(each.trials) for each in CONTESTANTS.values()} == {0, 3}  # as many for each method


def test_grad_cam_takes_the_last_layer_of_a_stride(classifier):
    images, targets = torch.rand(2, 3, 64, 64), torch.tensor([1, 2])
    named = GradCAM(classifier, layer="network.layer3").explain(images, targets)
    assert torch.equal(constructors.GridCAM(classifier, stride=16).explain(images, targets).mask, named.mask)
    with pytest.raises(ValueError, match="13 x 13 cells"):
        constructors.last_layer(classifier, images[:1], 5)


def test_passes_are_counted(classifier):
    images, targets = torch.rand(2, 3, 64, 64), torch.tensor([1, 2])
    with count_passes(classifier) as passes:
        IntegratedGradients(classifier, steps=7).attribute(images, targets)
    assert (passes.forward - 2 * 7, passes.backward) in {(0, 14), (2, 14)}  # Captum, and perhaps a check of the logits
    with count_passes(classifier) as passes:
        OcclusionMaps(classifier, window=0.5, stride=0.5).explain(images, targets)
    assert passes.backward == 0
    assert passes.forward >= 2 * 4
    after = passes.forward
    classifier(images)
    assert passes.forward == after  # nothing is counted outside


def test_a_run_is_stored_and_resumed(few, monkeypatch):
    study = few()
    tuning = runs.tuning_table(study)
    monkeypatch.setattr(Study, "table", lambda study, name: tuning)
    table = runs.benchmark_table(study)
    assert table["method"].tolist() == ["grad-cam"] * 3 + ["integrated-gradients"] * 3 + ["everything"] * 3
    everything = table[table["method"] == "everything"]
    assert everything["silent"].all()
    assert (everything[["forward", "backward"]] == 0).all(axis=None)
    assert not table["silent"].iloc[:6].any()
    assert (table.loc[table["method"] == "integrated-gradients", "backward"] == 50).all()
    assert tuning["chosen"].sum() == 1
    assert tuning.loc[tuning["chosen"], "score"].item() == tuning["score"].max()

    later = few()
    again = runs.benchmark_table(later)
    assert later.ledger.computed == 0
    pd.testing.assert_frame_equal(again, table)


def test_a_shortcut_is_seen_where_it_was_planted(few, monkeypatch):
    monkeypatch.setattr(
        planted, "contestants_for", lambda classifier: [CONTESTANTS["explainer"], CONTESTANTS["everything"]]
    )
    monkeypatch.setattr(planted, "SCENES", 4)
    monkeypatch.setattr(Study, "table", lambda study, name: pd.DataFrame({"chosen": [], "method": []}))
    table = planted.planted_table(few()).set_index(["classifier", "method"])
    np.testing.assert_allclose(table[list(planted.KINDS)].sum(axis=1), 1, atol=1e-4)
    used = table.xs("logit drop", level="method")["mark"].groupby("classifier").mean()
    assert used["shortcut"] > 10 * used["plain"]
    everything = table.xs("everything", level="method")["mark"]
    np.testing.assert_array_equal(everything["plain"], everything["shortcut"])  # a control knows no classifier


def test_scenes_of_profiles_are_those_of_the_list():
    for name in ("scenes", "plain", "transformer", "small"):
        study = Study(f"benchmark-{name}")
        assert study.profile.images.seed == 3600
        assert tuple(study.profile.images.objects) == (2, 3)
        assert study.profile.images.count <= 200
    assert (ROOT / "profiles" / "benchmark-photographs.yaml").is_file()


def test_answers_follow_the_rule():
    rng, rows = np.random.default_rng(0), []
    shifts = {"explainer": 1.0, "grad-cam": 0.0, "occlusion": 0.0, "rise": -1.0, "lime": 0.0, "kernel-shap": 0.001}
    for method, shift in shifts.items():
        for image in range(40):
            score = shift + 0.01 * rng.normal()
            rows.append({"method": method, "control": False, "image": image, "silent": method == "rtis"})
            rows[-1] |= {question.metric: score for question in QUESTIONS.values()}
    table = pd.DataFrame(rows)
    found = answers({"benchmark-scenes": table}).set_index("question")["outcome"]
    assert found[["M1", "M2", "M3", "M8"]].tolist() == ["holds", "holds", "fails", "holds"]
    assert found["M18"] == "not run"
    few_images = answers({"benchmark-scenes": table[table["image"] < 29]}).set_index("question")["outcome"]
    assert few_images["M1"] == "not a fair test"
