"""What the pages on convergence and on prices count and draw."""

from __future__ import annotations

import math
from dataclasses import replace

import pandas as pd
import pytest
import torch
from tiny import TinyClassifier, named, smooth_images

from helpers.chapters.convergence.drawings import (
    draw_bounds,
    draw_box,
    draw_published,
    draw_repeats,
    draw_searches,
    draw_stopped,
    draw_tangent,
)
from helpers.chapters.convergence.searches import (
    published_means,
    repeated_gaps,
    steps_needed,
    watch_cycles,
)
from helpers.chapters.own_price import (
    add_rising_noise,
    against_empty,
    break_even_weight,
    draw_kept_entries,
    draw_path,
    draw_weight_lines,
    kept_entries,
    photograph_table,
    shares_on_the_object,
)
from helpers.core.explanation import Explanation
from helpers.methods.rde import CartoonX, RatePath

RUN = pd.DataFrame(
    {
        "image": ["a"] * 3 + ["b"] * 3,
        "step": [10, 20, 30] * 2,
        "gap": [0.5, 0.04, 0.2, 0.9, 0.8, 0.7],
        "uncertainty": 0.01,
        "upper": [0.51, 0.04, 0.21, 0.91, 0.81, 0.71],
        "excess": [0.3, 0.1, 0.0] * 2,
        "objective": [1.0, 0.6, 0.5, 2.0, 1.9, 1.8],
    }
)


def explanation(sums, size=8, k=10):
    masks = torch.zeros(len(sums), 1, k)
    masks[:, 0, 0] = torch.tensor(sums).clamp(max=1)
    masks[:, 0, 1] = (torch.tensor(sums) - 1).clamp(min=0)
    picture = torch.zeros(len(sums), 1, size, size)
    picture[..., : size // 2] = 1
    return Explanation(
        picture, picture.expand(-1, 3, -1, -1), torch.zeros(len(sums), dtype=torch.long), representation_mask=masks
    )


class TestStepsNeeded:
    def test_the_first_measurement_below_the_tolerance_counts(self):
        needed = steps_needed(RUN, 0.05)
        assert needed["a"] == 20.0  # though its gap was larger again later
        assert math.isnan(needed["b"])

    def test_a_loose_tolerance_needs_one_measurement_and_none_is_never_met(self):
        assert steps_needed(RUN, 10.0).tolist() == [10.0, 10.0]
        assert steps_needed(RUN, 0.0).isna().all()


class TestSearches:
    def test_cycles_add_up_and_continue_from_the_last_mask(self):
        method, images = CartoonX(TinyClassifier(), levels=2, samples=2, learning_rate=0.2), smooth_images(2, 32)
        table, explanations = watch_cycles(method, images, (2, 3), pairs=2)
        assert table["image"].tolist() == [0, 1, 0, 1]
        assert table["step"].tolist() == [2, 2, 5, 5]
        assert table.groupby("image")["excess"].min().tolist() == [0, 0]
        assert (explanations[1].mask != explanations[0].mask).any()
        single = method.with_options(steps=2, schedule="cosine").explain(images)
        torch.testing.assert_close(explanations[0].mask, single.mask)

    def test_each_measurement_has_its_own_draws_and_more_draws_bring_the_estimates_together(self):
        method, images = CartoonX(TinyClassifier(), levels=2, samples=2), smooth_images(1, 32)
        problem = method.problem(images)
        mask = torch.full_like(problem.coefficients[:, :1], 0.5)
        table = repeated_gaps(problem, mask, times=3, pairs=2, reference_pairs=16)
        assert table["pairs"].tolist() == [16, 2, 2, 2]
        assert table["upper"].nunique() == 4
        width = table["upper"] - table["lower"]
        assert (width >= 0).all()
        assert width[0] < width[1:].mean()

    def test_means_of_a_stored_run(self):
        run = RUN.assign(sparsity=0.1)
        means = published_means(run)
        assert means.loc[10, "objective"] == pytest.approx(1.5)
        assert means.loc[10, "upper"] == pytest.approx(0.71)


class TestPrices:
    def test_the_dearest_price_is_where_mask_and_black_cost_the_same(self):
        path = RatePath(
            (1.0, 2.0), (), torch.tensor([[0.1, 0.2], [0.3, 0.9]]), torch.tensor([[0.04, 0.02], [0.01, 0.0]])
        )
        black = torch.tensor([0.5, 0.8])
        price = break_even_weight(path, black)
        assert price[1, 1] == 0  # a mask that distorts more than black never pays
        known = price[:, 0]
        torch.testing.assert_close(path.distortion[:, 0] + known * path.sparsity[:, 0], black[:1].expand(2))

    def test_the_camera_is_perfect_first_and_worst_last(self):
        images = torch.full((3, 3, 64, 64), 0.5)
        noisy = add_rising_noise(images, 0.1)
        assert torch.equal(noisy[0], images[0])
        torch.testing.assert_close((noisy - images).std((1, 2, 3))[1:], torch.tensor([0.05, 0.1]), rtol=0.05, atol=0)
        assert torch.equal(noisy, add_rising_noise(images, 0.1))

    def test_shares_are_known_for_masks_with_entries_on_images_with_an_object(self):
        region = torch.zeros(3, 1, 8, 8, dtype=torch.bool)
        region[:2, ..., 2:6] = True  # half of each mask lies in it; the third image shows no object of the class
        found = explanation([0.9, 1.5, 2.0])
        assert kept_entries(found).tolist() == pytest.approx([0.9, 1.5, 2.0])
        shares = shares_on_the_object(found, region)
        assert [math.isnan(share) for share in shares] == [True, False, True]
        assert shares[1] == pytest.approx(0.5)

    def test_the_empty_mask_is_worth_itself_and_a_full_one_costs_its_penalty(self):
        method, images = CartoonX(TinyClassifier(), levels=2, samples=2, sparsity_weight=5), smooth_images(2, 32)
        found = method.with_options(steps=1).explain(images)
        mask = torch.zeros_like(found.representation_mask)
        assert against_empty(method, images, replace(found, representation_mask=mask)).tolist() == [1, 1]
        full = against_empty(method, images, replace(found, representation_mask=torch.ones_like(mask)))
        empty = method.problem(images).evaluate(mask, samples=64)["objective"]
        torch.testing.assert_close(full * empty, torch.full((2,), 5.0), rtol=1e-3, atol=1e-3)

    def test_stored_photographs_by_confidence(self):
        table = pd.DataFrame(
            {
                "model": "cnn",
                "image": ["a", "a", "b", "b"],
                "weighting": ["fixed", "relative"] * 2,
                "black": [True, False, False, False],
                "confidence": [0.9, 0.9, 0.1, 0.1],
            }
        )
        rows = photograph_table(table)
        assert rows["image"].tolist() == ["b", "a"]
        assert rows["fixed"].tolist() == [False, True]


class TestDrawings:
    def test_the_tangent_ends_where_the_gap_says(self):
        figure = draw_tangent(lambda s: (s + 0.25) ** 2, 0.6)
        corner = next(line for line in figure.axes[0].lines if line.get_marker() == "s")
        assert corner.get_xydata()[0].tolist() == pytest.approx([0, 0.85**2 - 0.6 * 2 * 0.85])

    def test_what_is_drawn_is_what_was_given(self):
        path = torch.tensor([[0.1, 0.9], [0.5, 0.8]])
        box = draw_box(lambda s: s.square().sum(-1), path, *(torch.tensor([1.0, 0.5]),) * 3)
        assert len(box.axes[1].lines) == 3
        bounds = draw_bounds([2, 4], {"x": ([0.0, 0.1], [1.0, 0.5])}, truth=0.2)
        assert [list(line.get_ydata()) for line in bounds.axes[0].lines[:2]] == [[1.0, 0.5], [0.0, 0.1]]
        assert len(draw_searches(RUN).axes[0].lines) == 2
        assert len(draw_published(RUN).axes[0].lines) == 2
        repeats = pd.DataFrame({"lower": [0.1, 0.0, 0.2], "upper": [0.2, 0.3, 0.4]})
        bars = draw_repeats({"scene": {"final": repeats, "black": repeats}}).axes[0].collections
        assert [tuple(bar[:, 1]) for bar in bars[0].get_segments()] == [(0.0, 0.3), (0.2, 0.4)]
        counts = draw_kept_entries(
            torch.tensor([0.2, 0.8]),
            {"a": explanation([0.5, 3.0]), "b": explanation([1.0, 2.0])},
            {"a": torch.tensor([1.0, 0.5]), "b": torch.tensor([0.9, 0.4])},
        )
        assert list(counts.axes[0].lines[0].get_ydata()) == pytest.approx([0.5, 3.0], rel=1e-5)
        assert list(counts.axes[1].lines[1].get_ydata()) == pytest.approx([0.9, 0.4], rel=1e-5)

    def test_a_search_stops_at_its_first_gap_below_the_tolerance(self):
        classifier, images = named(TinyClassifier(), 32), smooth_images(2, 32)
        table = RUN.replace({"a": 0, "b": 1})
        kept = [Explanation(images[:, :1], images * share, torch.zeros(2, dtype=torch.long)) for share in (0.5, 0.7, 1)]
        figure = draw_stopped(classifier, images, kept, table, 0.05)
        assert [axes.get_title().split(":")[0] for axes in figure.axes[2:]] == ["20 steps", "30 steps"]
        drawn = torch.from_numpy(figure.axes[2].images[0].get_array().data)
        torch.testing.assert_close(drawn, 0.7 * images[0].permute(1, 2, 0))
        assert figure.get_supxlabel() == "all 2 scenes: 25 steps on average, 0.05 above the best"

    def test_a_path_of_a_real_method(self):
        from helpers.methods.rde import rate_distortion_path

        method = CartoonX(TinyClassifier(), levels=2, steps=3, samples=2, learning_rate=0.3)
        path = rate_distortion_path(method, smooth_images(2, 32), weights=[1.0, 10.0])
        figure = draw_weight_lines(path, torch.tensor([0.3, 0.5]), ["a", "b"])
        assert len(figure.axes) == 2
        assert len(figure.axes[0].lines) == 4  # two masks, the best of them, black
        figure = draw_path(path, 10.0, ["a", "b"], torch.tensor([0.0, 99.0]))
        assert figure.axes[0].lines[1].get_xdata() == pytest.approx([100 * float(path.sparsity[1, 0])])  # marked
        assert figure.axes[1].get_title().endswith("no better than none")
        assert figure.axes[2].get_title() == f"b: keeps {100 * float(path.sparsity[1, 1]):.2f} %,\nbetter than none"
