"""Figures 4, 5 and 7: choices by rule, normalisations by hand, claims by hand."""

from __future__ import annotations

import math

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch
from IPython.display import Markdown
from matplotlib.figure import Figure
from scipy import stats

from helpers.data.scenes import make_scenes
from helpers.metrics.truth_scores import region_of_class
from helpers.papers.recartoonx.experiments import Study, transformer_curve_table, transformer_sweep, transformer_table
from helpers.papers.recartoonx.figures.fig4 import (
    by_explanation,
    choose_examples,
    draw_examples,
    object_claims,
    object_regions,
    relevance_mass_accuracies,
    side_by_side_claims,
    summary_table,
)
from helpers.papers.recartoonx.figures.fig5 import (
    agnosticism_claims,
    compare_with_published,
    draw_normalised,
    left_out,
    normalise_corrected,
    normalise_published,
    normalised_summary,
)
from helpers.papers.recartoonx.figures.fig7 import (
    draw_weight_curves,
    draw_weights,
    sweep_titles,
    weight_claims,
    weight_group,
    weight_slider,
    weight_summary,
)
from helpers.reporting.words import claim_table
from tests.papers.recartoonx.experiments.test_transformer import models_profile, no_files_of_weights  # noqa: F401  a fixture


@pytest.fixture
def study(tmp_path):
    return Study(models_profile(), root=tmp_path)


def explained(brightness, right=True):
    """A table of Figure 4: for each image the brightness of the CNN's and the transformer's cartoon."""
    rows = []
    for image, (cnn, vit) in brightness.items():
        for name, bright in (("cnn", cnn), ("vit", vit), ("rollout", math.nan)):
            rows.append(
                {
                    "image": image,
                    "explanation": name,
                    "prediction": 1,
                    "confidence": 0.9,
                    "both_correct": right,
                    "sparsity": 0.02 * cnn if name == "cnn" else 0.01,
                    "brightness": bright,
                    "correlation_rollout": {"cnn": 0.1, "vit": 0.4, "rollout": 1.0}[name],
                }
            )
    return pd.DataFrame(rows)


def twice(images, copies=2):
    """The images several times under other names: six or more decide."""
    return {f"{name}{copy}": values for name, values in images.items() for copy in range(copies)}


BRIGHT = {"a": (0.9, 0.8), "b": (0.6, 0.0), "c": (0.4, 0.3), "d": (0.7, 0.01)}


class TestSideBySide:
    def test_examples_are_chosen_by_brightness(self):
        assert choose_examples(explained(BRIGHT)) == (["a", "c"], ["d", "b"])
        assert choose_examples(explained(BRIGHT), 1) == (["a"], ["d"])
        assert choose_examples(explained(BRIGHT, right=False)) == ([], [])
        assert choose_examples(explained({"a": (0.5, 0.6)})) == (["a"], [])

    def test_claims(self):
        sparser, black, like, more = side_by_side_claims(explained(twice(BRIGHT)))
        # the CNN keeps 0.018, 0.012, 0.008 and 0.014, the transformer 0.01 each
        assert sparser.effect.value == 0.75
        assert black.effect.value == 0.5
        assert like.effect.value == pytest.approx(0.4)
        assert more.effect.value == pytest.approx(0.3)
        assert [claim.outcome for claim in (like, more)] == ["held", "held"]

    def test_summary(self):
        table = summary_table(explained(BRIGHT)).set_index("explanation")
        assert table.loc["CartoonX, ViT", "black"] == "2 of 4"
        assert table.loc["rollout, ViT", "brightness"] == "–"

    def test_relevance_on_the_object(self, study):
        regions = object_regions(study)
        scenes = make_scenes(2, size=40, seed=5)
        expected = region_of_class(scenes, study.with_transformer().predictions[0])
        assert torch.equal(regions["rollout"], expected)
        whole = {name: torch.ones_like(region) for name, region in regions.items()}
        assert all(
            share.tolist() == pytest.approx([1, 1]) for share in relevance_mass_accuracies(study, whole).values()
        )
        for claim in object_claims(relevance_mass_accuracies(study, whole), whole):
            assert claim.effect.value == pytest.approx(0.0, abs=1e-6), "all relevance on all of the image"

    def test_photographs_have_no_objects(self, tmp_path):
        photographs = models_profile(images={"source": "gallery", "size": 32, "count": 3})
        assert object_regions(Study(photographs, root=tmp_path)) is None

    def test_the_figure(self, study):
        table = transformer_table(study)
        assert isinstance(draw_examples(study, table.assign(both_correct=False)), Markdown)
        figure = draw_examples(study, table.assign(both_correct=True), 1)
        assert isinstance(figure, Figure)
        names = {text.get_text() for text in figure.texts}
        assert {"image", "CartoonX, CNN", "CartoonX, ViT", "rollout, ViT"} <= names
        assert by_explanation(table, "sparsity").shape == (2, 3)


FRACTIONS = (0.0, 0.05, 0.1, 1.0)


def curves(keep, randomise, variant="corrected"):
    """A table of Figure 5, every curve with the same values: by image, at the four fractions."""
    rows = [
        (image, curve, direction, fraction, value)
        for curve in ("cnn", "vit", "rollout", "random-wavelets", "random-pixels")
        for direction, images in (("keep", keep), ("randomise", randomise))
        for image, values in images.items()
        for fraction, value in zip(FRACTIONS, values, strict=True)
    ]
    table = pd.DataFrame(rows, columns=["image", "curve", "direction", "fraction", "distortion"])
    return table.assign(standard_error=0.0, variant=variant)


KEEP = {"a": (0.8, 0.4, 0.2, 0.0), "b": (0.4, 0.4, 0.1, 0.0)}
RANDOMISE = {"a": (0.0, 0.6, 0.8, 0.8), "b": (0.0, 0.1, 0.5, 0.4)}


class TestNormalised:
    def test_corrected_divides_each_image_by_its_own_noise(self):
        table = normalise_corrected(curves(KEEP, RANDOMISE)).query("curve == 'vit'")
        values = table.pivot(index=["direction", "image"], columns="fraction", values="distortion")
        assert values.loc[("keep", "a")].tolist() == pytest.approx([100, 50, 25, 0])
        assert values.loc[("keep", "b")].tolist() == pytest.approx([100, 100, 25, 0])
        assert values.loc[("randomise", "b")].tolist() == pytest.approx([0, 25, 125, 100])

    def test_an_image_that_noise_does_not_change_is_left_out(self):
        small = {**KEEP, "c": (0.05, 0.3, 0.0, 0.0)}
        table = curves(small, {**RANDOMISE, "c": (0.0, 0.0, 0.0, 0.05)})
        assert set(normalise_corrected(table)["image"]) == {"a", "b"}
        assert left_out(table) == 1
        assert left_out(curves(KEEP, RANDOMISE)) == 0

    def test_published_divides_the_mean(self):
        values = normalise_published(curves(KEEP, RANDOMISE)).query("curve == 'vit'").set_index("direction")["mean"]
        assert values["keep"].tolist() == pytest.approx([100, 100 * 0.4 / 0.6, 25, 0])
        assert values["randomise"].tolist() == pytest.approx([0, 100 * 0.35 / 0.6, 100 * 0.65 / 0.6, 100])

    def test_the_published_rule_has_no_answer_for_an_overshoot(self):
        overshoot = {"a": (0.0, 0.9, 0.8, 0.6)}
        rows = normalise_published(curves(KEEP, overshoot)).query("direction == 'randomise'")
        assert rows["mean"].isna().all()

    def test_summary_and_drawing(self):
        table = pd.concat([curves(KEEP, RANDOMISE), curves(KEEP, RANDOMISE, "published")])
        summary = normalised_summary(table)
        row = summary.query("variant == 'corrected' and curve == 'cnn' and direction == 'keep' and fraction == 0.05")
        assert row["mean"].item() == pytest.approx(75)
        ends = stats.ttest_1samp([50, 100], 0).confidence_interval()
        assert (row["low"].item(), row["high"].item()) == pytest.approx((ends.low, ends.high))
        figure = draw_normalised(summary)
        assert len(figure.axes) == 4
        drawn = figure.axes[0].lines[0]
        assert drawn.get_ydata().tolist() == pytest.approx([100, 75, 25, 0])
        assert plt.get_fignums() == []
        beside = compare_with_published(summary, percents=(5, 10)).set_index(["direction", "curve", "at"])
        assert beside.loc[("keep", "cnn", 5), "paper"] == 41
        assert beside.loc[("keep", "vit", 10), "ours, corrected"] == pytest.approx(25)

    def test_claims_compare_within_images(self):
        table = curves(twice(KEEP, 3), twice(RANDOMISE, 3))
        better = table["curve"].eq("vit") & table["direction"].eq("keep") & table["fraction"].eq(0.05)
        table.loc[better, "distortion"] = 0.0
        claims = agnosticism_claims(table)
        # at 5 % the transformer has 0 where all others have 50 and 100: over the first tenth half of that, by trapezia
        assert claims[0].effect.value == pytest.approx(-(25 + 50) / 2)
        assert claims[0].outcome == "held"
        assert claims[2].effect.value == pytest.approx((25 + 50) / 2)
        assert claims[2].outcome == "did not hold"
        assert claims[1].outcome == "is undecided"

    def test_a_curve_without_images_decides_nothing(self):
        table = curves(KEEP, RANDOMISE)
        table.loc[table["curve"] == "rollout", "distortion"] = 0.0
        outcomes = claim_table(agnosticism_claims(table)).set_index("claim")["effect [95 % interval]"]
        assert outcomes["the rollout does better than pixels in random order"] == "no image"

    def test_a_real_table(self, study):
        summary = normalised_summary(transformer_curve_table(study))
        assert np.nanmax(summary["images"]) == 2
        draw_normalised(summary).canvas.draw()


def prices():
    rows = []
    for image, scale in (("a", 1.0), ("b", 2.0)):
        for weight in (2.0, 20.0, 200.0):
            rows.append((image, "vit", weight, scale * 0.1 / weight, 0.01 * weight, 1 / weight, 0.5, 0.4))
        for weight in (4.0, 16.0):
            rows.append((image, "cnn", weight, scale * 0.1 / weight**0.5, 0.1, 0.5, 0.3, 0.6))
    columns = ["image", "model", "sparsity_weight", "sparsity", "distortion", "brightness", "objective"]
    return pd.DataFrame(rows, columns=[*columns, "empty_objective"])


class TestPrices:
    def test_sensitivity_is_a_slope(self):
        table = prices()
        black, slope = weight_claims(pd.concat([table.assign(image=table["image"] + str(copy)) for copy in range(3)]))
        assert slope.effect.value == pytest.approx(-1 - -0.5)
        assert slope.outcome == "held"
        # brightness 0.5, 0.05 and 0.005: only the last is black
        assert black.effect.value == 1.0

    def test_an_empty_mask_has_a_finite_slope(self):
        table = prices()
        table.loc[table["sparsity_weight"] == 200, "sparsity"] = 0.0
        assert math.isfinite(weight_claims(table)[1].effect.value)

    def test_table(self):
        table = weight_summary(prices()).set_index(["model", "λk"])
        assert table.loc[("ViT", "200"), "black"] == "2 of 2"
        assert table.loc[("ViT", "2"), "black"] == "0 of 2"
        assert table.loc[("ViT", "2"), "empty is as good"] == "2 of 2"
        assert table.loc[("CNN", "4"), "empty is as good"] == "0 of 2"

    def test_pictures_and_slider(self, study):
        sweep = transformer_sweep(study)
        group = weight_group(study, sweep_titles(study, sweep))
        assert [row.name for row in group.rows] == ["image", "λk = 2", "λk = 7"]
        vit = study.with_transformer()
        expected = vit.method("cartoonx").cartoon(vit.images.images, vit.explain("cartoonx", sparsity_weight=2.0))
        torch.testing.assert_close(group.rows[1].pictures, expected)
        assert [frame.value for frame in weight_slider(group).frames] == ["2", "7"]
        assert len(draw_weights(group).axes) == 6
        figure = draw_weight_curves(sweep)
        assert [axes.get_title() for axes in figure.axes] == ["‖s‖₁/k", "distortion", "brightness of the cartoon"]
