"""The experiments resume, know when a stored result is stale, and say what direct calls say."""

from __future__ import annotations

import functools
import hashlib

import pandas as pd
import pytest
import torch
from tiny import TinyClassifier

from helpers.__main__ import main
from helpers.classifiers import Classifier
from helpers.classifiers.architectures import Preprocessing
from helpers.methods.initial_masks import starting_mask
from helpers.methods.rde import CartoonX, PixelRDE
from helpers.methods.rde.options import RECIPES
from helpers.metrics import rate_distortion_curve
from helpers.papers.recartoonx.experiments import (
    CURVES,
    METHODS,
    Study,
    curve_table,
    explanation_table,
    load_images,
    objective_table,
    published_curves,
    published_seconds,
    published_settings,
    published_sweep,
    recipe_changes,
    recipe_search,
    step_seconds,
    sweep_table,
)
from helpers.papers.recartoonx.experiments import explanations as explanations_module
from helpers.papers.recartoonx.experiments import objectives as objectives_module
from helpers.papers.recartoonx.experiments import study as study_module
from helpers.papers.recartoonx.measures.recipes import objective_ratio
from helpers.profiles import Profile
from helpers.results import read_provenance, read_table

FAST = {"samples": 2, "steps": 3, "learning_rate": 0.3}
FRACTIONS = (0.0, 0.05, 0.5, 1.0)
PROFILE = {
    "name": "tiny",
    "description": "Three small scenes.",
    "device": "cpu",
    "batch_size": 2,
    "images": {"source": "scenes", "count": 3, "size": 32, "seed": 5},
    "classifier": {"name": "tiny", "normalise": False},
    "cartoonx": {"sparsity_weight": 20, "levels": 2, **FAST},
    "pixel_rde": {"sparsity_weight": 4, **FAST},
    "curves": {"fractions": FRACTIONS, "draws": 2, "images": 2},
    "sweep": {"sparsity_weights": [4, 16], "images": 2},
}
NO_CHANGE = Preprocessing(mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0), input_size=32)


def tiny_classifier(weights="tiny"):
    return Classifier(
        TinyClassifier(),
        name="tiny",
        class_names=[f"class {place}" for place in range(5)],
        preprocessing=NO_CHANGE,
        digest=hashlib.sha256(weights.encode()).hexdigest(),
        source="tests",
        normalise=False,
    )


draw_once = functools.cache(load_images)


@pytest.fixture(autouse=True)
def no_files_of_weights(monkeypatch):
    monkeypatch.setattr(study_module, "load_images", draw_once)
    monkeypatch.setattr(study_module, "load_classifier", lambda **_: tiny_classifier())


@pytest.fixture
def explained(monkeypatch):
    """The number of images in each call of a method's `explain`."""
    calls = []
    for method in (CartoonX, PixelRDE):

        def explain(self, images, *arguments, plain=method.explain, **options):
            calls.append(len(images))
            return plain(self, images, *arguments, **options)

        monkeypatch.setattr(method, "explain", explain)
    return calls


def tiny_profile(**changes):
    content = {**PROFILE, **changes}
    return Profile.model_validate(content)


def tiny_study(root, **changes):
    return Study(tiny_profile(**changes), root=root)


class TestAStudyResumes:
    def test_finished_images_are_not_computed_again(self, tmp_path, explained):
        first = tiny_study(tmp_path).explain("cartoonx")
        assert explained == [2, 1], "three images in batches of two"
        again = tiny_study(tmp_path).explain("cartoonx")
        assert explained == [2, 1]
        assert torch.equal(first.representation_mask, again.representation_mask)
        assert torch.equal(first.history["distortion"], again.history["distortion"])

    def test_a_run_that_stopped_goes_on_with_what_is_missing(self, tmp_path, explained, monkeypatch):
        whole = tiny_study(tmp_path / "whole").explain("cartoonx")
        explained.clear()
        counting = CartoonX.explain

        def fails_at_the_second_batch(self, images, *arguments, **options):
            if explained:
                raise KeyboardInterrupt
            return counting(self, images, *arguments, **options)

        with monkeypatch.context() as patch:
            patch.setattr(CartoonX, "explain", fails_at_the_second_batch)
            with pytest.raises(KeyboardInterrupt):
                tiny_study(tmp_path / "stopped").explain("cartoonx")
        assert explained == [2]
        resumed = tiny_study(tmp_path / "stopped").explain("cartoonx")
        assert explained == [2, 1], "the first two images were stored when the run stopped"
        torch.testing.assert_close(resumed.representation_mask, whole.representation_mask)

    def test_more_images_cost_only_the_new_ones(self, tmp_path, explained):
        few = tiny_study(tmp_path, images={**PROFILE["images"], "count": 2}, curves={**PROFILE["curves"]})
        few.explain("pixel-rde")
        tiny_study(tmp_path).explain("pixel-rde")
        assert explained == [2, 1]

    @pytest.mark.parametrize(
        "change",
        [
            {"cartoonx": {**PROFILE["cartoonx"], "sparsity_weight": 21}},
            {"cartoonx": {**PROFILE["cartoonx"], "seed": 1}},
            {"cartoonx": {**PROFILE["cartoonx"], "wavelet": "haar"}},
            {"images": {**PROFILE["images"], "seed": 6}},
            {"images": {**PROFILE["images"], "size": 40}},
        ],
        ids=["option", "seed", "wavelet", "other images", "other size"],
    )
    def test_what_changes_the_result_is_computed_anew(self, tmp_path, explained, change):
        tiny_study(tmp_path).explain("cartoonx")
        tiny_study(tmp_path, **change).explain("cartoonx")
        assert explained == [2, 1, 2, 1]

    def test_other_weights_are_computed_anew(self, tmp_path, explained, monkeypatch):
        tiny_study(tmp_path).explain("cartoonx")
        monkeypatch.setattr(study_module, "load_classifier", lambda **_: tiny_classifier("other"))
        tiny_study(tmp_path).explain("cartoonx")
        assert explained == [2, 1, 2, 1]

    @pytest.mark.parametrize(
        "change",
        [{"pixel_rde": {**PROFILE["pixel_rde"], "steps": 4}}, {"batch_size": 1}, {"description": "The same."}],
        ids=["the other method", "batch size", "description"],
    )
    def test_what_does_not_change_it_is_not(self, tmp_path, explained, change):
        tiny_study(tmp_path).explain("cartoonx")
        tiny_study(tmp_path, **change).explain("cartoonx")
        assert explained == [2, 1]

    def test_overrides_are_kept_apart(self, tmp_path, explained):
        study = tiny_study(tmp_path)
        study.explain("cartoonx", count=1)
        dearer = study.explain("cartoonx", count=1, sparsity_weight=200.0)
        assert explained == [1, 1]
        assert dearer.representation_mask.sum() < study.explain("cartoonx", count=1).representation_mask.sum()
        assert len(study.seconds("cartoonx", count=1, sparsity_weight=200.0)) == 1


class TestAStudy:
    def test_other_images_than_the_profiles(self, tmp_path):
        study = tiny_study(tmp_path)
        last = study.images[2:]
        some = Study(study.profile, root=tmp_path, images=last)
        assert some.images.names == last.names
        expected = study.explain("pixel-rde").mask[2:]
        torch.testing.assert_close(some.explain("pixel-rde").mask, expected)

    def test_its_explanations_are_the_methods(self, tmp_path):
        study = tiny_study(tmp_path)
        direct = study.method("cartoonx").explain(study.images.images[:2])
        stored = study.explain("cartoonx", count=2)
        assert torch.equal(direct.representation_mask.half(), stored.representation_mask.half())
        assert torch.equal(direct.targets, stored.targets)

    def test_predictions(self, tmp_path):
        study = tiny_study(tmp_path)
        classes, confidence = study.predictions
        probabilities = study.classifier(study.images.images).softmax(-1)
        torch.testing.assert_close(confidence, probabilities.max(-1).values)
        assert torch.equal(classes, probabilities.argmax(-1))

    @pytest.mark.usefixtures("unchecked")
    def test_an_unknown_method(self, tmp_path):
        with pytest.raises(ValueError, match="'lime' is not known; use one of cartoonx, pixel-rde"):
            tiny_study(tmp_path).method("lime")

    def test_images_of_a_folder_that_is_not_there(self, tmp_path):
        settings = tiny_profile(images={"source": "folder", "size": 32, "path": str(tmp_path / "none")}).images
        with pytest.raises(FileNotFoundError, match="none"):
            load_images(settings)


class TestCurves:
    def test_values_are_those_of_direct_calls(self, tmp_path):
        study = tiny_study(tmp_path)
        table = curve_table(study, "corrected")
        assert list(table.columns) == [
            *("image", "curve", "direction", "fraction", "distortion", "standard_error", "variant")
        ]
        assert len(table) == len(CURVES) * 2 * 4 * 2, "curves, directions, fractions, images"
        mask = study.explain("pixel-rde").representation_mask[1:2]
        problem = study.method("pixel-rde", distortion="l2", clamp=True).problem(study.images.images[1:2])
        mean, error = rate_distortion_curve(
            problem, mask, (0.0, 0.05, 0.5, 1.0), direction="randomise", draws=2, seed=0
        )
        rows = table.query("curve == 'pixel-rde' and direction == 'randomise' and image == @study.images.names[1]")
        torch.testing.assert_close(torch.tensor(rows["distortion"].to_numpy()).float(), mean[0])
        torch.testing.assert_close(torch.tensor(rows["standard_error"].to_numpy()).float(), error[0])

    def test_keep_all_and_randomise_nothing_distort_nothing(self, tmp_path):
        table = curve_table(tiny_study(tmp_path))
        ends = table[
            ((table["direction"] == "keep") & (table["fraction"] == 1))
            | ((table["direction"] == "randomise") & (table["fraction"] == 0))
        ]
        assert len(ends) == 2 * len(CURVES) * 2
        assert ends["distortion"].abs().max() < 1e-5

    def test_the_published_variant_has_one_draw_and_does_not_clamp_pixels(self, tmp_path):
        study = tiny_study(tmp_path)
        table = curve_table(study, "published")
        assert table["standard_error"].isna().all()
        problem = study.method("pixel-rde", distortion="l2", clamp=False).problem(study.images.images[:1])
        mask = study.explain("pixel-rde").representation_mask[:1]
        mean, _ = rate_distortion_curve(problem, mask, FRACTIONS, draws=1, seed=0)
        rows = table.query("curve == 'pixel-rde' and direction == 'keep' and image == @study.images.names[0]")
        torch.testing.assert_close(torch.tensor(rows["distortion"].to_numpy()).float(), mean[0])

    def test_stored_curves_are_not_measured_again(self, tmp_path, monkeypatch):
        study = tiny_study(tmp_path)
        first = curve_table(study)
        monkeypatch.setattr("helpers.papers.recartoonx.experiments.curves._measure", None)
        pd.testing.assert_frame_equal(curve_table(tiny_study(tmp_path)), first)
        assert sum(study.ledger.items.values()) > 0


def test_the_sweep_is_what_direct_calls_give(tmp_path):
    study = tiny_study(tmp_path)
    table = sweep_table(study)
    assert len(table) == 2 * 2 * 2 * 2, "methods, distortions, weights, images"
    assert not table.isna().any().any()
    masks = study.explain("cartoonx", count=2, sparsity_weight=16.0, distortion="l2").representation_mask
    row = table.query(
        "method == 'cartoonx' and optimised_with == 'l2' and sparsity_weight == 16 and image == @study.images.names[1]"
    )
    assert float(row["sparsity"].iloc[0]) == pytest.approx(float(masks[1].mean()), rel=1e-5)
    problem = study.method("cartoonx", distortion="l2").problem(study.images.images[1:2])
    many = problem.evaluate(masks[1:2], samples=64, seed=1, chunk=4)
    assert float(row["distortion"].iloc[0]) == pytest.approx(float(many["distortion"][0]), rel=1e-4)
    assert float(row["standard_error"].iloc[0]) == pytest.approx(float(many["distortion_error"][0]), rel=1e-3)


def test_explanations_in_a_table(tmp_path):
    study = tiny_study(tmp_path)
    table = explanation_table(study)
    assert list(table["method"]) == ["cartoonx"] * 3 + ["pixel-rde"] * 3
    assert list(table["label"][:3]) == study.images.labels.tolist()
    kept = study.explain("pixel-rde").kept
    probabilities = study.classifier(kept).softmax(-1)
    rows = table[table["method"] == "pixel-rde"]
    assert list(rows["kept_prediction"]) == probabilities.argmax(-1).tolist()
    expected = probabilities.gather(1, study.predictions[0][:, None])[:, 0]
    torch.testing.assert_close(torch.tensor(rows["kept_confidence"].to_numpy()).float(), expected)


def test_a_table_in_pieces_is_the_table_of_the_whole(tmp_path, monkeypatch):
    """Of pieces of whole batches, so that memory does not grow with the number of images."""
    whole = explanation_table(Study(Profile(**PROFILE), root=tmp_path / "whole"))
    monkeypatch.setattr(explanations_module, "AT_ONCE", 3)  # one batch of two, and the third image
    pieces = explanation_table(Study(Profile(**PROFILE), root=tmp_path / "pieces"))
    pd.testing.assert_frame_equal(whole.drop(columns="seconds"), pieces.drop(columns="seconds"))


def test_objectives_are_measured_on_the_same_fresh_noise(tmp_path, monkeypatch):
    short = {name: options.with_options(steps=3, samples=2) for name, options in RECIPES.items()}
    monkeypatch.setattr("helpers.papers.recartoonx.experiments.objectives.RECIPES", short)
    study = tiny_study(tmp_path)
    table = objective_table(study, ("published", "fast"), ("pixel-rde",))
    assert set(table["recipe"]) == {"published", "fast"}
    price = table["distortion"] + table["sparsity_weight"] * table["sparsity"]
    pd.testing.assert_series_equal(table["objective"], price, check_names=False, rtol=1e-5)
    slow = table[table["recipe"] == "published"]["sparsity"]
    fast = table[table["recipe"] == "fast"]["sparsity"]
    assert slow.min() > 0.99, "three steps of 0.001 leave a mask of ones nearly as it was"
    assert fast.max() < 0.97


def test_the_recipe_of_the_study_is_compared_where_the_classifier_is_its_own(tmp_path, monkeypatch):
    short = {name: options.with_options(steps=3, samples=2) for name, options in RECIPES.items()}
    monkeypatch.setattr(objectives_module, "RECIPES", short)
    own = tiny_profile(cartoonx={**PROFILE["cartoonx"], "learning_rate": 0.7})
    monkeypatch.setattr(objectives_module, "load_profile", lambda name: own)
    study = tiny_study(tmp_path)
    table = objectives_module.compared_objectives(study)
    counts = table.groupby(["method", "recipe"])["image"].nunique()
    assert counts["cartoonx"].to_dict() == {"fast": 3, "published": 3, "study": 3}
    assert counts["pixel-rde"].to_dict() == {"fast": 2, "published": 2, "study": 2}, "as many as the curves have"
    rows = table[(table["method"] == "cartoonx") & (table["recipe"] == "study")]
    masks = study.explain("cartoonx", learning_rate=0.7).representation_mask
    assert rows["sparsity"].to_list() == pytest.approx(masks.mean((1, 2)).tolist())
    recipes = objectives_module.compared_inputs(study)["recipes"]
    assert (recipes["cartoonx"]["learning_rate"], recipes["pixel-rde"]["learning_rate"]) == (0.7, 0.3)
    other = tiny_study(tmp_path, classifier={"name": "tiny", "normalise": True})
    assert set(objectives_module.compared_objectives(other)["recipe"]) == {"fast", "published"}
    assert objectives_module.compared_inputs(other) == {}


def test_the_candidates_of_the_choice_and_their_phases(tmp_path, monkeypatch):
    short = {"steps": 3, "learning_rate": 0.3}
    candidates = {
        "one": recipe_search.Candidate(short),
        "two": recipe_search.Candidate({**short, "samples": 4}, first=short),
        "constant": recipe_search.Candidate(short, start="constant"),
    }
    monkeypatch.setattr(recipe_search, "CANDIDATES", candidates)
    monkeypatch.setattr(recipe_search, "CHOICE", 2)
    study = tiny_study(tmp_path)
    table = recipe_search.recipe_search_table(study)
    assert table["image"].tolist() == 3 * list(study.images.names[:2])
    method = study.method("cartoonx", **recipe_search.SHARED, **short)
    images = study.images.images[:2]
    one = method.explain(images)
    two = method.with_options(samples=4).explain(images, initial=one.representation_mask)
    constant = method.explain(images, initial=starting_mask("constant", method, images))
    for name, direct in (("one", one), ("two", two), ("constant", constant)):
        sparsity = table[table["recipe"] == name]["sparsity"].tolist()
        # masks are stored in half precision
        assert sparsity == pytest.approx(direct.representation_mask.mean((1, 2)).tolist(), abs=2e-4), name
    assert table.groupby("recipe")["sparsity"].mean().nunique() == 3


def test_the_photographs_of_the_choice_do_not_count():
    images = [f"image {number}" for number in (3, 1, 2, 0)]
    rows = [
        {"image": image, "method": "cartoonx", "recipe": recipe, "objective": factor * (1 + place)}
        for place, image in enumerate(images)
        for recipe, factor in (("published", 1.0), ("study", 5.0 if place < 2 else 1.5))
    ]
    effect = objective_ratio(pd.DataFrame(rows), "cartoonx", "study", without=2)
    assert effect.value == pytest.approx(1.5)
    assert effect.count == 2


def test_recipes_change_the_optimiser_and_not_the_problem(tmp_path):
    study = tiny_study(tmp_path)
    changed = study.method("pixel-rde", **recipe_changes("published")).options
    assert (changed.steps, changed.samples, changed.learning_rate) == (2000, 64, 1e-3)
    own = study.method("pixel-rde").options
    for name in ("sparsity_weight", "distortion", "noise", "clamp", "seed"):
        assert getattr(changed, name) == getattr(own, name)
    measured = step_seconds(study, "pixel-rde", "fast", steps=1, repeats=2)
    assert len(measured) == 2
    assert min(measured) > 0


class TestTables:
    def test_an_up_to_date_table_is_read(self, tmp_path, monkeypatch):
        first = tiny_study(tmp_path).table("curves")
        assert set(first["variant"]) == {"corrected", "published"}
        assert read_provenance("tiny", "curves", root=tmp_path)["wall_seconds"] > 0
        monkeypatch.setattr("helpers.papers.recartoonx.experiments.curves.curve_table", None)
        pd.testing.assert_frame_equal(tiny_study(tmp_path).table("curves"), first)

    def test_a_table_of_other_settings_is_made_anew(self, tmp_path):
        assert len(tiny_study(tmp_path).table("explanations")) == 6
        fewer = {"images": {**PROFILE["images"], "count": 2}}
        assert len(tiny_study(tmp_path, **fewer).table("explanations")) == 4
        assert len(read_table("tiny", "explanations", root=tmp_path)) == 4

    def test_an_unknown_experiment(self, tmp_path):
        with pytest.raises(ValueError, match=r"(?i)the tables are: explanations, curves"):
            tiny_study(tmp_path).table("figure")


class TestCommandLine:
    @pytest.fixture
    def in_a_folder(self, tmp_path, monkeypatch):
        class StudyInFolder(Study):
            def __init__(self, profile, **options):
                assert profile == "quick"
                super().__init__(tiny_profile(), **options)

        monkeypatch.setattr(study_module, "Study", StudyInFolder)
        return tmp_path

    @pytest.mark.parametrize(("command", "table"), [("explanations", "explanations"), ("sweep", "sweep")])
    def test_it_writes_the_table(self, in_a_folder, capsys, command, table):
        main(["table", command, "--profile", "quick", "--results", str(in_a_folder)])
        rows = read_table("tiny", table, root=in_a_folder)
        assert f"{table}.csv: {len(rows)} rows" in capsys.readouterr().out

    def test_an_unknown_experiment(self, capsys):
        with pytest.raises(SystemExit, match=r"(?i)there is no table 'figure'.* the tables are: explanations, curves"):
            main(["table", "figure"])


class TestPublishedValues:
    """Against the digitised numbers, typed here a second time."""

    @pytest.mark.parametrize(
        ("curve", "direction", "percent", "value"),
        [
            ("cartoonx", "keep", 0, 0.704),
            ("cartoonx", "keep", 1, 0.41),
            ("cartoonx", "keep", 50, 0.341),
            ("pixel-rde", "keep", 1, 0.64),
            ("pixel-rde", "keep", 70, 0.456),
            ("random-wavelets", "keep", 80, 0.748),
            ("random-pixels", "keep", 90, 0.508),
            ("cartoonx", "randomise", 1, 0.794),
            ("pixel-rde", "randomise", 5, 0.485),
            ("random-wavelets", "randomise", 8, 0.50),
        ],
    )
    def test_curves(self, curve, direction, percent, value):
        table = published_curves()
        rows = table[(table["curve"] == curve) & (table["direction"] == direction)]
        assert rows[(rows["fraction"] * 100).round(6) == percent]["distortion"].tolist() == [value]

    def test_sweep(self):
        table = published_sweep().pivot(index="sparsity_weight", columns="method")
        assert table.index.tolist() == [4, 8, 16, 32, 64]
        assert table.loc[32, ("distortion", "pixel-rde")] == 0.270
        assert table.loc[4, ("sparsity", "cartoonx")] == 0.011
        assert (table["sparsity"]["pixel-rde"] > table["sparsity"]["cartoonx"]).all()
        assert (table["distortion"].diff().dropna() > 0).all().all()

    def test_seconds_and_settings(self):
        assert published_seconds() == dict(zip(METHODS, (96.0, 75.0), strict=True))
        table = published_settings().set_index("experiment")
        assert (table["steps"] == 2000).all()
        assert (table["λk, CNN"] == 20).all()
        assert table.loc["reproduction", "λk, Pixel RDE"] == 4
        assert table.loc["model agnosticism", "λk, ViT"] == 10
