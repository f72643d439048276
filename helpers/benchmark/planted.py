"""Two classifiers of one architecture, whose reasons are known: all methods on scenes of a fish with the mark."""

from __future__ import annotations

from typing import Any

import pandas as pd
import torch

from helpers.benchmark.case import Trial
from helpers.benchmark.maps import scene_case
from helpers.benchmark.methods import contestants_for
from helpers.benchmark.runs import Images, chosen_setting, stored_maps
from helpers.benchmark.table import CLASSIFIERS, KINDS, marked_scenes, part_kinds
from helpers.benchmark.truth import RenderedDeletion, drop_shares, mass_shares
from helpers.classifiers import load_classifier
from helpers.methods.explainer import read_explainer
from helpers.results import none_if_missing

SCENES, SLOW = 40, 20
"""The scenes that methods explain, and slow methods; the first ones."""

SERIES, OBJECTS = 3500, (2, 4)
"""The seed of the series, and the objects of its scenes, as in profile benchmark."""

_DECIMALS = 5


def planted_table(study: Any) -> pd.DataFrame:
    """Where the mass of each method's maps lies, for the classifier that takes the mark for a fish and for the other.

    The settings are those that were chosen for the profile's classifier.

    Returns:
        One row per classifier ("plain", "shortcut"), method and scene: classifier, method ("logit drop" is what the
        classifier used), control, image (its number), a column per kind of part with its share of the mass ("object",
        "other objects", "mark", "background"), and rendered-deletion.
    """
    parts = marked_scenes(SCENES, size=study.profile.images.size, seed=SERIES, objects=OBJECTS)
    is_kind, tuning, tables = part_kinds(parts), study.table("benchmark-tuning"), []
    for name, file in CLASSIFIERS.items():
        classifier = load_classifier(file, device=study.device)
        case = scene_case(classifier, parts, seed=study.profile.seed)
        images = Images(case, tuple(f"marked scene {number}" for number in range(SCENES)))
        found = {"logit drop": (drop_shares(case.drops), torch.ones(SCENES, dtype=torch.double), False)}
        for contestant in contestants_for(classifier):
            count = SLOW if contestant.slow else SCENES
            maps, _, _ = stored_maps(study, contestant, images, chosen_setting(contestant, tuning), count)
            trial = Trial(images.some(list(range(count))), maps)
            score = RenderedDeletion()(trial).double()
            found[contestant.name] = (mass_shares(trial.maps, parts.masks[:count]), score, contestant.control)
        for method, (shares, score, control) in found.items():
            by_kind = torch.einsum("sp,spk->sk", shares, is_kind[: len(shares)].to(shares)).double()  # scenes, kinds
            head = {"classifier": name, "method": method, "control": control, "image": range(len(shares))}
            columns = dict(zip(KINDS, by_kind.numpy().round(_DECIMALS).T, strict=True))
            tables.append(pd.DataFrame({**head, **columns, "rendered-deletion": score.numpy().round(_DECIMALS)}))
    return pd.concat(tables, ignore_index=True)


def planted_inputs(study: Any) -> dict[str, Any]:
    """The digests of both classifiers, and of the networks that were trained to explain them."""
    files = [f"{file}-{objective}" for file in CLASSIFIERS.values() for objective in ("explainer", "rtis")]
    return {
        "classifiers": {
            file: none_if_missing(lambda f=file: load_classifier(f).digest) for file in CLASSIFIERS.values()
        },
        "networks": {file: none_if_missing(lambda f=file: read_explainer(f)[2]) for file in files},
    }
