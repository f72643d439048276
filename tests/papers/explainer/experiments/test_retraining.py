"""The further training of a classifier on its images and their masked versions."""

import pandas as pd
import pytest
import timm
import torch
import yaml

from helpers.classifiers import load_classifier, save_weights
from helpers.core.files import ROOT
from helpers.data.scenes import SCENE_CLASSES
from helpers.methods.explainer import ExplainerFile, ExplainerNetwork, NetworkOptions, load_explainer, save_explainer
from helpers.papers.explainer.experiments.retraining import RetrainingModule, retrained, retraining_table
from helpers.papers.explainer.experiments.study import ClassStudy
from helpers.training.options import MultiLabelOptions
from helpers.training.recipes.multilabel import training_loader

ARGUMENTS = {"layers": [1, 1, 1, 1], "channels": [8, 8, 12, 12], "stem_width": 4}
RECIPE = {"model_args": ARGUMENTS, "size": 32, "scenes": [16, 16], "epochs": 1, "batch": 8, "shortcut_strength": 0.95}


@pytest.fixture
def study(tmp_path):
    quick = yaml.safe_load((ROOT / "profiles" / "quick.yaml").read_text())
    section = quick["explainer"]
    section["size"] = 32
    section["classifiers"]["resnet50"] |= {"name": "tiny-shortcut", "scenes": RECIPE}
    section["retraining"] = {"images": 12, "epochs": 1, "learning_rate": 1e-3, "batch": 8}
    text = {name: quick[name] for name in ("description", "seed", "device", "batch_size")} | {"name": "tiny"}
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump({**text, "explainer": section}))
    made = ClassStudy(str(path), "voc2007", "resnet50", root=tmp_path / "results")
    torch.manual_seed(0)
    network = timm.create_model("resnet10t", num_classes=10, **ARGUMENTS)
    file = made.weights_file("")
    file.parent.mkdir(parents=True)
    save_weights(
        file, network.state_dict(), architecture="resnet10t", model_args={**ARGUMENTS, "num_classes": 10},
        mean=(0.5,) * 3, std=(0.25,) * 3, input_size=32, classes=SCENE_CLASSES,
    )  # fmt: skip
    options = NetworkOptions(trunk_args=ARGUMENTS, widths=(8, 8, 8, 8))
    about = ExplainerFile("explainer", file.stem, load_classifier(str(file)).digest, 32, SCENE_CLASSES)
    save_explainer(made.weights_file("explainer"), ExplainerNetwork(options, 10), about)
    return made


def test_each_way_of_retraining_gives_a_classifier_and_is_not_done_twice(study):
    first = retrained(study, "masked")
    stamp = first.stat().st_mtime_ns
    before, after = load_classifier(str(study.weights_file(""))), load_classifier(str(first))
    assert before.digest != after.digest
    assert retrained(study, "masked").stat().st_mtime_ns == stamp


def test_the_table_has_every_condition_of_every_classifier(study):
    table = retraining_table(study)
    assert isinstance(table, pd.DataFrame)
    assert table.groupby(["classifier", "condition"]).size().eq(12).all()
    assert set(table["classifier"]) == {"original", "plain", "masked", "objects"}
    assert table["probability"].between(0, 1).all()
    assert (
        table[["true_positives", "false_positives", "true_negatives", "false_negatives"]].sum(axis=1)
        == len(SCENE_CLASSES)
    ).all()
    background = table[table["condition"] == "background"]
    assert not background[["true_positives", "false_negatives"]].to_numpy().any()  # a background shows no class


def test_what_is_added_is_what_was_asked_for(study):
    file = study.weights_file("")
    explainer = load_explainer(study.weights_file("explainer"), load_classifier(str(file)))
    options = MultiLabelOptions(**{**RECIPE, "scenes": tuple(RECIPE["scenes"])})
    pixels, labels, class_maps = next(iter(training_loader(options)))
    images = pixels.float() / 255
    shown = {
        added: RetrainingModule(options, file, added, explainer)._second_version(images, labels, class_maps)
        for added in ("plain", "masked", "objects")
    }
    assert torch.equal(shown["plain"], images)
    inside = (class_maps < len(SCENE_CLASSES))[:, None].expand_as(images)
    assert torch.equal(shown["objects"][inside], images[inside])
    assert not shown["objects"][~inside].any()
    masks = explainer.class_masks(images, labels).amax(1, keepdim=True)
    torch.testing.assert_close(shown["masked"], images * masks)


def test_without_a_recipe_it_says_what_is_wanted(study):
    study.settings = study.settings.model_copy(update={"retraining": None})
    with pytest.raises(ValueError, match=r"explainer\.retraining"):
        retrained(study, "masked")
