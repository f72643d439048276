"""The scores and drawings of the chapter on CartoonX."""

from __future__ import annotations

import ast
import difflib

import pytest
import torch
from tiny import TinyClassifier, named, smooth_images

from helpers.chapters.cartoonx.drawings import (
    draw_explanation,
    draw_noises,
    draw_pyramid,
    draw_scenes,
    draw_scores,
    draw_waves,
    explain_class,
)
from helpers.chapters.cartoonx.scores import kept_per_scale, mask_scores, scattered, waves_on
from helpers.chapters.kept_part import kept_probabilities
from helpers.core.explanation import Explanation
from helpers.core.files import ROOT
from helpers.methods.rde import CartoonX, PixelRDE
from helpers.site.source import read_page

SIZE = 32


def _function(page: str, name: str) -> list[str]:
    """The lines of a function that a page defines."""
    for cell in read_page(ROOT / page).cells:
        if cell.cell_type == "code" and f"def {name}(" in cell.source:
            (node,) = [each for each in ast.parse(cell.source).body if getattr(each, "name", "") == name]
            return cell.source.splitlines()[node.lineno - 1 : node.end_lineno]
    raise AssertionError(f"{page} does not define {name}")


def test_the_difference_to_pixel_rde_is_the_one_that_the_page_shows():
    before = _function("book/pixel-rde.md", "pixel_rde_by_hand")
    after = _function("book/cartoonx.md", "cartoonx_by_hand")
    page = (ROOT / "book/cartoonx.md").read_text(encoding="utf-8")
    shown = page.split("```diff\n")[1].split("```")[0].splitlines()
    changes = [line for line in difflib.ndiff(before, after) if line[0] in "+-"]
    for sign in "+-":
        assert [line[1:] for line in shown if line[0] == sign] == [line[2:] for line in changes if line[0] == sign]


@pytest.fixture(scope="module")
def method():
    return CartoonX(named(TinyClassifier(), SIZE), levels=2, steps=3, samples=2, learning_rate=0.3)


@pytest.fixture(scope="module")
def explanation(method):
    return method.explain(smooth_images(2, SIZE))


class TestScores:
    def test_a_mask_of_ones_covers_the_region_by_its_area_and_so_does_its_control(self):
        images = smooth_images(2, SIZE)
        problem = PixelRDE(TinyClassifier()).problem(images)
        ones = torch.ones(2, 1, SIZE, SIZE)
        region = torch.zeros(2, 1, SIZE, SIZE, dtype=torch.bool)
        region[..., : SIZE // 4] = True
        everything = Explanation(ones, images, problem.measure.targets, representation_mask=ones.flatten(2))
        scores = mask_scores(everything, problem, region, orders=2)
        assert scores["inside"].tolist() == scores["control"].tolist() == pytest.approx([0.25, 0.25])
        assert scores["border"].tolist() == [4 / SIZE, 4 / SIZE]  # the edge of the image
        figure = draw_scores({"Pixel RDE": scores, "CartoonX": scores})
        assert [len(axes.patches) for axes in figure.axes] == [2, 2]

    def test_scattered_entries_stay_within_their_scale(self):
        mask, bands = torch.arange(12.0).view(1, 1, 12), {"coarse": slice(0, 4), "fine": slice(4, 12)}
        other = scattered(mask, bands, seed=1)[0, 0]
        assert other.tolist() != mask[0, 0].tolist()
        assert sorted(other[:4].tolist()) == [0, 1, 2, 3]
        assert sorted(other[4:].tolist()) == [*range(4, 12)]

    def test_waves_lie_on_a_region_by_their_share_of_it(self, method):
        images = smooth_images(1, SIZE)
        problem = method.problem(images)
        mask = torch.zeros(1, 1, problem.coefficients.shape[2])
        mask[..., [3, 400]] = 1
        left = torch.zeros(1, 1, SIZE, SIZE, dtype=torch.bool)
        left[..., : SIZE // 2] = True
        shares = waves_on(mask, problem, left) + waves_on(mask, problem, ~left)
        torch.testing.assert_close(shares, mask)
        assert 0 < waves_on(mask, problem, left)[0, 0, 3] <= 1

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
        assert [axes.get_title() for axes in figure.axes[6:]] == [f"keeps {rate:.2f} %" for rate in rates]

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

    def test_single_waves_and_the_noise_beside_the_image(self, method):
        transform = method.representation((SIZE, SIZE)).transform
        titles = [axes.get_title() for axes in draw_waves(transform, ["diagonal-1", "approximation"]).axes]
        assert titles == ["one pixel", "diagonal-1", "approximation"]
        assert len(draw_noises(smooth_images(1, SIZE)[0], method, PixelRDE(method.classifier)).axes) == 4
