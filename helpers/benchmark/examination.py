"""The entrance examination of metrics: the tests that a metric passes before a rank uses it.

Five are those of the field's critics (`known_order`, `free_lunch`, `silent`, `occlusion`, and the twin), and one is
added here: a map that says nothing must not be as good as the truth (`control`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from helpers.benchmark.agreement import kendall_w, spearman
from helpers.benchmark.case import FILLS, Case, Trial
from helpers.benchmark.changes import LEVELS, LUNCHES, permute_cells
from helpers.benchmark.registry import Entry, load_metrics
from helpers.benchmark.twins import TWINS, twin_difference
from helpers.core.statistics import Effect, bootstrap, draw_images, mean_effect, proportion_effect

Maps = Float[Tensor, "batch height width"]
Scores = dict[str, Float[np.ndarray, "... images"]]

KNOWN_ORDER, OCCLUSION, TWIN = 0.9, 0.8, 1e-6
"""The pass marks of the known order, of the occlusion and of the twin."""

_ROUNDING = 1e-5  # by which a network's answer depends on the other images of its batch, and a tie on rounding
_TWIN_IMAGES = 12  # twins look at one image at a time


@dataclass(frozen=True)
class Outcome:
    """One test of one metric.

    Attributes:
        test: its name.
        effect: the statistic over images, with its interval.
        mark: the pass mark.
        passed: whether the statistic reaches it.
    """

    test: str
    effect: Effect
    mark: float
    passed: bool

    @property
    def decided(self) -> bool:
        """Whether the whole interval lies on one side of the mark, or the test is exact."""
        exact = self.test in ("silence", "twin")
        return exact or self.effect.side_of(self.mark) != 0


def examine(case: Case, methods: Mapping[str, Maps], controls: Mapping[str, Maps]) -> pd.DataFrame:
    """All tests of all metrics that a case allows.

    Args:
        case: scenes with their truth, and with a fill `ground` for the test of the occlusion.
        methods: the maps of each method; `truth` is needed.
        controls: those of each control; `random`, `edges` and `everything` are needed.

    Returns:
        One row per metric and test: metric, domain, truth, higher, test, statistic, low, high, mark, passed, decided,
        n (images).
    """
    metrics = load_metrics(case)
    plain = _stacked([score(case, maps) for maps in methods.values()])  # methods, images
    degraded = [
        _stacked([score(case, permute_cells(maps, share, seed=case.seed)) for maps in methods.values()])
        for share in LEVELS[1:]
    ]
    levels = _stacked([plain, *degraded])  # levels, methods, images
    lunches = {
        name: _stacked([score(case, change(maps)) for maps in methods.values()]) for name, change in LUNCHES.items()
    }
    silence, nothing = _silence(case, controls), score(case, controls["everything"])
    truth = list(methods).index("truth")
    orders = _occlusion(case, {**methods, **controls})
    rows = []
    for name, entry in metrics.items():
        defined = np.isfinite(plain[name]).any(0)
        outcomes = [
            *known_order(levels[name]),
            *[free_lunch(f"lunch-{change}", plain[name], found[name]) for change, found in lunches.items()],
            lunch_on_truth(plain[name][truth], np.stack([found[name][truth] for found in lunches.values()])),
            control(plain[name][truth], nothing[name]),
            silent(silence[name][defined]),
        ]
        if entry.fill:
            outcomes.append(occlusion(orders[entry.family]))
        if name in TWINS:
            outcomes.append(_twin(name, case, controls["random"]))
        rows += [_row(entry, outcome) for outcome in outcomes]
    return pd.DataFrame(rows)


def score(case: Case, maps: Maps) -> Scores:
    """The scores of some maps by all metrics that a case allows, signed so that higher is better."""
    trial = Trial(case, maps)
    return {name: entry.goodness(trial).double().cpu().numpy() for name, entry in load_metrics(case).items()}


def known_order(levels: Float[np.ndarray, "levels methods images"]) -> list[Outcome]:
    """Known order: the more of a map's cells changed places, the worse it is.

    The statistic is Spearman's correlation of the score with the order of the levels, averaged over methods: that of
    mean scores over the images (`order`), and the mean of those of single images (`order-of-one`).

    Args:
        levels: scores, higher is better, from untouched to all cells permuted. Images with nan are left out.
    """
    known = levels[..., np.isfinite(levels).all((0, 1))]
    kept = -np.arange(len(levels), dtype=float)

    def mean_order(means: np.ndarray) -> np.ndarray:
        return np.asarray(spearman(means.reshape(*means.shape[:-1], -1, len(levels)), kept).mean(-1))

    columns = known.transpose(2, 1, 0).reshape(known.shape[2], -1)  # images, methods * levels
    together = bootstrap(columns, mean_order, draw_images(len(columns))) if len(columns) else _nothing()
    alone = mean_effect(spearman(known.transpose(2, 1, 0), kept).mean(1), limits=(-1, 1))
    return [
        Outcome(test, effect, KNOWN_ORDER, effect.value >= KNOWN_ORDER)
        for test, effect in (("order", together), ("order-of-one", alone))
    ]


def free_lunch(
    test: str, plain: Float[np.ndarray, "methods images"], changed: Float[np.ndarray, "methods images"]
) -> Outcome:
    """No free lunch: a change that knows nothing of the classifier gains nothing.

    The statistic is the share of images whose median gain over the methods is positive (a tie is half); the median
    image gains where it exceeds a half. The gain may be deserved: a blur brings a noisy map nearer to the object.

    Args:
        test: the name of the test.
        plain, changed: scores before and after, higher is better. Images with nan are left out.
    """
    effect = proportion_effect(_wins(np.median(changed - plain, axis=0), np.abs(plain).max(0)))
    return Outcome(test, effect, 0.5, effect.value <= 0.5)


def lunch_on_truth(truth: Float[np.ndarray, " images"], changed: Float[np.ndarray, "changes images"]) -> Outcome:
    """No free lunch on the object's own mask, where no gain can be deserved: the share of the worst change.

    Changes that leave a binary mask as it is, and so tie on all images, do not count.

    Args:
        truth, changed: scores before and after each change, higher is better.
    """
    wins = [_wins(scores - truth, np.abs(truth)) for scores in changed]
    effects = [proportion_effect(each) for each in wins if (each != 0.5).any()] or [proportion_effect(wins[0])]
    worst = max(effects, key=lambda effect: effect.value)
    return Outcome("lunch-truth", worst, 0.5, worst.value <= 0.5)


def control(truth: Float[np.ndarray, " images"], nothing: Float[np.ndarray, " images"]) -> Outcome:
    """Control: the share of images on which a map that says nothing scores more than the object's mask.

    Args:
        truth, nothing: scores of the two, higher is better.
    """
    effect = proportion_effect(_wins(nothing - truth, np.abs(truth)))
    return Outcome("control", effect, 0.5, effect.value <= 0.5)


def _wins(gain: Float[np.ndarray, " images"], size: Float[np.ndarray, " images"]) -> Float[np.ndarray, " images"]:
    """1 for a gain, 0 for a loss, a half for a tie up to rounding; nan where there is no score."""
    sign = np.where(np.abs(gain) <= _ROUNDING * size, 0.0, np.sign(gain))
    return np.where(np.isnan(gain), np.nan, (1 + sign) / 2)


def silent(equal: Float[np.ndarray, " images"]) -> Outcome:
    """Silence: maps that say nothing count, with the score of the control that says nothing.

    Args:
        equal: whether all silent maps of an image have the control's score.
    """
    effect = proportion_effect(equal)
    return Outcome("silence", effect, 1.0, effect.value == 1)


def occlusion(scores: Float[np.ndarray, "fills maps images"]) -> Outcome:
    """Occlusion: maps have the same order whatever takes the place of removed pixels, by Kendall's W of mean scores."""
    fills, maps, images = scores.shape

    def concordance(means: np.ndarray) -> np.ndarray:
        return kendall_w(means.reshape(*means.shape[:-1], fills, maps))

    effect = bootstrap(scores.reshape(-1, images).T, concordance, draw_images(images))
    return Outcome("occlusion", effect, OCCLUSION, effect.value >= OCCLUSION)


def _silence(case: Case, controls: Mapping[str, Maps]) -> dict[str, np.ndarray]:
    """By metric: whether each image's silent maps have the control's score.

    Constant maps of any height, and those that are not finite, are the control `everything`. A random map and the
    image's edges score the same in whatever company: here, with the images in reverse.
    """
    everything, back = controls["everything"], torch.arange(len(case) - 1, -1, -1)
    expected = score(case, everything)
    reverse = selected(case, back)
    pairs = [(score(case, height * everything), expected) for height in (0.0, 0.5)]
    pairs.append((score(case, torch.full_like(everything, torch.nan)), expected))
    for name in ("random", "edges"):
        company = {metric: values[::-1] for metric, values in score(reverse, controls[name][back]).items()}
        pairs.append((company, score(case, controls[name])))
    return {
        name: np.all(
            [
                np.abs(found[name] - control[name]) <= _ROUNDING * (1 + np.abs(control[name]))
                for found, control in pairs
            ],
            axis=0,
        ).astype(float)
        for name in expected
    }


def selected(case: Case, rows: Tensor) -> Case:
    """Some of the images of a case, by their indices."""
    return replace(
        case,
        images=case.images[rows],
        targets=case.targets[rows],
        region=None if case.region is None else case.region[rows],
        parts=None if case.parts is None else case.parts[rows],
        fills={name: fill[rows] for name, fill in case.fills.items()},
        counted=None if case.counted is None else case.counted[rows],
    )


def _occlusion(case: Case, maps: Mapping[str, Maps]) -> dict[str, np.ndarray]:
    """By family: the scores (fills, maps, images) with each fill, the scene's own background included."""
    fills = (*FILLS, "ground") if "ground" in case.fills else FILLS
    trials = [Trial(case, values) for values in maps.values()]
    families = {entry.family: type(entry.metric) for entry in load_metrics(case).values() if entry.fill}
    return {
        family: np.stack([np.stack([kind(fill)(trial).double().numpy() for trial in trials]) for fill in fills])
        for family, kind in families.items()
    }


def _twin(name: str, case: Case, maps: Maps) -> Outcome:
    rows = torch.arange(min(_TWIN_IMAGES, len(case)))
    differences = twin_difference(name, selected(case, rows), maps[rows])
    largest = float(differences.max())
    return Outcome("twin", Effect(largest, np.nan, np.nan, len(rows)), TWIN, largest <= TWIN)


def _nothing() -> Effect:
    return Effect(np.nan, np.nan, np.nan, 0)


def _stacked(scores: list[Scores]) -> Scores:
    return {name: np.stack([each[name] for each in scores]) for name in scores[0]}


def _row(entry: Entry, outcome: Outcome) -> dict[str, object]:
    effect = outcome.effect
    return {
        "metric": entry.name,
        "domain": entry.domain,
        "truth": entry.truth,
        "higher": entry.higher,
        "test": outcome.test,
        "statistic": float(f"{effect.value:.6g}"),
        "low": float(f"{effect.low:.6g}"),
        "high": float(f"{effect.high:.6g}"),
        "mark": outcome.mark,
        "passed": bool(outcome.passed),
        "decided": outcome.decided,
        "n": effect.count,
    }
