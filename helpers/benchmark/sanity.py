"""Sanity: a map must change when the network loses what it learned (Adebayo et al., NeurIPS 2018).

Written down before the run. Question: does a method's map change as the classifier's weights are randomised, block by
block from the head (cascade) and each block alone (independent), or as it is trained on random labels? Decision rule,
from the similarity of each image's maps before and after, with two references: `other`, the similarity of the map
before with the map after of *another* image, which is what two maps of one method share whatever they explain; and
`twin`, the similarity of the maps of two networks that learned the same labels from different starts.

- "silent": more than half of the maps were constant before.
- "stays": the similarity is at least `UNCHANGED`.
- "follows the image": it is decided to be above `other`, so that something of the image is in the map without what the
  network had learned.
- "passes": it is decided to be below `UNCHANGED`, and at most `MARGIN` above `other` wherever in its interval.
- "undecided": otherwise.

Changed after the first run (28 November 2026): what is "undecided" had been called "passes" or "stays", so that methods
on six scenes passed because their intervals are wide. Changed before the second run, of the same day: 48 scenes in the
place of 12, and 12 of a slow method in the place of 6; the rule is the same.

A method with a network of its own, such as the Explainer, does not read the classifier's weights as it explains: in the
arm "cascade" it stays by construction, and in the arms "own network, …" its own weights are randomised
instead. It has no row for labels, since nobody trains it again; nor have the methods that the registry calls slow.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pandas as pd
import torch
from jaxtyping import Float, Int
from torch import Tensor

from helpers.benchmark.case import Case
from helpers.benchmark.methods import Contestant
from helpers.benchmark.randomisation import blocks_of, memorised, randomised
from helpers.benchmark.rows import base_maps, changed_maps, contestants, is_slow, own_network, remade
from helpers.benchmark.similarity import compared
from helpers.benchmark.table import SceneStudy, profile_case
from helpers.classifiers import Classifier
from helpers.core.runtime import random_generator
from helpers.core.statistics import Effect

Maps = Float[Tensor, "batch height width"]

SCENES, SLOW_SCENES = 48, 12
"""The scenes that a method explains, and a slow one."""

MEMORISED = 64
"""The scenes whose labels, right or random, a network learns by heart."""

UNCHANGED = 0.95
"""The similarity from which on a map counts as unchanged."""

MARGIN = 0.2
"""The similarity above that with another image's map that a method may have and still pass."""


def sanity_table(study: SceneStudy) -> pd.DataFrame:
    """The similarity of maps before and after the network lost what it learned, for all methods and controls.

    Of a slow method, a control, and a method with a network of its own, the cascade of the classifier has its last
    stage alone, and no block is randomised alone.

    Returns:
        One row per method, arm, stage and similarity: method, control, arm ("cascade", "independent", both also after
        "own network, "; "labels", "twin"), stage (the block, or "random" and "same" labels), similarity ("rank",
        "ssim"), value, low, high (of the similarity), other, gain, gain_low, gain_high (value less `other`, paired over
        the scenes), silent (the share of constant maps after), verdict (empty for "twin"), n (scenes).
    """
    case = profile_case(study, MEMORISED)
    learned = label_networks(case)
    return pd.DataFrame(
        row for each in contestants(study.classifier) for row in sanity_rows(each, study, case, learned)
    )


LabelNetworks = dict[str, tuple[Classifier, Int[Tensor, " batch"]]]


def label_networks(case: Case) -> LabelNetworks:
    """Three networks that learned labels of the same scenes by heart, and these labels.

    "right" and "same" learned the right labels from different weights, "random" permuted ones from the weights of the
    first.
    """
    classifier: Any = case.classifier
    order = torch.randperm(len(case), generator=random_generator(case.seed))
    labels = {"right": (case.targets, 0), "same": (case.targets, 1), "random": (case.targets[order], 0)}
    return {name: (memorised(classifier, case.images, each, seed=seed), each) for name, (each, seed) in labels.items()}


def sanity_rows(
    contestant: Contestant, study: SceneStudy, case: Case, learned: LabelNetworks
) -> Iterator[dict[str, Any]]:
    """The rows of one method: see `sanity_table`."""
    classifier, method = study.classifier, contestant.make(study.classifier)
    slow = is_slow(contestant, method, case)
    count = SLOW_SCENES if slow else SCENES
    names = {"method": contestant.name, "control": contestant.control}

    def maps(changed: Classifier, made: Any = None, targets: Tensor | None = None) -> Maps:
        made = remade(contestant, method, changed) if made is None else made
        about = replace(case, classifier=changed, targets=case.targets if targets is None else targets)
        return changed_maps(study, contestant, made, about, count)

    before, network = base_maps(study, contestant, case, count), own_network(method)
    for arm, stage, blocks in _stages(blocks_of(classifier), slow or contestant.control or network is not None):
        after = maps(randomised(classifier, blocks, seed=case.seed))
        yield from compared(before, after, _verdict, **names, arm=arm, stage=stage)
    if network is not None:
        for arm, stage, blocks in _stages(blocks_of(network), short=False):
            changed = copy.copy(method)
            changed.network = randomised(network, blocks, seed=case.seed)
            after = maps(classifier, changed)
            yield from compared(before, after, _verdict, **names, arm=f"own network, {arm}", stage=stage)
    if network is not None or contestant.slow:
        return
    knows = {name: maps(made, targets=labels) for name, (made, labels) in learned.items()}
    yield from compared(knows["right"], knows["same"], _none, **names, arm="twin", stage="same")
    yield from compared(knows["right"], knows["random"], _verdict, **names, arm="labels", stage="random")


def _stages(blocks: list[str], short: bool) -> Iterator[tuple[str, str, list[str]]]:
    """The arm, the stage and the blocks that it randomises; if short, the last stage of the cascade alone."""
    for number, block in enumerate(blocks):
        if not short or block == blocks[-1]:
            yield "cascade", block, blocks[: number + 1]
    if not short:
        for block in blocks:
            yield "independent", block, [block]


def _verdict(alike: Effect, gain: Effect, was_silent: bool) -> str:
    """See the decision rule of this module."""
    if was_silent:
        return "silent"
    if alike.value >= UNCHANGED:
        return "stays"
    if gain.side_of() > 0:
        return "follows the image"
    return "passes" if alike.side_of(UNCHANGED) < 0 and gain.high <= MARGIN else "undecided"


def _none(alike: Effect, gain: Effect, was_silent: bool) -> str:
    """A reference has no verdict."""
    return ""
