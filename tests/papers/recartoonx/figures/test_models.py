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
    choose_examples,
    draw_examples,
    draw_summary,
    object_regions,
    relevance_mass_accuracies,
    summary_table,
    with_objects,
)
from helpers.papers.recartoonx.figures.fig5 import (
    compare_with_published,
    draw_normalised,
    left_out,
    normalise_published,
    normalised_summary,
)
from helpers.papers.recartoonx.figures.fig7 import (
    draw_weight_curves,
    draw_weights,
    sweep_titles,
    weight_group,
    weight_slider,
    weight_summary,
)
from helpers.papers.recartoonx.measures.transformer import by_explanation, normalise_corrected
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


BRIGHT = {"a": (0.9, 0.8), "b": (0.6, 0.0), "c": (0.4, 0.3), "d": (0.7, 0.01)}


class TestSideBySide:
    def test_examples_are_chosen_by_brightness(self):
        assert choose_examples(explained(BRIGHT)) == (["a", "c"], ["d", "b"])
        assert choose_examples(explained(BRIGHT), 1) == (["a"], ["d"])
        assert choose_examples(explained(BRIGHT, right=False)) == ([], [])
        assert choose_examples(explained({"a": (0.5, 0.6)})) == (["a"], [])

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
        table = with_objects(study, transformer_table(study))
        areas = table.set_index(["explanation", "image"])["area"]["rollout"]
        assert areas.tolist() == pytest.approx(regions["rollout"].float().mean((1, 2, 3)).tolist())

    def test_photographs_have_no_objects(self, tmp_path):
        photographs = models_profile(images={"source": "gallery", "size": 32, "count": 3})
        study = Study(photographs, root=tmp_path)
        assert object_regions(study) is None
        assert with_objects(study, explained(BRIGHT)).equals(explained(BRIGHT))

    def test_points_on_either_side_of_the_diagonal(self):
        kept, bright = draw_summary(explained(BRIGHT)).axes
        assert kept.collections[0].get_offsets()[:, 0].tolist() == pytest.approx([0.018, 0.012, 0.008, 0.014])
        assert bright.collections[0].get_offsets()[:, 1].tolist() == pytest.approx([0.8, 0.0, 0.3, 0.01])

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
        assert len(figure.axes) == 2
        drawn = figure.axes[0].lines[0]
        assert drawn.get_ydata().tolist() == pytest.approx([100, 75, 25, 0])
        assert plt.get_fignums() == []
        beside = compare_with_published(summary, percents=(5, 10)).set_index(["direction", "curve", "at"])
        assert beside.loc[("keep", "cnn", 5), "paper"] == 41
        assert beside.loc[("keep", "vit", 10), "ours, corrected"] == pytest.approx(25)

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
