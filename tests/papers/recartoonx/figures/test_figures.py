"""What the figure notebooks compute and draw: claims by hand, choices by rule, intervals, labels."""

from __future__ import annotations

import math

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch
from curve_rows import curve_rows

from helpers.data.scenes import make_scenes
from helpers.methods.rde.options import RECIPES
from helpers.papers.recartoonx.experiments import METHODS, Study, curve_table, published_curves, sweep_table
from helpers.papers.recartoonx.experiments import study as study_module
from helpers.papers.recartoonx.experiments.study import scene_truth
from helpers.papers.recartoonx.figures.fig1 import draw_photograph_gaps, roughness
from helpers.papers.recartoonx.figures.fig2 import screen, wrong_class_on_kept_part, wrong_class_shares
from helpers.papers.recartoonx.figures.fig3 import draw_curves_and_sweep, draw_hypothesis, draw_relative_curves
from helpers.papers.recartoonx.figures.pictures import PictureGroup, pictures_of
from helpers.papers.recartoonx.figures.runtime import (
    draw_seconds,
    objective_comparison,
    paper_hours,
    recipe_seconds,
)
from helpers.papers.recartoonx.figures.summaries import (
    compare_with_published,
    curve_summary,
    figure_three,
    recipe_line,
    sweep_summary,
)
from helpers.papers.recartoonx.figures.tab1 import PAPER, settings_table
from helpers.papers.recartoonx.measures.selection import (
    area_under_curve,
    chosen_variant,
    curve_values,
    largest_gaps,
    relative_gap,
    win_rate,
)
from helpers.profiles import load_profile
from helpers.reporting.committed import committed_table
from helpers.reporting.made import how_it_was_made
from helpers.reporting.pictures import draw_groups
from helpers.reporting.words import join_words, show_table
from helpers.results import write_table
from tests.papers.recartoonx.experiments.test_experiments import PROFILE, tiny_classifier, tiny_profile

FRACTIONS = (0.0, 0.05, 0.1, 0.5, 1.0)
# distortions with so much kept, by curve and image; those of "randomise" are the same the other way round
KEPT = {
    "cartoonx": {"a": (0.8, 0.2, 0.2, 0.3, 0.0), "b": (0.8, 0.4, 0.4, 0.5, 0.0)},
    "pixel-rde": {"a": (0.8, 0.6, 0.4, 0.4, 0.0), "b": (0.8, 0.2, 0.2, 0.1, 0.0)},
}


@pytest.fixture(autouse=True)
def nothing_is_left_behind(monkeypatch):
    """No open figure and no changed default after any test here; no weights are read."""
    monkeypatch.setattr(study_module, "load_classifier", lambda **_: tiny_classifier())
    with mpl.rc_context():
        before = dict(mpl.rcParams)
        yield
        assert plt.get_fignums() == []
        assert dict(mpl.rcParams) == before


def curves(variant="corrected"):
    return curve_rows(KEPT, FRACTIONS, variant).assign(standard_error=0.01)


def sweep(l2_factor=3.0):
    rows = []
    for image, scale in (("a", 1.0), ("b", 2.0)):
        for method, base in (("cartoonx", 0.01), ("pixel-rde", 0.03)):
            for optimised_with, factor in (("label", 1.0), ("l2", l2_factor)):
                for weight in (4.0, 16.0):
                    kept = scale * base * factor / weight
                    rows.append((image, method, optimised_with, weight, kept, 0.1 * weight, 0.01, 0.2 * weight))
    columns = ["image", "method", "optimised_with", "sparsity_weight", "sparsity"]
    return pd.DataFrame(rows, columns=[*columns, "distortion", "standard_error", "distortion_one_draw"])


class TestChoices:
    def test_the_gap_is_in_order(self):
        # trapezia over 0, 5 and 10 %: CartoonX 0.35 and 0.5, Pixel RDE 0.6 and 0.35, each of a full noise of 0.8
        gap = relative_gap(curves())
        assert gap.index.tolist() == ["a", "b"]
        assert gap.tolist() == pytest.approx([-0.25 / 0.8, 0.15 / 0.8])

    def test_a_method_with_weaker_noise_has_no_head_start(self):
        table = curves()
        table.loc[table["curve"] == "cartoonx", "distortion"] *= 0.5
        assert relative_gap(table).tolist() == pytest.approx(relative_gap(curves()).tolist())

    def test_an_image_that_noise_does_not_change_has_no_gap(self):
        table = curves()
        table.loc[table["image"] == "a", "distortion"] *= 0.1
        assert relative_gap(table).isna().tolist() == [False, True]
        assert win_rate(relative_gap(table)).isna().tolist() == [False, True]

    def test_wins(self):
        gap = pd.Series({"a": -0.1, "b": 0.2, "c": 0.0, "d": -0.3})
        assert win_rate(gap).tolist() == [1, 0, 0.5, 1]

    def test_variants_are_not_mixed(self):
        with pytest.raises(ValueError, match="several variants"):
            area_under_curve(pd.concat([curves(), curves("published")]), "cartoonx", "keep")
        with pytest.raises(ValueError, match=r"no curves of the variant 'published'.*corrected"):
            chosen_variant(curves(), "published")

    def test_a_curve_that_is_not_there(self):
        with pytest.raises(ValueError, match=r"no curve 'random-pixels'.*cartoonx, pixel-rde"):
            curve_values(curves(), "random-pixels", "keep")

    def test_too_few_fractions(self):
        with pytest.raises(ValueError, match="fewer than two fractions"):
            area_under_curve(curves().query("fraction > 0.08"), "cartoonx", "keep")

    def test_roughness(self):
        picture = torch.zeros(3, 1, 4, 4)
        picture[0, 0, 1, 1] = 0.5  # a dot: four edges of 0.5, and a sum of 0.5
        picture[1, 0, :, :2] = 1.0  # a half: four edges of 1, and a sum of 8
        assert roughness(picture)[:2].tolist() == [4.0, 0.5]
        assert roughness(picture)[2].isnan(), "black"

    def test_extremes_have_the_right_sign(self):
        gap = pd.Series({"a": -0.3, "b": -0.1, "c": 0.0, "d": 0.2, "e": -0.2, "f": 0.1})
        assert largest_gaps(gap, 2) == (["a", "e"], ["d", "f"])
        assert largest_gaps(gap, 9) == (["a", "e", "b"], ["d", "f"])
        assert largest_gaps(pd.Series({"a": 0.1})) == ([], ["a"])

    def test_truth_of_a_profile(self):
        profile = tiny_profile()
        truth = scene_truth(profile.images)
        assert torch.equal(truth.images, study_module.load_images(profile.images).images)
        assert scene_truth(load_profile("gallery").images) is None


class TestMisclassified:
    def test_the_first_wrong_ones_are_kept(self, tmp_path):
        study = Study(tiny_profile(), root=tmp_path)
        found = screen(study, most=100, keep=3)
        scenes = make_scenes(found.classified, size=32, seed=5)
        classes = study.classifier.predict(scenes.images)[0]
        rows = torch.nonzero(classes != scenes.label)[:, 0]
        assert found.wrong == len(rows)
        assert torch.equal(found.images.images, scenes.images[rows[:3]])
        assert torch.equal(found.predictions, classes[rows[:3]])
        assert torch.equal(found.truth.object_masks, scenes.object_masks[rows[:3]])
        assert found.images.names == tuple(f"scene-5-{row:05d}" for row in rows[:3].tolist())

    def test_none_where_the_classifier_is_always_right(self, tmp_path, monkeypatch):
        study = Study(tiny_profile(), root=tmp_path)
        truth = {image.numpy().tobytes(): label for image, label in zip(*_first(70), strict=True)}

        def predict(images):
            labels = torch.stack([truth[image.contiguous().numpy().tobytes()] for image in images])
            return labels, torch.ones(len(images))

        monkeypatch.setattr(type(study.classifier), "predict", lambda _, images: predict(images))
        assert screen(study, most=70, keep=3) is None

    def test_scores_and_shares(self, tmp_path):
        study = Study(tiny_profile(), root=tmp_path)
        found = screen(study, most=100, keep=2)
        wrong = Study(study.profile, root=tmp_path, images=found.images)
        explanation = wrong.explain("pixel-rde")
        table = wrong_class_on_kept_part(found, explanation, wrong)
        likeliest = wrong.classifier(explanation.kept).argmax(-1)
        assert table["repeated"].tolist() == (likeliest == found.predictions).tolist()
        shares = wrong_class_shares(found, explanation.mask)
        for place, row in enumerate(shares.itertuples()):
            there = bool((found.truth.object_classes[place] == found.predictions[place]).any())
            assert row.predicted_class_is_there == there
            assert math.isnan(row.area_predicted) == (not there)

    def test_photographs_are_scored_by_what_the_classifier_says_of_the_kept_part(self, tmp_path):
        settings = {"source": "gallery", "size": 32, "count": 2}
        study = Study(tiny_profile(images=settings, curves={**PROFILE["curves"], "images": 2}), root=tmp_path)
        assert screen(study) is None, "the gallery has no labels"
        images = study.images
        wrong = (study.predictions[0] + 1) % 5
        labelled = type(images)(images.names, images.images, wrong, images.digests, images.licence)
        study = Study(study.profile, root=tmp_path, images=labelled)
        found = screen(study)
        assert (found.classified, found.wrong, found.truth) == (2, 2, None)
        explanation = study.explain("cartoonx")
        scores = wrong_class_on_kept_part(found, explanation, study)["wrong_class"]
        expected = study.classifier(explanation.kept).softmax(-1)[torch.arange(2), found.predictions]
        assert scores.tolist() == pytest.approx(expected.tolist())
        with pytest.raises(ValueError, match="photographs"):
            wrong_class_shares(found, explanation.mask)


def _first(count):
    scenes = make_scenes(count, size=32, seed=5)
    return scenes.images, scenes.label


class TestSummaries:
    def test_means_and_standard_errors_over_images(self):
        row = curve_summary(curves()).query("curve == 'cartoonx' and direction == 'keep' and fraction == 0.5").iloc[0]
        assert row["mean"] == pytest.approx(0.4)
        assert row["standard_error"] == pytest.approx(np.std([0.3, 0.5], ddof=1) / math.sqrt(2))
        assert row["images"] == 2
        weights = sweep_summary(sweep()).query("quantity == 'distortion_one_draw'")
        assert sorted(weights["mean"].unique()) == pytest.approx([0.8, 3.2])

    def test_figure_three_is_tidy(self):
        table = figure_three(pd.concat([curves(), curves("published")]), sweep())
        assert set(table["panel"]) == {"keep", "randomise", "distortion", "sparsity"}
        assert set(table["variant"]) == {"corrected", "published", "corrected-l2", "published-l2"}
        assert not table.duplicated(["panel", "variant", "curve", "x"]).any()

    def test_published_values_stand_beside_ours(self):
        table = compare_with_published(curves(), (5, 10, 50))
        row = table.query("curve == 'cartoonx' and direction == 'keep' and percent == 5").iloc[0]
        assert row["published"] == 0.263
        assert row["mean"] == pytest.approx(0.3)
        assert set(table["percent"]) == {5, 10, 50}


class TestDrawings:
    def test_four_panels(self):
        both = pd.concat([curves(), curves("published")])
        figure = draw_curves_and_sweep(both, sweep())
        assert len(figure.axes) == 4
        left, _, distortion, kept = figure.axes
        assert [axes.get_yscale() for axes in (left, distortion, kept)] == ["linear", "linear", "log"]
        assert "λk" in kept.get_xlabel()
        ours = next(line for line in left.lines if line.get_label() == "CartoonX")
        assert ours.get_ydata().tolist() == pytest.approx([0.8, 0.3, 0.3, 0.4, 0.0])
        theirs = next(line for line in left.lines if line.get_label() == "CartoonX, published")
        published = published_curves().query("curve == 'cartoonx' and direction == 'keep'")
        assert theirs.get_ydata().tolist() == published["distortion"].tolist()
        assert not left.collections, "two images have no band"
        single = [line.get_ydata().tolist() for line in left.lines if line.get_alpha() is not None]
        assert sorted(single) == sorted(list(v) for images in KEPT.values() for v in images.values())
        labels = [text.get_text() for text in figure.legends[0].get_texts()]
        assert {"CartoonX", "Pixel RDE", "random wavelets", "random pixels"} < set(labels)

    def test_many_images_have_a_band(self):
        many = pd.concat([curves().assign(image=lambda rows, n=n: rows["image"] + str(n)) for n in range(3)])
        left = draw_curves_and_sweep(many, sweep()).axes[0]
        assert len(left.collections) == 2, "a band per method"

    def test_the_published_variant_has_one_noise_draw(self):
        both = pd.concat([curves(), curves("published")])
        lines = [
            next(
                line
                for line in draw_curves_and_sweep(both, sweep(), variant).axes[2].lines
                if line.get_label() == "CartoonX"
            )
            for variant in ("corrected", "published")
        ]
        assert [line.get_ydata().tolist() for line in lines] == [[0.4, 1.6], [0.8, 3.2]]

    def test_curves_relative_to_their_own_noise(self):
        table = curves()
        for curve, method in (("random-wavelets", "cartoonx"), ("random-pixels", "pixel-rde")):
            table = pd.concat([table, table[table["curve"] == method].assign(curve=curve)])
        keep = draw_relative_curves(table).axes[0]
        ours = next(line for line in keep.lines if line.get_label() == "CartoonX")
        assert ours.get_ydata().tolist() == pytest.approx([1.0, 0.375, 0.375, 0.5, 0.0])

    def test_gaps_as_bars(self):
        figure = draw_photograph_gaps(curves())
        assert [bar.get_height() for bar in figure.axes[0].patches] == pytest.approx([-0.3125, 0.1875])

    def test_the_hypothesis(self):
        figure = draw_hypothesis(sweep())
        assert [axes.get_title() for axes in figure.axes] == ["CartoonX", "Pixel RDE"]
        l2, label = (
            next(line for line in figure.axes[0].lines if line.get_label() == f"ours, optimised with {name}")
            for name in ("l2", "label")
        )
        assert l2.get_ydata() / label.get_ydata() == pytest.approx(3.0)

    def test_groups_of_pictures(self):
        images = torch.rand(3, 3, 8, 8, generator=torch.Generator().manual_seed(0))
        grey = images.mean(1, keepdim=True)
        group = PictureGroup("left", ("one", "two\nlines"), images[:2], grey[:2], grey[:2])
        other = PictureGroup("right", ("three",), images[2:], grey[2:], grey[2:])
        empty = PictureGroup("none", (), images[:0], grey[:0], grey[:0])
        figure = draw_groups([group, other, empty])
        assert [axes.get_title() for axes in figure.axes if axes.get_title()] == ["one", "two\nlines", "three"]
        assert {text.get_text() for text in figure.texts} == {"left", "right", "image", "CartoonX", "Pixel RDE"}
        assert len(figure.axes) == 9
        drawn = np.asarray(figure.axes[6].images[0].get_array())  # the first of the second group
        assert drawn == pytest.approx(images[2].permute(1, 2, 0).numpy())
        with pytest.raises(ValueError, match="no group has an image"):
            draw_groups([empty])

    def test_pictures_of_a_study(self, tmp_path):
        study = Study(tiny_profile(), root=tmp_path)
        group = pictures_of(study, study.images.select(study.images.names[1]), "one", ["title"])
        explanation = study.explain("cartoonx")
        cartoon = study.method("cartoonx").cartoon(study.images.images, explanation)[1:2]
        torch.testing.assert_close(group.cartoons, cartoon)
        torch.testing.assert_close(group.masks, study.explain("pixel-rde").mask[1:2])
        with pytest.raises(ValueError, match="2 titles were given for 1 images"):
            pictures_of(study, study.images[:1], "one", ["a", "b"])

    def test_real_tables_can_be_drawn(self, tmp_path):
        study = Study(tiny_profile(), root=tmp_path)
        table, weights = curve_table(study), sweep_table(study)
        draw_curves_and_sweep(table, weights).canvas.draw()


class TestRunningTime:
    def test_rows_and_bars(self, tmp_path, monkeypatch):
        monkeypatch.setattr("helpers.papers.recartoonx.figures.runtime.step_seconds", lambda *_, **__: [0.5, 0.1, 0.2])
        study = Study(tiny_profile(), root=tmp_path)
        for method in METHODS:
            study.explain(method)
        table = recipe_seconds(study)
        assert table["recipe"].tolist() == ["paper", "published", "fast", "profile tiny"] * 2
        seconds = table.set_index(["method", "recipe"])["seconds"]
        assert seconds["cartoonx", "paper"] == pytest.approx(96)
        assert seconds["pixel-rde", "paper"] == pytest.approx(75)
        assert seconds["cartoonx", "published"] == pytest.approx(0.1 * 2000), "the fastest step, 2000 times"
        assert seconds["cartoonx", "fast"] == pytest.approx(0.1 * RECIPES["fast"].steps)
        assert seconds["pixel-rde", "profile tiny"] == pytest.approx(np.mean(study.seconds("pixel-rde")))
        figure = draw_seconds(table)
        assert [axes.get_title() for axes in figure.axes] == ["CartoonX", "Pixel RDE"]
        assert [bar.get_width() for bar in figure.axes[1].patches] == pytest.approx(list(seconds["pixel-rde"]))
        assert "Titan RTX" in figure.axes[0].get_yticklabels()[0].get_text()

    def test_objectives_are_compared_image_by_image(self):
        rows = [
            ("a", "published", 0.10, 100.0),
            ("b", "published", 0.30, 300.0),
            ("a", "fast", 0.11, 1.0),
            ("b", "fast", 0.31, 3.0),
        ]
        table = pd.DataFrame(rows, columns=["image", "recipe", "objective", "seconds"]).assign(method="pixel-rde")
        result = objective_comparison(table)
        row = result.iloc[0]
        assert (row["published"], row["fast"]) == pytest.approx((0.2, 0.21))
        assert row["published_seconds"] / row["fast_seconds"] == pytest.approx(100)

    def test_the_papers_hours_follow_from_its_seconds(self):
        table = paper_hours().set_index("experiment")
        assert table.loc["reproduction", "hours"] == pytest.approx(28.5)
        assert table["hours"].dropna().to_numpy() == pytest.approx(table["stated"][table["hours"].notna()], abs=0.11)


class TestSettings:
    def test_the_paper_profile_is_the_papers(self):
        table = settings_table([load_profile("paper")])
        assert table["differs"].tolist() == [""] * len(PAPER)
        assert table["changes"].tolist() == [""] * len(PAPER)

    def test_differences_are_found_and_explained(self):
        profile = tiny_profile()
        table = settings_table([profile, load_profile("paper")]).set_index("setting")
        assert table.loc["steps", "tiny"] == "3"
        assert table.loc["steps", "differs"] == "tiny"
        assert table.loc["λk, CartoonX", "differs"] == ""
        assert table.loc["wavelet", "tiny"] == "db3, 2 levels, zero"
        assert (table[table["differs"] != ""]["changes"] != "").all()

    def test_methods_with_different_options(self):
        profile = tiny_profile(pixel_rde={**PROFILE["pixel_rde"], "steps": 7})
        table = settings_table([profile]).set_index("setting")
        assert table.loc["steps", "tiny"] == "3 (CartoonX), 7 (Pixel RDE)"

    def test_a_recipe_in_a_line(self):
        assert recipe_line(RECIPES["published"]).startswith("2000 steps")
        assert "both signs" in recipe_line(RECIPES["published"].with_options(antithetic=True))


class TestWords:
    def test_lists(self):
        assert [join_words(items) for items in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == [
            "",
            "a",
            "a and b",
            "a, b and c",
        ]

    def test_tables_for_the_page(self):
        frame = pd.DataFrame({"name": ["<b>x</b>", "y"], "value": [0.12345, np.nan]})
        html = show_table(frame, {"value": "height"}, decimals=2).data
        assert "height" in html
        assert "0.12" in html
        assert "–" in html
        assert "&lt;b&gt;" in html
        assert "<b>x</b>" in show_table(frame, escape=False).data


def test_the_box_tells_where_numbers_come_from(tmp_path):
    study = Study(tiny_profile(), root=tmp_path)
    study.write(pd.DataFrame({"a": [1]}), "numbers", wall_seconds=12.3)
    box = how_it_was_made("tiny", "numbers", root=tmp_path, an_addition="here").set_index("what")["value"]
    assert "seed 0" in box["profile"]
    assert study.profile.digest[:12] in box["profile"]
    assert box["images"] == "3"
    assert box["classifier's weights"] == study.classifier.digest[:12]
    assert box["computing time"].startswith("12 s")
    assert box["an addition"] == "here"


def test_committed_tables(tmp_path):
    assert committed_table("study", "curves", root=tmp_path) is None
    write_table(curves(), "study", "curves", {}, root=tmp_path)
    pd.testing.assert_frame_equal(committed_table("study", "curves", root=tmp_path), curves())
    path = tmp_path / "study" / "curves.csv"
    path.write_text(path.read_text().replace("0.8", "0.7"))
    with pytest.raises(ValueError, match="was changed"):
        committed_table("study", "curves", root=tmp_path)
