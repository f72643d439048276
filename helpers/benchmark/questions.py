"""The questions of the benchmark, and the rule that answers them: committed before the run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from helpers.core.statistics import Effect, holm, mean_effect

Direction = Literal["above", "below", "within"]

FEWEST = 30
"""The images below which a question is not tested fairly."""

DECIDED = 0.05
"""The p-value, corrected for all questions of a profile (Holm), below which a question is answered."""


@dataclass(frozen=True)
class Question:
    """A question: is the mean difference of two methods' scores above 0, below it, or within a margin?

    Attributes:
        claim: the answer that is expected, as a sentence.
        method, other: the methods that are compared on the same images.
        metric: whose scores are compared.
        direction: of the difference method − other.
        margin: for "within".
        profile: whose images and classifier.
    """

    claim: str
    method: str
    other: str
    metric: str
    direction: Direction = "above"
    margin: float = 0.0
    profile: str = "benchmark-scenes"


_ANIMALS = "benchmark-animals"
_WHERE, _USED, _SHOWN = "rank-accuracy", "rendered-deletion", "insertion-blur"

QUESTIONS: dict[str, Question] = {
    "M1": Question("The Explainer finds the object better than Grad-CAM", "explainer", "grad-cam", _WHERE),
    "M2": Question("The Explainer finds the object better than occlusion", "explainer", "occlusion", _WHERE),
    "M3": Question("RISE, with 25 times the passes, finds it better than occlusion", "rise", "occlusion", _WHERE),
    "M4": Question("Pixel RDE finds the object better than the image's edges do", "pixel-rde", "edges", _WHERE),
    "M5": Question("CartoonX finds the object better than the image's edges do", "cartoonx", "edges", _WHERE),
    "M6": Question("SmoothGrad finds the object better than the image's edges do", "smooth-grad", "edges", _WHERE),
    "M7": Question("ShearletX finds the object better than CartoonX", "shearletx", "cartoonx", _WHERE),
    "M8": Question("LIME and KernelSHAP are equally good", "lime", "kernel-shap", _WHERE, "within", 0.05),
    "M9": Question(
        "Occlusion shows what is used better than Integrated Gradients", "occlusion", "integrated-gradients", _USED
    ),
    "M10": Question(
        "Extremal Perturbation shows what is used better than Grad-CAM", "extremal-perturbation", "grad-cam", _USED
    ),
    "M11": Question("RTIS shows what is used worse than the Explainer", "rtis", "explainer", _USED, "below"),
    "M12": Question("CartoonX's order of pixels is better than a random one", "cartoonx", "random", _SHOWN),
    "M13": Question("iGOS++ inserts better than Grad-CAM", "igos++", "grad-cam", _SHOWN),
    "M14": Question(
        "Pixel RDE inserts as well by rate as by price", "pixel-rde-rate", "pixel-rde", _SHOWN, "within", 0.02
    ),
    "M15": Question(
        "CartoonX inserts as well by rate as by price", "cartoonx-rate", "cartoonx", _SHOWN, "within", 0.02
    ),
    "M16": Question("WAM along a path inserts better than over noise", "wam-path", "wam-gradient", _SHOWN),
    "M17": Question(
        "From a predicted mask CartoonX is as good in 40 steps as in 100",
        *("cartoonx-learned", "cartoonx", _SHOWN, "within", 0.02, "benchmark-plain"),
    ),
    "M18": Question(
        "Gradient rollout finds the object better than rollout",
        *("gradient-rollout", "rollout", _WHERE, "above", 0.0, "benchmark-transformer"),
    ),
    "M19": Question(
        "The mask of a SpaCE-VAE finds the object better than the image's brightness",
        *("space-vae", "brightness", _WHERE, "above", 0.0, "benchmark-small"),
    ),
    "M20": Question(
        "On photographs CartoonX's order of pixels is better than a random one",
        *("cartoonx", "random", _SHOWN, "above", 0.0, "benchmark-photographs"),
    ),
    "M21": Question(
        "On photographs occlusion inserts better than Integrated Gradients",
        *("occlusion", "integrated-gradients", _SHOWN, "above", 0.0, "benchmark-photographs"),
    ),
    **{
        number: Question(
            f"On photographs of animals {words} the object better than a Gaussian in the centre",
            *(method, "centre", _WHERE, "above", 0.0, _ANIMALS),
        )
        for number, method, words in (
            ("M22", "grad-cam", "Grad-CAM finds"),
            ("M23", "occlusion", "occlusion finds"),
            ("M24", "rise", "RISE finds"),
        )
    },
    "M25": Question(
        "On photographs of animals Integrated Gradients finds the object worse than a Gaussian in the centre",
        *("integrated-gradients", "centre", _WHERE, "below", 0.0, _ANIMALS),
    ),
    "M26": Question(
        "On photographs of animals Pixel RDE finds the object better than the image's edges do",
        *("pixel-rde", "edges", _WHERE, "above", 0.0, _ANIMALS),
    ),
    "M27": Question(
        "On photographs of animals CartoonX finds the object better than the image's edges do",
        *("cartoonx", "edges", _WHERE, "above", 0.0, _ANIMALS),
    ),
    "M28": Question(
        "On photographs of animals occlusion inserts better than Integrated Gradients",
        *("occlusion", "integrated-gradients", _SHOWN, "above", 0.0, _ANIMALS),
    ),
    "M29": Question(
        "On photographs of animals DeiT's rollout finds the object better than a Gaussian in the centre",
        *("rollout", "centre", _WHERE, "above", 0.0, "benchmark-animals-transformer"),
    ),
    "M30": Question(
        "On photographs of animals DeiT's gradient rollout finds the object better than rollout",
        *("gradient-rollout", "rollout", _WHERE, "above", 0.0, "benchmark-animals-transformer"),
    ),
    "M31": Question(
        "On COCO's photographs Grad-CAM finds the object better than a Gaussian in the centre",
        *("grad-cam", "centre", _WHERE, "above", 0.0, "benchmark-coco"),
    ),
}
"""The questions by number."""


def answers(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The answers to all questions.

    The mean of the paired differences decides: "holds" if the whole question lies on the side that is claimed, "fails"
    if it is decided to lie on the other, and "undecided". Within a margin holds if both ends are decided, and fails if
    the difference is decided to lie beyond one of them. It is "not a fair test" if fewer than `FEWEST` images have both
    scores, or more than half of the maps of one of the methods say nothing, and "not run" without a table.

    Args:
        tables: the tables `benchmark` by profile; those that are missing were not run.

    Returns:
        One row per question: question, claim, profile, method, other, metric, direction, margin, value, low, high, n,
        p (corrected for all questions of the profile), outcome.
    """
    rows = []
    for number, question in QUESTIONS.items():
        effect, fair = _effect(question, tables.get(question.profile))
        rows.append({"question": number, **vars(question), **_numbers(effect), "p": _p(effect, question), "fair": fair})
    table = pd.DataFrame(rows)
    table["p"] = table.groupby("profile")["p"].transform(holm)
    table["outcome"] = [_outcome(row) for row in table.to_dict("records")]
    return table.drop(columns="fair").round({"value": 5, "low": 5, "high": 5, "p": 6})


def _effect(question: Question, table: pd.DataFrame | None) -> tuple[Effect | None, bool]:
    """The difference of two methods, and whether it is a fair test."""
    both = {question.method, question.other}
    if table is None or not both <= set(table["method"]):
        return None, False
    scores = table.pivot(index="image", columns="method", values=question.metric)
    effect = mean_effect(scores[question.method] - scores[question.other])
    silent = table[~table["control"]].groupby("method")["silent"].mean()
    return effect, effect.count >= FEWEST and not (silent.reindex(sorted(both)) > 0.5).any()


def _numbers(effect: Effect | None) -> dict[str, float]:
    nan = float("nan")
    return {
        "value": effect.value if effect else nan,
        "low": effect.low if effect else nan,
        "high": effect.high if effect else nan,
        "n": effect.count if effect else 0,
    }


def _p(effect: Effect | None, question: Question) -> float:
    """The p-value of the nearest value that the claim excludes."""
    if effect is None:
        return float("nan")
    if question.direction != "within":
        return effect.p_value()
    return max(effect.p_value(end) for end in (-question.margin, question.margin))  # that of the nearer end


def _outcome(row: Mapping[str, object]) -> str:
    value, margin = float(row["value"]), float(row["margin"])  # type: ignore[arg-type]
    if np.isnan(value):
        return "not run"
    if not row["fair"]:
        return "not a fair test"
    if not float(row["p"]) < DECIDED:  # type: ignore[arg-type]
        return "undecided"
    held = {"above": value > 0, "below": value < 0, "within": abs(value) < margin}
    return "holds" if held[str(row["direction"])] else "fails"
