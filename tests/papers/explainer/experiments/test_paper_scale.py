"""The whole paper from end to end, on miniature trees: training, all tables, no work done twice, what is missing."""

from __future__ import annotations

import pandas as pd
import pytest
import yaml
from paper_scale import write_profile, write_trees

from helpers.__main__ import main
from helpers.classifiers import load_classifier
from helpers.methods.explainer import read_explainer
from helpers.papers.explainer.experiments import METHODS, ClassStudy, training
from helpers.papers.explainer.experiments.training import training_jobs
from helpers.profiles import load_profile
from helpers.results import read_provenance

# Grad-CAM makes a row of each image's features for each class, so that a classifier answers with more rows than it got
pytestmark = pytest.mark.usefixtures("unchecked")

VOC_TABLES = ("class-scores", "segmentation", "compute-time", "multilabel-scores", "classes")
VOC_FIGURES = {"explainer-fig1", "explainer-fig3", "explainer-fig4"}  # their files have the figures' names


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A folder as XAIBOOK_DATA names it, with voc2007/ and coco2014/."""
    return write_trees(tmp_path_factory.mktemp("data"))


def paper(profile, results, *, train_more=()):
    """Both commands of the paper, as the command line gives them."""
    common = ["--profile", str(profile), "--results", str(results)]
    main(["train", *common, "--device", "cpu", *train_more])
    main(["table", "all", *common])


def tables(folder):
    return {path.stem: path for path in folder.glob("explainer-*.csv")}


def refuse(*arguments, **more):
    raise AssertionError("this was done before")


# slow: the paper's own network, whose file of 159 MB is written and read again and again
@pytest.mark.parametrize("deeplab", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["small", "deeplab"])
def test_the_whole_paper_on_a_miniature_voc(deeplab, data, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XAIBOOK_DATA", str(data))
    profile, results = write_profile("voc2007", tmp_path, deeplab=deeplab, classifiers=["vgg16"]), tmp_path / "results"
    paper(profile, results)

    models = results / "voc2007" / "work" / "models"
    network, about, _ = read_explainer(models / "voc2007-vgg16-explainer.safetensors")
    assert network.options.name == ("deeplabv3_resnet50" if deeplab else "small")
    assert about.classifier_digest == load_classifier(str(models / "voc2007-vgg16.safetensors")).digest
    assert "bottle" in about.class_names

    made = tables(results / "voc2007")
    assert set(made) == VOC_FIGURES | {f"explainer-{name}-voc2007-vgg16" for name in VOC_TABLES}
    segmentation = pd.read_csv(made["explainer-segmentation-voc2007-vgg16"])
    assert set(METHODS) < set(segmentation["method"])
    assert set(segmentation["variant"]) == {"corrected", "published"}
    printed = capsys.readouterr().out
    assert all(
        f"left out: profile 'voc2007' has no table 'explainer-{name}'" in printed
        for name in ("class-truth", "shortcut")
    )

    before = {path: path.stat().st_mtime_ns for path in results.rglob("*") if path.is_file()}
    for owner, name in ((ClassStudy, "masks"), (ClassStudy, "_class_masks"), (training, "fine_tune")):
        monkeypatch.setattr(owner, name, refuse)
    paper(profile, results)
    assert {path: path.stat().st_mtime_ns for path in results.rglob("*") if path.is_file()} == before
    assert "voc2007-vgg16-rtis.safetensors already exists" in capsys.readouterr().out


def test_the_whole_paper_on_a_miniature_coco_as_published(data, tmp_path, monkeypatch):
    monkeypatch.setenv("XAIBOOK_DATA", str(data))
    profile, results = write_profile("coco2014", tmp_path, keep="last"), tmp_path / "results"
    content = yaml.safe_load(profile.read_text())
    for recipe in content["explainer"]["classifiers"].values():
        recipe["fine_tune"]["keep"] = "last"
        recipe["explainer"]["loss"]["variant"] = "published"
        recipe["rtis"]["rtis"] = {"variant": "published"}
    profile.write_text(yaml.safe_dump(content))
    paper(profile, results)
    made = tables(results / "coco2014")
    pairs = [("coco2014", classifier) for classifier in ("vgg16", "resnet50")]
    expected = {f"explainer-{name}-{d}-{c}" for name in ("segmentation", "multilabel-scores") for d, c in pairs}
    assert set(made) == {*expected, "explainer-classes-coco2014-vgg16", "explainer-fig7", "explainer-fig8"}
    classes = pd.read_csv(made["explainer-classes-coco2014-vgg16"])
    assert len(classes) == 10  # the miniature's categories
    assert classes["images"].sum() > 0
    about = read_provenance(
        load_profile(profile, needs="explainer"), "explainer-segmentation-coco2014-resnet50", root=results
    )
    assert about["source"] == "coco2014"


@pytest.mark.slow  # the pages of `make book` read the same tables of scenes, at another scale
def test_the_paper_s_networks_on_scenes(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("XAIBOOK_DATA", raising=False)
    profile, results = write_profile("scenes-large", tmp_path, classifiers=["vgg16"]), tmp_path / "results"
    paper(profile, results)
    made = tables(results / "scenes-large")
    assert set(made) == VOC_FIGURES | {f"explainer-{name}-voc2007-vgg16" for name in (*VOC_TABLES, "class-truth")}
    assert "explainer.evaluation.pairs" in capsys.readouterr().out  # what the shortcut would need
    assert not list(results.rglob("*.md"))


def test_the_published_variant_and_the_last_epoch_reach_the_trainings(tmp_path):
    profile = write_profile(
        "voc2007", tmp_path, keep="last", loss={"variant": "published"}, rtis={"variant": "published"}
    )
    for job in training_jobs(load_profile(profile, needs="explainer"), root=tmp_path):
        if job.name != "classifier":
            recipe = getattr(job.study.explained, job.name)
            assert (recipe.keep, recipe.loss.variant, recipe.rtis.variant) == ("last", "published", "published")


def test_classifiers_are_trained_before_all_networks(tmp_path):
    profile = load_profile(write_profile("voc2007", tmp_path), needs="explainer")
    names = [job.name for job in training_jobs(profile, root=tmp_path)]
    assert names == ["classifier"] * 2 + ["explainer", "rtis"] * 2


# --- without the data ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["voc2007", "coco2014"])
@pytest.mark.parametrize("known", [True, False], ids=["empty folder", "no folder named"])
def test_missing_data_ends_the_commands_with_what_to_fetch(name, known, tmp_path, monkeypatch):
    monkeypatch.setenv("XAIBOOK_DATA", str(tmp_path)) if known else monkeypatch.delenv("XAIBOOK_DATA", raising=False)
    sizes = {"voc2007": ("460 MB", "451 MB"), "coco2014": ("13 GB", "6 GB", "241 MB")}[name]
    place = f"{tmp_path}/{name}" if known else f"$XAIBOOK_DATA/{name}"
    results = ["--results", str(tmp_path / "results")]
    for arguments in (["train"], ["table", "all"], ["table", "explainer-segmentation"]):
        with pytest.raises(SystemExit) as end:
            main([*arguments, "--profile", name, *results])
        message = str(end.value)
        assert message.startswith("error: ")
        assert all(f"({size}): put it into {place}" in message for size in sizes)
        assert "http://" in message
        assert known or "XAIBOOK_DATA is not set" in message
    assert not (tmp_path / "results").exists()


def test_a_classifier_that_is_not_trained_yet_is_asked_for(data, tmp_path, monkeypatch):
    monkeypatch.setenv("XAIBOOK_DATA", str(data))
    profile = write_profile("voc2007", tmp_path)
    with pytest.raises(SystemExit, match=r"error: there is no classifier .*helpers train"):
        main(["table", "all", "--profile", str(profile), "--results", str(tmp_path / "results")])


def test_the_table_of_planted_marks_says_that_photographs_have_none():
    with pytest.raises(SystemExit, match=r"error: .*of photographs are not known"):
        main(["table", "explainer-shortcut", "--profile", "voc2007"])
