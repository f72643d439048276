"""What the pages on convergence and on prices count and draw."""

from __future__ import annotations

import pandas as pd
import pytest
import torch
from tiny import TinyClassifier, smooth_images

from helpers.chapters.convergence import (
    draw_bounds,
    draw_box,
    draw_published,
    draw_searches,
    draw_tangent,
    steps_needed,
)
from helpers.chapters.own_price import (
    add_rising_noise,
    break_even_weight,
    draw_kept_entries,
    draw_weight_lines,
    kept_entries,
    weighting_summary,
)
from helpers.core.explanation import Explanation
from helpers.methods.rde import CartoonX, RatePath

RUN = pd.DataFrame(
    {
        "image": ["a"] * 3 + ["b"] * 3,
        "step": [10, 20, 30] * 2,
        "gap": [0.5, 0.04, 0.2, 0.9, 0.8, 0.7],
        "uncertainty": 0.01,
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
        found = steps_needed(RUN, 0.05).set_index("image")
        assert found.loc["a"].tolist() == [20.0, 0.6, 0.5]  # though its gap was larger again later
        assert found.loc["b", ["needed", "at_stop"]].isna().all()
        assert found.loc["b", "at_end"] == 1.8

    def test_a_loose_tolerance_needs_one_measurement_and_none_is_never_met(self):
        assert steps_needed(RUN, 10.0)["needed"].tolist() == [10.0, 10.0]
        assert steps_needed(RUN, 0.0)["needed"].isna().all()


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

    def test_black_means_less_than_one_entry(self):
        region = torch.zeros(4, 1, 8, 8, dtype=torch.bool)
        region[:3, ..., 2:6] = True  # half of each mask lies in it; the fourth image shows no object of the class
        found = {"fixed": explanation([0.2, 0.9, 1.5, 2.0]), "own": explanation([1.0, 1.0, 1.5, 2.0])}
        table = weighting_summary(found, region, torch.tensor([0.1, 0.2, 0.8, 0.9])).set_index("weighting")
        assert kept_entries(found["fixed"]).tolist() == pytest.approx([0.2, 0.9, 1.5, 2.0])
        assert table["black, %"].str.split().str[0].tolist() == ["50.00", "0.00"]
        assert table["black, unsure half, %"].tolist() == ["100", "0"]
        assert table["of images"].tolist() == [1, 3]
        assert table["share on the object, %"].str.split().str[0].tolist() == ["50.00", "50.00"]


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
        assert len(draw_searches({"cnn": RUN, "vit": RUN}, 0.05).axes[0].lines) == 5
        assert len(draw_published(RUN, 0.05).axes[0].lines) == 2
        counts = draw_kept_entries(
            torch.tensor([0.2, 0.8]), {"m": (explanation([0.5, 3.0]), explanation([1.0, 2.0]))}, ("a", "b")
        )
        assert list(counts.axes[0].lines[0].get_ydata()) == pytest.approx([0.5, 3.0], rel=1e-5)

    def test_a_path_of_a_real_method(self):
        from helpers.methods.rde import rate_distortion_path

        method = CartoonX(TinyClassifier(), levels=2, steps=3, samples=2, learning_rate=0.3)
        path = rate_distortion_path(method, smooth_images(2, 32), weights=[1.0, 10.0])
        figure = draw_weight_lines(path, torch.tensor([0.3, 0.5]), ["a", "b"])
        assert len(figure.axes) == 2
        assert len(figure.axes[0].lines) == 4  # two masks, the best of them, black
