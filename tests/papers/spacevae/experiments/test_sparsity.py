"""The table `sparsity` of a profile that asks for training images, mistakes, and few images for Feature Ablation."""

import pytest
import torch
from space_vae_miniature import miniature_profile, write_weights

from helpers.papers.spacevae.experiments import SpaceStudy, competitor_images
from helpers.papers.spacevae.experiments.competitors import MEASURED
from helpers.papers.spacevae.experiments.sparsity import sparsity_table

EVALUATION = {"images": 30, "competitors": 7, "threshold_images": 5, "integration_steps": 2, "thresholds": [-0.5, 0.0]}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    evaluation = {**EVALUATION, "feature_ablation": 3, "training": 11, "mistakes": True}
    profile = miniature_profile(
        evaluation=evaluation, models={"vq-vae": {"loss": {"alpha": 0, "beta": 0}}, "beta-10": {}}
    )
    return write_weights(SpaceStudy(profile, root=folder, models=folder / "models"))


@pytest.fixture(scope="module")
def table(study):
    return sparsity_table(study)


@torch.no_grad()
def predicted(study, pixels):
    return study.classifier(pixels).argmax(1)


def test_kept_images_of_training_images_are_scored(study, table):
    rows = table[table["split"] == "train"].set_index("method")
    assert set(rows.index) == {"original", "vq-vae", "space-vae"}
    images = study.split("train")[:11]
    with torch.no_grad():
        kept = study.model("beta-10").explain(images.floats()).kept
    right = (predicted(study, kept) == images.labels).float().mean()
    assert rows.loc["space-vae", "accuracy"] == pytest.approx(right.item())
    assert (rows["images"] == 11).all()


def test_mistakes_are_the_test_images_that_the_classifier_gets_wrong(study, table):
    rows = table[table["split"] == "mistakes"].set_index("method")
    pixels, labels = study.test.floats(), study.test.labels
    said = predicted(study, pixels)
    wrong = said != labels
    assert 0 < wrong.sum() < 30
    with torch.no_grad():
        kept = study.model("beta-10").explain(pixels[wrong]).kept
    agreement = (predicted(study, kept) == said[wrong]).float().mean()
    assert rows.loc["space-vae", "agreement"] == pytest.approx(agreement.item())
    assert rows.loc["original", "accuracy"] == 0
    assert rows.loc["original", "agreement"] == 1
    assert (rows["images"] == int(wrong.sum())).all()


def test_feature_ablation_has_the_first_images_of_the_others(study, table):
    assert torch.equal(competitor_images(study, "test").pixels, study.test.pixels[:3])
    for split, count in (("test", 7), ("validation", 5)):
        rows = table[(table["split"] == split) & table["method"].isin(MEASURED)]
        counts = rows.groupby("method")["images"].unique().map(list).to_dict()
        assert counts == {name: [3 if name == "feature-ablation" else count] for name in MEASURED}
    with pytest.raises(ValueError, match="split='train'"):
        competitor_images(study, "train")


def test_without_the_options_there_are_no_such_rows(study):
    profile = miniature_profile(evaluation=EVALUATION, models={"beta-10": {}})
    plain = SpaceStudy(profile, root=study.root, models=study.models)
    assert set(sparsity_table(plain)["split"]) == {"test", "validation"}
