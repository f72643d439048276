"""Stability: a map should not change much where neither the image nor the classifier's answer does.

Written down before the run. Question: how alike are the maps of an image with faint noise on it, with another seed of
the method, or shifted by a few pixels (and the map shifted back), to the map of the image itself? Two references: the
same image explained again (arm "repeat"), and `other`, the map after the change of another image. A method that the
registry calls slow is not tried with another seed. The decision rule:

- "silent": more than half of the maps are constant.
- "blind": a repeat is not decided to be more alike than the map of another image; such a map cannot be unstable.
- "stable": the similarity is at least `STABLE`.
- "moves": it is decided to be below, and above that with the map of another image.
- "unstable": it is at most `MARGIN` above that with the map of another image wherever in its interval.
- "undecided": otherwise.

Changed after the first run (28 November 2026): what is "undecided" had been called "unstable" or "stable".
Changed before the second run, of the same day: 48 scenes in the place of 12, and 12 of a slow method in the place of 6.

`answer` is the mean change of the class's probability: where it is large, a map has a reason to change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from helpers.benchmark.case import Case
from helpers.benchmark.methods import Contestant
from helpers.benchmark.rows import base_maps, changed_maps, contestants, is_slow, option_of, part_of, with_option
from helpers.benchmark.similarity import compared, rank_similarity
from helpers.benchmark.table import SceneStudy, profile_case
from helpers.core.outputs import class_scores, score_name
from helpers.core.runtime import random_generator
from helpers.core.statistics import Effect, mean_effect

Maps = Float[Tensor, "batch height width"]
Images = Float[Tensor, "batch 3 height width"]

SCENES, SLOW_SCENES = 48, 12
"""The scenes that a method explains, and a slow one."""

NOISES = (0.03, 0.01)
"""The standard deviations of the noise; a slow method sees the first."""

SHIFTS = (4, 1)
"""The pixels by which an image moves, down and to the right; a slow method sees the first."""

STABLE = 0.9
"""The similarity from which on a map counts as the same."""

MARGIN = 0.2
"""The similarity above that with another image's map that an unstable map may have."""


def stability_table(study: SceneStudy) -> pd.DataFrame:
    """The similarity of maps before and after changes that should not matter, for all methods and controls.

    Returns:
        One row per method, arm, size and similarity: method, control, arm ("repeat", "seed", "noise", "shift"), size
        (of the noise, or pixels), answer, and the columns of `helpers.benchmark.similarity.compared`.
    """
    case = profile_case(study, SCENES)
    return pd.DataFrame(row for each in contestants(study.classifier) for row in stability_rows(each, study, case))


def stability_rows(contestant: Contestant, study: SceneStudy, case: Case) -> Iterator[dict[str, Any]]:
    """The rows of one method: see `stability_table`."""
    method = contestant.make(study.classifier)
    slow = is_slow(contestant, method, case)
    few = part_of(case, 0, SLOW_SCENES if slow else SCENES)
    names = {"method": contestant.name, "control": contestant.control}

    def maps(images: Images, change: str, seed: int | None = None) -> Maps:
        own = None if seed is None else option_of(method, ("seed",))
        made = method if own is None else with_option(method, own, seed)
        about = replace(few, images=images)
        return changed_maps(study, contestant, made, about, len(few), change=change, seed=seed)

    before, again = base_maps(study, contestant, few, len(few)), maps(few.images, "again")
    sees = mean_effect(rank_similarity(before, again) - rank_similarity(before, again.roll(1, 0))).side_of() > 0
    verdict = verdict_of(sees)
    still = {**names, "answer": 0.0}
    yield from compared(before, again, verdict, **still, arm="repeat", size=0)
    if not contestant.slow:
        yield from compared(before, maps(few.images, "", case.seed + 1), verdict, **still, arm="seed", size=1)
    for noise in NOISES[: 1 if slow else None]:
        changed = with_noise(few.images, noise, seed=case.seed)
        named = {**names, "arm": "noise", "size": noise, "answer": answer_change(few, changed)}
        yield from compared(before, maps(changed, f"noise {noise}"), verdict, **named)
    for pixels in SHIFTS[: 1 if slow else None]:
        changed = shifted(few.images, pixels)
        named = {**names, "arm": "shift", "size": pixels, "answer": answer_change(few, changed)}
        inside = before[:, :-pixels, :-pixels]
        back = maps(changed, f"shift {pixels}")[:, pixels:, pixels:]
        yield from compared(inside, back, verdict, **named)


def with_noise(images: Images, deviation: float, *, seed: int) -> Images:
    """Images with Gaussian noise, the same on all of them, cut to [0, 1]."""
    noise = torch.randn(images.shape[1:], generator=random_generator(seed)).to(images)
    return (images + deviation * noise).clamp(0, 1)


def shifted(images: Images, pixels: int) -> Images:
    """Images moved down and to the right; the first row and column fill what is uncovered."""
    moved = functional.pad(images, (pixels, 0, pixels, 0), mode="replicate")
    return moved[..., : images.shape[2], : images.shape[3]]


@torch.no_grad()
def answer_change(case: Case, changed: Images) -> float:
    """The mean absolute change of the probability of the explained class."""
    classifier = case.classifier
    logits = [classifier(images) for images in (case.images, changed)]
    scores = [class_scores(each, score_name(classifier, "auto", each.shape[1])) for each in logits]
    before, after = (each.gather(1, case.targets[:, None]) for each in scores)
    return round(float((after - before).abs().mean()), 6)


def verdict_of(sees: bool) -> Callable[[Effect, Effect, bool], str]:
    """The decision rule of this module, for a method whose maps depend on the image or do not."""

    def verdict(alike: Effect, gain: Effect, was_silent: bool) -> str:
        if was_silent:
            return "silent"
        if not sees:
            return "blind"
        if alike.value >= STABLE and gain.side_of() > 0:
            return "stable"
        if alike.side_of(STABLE) < 0 and gain.side_of() > 0:
            return "moves"
        return "unstable" if gain.side_of() <= 0 and gain.high <= MARGIN else "undecided"

    return verdict
