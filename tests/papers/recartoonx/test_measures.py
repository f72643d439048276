"""The quantities of the claims of [Re] CartoonX on tables made by hand; on real ones: test_claims.py."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from curve_rows import curve_rows

from helpers.papers.recartoonx.measures import curves as of_curves
from helpers.papers.recartoonx.measures import pictures, recipes, starts, sweeps, transformer

FRACTIONS = (0.0, 0.05, 0.1, 0.5, 1.0)
KEPT = {  # distortions with so much kept, by curve and image; those of randomising are the same the other way round
    "cartoonx": {"a": (0.4, 0.1, 0.1, 0.15, 0.0), "b": (0.4, 0.2, 0.2, 0.25, 0.0)},
    "pixel-rde": {"a": (0.8, 0.6, 0.4, 0.4, 0.0), "b": (0.8, 0.2, 0.2, 0.1, 0.0)},
    "random-wavelets": {"a": (0.4, 0.4, 0.4, 0.4, 0.0), "b": (0.4, 0.4, 0.4, 0.4, 0.0)},
    "random-pixels": {"a": (0.8, 0.8, 0.8, 0.8, 0.0), "b": (0.8, 0.8, 0.8, 0.8, 0.0)},
}


CURVES = curve_rows(KEPT, FRACTIONS)
# trapezia over 0, 5 and 10 % kept: CartoonX 0.175 and 0.25 of 0.4, Pixel RDE 0.6 and 0.35 of 0.8


class TestCurves:
    def test_each_curve_is_relative_to_its_own_noise(self):
        expected = np.mean([0.175 / 0.4 - 0.6 / 0.8, 0.25 / 0.4 - 0.35 / 0.8])
        assert of_curves.relative_difference(CURVES).value == pytest.approx(expected)
        assert of_curves.relative_win_rate(CURVES).value == 0.5

    def test_weaker_noise_is_no_advantage(self):
        """The flaw of the raw difference: it favours CartoonX with nothing kept."""
        halved = CURVES.copy()
        halved.loc[halved["curve"].isin(["cartoonx", "random-wavelets"]), "distortion"] *= 0.5
        assert of_curves.relative_difference(halved).value == pytest.approx(of_curves.relative_difference(CURVES).value)
        assert of_curves.floor_difference(CURVES).value == pytest.approx(-0.4)
        assert of_curves.floor_difference(halved).value == pytest.approx(-0.6)

    def test_each_curve_is_compared_with_its_own_random_order(self):
        expected = np.mean([(0.175 - 0.4) - (0.6 - 0.8), (0.25 - 0.4) - (0.35 - 0.8)])
        assert of_curves.difference_against_random(CURVES).value == pytest.approx(expected)
        assert of_curves.win_rate_against_random(CURVES).value == 0.5

    def test_where_the_other_method_is_better(self):
        effect = of_curves.better_than_chance_where_it_loses(CURVES)  # on b, where 0.625 is above 0.4375
        assert (effect.value, effect.count) == (pytest.approx(0.25 - 0.4), 1)

    def test_drop_and_rise(self):
        assert of_curves.lowest_distortion(CURVES, "cartoonx").value == pytest.approx(0.15)
        assert of_curves.rise_after_the_drop(CURVES, "cartoonx").value == pytest.approx(0.05)
        assert of_curves.rise_after_the_drop(CURVES, "pixel-rde").value == pytest.approx((0.0 - 0.1) / 2)
        assert of_curves.early_difference(CURVES).value == pytest.approx((0.1 - 0.6 / 2 + 0.2 - 0.2 / 2) / 2 / 0.4)

    @pytest.mark.parametrize(("confidence", "expected"), [(0.99, 0.0), (0.6, 1.0)])
    def test_confident_noise(self, confidence, expected):
        explanations = pd.DataFrame({"image": ["a", "b"], "confidence": confidence})
        assert of_curves.confident_noise(CURVES, explanations).value == expected


def sweep(l2_factor=3.0):
    rows = []
    for image, scale in (("a", 1.0), ("b", 2.0)):
        for method, base in (("cartoonx", 0.01), ("pixel-rde", 0.03)):
            for optimised_with, factor in (("label", 1.0), ("l2", l2_factor)):
                for weight in (4.0, 16.0):
                    rows.append((image, method, optimised_with, weight, scale * base * factor / weight, base * weight))
    return pd.DataFrame(
        rows, columns=["image", "method", "optimised_with", "sparsity_weight", "sparsity", "distortion"]
    )


def weights():
    rows = []
    for image, scale in (("a", 1.0), ("b", 2.0)):
        for weight in (2.0, 20.0, 200.0):
            rows.append((image, "vit", weight, scale * 0.1 / weight, 1 / weight))
        for weight in (4.0, 16.0):
            rows.append((image, "cnn", weight, scale * 0.1 / weight**0.5, 0.5))
    return pd.DataFrame(rows, columns=["image", "model", "sparsity_weight", "sparsity", "brightness"])


class TestSweeps:
    def test_a_claim_about_each_weight_takes_the_least_favourable(self):
        # the differences are 0.02 and 0.04 ÷ λk: their interval reaches furthest below 0 at λk = 4
        assert sweeps.non_sparsity_at_every_weight(sweep()).value == pytest.approx(0.03 / 4)
        assert sweeps.distortion_at_every_weight(sweep()).value == pytest.approx(-0.02 * 4)

    @pytest.mark.parametrize("factor", [3.0, 0.5, 1.0])
    def test_the_hypothesis_is_a_ratio(self, factor):
        assert sweeps.l2_ratio(sweep(factor), "pixel-rde").value == pytest.approx(factor)

    def test_an_empty_mask_does_not_break_the_ratio(self):
        table = sweep()
        table.loc[table["optimised_with"] == "label", "sparsity"] = 0.0
        assert math.isfinite(sweeps.l2_ratio(table, "cartoonx").value)

    def test_sensitivity_is_a_slope_over_the_common_range(self):
        assert sweeps.sensitivity_difference(weights()).value == pytest.approx(-1 - -0.5)

    def test_an_empty_mask_has_a_finite_slope(self):
        table = weights()
        table.loc[table["sparsity_weight"] == 200, "sparsity"] = 0.0
        assert math.isfinite(sweeps.sensitivity_difference(table).value)

    def test_shares_at_a_weight(self):
        assert sweeps.black_share(weights(), 200).value == 1.0
        assert sweeps.black_share(weights(), 2).value == 0.0
        assert sweeps.dense_share(weights(), 2).value == 0.5, "0.05 is not more than 0.05, 0.1 is"
        with pytest.raises(ValueError, match=r"λk = 10; its sweep has: 2, 20, 200"):
            sweeps.black_share(weights(), 10)


def explained():
    """CNN and ViT: brightness and ‖s‖₁/k by image; both models are right on all but d."""
    bright = {"a": (0.9, 0.8), "b": (0.6, 0.0), "c": (0.4, 0.3), "d": (0.7, 0.01)}
    rows = []
    for image, (cnn, vit) in bright.items():
        for name, value in (("cnn", cnn), ("vit", vit), ("rollout", math.nan)):
            kept = 0.02 * cnn if name == "cnn" else 0.01
            like = {"cnn": 0.1, "vit": 0.4 + 0.1 * (image == "a"), "rollout": 1.0}[name]
            seconds = {"cnn": 10.0, "vit": 20.0, "rollout": math.nan}[name] + (image in "cd")
            rows.append((image, name, image != "d", kept, value, like, seconds))
    columns = ["image", "explanation", "both_correct", "sparsity", "brightness", "correlation_rollout", "seconds"]
    return pd.DataFrame(rows, columns=columns)


class TestTransformer:
    def test_sparser_and_black(self):
        # the CNN keeps 0.018, 0.012, 0.008 and 0.014, the transformer 0.01 each
        assert transformer.sparser_share(explained()).value == 0.75
        black = transformer.black_for_transformer_only(explained())
        assert (black.value, black.count) == (pytest.approx(1 / 3), 3)

    def test_agreement_counts_bright_images_on_which_both_are_right(self):
        effect = transformer.rollout_agreement(explained())
        assert (effect.value, effect.count) == (pytest.approx(0.45), 2)
        assert transformer.agreement_difference(explained()).value == pytest.approx(0.325)

    def test_seconds_of_a_batch_count_once(self):
        effect = transformer.seconds_factor(explained())  # two batches: 30 ÷ 10 and 32 ÷ 11
        assert (effect.value, effect.count) == (pytest.approx(62 / 21), 2)

    def test_trade_off(self):
        assert sweeps.trade_off_share(explained()).value == 0.5

    def test_curves_in_per_cent_of_each_images_noise(self):
        own = {"a": (0.8, 0.4, 0.2, 0.1, 0.0), "b": (0.4, 0.4, 0.1, 0.1, 0.0)}
        other = {"a": (0.8, 0.8, 0.8, 0.8, 0.0), "b": (0.4, 0.4, 0.4, 0.4, 0.0)}
        table = curve_rows(
            {"vit": own, "cnn": own, "rollout": other, "random-wavelets": other, "random-pixels": other}, FRACTIONS
        )
        # 75, 37.5 and 100, 62.5 on the two halves of the first tenth
        expected = np.mean([(75 + 37.5) / 2 - 100, (100 + 62.5) / 2 - 100])
        assert transformer.curve_difference(table, "vit", "random-wavelets", "keep").value == pytest.approx(expected)
        assert transformer.curve_difference(table, "cnn", "vit", "keep").value == pytest.approx(0)
        assert transformer.gain_over_rollout(table, "keep").value == pytest.approx(expected)
        assert transformer.shape_correlation(table, "keep").value == pytest.approx(1)

    def test_a_curve_without_images_decides_nothing(self):
        table = curve_rows({"vit": KEPT["cartoonx"], "rollout": {"a": (0.0,) * 5, "b": (0.0,) * 5}}, FRACTIONS)
        assert transformer.curve_difference(table, "vit", "rollout", "keep").count == 0


STEPS = np.arange(1, 101)


def losses(start, first, rate, end=0.2):
    parts = []
    for image, scale in (("a", 0.5), ("b", 1.0), ("c", 1.5)):
        values = scale * (end + (first - end) * np.exp(-rate * (STEPS - 1)))
        parts.append(pd.DataFrame({"step": STEPS, "objective": values, "start": start, "image": image}))
    return pd.concat(parts, ignore_index=True).assign(recipe="profile")


def ends(values):
    rows = [
        ("profile", start, image, scale * first, scale * last, density, kept)
        for start, (first, last, density, kept) in values.items()
        for image, scale in (("a", 0.5), ("b", 1.0), ("c", 1.5))
    ]
    columns = ["recipe", "start", "image", "first_objective", "last_objective", "first_sparsity", "last_sparsity"]
    return pd.DataFrame(rows, columns=columns)


class TestStarts:
    LINES = pd.concat([losses("ones", 20, 0.2), losses("constant", 5, 0.2), losses("foreground", 10, 0.2, end=0.4)])
    ENDS = ends({"ones": (20, 0.2, 1.0, 0.01), "constant": (5, 0.204, 0.2, 0.01), "foreground": (10, 0.4, 0.5, 0.0)})

    def test_an_early_lead(self):
        early = [(0.2 + (first - 0.2) * np.exp(-0.2 * np.arange(10))).mean() for first in (5, 20)]
        assert starts.early_ratio(self.LINES, "constant").value == pytest.approx(early[0] / early[1])

    def test_curves_meet_or_never_do(self):
        # within 1 % of the fall: 15 exp(-0.2 t) = 0.198 at step 23 of 100
        assert starts.reunion(self.LINES, "constant").value == pytest.approx(0.23, abs=0.03)
        higher = pd.concat([self.LINES, losses("random", 10, 0.2, end=0.8)])
        assert starts.reunion(higher, "random").value == starts.NEVER

    def test_saved_steps(self):
        # 19.8 exp(-0.2 t) = 0.198 at 23 steps from ones, 4.8 exp(-0.2 t) = 0.198 at 16 from the constant
        assert starts.steps_ratio(self.LINES, "constant").value == pytest.approx(17 / 24, abs=0.06)
        assert starts.steps_ratio(self.LINES, "foreground").value > 3, "it never arrives"

    def test_ends(self):
        assert starts.end_difference(self.ENDS, "foreground").value == pytest.approx(0.2)
        assert starts.end_ratio(self.ENDS, "constant").value == pytest.approx(1.02)
        assert starts.first_ratio(self.ENDS, "constant").value == pytest.approx(0.25)

    def test_a_foreground_of_everything_does_not_count(self):
        table = self.ENDS.copy()
        table.loc[(table["start"] == "foreground") & (table["image"] == "c"), "first_sparsity"] = 1.0
        effect = starts.end_difference(table, "foreground")
        assert (effect.value, effect.count) == (pytest.approx(0.15), 2)

    def test_an_unknown_recipe(self):
        with pytest.raises(ValueError, match="no recipe 'published'; it has: profile"):
            starts.early_ratio(self.LINES, "constant", recipe="published")


class TestRecipes:
    def test_images_of_a_batch_share_their_time(self):
        seconds = {"a": (20.0, 10.0), "b": (20.0, 10.0), "c": (5.0, 10.0)}
        rows = [(i, m, s) for i, pair in seconds.items() for m, s in zip(("cartoonx", "pixel-rde"), pair, strict=True)]
        effect = recipes.method_seconds_ratio(pd.DataFrame(rows, columns=["image", "method", "seconds"]))
        assert (effect.value, effect.count) == (pytest.approx(1.0), 2)

    def test_what_the_last_steps_change(self):
        rows = [("a", "cnn", 1000, 0.4), ("a", "cnn", 2000, 0.1), ("b", "cnn", 1000, 0.1), ("b", "cnn", 2000, 0.1)]
        table = pd.DataFrame(rows, columns=["image", "model", "step", "sparsity"])
        assert recipes.late_change(table, "sparsity").value == pytest.approx(0.5)
        with pytest.raises(ValueError, match="not measured at step 500"):
            recipes.late_change(table, "sparsity", first=500)


class TestPictures:
    MISTAKES = pd.DataFrame(
        [
            ("a", "cartoonx", 1, 2, 2, 0.9),
            ("a", "pixel-rde", 1, 2, 3, 0.2),
            ("b", "cartoonx", 1, 2, 1, 0.1),
            ("b", "pixel-rde", 1, 2, 1, 0.1),
            ("right", "cartoonx", 1, 1, 1, 0.9),
            ("right", "pixel-rde", 1, 1, 1, 0.9),
            ("no label", "cartoonx", -1, 1, 1, 0.9),
            ("no label", "pixel-rde", -1, 1, 1, 0.9),
        ],
        columns=["image", "method", "label", "prediction", "kept_prediction", "kept_confidence"],
    )

    def test_only_mistakes_count(self):
        assert pictures.repeated_mistakes(self.MISTAKES).value == 0.5
        assert pictures.repeated_mistakes(self.MISTAKES, "pixel-rde").value == 0.0
        assert pictures.mistake_difference(self.MISTAKES).value == pytest.approx(0.35)
        assert pictures.neither_helps(self.MISTAKES).value == 0.5

    def test_no_mistakes(self):
        right = self.MISTAKES[self.MISTAKES["image"] == "right"]
        effects = [f(right) for f in (pictures.repeated_mistakes, pictures.mistake_difference, pictures.neither_helps)]
        assert [effect.count for effect in effects] == [0, 0, 0]

    def test_tables_of_pages(self):
        figure = pd.DataFrame(
            {
                "roughness_cartoonx": [0.1, 0.2, math.nan],
                "roughness_pixel_rde": [0.2, 0.8, 0.5],
                "inside_cartoonx": [0.3, 0.5, math.nan],
                "inside_pixel_rde": [0.5, 0.4, math.nan],
            }
        )
        assert pictures.roughness_ratio(figure).value == pytest.approx(8**0.5)
        difference = pictures.background_difference(figure)
        assert (difference.value, difference.count) == (pytest.approx(-0.05), 2)
        objects = pd.DataFrame(
            {"explanation": ["cnn", "cnn", "vit"], "inside": [0.5, 0.7, 0.1], "area": [0.1, 0.1, 0.1]}
        )
        assert pictures.relevance_on_object(objects, "cnn").value == pytest.approx(0.5)
