"""How far searches have come and at which price, as tables: against direct calls of what they measure."""

from __future__ import annotations

import pytest
import torch

from helpers.methods.rde import CartoonX, explain_at
from helpers.papers.recartoonx.experiments import Study
from helpers.papers.recartoonx.experiments import study as study_module
from helpers.papers.recartoonx.experiments.sparsity_weights import least_confident
from helpers.profiles import Profile
from tests.papers.recartoonx.experiments.test_experiments import PROFILE, tiny_classifier

SEARCH = {**PROFILE, "search": {"images": 2, "check_every": 10, "distortion": 0.3}}
SEARCH["cartoonx"] = {"sparsity_weight": 4, "levels": 2, "samples": 2, "steps": 30, "learning_rate": 0.1}


@pytest.fixture(autouse=True)
def no_files_of_weights(monkeypatch):
    monkeypatch.setattr(study_module, "load_classifier", lambda **_: tiny_classifier())


@pytest.fixture
def study(tmp_path):
    return Study(Profile(**SEARCH), root=tmp_path)


def test_convergence_is_what_the_history_says(study):
    table = study.table("convergence")
    options = study.profile.cartoonx.options.with_options(tolerance=0.0, check_every=10)
    found = CartoonX(tiny_classifier(), options, levels=2).explain(study.images.images[:2])
    assert table["step"].tolist() == [10, 20, 30] * 2
    for place, (_, rows) in enumerate(table.groupby("image", sort=False)):
        torch.testing.assert_close(
            torch.tensor(rows["gap"].to_numpy()).float(), found.history["gap"][place, 9::10], atol=1e-5, rtol=1e-3
        )
        means = [float(found.history["objective"][place, max(0, end - 25) : end].mean()) for end in (10, 20, 30)]
        assert rows["objective"].to_numpy() == pytest.approx(means, rel=1e-3)
    assert set(table["model"]) == {"cnn"}


def test_prices_are_those_of_the_least_sure_images(study):
    table = study.table("sparsity-weights")
    confidence = study.predictions[1]
    chosen = least_confident(study, 2)
    assert sorted(confidence[chosen].tolist()) == sorted(confidence.tolist())[:2]
    assert table["weighting"].tolist() == ["fixed", "relative", "own"] * 2
    relative = study.method("cartoonx", relative=True)
    for place, (_, rows) in zip(chosen, table.groupby("image", sort=False), strict=True):
        image = study.images.images[place : place + 1]
        own = explain_at(relative, image, distortion=0.3)
        row = rows[rows["weighting"] == "own"].iloc[0]
        assert row["sparsity_weight"] == pytest.approx(float(own.sparsity_weights[0]), rel=1e-4)
        assert row["sparsity"] == pytest.approx(float(own.sparsity[0]), rel=1e-3, abs=1e-6)
        fixed = rows[rows["weighting"] == "fixed"].iloc[0]
        mask = study.method("cartoonx").explain(image).representation_mask
        expected = relative.problem(image).evaluate(mask, samples=64, seed=study.profile.seed + 1)
        assert fixed["distortion"] == pytest.approx(float(expected["distortion"][0]), rel=1e-3)
        assert fixed["sparsity_weight"] == rows[rows["weighting"] == "relative"].iloc[0]["sparsity_weight"] == 4
    assert (table["black"] == (table["brightness"] < 0.05)).all()


def test_a_second_run_computes_nothing(study, monkeypatch):
    first = study.table("sparsity-weights")
    monkeypatch.setattr(CartoonX, "explain", None)
    again = Study(study.profile, root=study.root)
    assert again.table("sparsity-weights").equals(first)


def test_a_profile_without_the_section_says_so(tmp_path):
    with pytest.raises(ValueError, match="has no section `search`"):
        Study(Profile(**PROFILE), root=tmp_path).table("convergence")
