"""Hallucinated edges by method: edges of an explanation that its image does not have.

Written down before the run. Question: does the image times its map show edges that are not in the image, more than the
border of such a map must? (The pictures that CartoonX and its family synthesise are scored in the tables `family`.) Two
references: the same map on the next image (`swapped`), which has the map's own borders and no regard for the image; and
the share of the image's edges that are kept, since a picture that keeps everything or nothing adds no edge. Decision
rule: "silent" if the picture keeps fewer than `FEWEST` of the edges, or the map is constant in more than half of the
scenes; "respects edges" if the score is decided to be below `swapped`; "draws" if it is decided to be above, or equals
it in all scenes; "undecided" otherwise. (Changed after the first run, 28 November 2026: what is "undecided" had been
called "draws". Before the second run, of the same day: 48 scenes in the place of 24, and 12 of a slow method in the
place of 6.) Scores are corrected; in `published` grey values overflow as in the code of Kolek et al. (2023).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from helpers.benchmark.case import Case, silent
from helpers.benchmark.methods import Contestant
from helpers.benchmark.rows import base_maps, contestants, effect_row, is_slow, part_of
from helpers.benchmark.table import SceneStudy, profile_case
from helpers.core.statistics import Effect, mean_effect
from helpers.metrics import hallucination_score
from helpers.metrics.hallucination import CannyEdges

Pictures = Float[Tensor, "batch 3 height width"]

SCENES, SLOW_SCENES = 48, 12
"""The scenes that a method explains, and a slow one."""

FEWEST = 0.05
"""The share of the image's edges below which a picture shows too little to be judged."""


def edge_table(study: SceneStudy) -> pd.DataFrame:
    """The hallucinated edges of all methods and controls.

    Returns:
        One row per method and variant: method, control, variant ("corrected", "published"), value, low, high (of the
        score), swapped (the score of the maps on the next scenes), gain, gain_low, gain_high (swapped less value,
        paired), edges (the share of the image's edges that the picture has), verdict, n (scenes).
    """
    case = profile_case(study, SCENES)
    return pd.DataFrame(row for each in contestants(study.classifier) for row in edge_rows(each, study, case))


def edge_rows(contestant: Contestant, study: SceneStudy, case: Case) -> Iterator[dict[str, Any]]:
    """The rows of one method: see `edge_table`."""
    method = contestant.make(study.classifier)
    few = part_of(case, 0, SLOW_SCENES if is_slow(contestant, method, case) else SCENES)
    maps = base_maps(study, contestant, case, len(few))[:, None]
    pictures = few.images * maps
    swapped = few.images * maps.roll(1, 0)
    quiet = bool(silent(maps[:, 0]).double().mean() > 0.5)
    kept = edges_kept(few.images, pictures)
    for variant in ("corrected", "published"):
        score, other = (
            hallucination_score(few.images, some, variant=variant).double().numpy() for some in (pictures, swapped)
        )
        effect, gain = mean_effect(score), mean_effect(other - score)
        row = effect_row(effect, method=contestant.name, control=contestant.control, variant=variant)
        count = row.pop("n")
        shown = _verdict(gain)
        further = {"gain": gain.value, "gain_low": gain.low, "gain_high": gain.high, "edges": kept}
        rounded = {name: round(value, 6) for name, value in further.items()}
        verdict = "silent" if quiet or kept < FEWEST else shown
        yield {**row, "swapped": round(float(np.nanmean(other)), 6), **rounded, "verdict": verdict, "n": count}


def _verdict(gain: Effect) -> str:
    if gain.side_of() > 0:
        return "respects edges"
    return "draws" if gain.side_of() < 0 or gain.low == gain.high == 0 else "undecided"


def edges_kept(images: Pictures, pictures: Pictures) -> float:
    """The share of the images' edge pixels that have an edge of the picture within one pixel."""
    grey, shown = images.mean(1, keepdim=True), pictures.mean(1, keepdim=True)
    contrast = grey.amax((1, 2, 3)) - grey.amin((1, 2, 3))
    true, found = CannyEdges()(grey, contrast), CannyEdges()(shown, contrast)
    near = functional.max_pool2d(found.float(), 3, stride=1, padding=1) > 0
    return float((true & near).sum() / true.sum().clamp_min(1))
