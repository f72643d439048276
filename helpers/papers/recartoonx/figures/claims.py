"""The claims of [Re] CartoonX about its Figures 1 to 3, each with its effect over images."""

from __future__ import annotations

import numpy as np
import pandas as pd

from helpers.core.statistics import mean_effect, proportion_effect
from helpers.papers.recartoonx.figures.selection import SMALL_RATES, area_under_curve, curve_values, win_rate
from helpers.reporting.claims import Claim

NAMES = {"cartoonx": "CartoonX", "pixel-rde": "Pixel RDE"}
METHOD_PAIR = ("cartoonx", "pixel-rde")


def lower_at_small_rates(curves: pd.DataFrame) -> Claim:
    """Keeping the few most relevant entries, CartoonX distorts less than Pixel RDE (section 4.1, Figure 3, left)."""
    cartoonx, pixel = (area_under_curve(curves, method, "keep") for method in METHOD_PAIR)
    return Claim(
        statement="CartoonX distorts less than Pixel RDE when few entries are kept",
        measure=f"CartoonX − Pixel RDE, mean distortion while the first {SMALL_RATES:.0%} are kept",
        effect=mean_effect(cartoonx - pixel),
        expected=-1,
    )


def sharper_increase(curves: pd.DataFrame) -> Claim:
    """Randomising the few most relevant entries, CartoonX's distortion rises more (Figure 3, middle)."""
    cartoonx, pixel = (area_under_curve(curves, method, "randomise") for method in METHOD_PAIR)
    return Claim(
        statement="CartoonX's distortion rises more sharply when the most relevant entries are randomised",
        measure=f"CartoonX − Pixel RDE, mean distortion while the first {SMALL_RATES:.0%} are randomised",
        effect=mean_effect(cartoonx - pixel),
        expected=1,
    )


def rise_after_the_drop(curves: pd.DataFrame, method: str, *, early: float = 0.1, late: float = 0.5) -> Claim:
    """After the first drop the distortion rises again (the reproduction's second discrepancy, section 4.1).

    The two fractions are fixed: those of a minimum and a maximum would differ by chance alone.
    """
    values = curve_values(curves, method, "keep")
    fractions = values.columns.to_numpy()
    first, second = (values.columns[np.abs(fractions - fraction).argmin()] for fraction in (early, late))
    return Claim(
        statement=f"the distortion of {NAMES[method]} rises again after its first drop",
        measure=f"{NAMES[method]}, distortion with {second:.0%} kept − with {first:.0%} kept",
        effect=mean_effect(values[second] - values[first]),
        expected=1,
    )


def non_sparsity_above(sweep: pd.DataFrame, optimised_with: str = "label") -> Claim:
    """At equal λk Pixel RDE's masks are less sparse than CartoonX's (section 4.1, Figure 3, right)."""
    values = _sparsity(sweep, optimised_with)
    return Claim(
        statement="Pixel RDE keeps more than CartoonX at the same λk",
        measure="Pixel RDE − CartoonX, ‖s‖₁/k, mean over λk",
        effect=mean_effect((values["pixel-rde"] - values["cartoonx"]).groupby("image").mean()),
        expected=1,
    )


def optimised_with_l2_keeps_more(sweep: pd.DataFrame, method: str) -> Claim:
    """Masks optimised with the l2 distortion keep more than those optimised with the label distortion.

    The original optimised l2, the reproduction the squared label distortion. If l2 masks keep more, this may explain
    the reproduction's "significantly lower" non-sparsity (its third discrepancy).
    """
    both = [_sparsity(sweep, optimised_with)[method] for optimised_with in ("l2", "label")]
    smallest = 1e-6  # stands for 0, so that the ratio exists for empty masks
    logarithms = np.log(both[0].clip(lower=smallest)) - np.log(both[1].clip(lower=smallest))
    return Claim(
        statement=f"the masks of {NAMES[method]} keep more when they are optimised with l2",
        measure=f"{NAMES[method]}, ‖s‖₁/k optimised with l2 ÷ with label, geometric mean over λk",
        effect=mean_effect(logarithms.groupby("image").mean()).exponential(),
        expected=1,
        null=1.0,
    )


def more_wins(gap: pd.Series) -> Claim:
    """CartoonX is better on most images (section 4.1: "much easier to find examples")."""
    return Claim(
        statement="CartoonX is better on most images",
        measure="share of images on which CartoonX distorts less than Pixel RDE (a tie counts half)",
        effect=proportion_effect(win_rate(gap)),
        expected=1,
        null=0.5,
    )


def relevance_on_the_object(difference: pd.Series) -> Claim:
    """Pixel RDE marks more of the background than CartoonX (section 4.1); for images with known objects."""
    return Claim(
        statement="more of CartoonX's relevance than of Pixel RDE's lies on the predicted object",
        measure="CartoonX − Pixel RDE, share of the relevance on the object",
        effect=mean_effect(difference),
        expected=1,
    )


def points_at_more(difference: pd.Series, measure: str) -> Claim:
    """On misclassified images CartoonX's explanations point at something, unlike Pixel RDE's (Figure 2)."""
    return Claim(
        statement="on misclassified images CartoonX points more clearly at one thing than Pixel RDE",
        measure=f"CartoonX − Pixel RDE, {measure}",
        effect=mean_effect(difference),
        expected=1,
    )


def curve_claims(curves: pd.DataFrame) -> list[Claim]:
    """The four claims about the curves of one variant."""
    rises = [rise_after_the_drop(curves, method) for method in METHOD_PAIR]
    return [lower_at_small_rates(curves), sharper_increase(curves), *rises]


def sweep_claims(sweep: pd.DataFrame) -> list[Claim]:
    """The claim about the sweep as the reproduction ran it."""
    return [non_sparsity_above(sweep)]


def hypothesis_claims(sweep: pd.DataFrame) -> list[Claim]:
    """The possible reason for the reproduction's third discrepancy, for each method."""
    return [optimised_with_l2_keeps_more(sweep, method) for method in METHOD_PAIR]


def figure_three_claims(curves: pd.DataFrame, sweep: pd.DataFrame, variant: str = "corrected") -> list[Claim]:
    """All claims about Figure 3, for one variant of its curves."""
    return [*curve_claims(curves[curves["variant"] == variant]), *sweep_claims(sweep)]


def _sparsity(sweep: pd.DataFrame, optimised_with: str) -> pd.DataFrame:
    """‖s‖₁/k: one row per image and λk, one column per method."""
    rows = sweep[sweep["optimised_with"] == optimised_with]
    return rows.pivot_table(index=["image", "sparsity_weight"], columns="method", values="sparsity")
