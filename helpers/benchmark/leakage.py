"""Leakage: whether a mask says which class was explained by its own shape, and not by what it keeps of the image.

Written down before the run, but for one rule. Questions and decision rules, each with a 95 % interval over scenes:

1. Learned. A small network sees binary masks alone, each of as many pixels as the object has, and predicts the class
   in cross-validation (`learned`); the same from masks for a classifier with random weights that is asked for one and
   the same class in all scenes (`learned-random`), which tell what the image's structure alone does. Their paired
   difference `learned-gain` is what the classifier's knowledge adds to a mask. Above 0, masks tell the class; that may
   be honest, since the object's own outline does (map `truth`), so it is no verdict. `learned-question` is why the
   class must not change: the classifier with random weights, asked for each scene's class, knows only the question.
2. Absent. The same for masks of a class that the scene does not show, drawn at random (`learned-absent`): no outline of
   it can be kept, so what lies above the controls is written by the method. This is the verdict on leakage.
   (Changed after the run: the rule said `CHANCE`, but the control `centre`, which no question changes, is at 0.19
   [0.13, 0.27]. The absent class is never the one whose object gives a mask its size, so that the size tells of it.)
3. Asked for an absent class, does a mask create it? The probability of that class in the kept part less that in the
   image (`absent-gain`), and the same for the mask of the next scene in its place (`absent-control`); `absent-area` is
   the mean of the mask.
4. Swapped. A mask on the next scene of the same class (`swapped-same`), less its own mask (`own`): below 0, the mask
   belongs to its image. And on a scene without its class (`swapped-other`): the probability of the mask's class there,
   less that with another mask of other classes (`swapped-gain`); above 0, the mask draws its class on any picture.

Slow methods are in 3 and 4 on a few scenes, and not in 1 and 2, which need many masks; controls, which no question
changes, are in 1 without the random weights. Of a method with a network of its own, that network's weights are random
in 1. Kept parts lie on black.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Int
from torch import Tensor

from helpers.benchmark.case import Case, Trial
from helpers.benchmark.maps import maps_by
from helpers.benchmark.methods import Contestant
from helpers.benchmark.outlines import binary_masks, predicted
from helpers.benchmark.randomisation import randomised
from helpers.benchmark.rows import (
    base_maps,
    contestants,
    effect_row,
    global_seed,
    is_slow,
    own_network,
    part_of,
    remade,
)
from helpers.benchmark.table import SceneStudy, profile_case
from helpers.classifiers import Classifier
from helpers.core.outputs import class_scores, score_name
from helpers.core.runtime import random_generator
from helpers.core.statistics import Effect, mean_effect, proportion_effect

Maps = Float[Tensor, "batch height width"]
Right = Float[np.ndarray, " batch"]

SCENES, FEW, SLOW_FEW = 120, 24, 6
"""The scenes whose masks are learned, those that are asked and swapped, and those of a slow method."""

CHANCE = 0.1
"""The share of right answers of a network that knows nothing, of ten classes."""

_AT_ONCE = 50  # scenes explained together


def leakage_table(study: SceneStudy) -> pd.DataFrame:
    """What masks tell about the class, for all methods and controls, and for the object itself (`truth`).

    Returns:
        One row per method and test: method, control, test (see this module), value, low, high, n (scenes).
    """
    case = profile_case(study, SCENES)
    rows: list[dict[str, Any]] = []
    for contestant in contestants(study.classifier):
        rows += leakage_rows(contestant, study, case)
    assert case.region is not None
    return pd.DataFrame([*rows, _learned(case.region.float(), case, "truth")])


def leakage_rows(contestant: Contestant, study: SceneStudy, case: Case) -> Iterator[dict[str, Any]]:
    """The rows of one method: see `leakage_table`."""
    classifier, method = study.classifier, contestant.make(study.classifier)
    names = {"method": contestant.name, "control": contestant.control}
    slow, absent = is_slow(contestant, method, case), absent_classes(case)
    few = part_of(case, 0, SLOW_FEW if slow else FEW)

    def maps(made: Any, part: Case, targets: Int[Tensor, " batch"] | None = None) -> Maps:
        part = part if targets is None else replace(part, targets=targets)
        pieces = [part_of(part, start, start + _AT_ONCE) for start in range(0, len(part), _AT_ONCE)]
        with global_seed(case.seed):
            given = torch.cat([maps_by(made, piece, contestant.name).detach() for piece in pieces])
        return Trial(part, given).maps

    if slow:
        shown, other = base_maps(study, contestant, case, len(few)), maps(method, few, absent[: len(few)])
    else:
        knowing, asked = base_maps(study, contestant, case, len(case)), maps(method, case, absent)
        right = _right(knowing, case, case.targets)
        yield from _learned_rows(right, _right(asked, case, absent), names)
        if not contestant.control:
            empty = _ignorant(contestant, method, classifier, case.seed)
            ignorant, questioned = maps(empty, case, torch.zeros_like(case.targets)), maps(empty, case)
            yield from _random_rows(right, ignorant, questioned, case, names)
        shown, other = knowing[: len(few)], asked[: len(few)]
    yield from _absent_rows(other, few, absent[: len(few)], names)
    yield from _swapped_rows(shown, few, names)


def absent_classes(case: Case) -> Int[Tensor, " batch"]:
    """A class that each scene does not show, at random."""
    assert case.parts is not None
    shown = _present(case)
    numbers = torch.rand(shown.shape, generator=random_generator(case.seed))
    return numbers.masked_fill(shown, -1).argmax(1)


def _present(case: Case) -> Tensor:
    """Which classes each scene shows: (batch, classes)."""
    assert case.parts is not None
    return case.parts.scenes.labels


def _ignorant(contestant: Contestant, method: Any, classifier: Classifier, seed: int) -> Any:
    """The method for a classifier with random weights, or with random weights of its own network."""
    network = own_network(method)
    if network is None:
        return remade(contestant, method, randomised(classifier, seed=seed))
    changed = copy.copy(method)
    changed.network = randomised(network, seed=seed)
    return changed


def _right(maps: Maps, case: Case, labels: Int[Tensor, " batch"]) -> Right:
    """1 where a network that sees binary masks alone predicts the label, else 0."""
    assert case.region is not None
    masks = binary_masks(maps, case.region.sum((1, 2)), seed=case.seed)
    found = predicted(masks, labels, round(1 / CHANCE), seed=case.seed)
    return (found == labels).double().numpy()


def _learned(maps: Maps, case: Case, name: str) -> dict[str, Any]:
    effect = proportion_effect(_right(maps, case, case.targets))
    return effect_row(effect, method=name, control=False, test="learned")


def _learned_rows(knows: Right, says: Right, names: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for test, right in (("learned", knows), ("learned-absent", says)):
        yield effect_row(proportion_effect(right), **names, test=test)


def _random_rows(
    knows: Right, ignorant: Maps, questioned: Maps, case: Case, names: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    guesses = _right(ignorant, case, case.targets)
    yield effect_row(proportion_effect(guesses), **names, test="learned-random")
    yield effect_row(mean_effect(knows - guesses, limits=(-1, 1)), **names, test="learned-gain")
    right = _right(questioned, case, case.targets)
    yield effect_row(proportion_effect(right), **names, test="learned-question")


def _absent_rows(
    maps: Maps, few: Case, absent: Int[Tensor, " batch"], names: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    before = probability(few, few.images, absent)
    found = {
        "absent-gain": probability(few, few.images * maps[:, None], absent) - before,
        "absent-control": probability(few, few.images * maps.roll(1, 0)[:, None], absent) - before,
        "absent-area": maps.mean((1, 2)).double().numpy(),
    }
    yield from (effect_row(mean_effect(values), **names, test=test) for test, values in found.items())


def _swapped_rows(maps: Maps, few: Case, names: dict[str, Any]) -> Iterator[dict[str, Any]]:
    own = probability(few, few.images * maps[:, None], few.targets)
    same, other = _partners(few.targets)
    found: dict[str, Effect] = {"own": mean_effect(own)}
    has = same >= 0
    if has.any():
        swapped = probability(few, few.images * maps[same.clamp_min(0)][:, None], few.targets)
        found["swapped-same"] = mean_effect((swapped - own)[has.numpy()])
    third = other[other]  # the mask of another class again, mostly another than that of the scene
    there, classes = few.images[other], few.targets
    with_own, with_third = (probability(few, there * some[:, None], classes) for some in (maps, maps[third]))
    found["swapped-other"] = mean_effect(with_own)
    found["swapped-gain"] = mean_effect((with_own - with_third)[(few.targets[third] != classes).numpy()])
    yield from (effect_row(effect, **names, test=test) for test, effect in found.items())


def _partners(targets: Int[Tensor, " batch"]) -> tuple[Int[Tensor, " batch"], Int[Tensor, " batch"]]:
    """The next image of the same class, -1 where there is none; and the next image of another class."""
    count = len(targets)
    order = (torch.arange(count)[:, None] + torch.arange(1, count)) % count  # batch, others
    alike = targets[order] == targets[:, None]  # batch, others
    same, other = (order.gather(1, found.int().argmax(1, keepdim=True))[:, 0] for found in (alike, ~alike))
    return torch.where(alike.any(1), same, -1), other


@torch.no_grad()
def probability(
    case: Case, images: Float[Tensor, "batch 3 height width"], classes: Int[Tensor, " batch"]
) -> Float[np.ndarray, " batch"]:
    """The classifier's probability of one class per image."""
    logits = case.classifier(images)
    scores = class_scores(logits, score_name(case.classifier, "auto", logits.shape[1]))
    return scores.gather(1, classes[:, None])[:, 0].double().numpy()
