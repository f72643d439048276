"""The tables of the benchmark: the examination of the metrics, and rendered deletion part by part."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import pandas as pd
import torch
from jaxtyping import Bool
from torch import Tensor

from helpers.benchmark.case import Case, Trial
from helpers.benchmark.examination import examine
from helpers.benchmark.maps import controls, method_maps, scene_case
from helpers.benchmark.registry import load_metrics
from helpers.benchmark.truth import RenderedDeletion, drop_shares, mass_shares
from helpers.classifiers import Classifier, load_classifier
from helpers.core.statistics import mean_effect
from helpers.data.scenes import make_scenes
from helpers.data.scenes.parts import PARTS, SceneParts, draw_parts
from helpers.methods.explainer import read_explainer
from helpers.results import code_digest, none_if_missing

CLASSIFIERS = {"plain": "scenes-multilabel", "shortcut": "scenes-shortcut"}
"""The classifier whose mark means nothing, and the one that learned to take it for a fish."""

MARKED_CLASS = "fish"

KINDS = ("object", "other objects", "mark", "background")
"""The parts of a scene by what they are to the explained class."""

_MARK_RATE = 0.3  # of the plain classifier's scenes, whatever they show, as in its training
_AT_ONCE = 128  # scenes searched together for those that show the marked class as their largest object


@runtime_checkable
class SceneStudy(Protocol):
    """The part of a study that these tables need, so that a change of another method leaves them fresh.

    Attributes:
        profile: with its images and its seed.
        classifier: of scenes.
        device: for further classifiers.
    """

    profile: Any
    classifier: Classifier
    device: torch.device


def examination_table(study: SceneStudy) -> pd.DataFrame:
    """The examination of all metrics on the profile's scenes, with the mark on some of them.

    Returns:
        See `helpers.benchmark.examination.examine`.
    """
    case = profile_case(study)
    return examine(case, method_maps(case), controls(case))


def profile_case(study: SceneStudy, count: int | None = None) -> Case:
    """The scenes of a profile with the mark on some of them, and its classifier.

    Args:
        study: of the profile.
        count: of the scenes, from the first; None for all of the profile.
    """
    images = study.profile.images
    assert images.source == "scenes", "the benchmark is run on scenes, whose truth is known"
    assert images.count is not None
    parts = draw_parts(
        images.count if count is None else count,
        size=images.size,
        seed=images.seed,
        objects=images.objects,
        shortcut_base_rate=_MARK_RATE,
        shortcut_class=MARKED_CLASS,
    )
    return scene_case(study.classifier, parts, seed=study.profile.seed)


def rendered_table(study: SceneStudy) -> pd.DataFrame:
    """Rendered deletion part by part: scenes with the mark and its class, for both of `CLASSIFIERS`.

    Returns:
        One row per classifier, map and part: classifier ("plain", "shortcut"), map ("logit drop", or a method), part
        (one of `KINDS`, or "agreement", the score of the map), value (the mean share), low, high, n (scenes).
    """
    images = study.profile.images
    assert images.count is not None
    parts = marked_scenes(images.count, size=images.size, seed=images.seed, objects=images.objects)
    is_kind = part_kinds(parts)
    rows = []
    for name, file in CLASSIFIERS.items():
        case = scene_case(load_classifier(file, device=study.device), parts, seed=study.profile.seed)
        shares = {"logit drop": drop_shares(case.drops)}
        maps = method_maps(case)
        shares |= {method: mass_shares(values, parts.masks) for method, values in maps.items()}
        for shown, values in shares.items():
            by_kind = torch.einsum("sp,spk->sk", values, is_kind.to(values)).double()  # scenes, kinds
            columns = dict(zip(KINDS, by_kind.T, strict=True))
            if shown in maps:
                columns["agreement"] = RenderedDeletion()(Trial(case, maps[shown])).double()
            for part, column in columns.items():
                effect = mean_effect(column.numpy(), limits=(0, 1))
                numbers = {"value": effect.value, "low": effect.low, "high": effect.high}
                rounded = {key: round(number, 6) for key, number in numbers.items()}
                rows.append({"classifier": name, "map": shown, "part": part, **rounded, "n": effect.count})
    return pd.DataFrame(rows)


def marked_scenes(count: int, *, size: int, seed: int, objects: tuple[int, int]) -> SceneParts:
    """The first scenes of a series that show the mark and, as their largest object, its class.

    Args:
        count: of the scenes returned; about one in ten of the series is one of them.
        size, seed, objects: as for `make_scenes`.
    """
    options: dict[str, Any] = {"size": size, "seed": seed, "objects": objects}
    options |= {"shortcut_strength": 1.0, "shortcut_class": MARKED_CLASS}  # the mark on all of them, on no others
    found: list[int] = []
    start = 0
    while len(found) < count:
        present = make_scenes(_AT_ONCE, start=start, **options).shortcut_present
        found += [start + row for row in present.nonzero()[:, 0].tolist()]
        start += _AT_ONCE
    return SceneParts.join([draw_parts(1, start=number, **options) for number in found[:count]])


def part_kinds(parts: SceneParts) -> Bool[Tensor, "scenes parts kinds"]:
    """Which of `KINDS` each part is: objects of the scene's label, other objects, the mark, the background."""
    own = parts.scenes.object_classes == parts.scenes.label[:, None]  # scenes, objects
    mark, background = (torch.tensor([part == kind for part in PARTS]) for kind in KINDS[2:])
    first = torch.nn.functional.pad(own, (0, len(PARTS) - own.shape[1]))  # scenes, parts
    other = ~(first | mark | background)
    return torch.stack([first, other, *(each.expand_as(first) for each in (mark, background))], 2)


def explainer_of(classifier: str) -> str:
    """The name of a classifier's Explainer in models/."""
    return f"{classifier}-explainer"


def examination_inputs(study: SceneStudy) -> dict[str, Any]:
    """The digest of the classifier's Explainer, and of the metrics' code."""
    explainer = none_if_missing(lambda: read_explainer(explainer_of(study.profile.classifier.name))[2])
    return {"explainer": explainer, "metrics": metric_code()}


def metric_code() -> dict[str, str]:
    """The digest of the code of each metric: no code names the classes that enter a registry by themselves."""
    return {name: code_digest(type(entry.metric)) for name, entry in load_metrics().items()}


def score_inputs(study: SceneStudy) -> dict[str, Any]:
    """The digests of the classifier's trained networks, and of the metrics' code."""
    name = study.profile.classifier.name
    files = [f"{name}-{objective}" for objective in ("explainer", "rtis")]
    networks = {file: none_if_missing(lambda f=file: read_explainer(f)[2]) for file in files}
    return {"networks": networks, "metrics": metric_code()}


def rendered_inputs(study: SceneStudy) -> dict[str, Any]:
    """The digests of both classifiers and their Explainers."""
    return {
        "classifiers": {
            file: none_if_missing(lambda f=file: load_classifier(f).digest) for file in CLASSIFIERS.values()
        },
        "explainers": {
            file: none_if_missing(lambda f=file: read_explainer(explainer_of(f))[2]) for file in CLASSIFIERS.values()
        },
    }
