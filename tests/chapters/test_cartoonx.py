"""The scores and drawings of the chapter on CartoonX."""

from __future__ import annotations

import pandas as pd
import pytest
import torch
from tiny import TinyClassifier, named, smooth_images

from helpers.chapters.cartoonx.drawings import (
    draw_explanation,
    draw_invented_edges,
    draw_pyramid,
    draw_scenes,
    draw_scores,
    explain_class,
)
from helpers.chapters.cartoonx.scores import kept_per_scale, mask_scores
from helpers.chapters.cartoonx.sharpness import MEASURES, invented_share, sharpness, sharpness_summary
from helpers.chapters.kept_part import kept_probabilities
from helpers.core.explanation import Explanation
from helpers.methods.rde import CartoonX, PixelRDE, Wavelets

SIZE = 32


def test_an_explanation_that_keeps_all():
    images, classifier = smooth_images(3, SIZE), TinyClassifier()
    representation = Wavelets((SIZE, SIZE), levels=2)
    everything = torch.ones_like(representation.analyse(images)[:, :1])
    explanation = Explanation(
        mask=torch.ones(3, 1, SIZE, SIZE),
        kept=images,
        targets=classifier(images).argmax(1),
        representation_mask=everything,
    )
    table = sharpness(classifier, images, explanation, representation)
    assert list(table.columns) == list(MEASURES)
    expected = dict.fromkeys(("rate", "brightness", "probability"), 100.0)
    expected |= dict.fromkeys(("cp_pixels", "cp_coefficients", "cp_entropy"), 1.0)
    expected |= {"hallucination": 0.0, "invented": 0.0}
    for name, value in expected.items():
        assert table[name].tolist() == pytest.approx([value] * 3, abs=1e-3), name


def test_the_share_of_invented_edges_does_not_fall_when_less_is_shown():
    images, kept = torch.zeros(2, 3, SIZE, SIZE), torch.zeros(2, 3, SIZE, SIZE)
    images[..., 4:12, 4:12] = 1
    kept[0, :, 20:28, 20:28] = 1  # all that is shown is invented
    assert invented_share(images, kept)[0] == 1
    assert invented_share(images, kept)[1].isnan()  # nothing is shown
    kept[1, :, 4:12, 4:12] = 0.5
    assert invented_share(images, kept)[1] == 0


def test_the_difference_is_paired():
    first = pd.DataFrame({name: [1.0, 2.0, 4.0] for name in MEASURES})
    table = sharpness_summary({"a": first, "b": first + 1})
    assert list(table["measure"]) == list(MEASURES.values())
    assert {text.removeprefix("1.0").removeprefix("1") for text in table["difference"]} == {" [all 3 equal]"}
    # Student: 2.33 ± 4.30 · 0.88; a measure that cannot be negative ends at 0
    assert set(table["a"]) == {"2 [−1, 6]", "2.3 [0.0, 6.1]"}
    with pytest.raises(ValueError, match="needs two tables, not 1"):
        sharpness_summary({"a": first})


@pytest.fixture(scope="module")
def method():
    return CartoonX(named(TinyClassifier(), SIZE), levels=2, steps=3, samples=2, learning_rate=0.3)


@pytest.fixture(scope="module")
def explanation(method):
    return method.explain(smooth_images(2, SIZE))


class TestScores:
    def test_a_mask_of_ones_distorts_nothing_and_covers_the_region_by_its_area(self):
        images = smooth_images(2, SIZE)
        problem = PixelRDE(TinyClassifier()).problem(images)
        ones = torch.ones(2, 1, SIZE, SIZE)
        region = torch.zeros(2, 1, SIZE, SIZE, dtype=torch.bool)
        region[..., : SIZE // 4] = True
        everything = Explanation(ones, images, problem.measure.targets, representation_mask=ones.flatten(2))
        scores = mask_scores(everything, problem, region, samples=2)
        assert scores["rate"].tolist() == [1, 1]
        assert scores["distortion"].tolist() == pytest.approx([0, 0], abs=1e-6)
        assert scores["inside"].tolist() == pytest.approx([0.25, 0.25])
        assert scores["border"].tolist() == [4 / SIZE, 4 / SIZE]  # the edge of the image
        figure = draw_scores({"Pixel RDE": scores, "CartoonX": scores})
        assert [len(axes.patches) for axes in figure.axes] == [2] * 4

    def test_kept_coefficients_are_counted_by_scale(self):
        masks = torch.tensor([[[1.0, 0.0, 0.5, 0.5]], [[0.0, 0.0, 1.0, 1.0]]])
        assert kept_per_scale(masks, {"coarse": slice(0, 2), "fine": slice(2, 4)}) == {"coarse": 0.5, "fine": 1.5}

    def test_probabilities_of_all_that_is_kept_are_those_of_the_image(self, method):
        images = smooth_images(2, SIZE)
        problem = method.problem(images)
        ones = torch.ones_like(problem.coefficients[:, :1])
        everything = method.to_explanation(problem, ones, {})
        under_noise, alone, obfuscations = kept_probabilities(method.classifier, method, images, everything)
        probability = method.classifier(images).softmax(1).max(1).values
        torch.testing.assert_close(under_noise, probability, atol=1e-4, rtol=0)
        torch.testing.assert_close(alone, probability, atol=1e-4, rtol=0)
        torch.testing.assert_close(obfuscations, images, atol=1e-4, rtol=0)

    def test_noise_counts_only_under_noise(self, method):
        images = smooth_images(2, SIZE)
        nothing = method.to_explanation(method.problem(images), torch.zeros(2, 1, problem_size(method)), {})
        under_noise, alone, _ = kept_probabilities(method.classifier, method, images, nothing)
        black = method.classifier(torch.zeros_like(images)).softmax(1)[torch.arange(2), nothing.targets]
        torch.testing.assert_close(alone, black, atol=1e-5, rtol=0)
        assert (under_noise != black).all()


def problem_size(method):
    return method.problem(smooth_images(1, SIZE)).coefficients.shape[2]


class TestDrawings:
    def test_scenes_in_four_rows(self, method, explanation):
        images = smooth_images(2, SIZE)
        figure = draw_scenes(method.classifier, images, explanation, method.cartoon(images, explanation))
        rates = 100 * explanation.representation_mask.mean((1, 2))
        assert len(figure.axes) == 8
        assert [axes.get_title() for axes in figure.axes[6:]] == [f"mask: keeps {rate:.2f} %" for rate in rates]

    def test_a_pyramid_beside_a_bar_for_each_scale(self, method, explanation):
        representation = method.representation((SIZE, SIZE))
        kept = kept_per_scale(explanation.representation_mask, representation.bands)
        figure = draw_pyramid(representation.transform, explanation.representation_mask[0, 0], kept)
        assert [bar.get_width() for bar in figure.axes[1].patches] == pytest.approx(list(kept.values()))

    def test_an_explanation_for_a_class(self, method, explanation):
        image = smooth_images(2, SIZE)[0]
        assert len(draw_explanation(image, explanation[:1], ["a", "b", "c"]).axes) == 3
        other = (int(explanation.targets[0]) + 1) % 5
        titles = [axes.get_title() for axes in explain_class(method, image, 5.0, other).axes]
        assert titles[1].startswith(f"kept for “{method.classifier.class_names[other]}”: ")

    def test_invented_edges_below_each_methods_kept_parts(self, method, explanation):
        images = smooth_images(2, SIZE)
        figure = draw_invented_edges(method.classifier, images, {"CartoonX": explanation, "WaveletX": explanation})
        titles = [axes.get_title().split(":")[0] for axes in figure.axes]
        assert titles[2::2] == ["CartoonX", "its invented edges", "WaveletX", "its invented edges"]
