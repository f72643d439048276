"""The runs of the benchmark: each method's maps of the profile's images, stored one by one, and their scores."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from helpers.benchmark.case import Case, Trial, silent
from helpers.benchmark.examination import selected
from helpers.benchmark.maps import maps_by, scene_case
from helpers.benchmark.methods import CONTESTANTS, Contestant, contestants_for
from helpers.benchmark.passes import count_passes
from helpers.benchmark.photographs import has_masks, is_scored, photographs_case, photographs_inputs, study_photographs
from helpers.benchmark.registry import Entry, load_metrics
from helpers.benchmark.scenes import SCENE_NUMBERS, SCORED, drawn
from helpers.benchmark.table import metric_code
from helpers.classifiers.digests import weights_digest
from helpers.data.images import image_digest

SLOW: Mapping[str, int] = {"benchmark-animals": 30}
"""The images that slow methods explain, the first ones, by profile; `_SLOW` elsewhere."""

_SLOW = 40

_SLOW_METHODS = frozenset(name for name, each in CONTESTANTS.items() if each.slow)
_SLOWEST = frozenset({"shearletx", "extremal-perturbation", "igos++", "feature-ablation"})

_OF_GRADIENTS = frozenset({"wam-gradient", "wam-path", "integrated-gradients", "smooth-grad"})

LEFT_OUT: Mapping[str, frozenset[str]] = {
    "benchmark-plain": _SLOWEST,
    "benchmark-transformer": _SLOW_METHODS,
    "benchmark-photographs": _SLOW_METHODS,
    "benchmark-animals": _SLOW_METHODS - {"pixel-rde", "cartoonx", "rise"},
    "benchmark-animals-transformer": _SLOW_METHODS | _OF_GRADIENTS,
    "benchmark-coco": _SLOW_METHODS,
}
"""The methods that take no part in a profile, since they would take too long."""

TUNING = 4
"""The images on which a setting is chosen; no score is computed on them."""

TUNED_BY = "insertion-blur"
"""The metric whose mean chooses between trials: it passes the examination and needs no truth."""

LEAST = 0.3  # the smallest probability of the predicted class of a photograph
_AT_ONCE = 50  # images scored together
_DECIMALS = 5


@dataclass(frozen=True, eq=False)
class Images:
    """The images that the methods of a study explain.

    Attributes:
        case: the images, their classes, and what is known about them.
        items: their names in the stores.
    """

    case: Case
    items: tuple[str, ...]
    _parts: dict[tuple[int, ...], Case] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        """The number of images."""
        return len(self.items)

    def some(self, rows: list[int]) -> Case:
        """The case of some images; what it has computed is kept for the next method."""
        key = tuple(rows)
        if key not in self._parts:
            self._parts[key] = selected(self.case, torch.tensor(rows))
        return self._parts[key]


def images_of(study: Any, *, tuning: bool = False) -> Images:
    """The images of a study on which methods are compared, or the further ones on which settings are chosen.

    Scenes are those of `SCENE_NUMBERS`, and the class of the largest object is explained. Photographs without masks are
    those whose predicted class, which is explained, has a probability of at least `LEAST`; the last ones choose
    settings. For photographs with masks see `photographs_case`; the same study photographs choose their settings.

    Raises:
        ValueError: the profile asks for more images than there are.
    """
    settings, seed = study.profile.images, study.profile.seed
    if settings.source == "scenes":
        numbers = SCENE_NUMBERS[SCORED : SCORED + TUNING] if tuning else SCENE_NUMBERS[: settings.count]
        case = scene_case(study.classifier, drawn(numbers, settings.size), seed=seed)
        return Images(case, tuple(f"scene {number}" for number in numbers))
    if has_masks(study) and not tuning:
        case = photographs_case(study)
    else:
        if has_masks(study):
            study = study.subset(study_photographs(settings.size))
        classes, probabilities = study.predictions
        rows = torch.nonzero(probabilities >= LEAST)[:, 0]
        if len(rows) <= TUNING:
            raise ValueError(f"{len(rows)} photographs with a probability of {LEAST} are too few")
        rows = rows[-TUNING:] if tuning else rows[:-TUNING]
        case = Case(study.classifier, study.images.images[rows], classes[rows], seed=seed)
    return Images(case, tuple(image_digest(image) for image in case.images))


def participants(study: Any) -> list[Contestant]:
    """The methods and controls that take part in a study's benchmark."""
    everybody = contestants_for(study.classifier)
    return [each for each in everybody if each.name not in LEFT_OUT.get(study.profile.name, ())]


def tuning_table(study: Any) -> pd.DataFrame:
    """The trials of each method that has some, on images that no score is computed on.

    Returns:
        One row per trial: method, trial (its number), setting (as text), score (the mean of `TUNED_BY`), images,
        chosen (the best one, the first of equal ones).
    """
    images, rows = images_of(study, tuning=True), []
    for contestant in participants(study):
        scores = [scores_table(study, contestant, images, setting)[TUNED_BY].mean() for setting in contestant.trials]
        best = int(np.argmax(scores)) if scores else 0
        rows += [
            (contestant.name, number, _words(setting), round(float(score), _DECIMALS), len(images), number == best)
            for number, (setting, score) in enumerate(zip(contestant.trials, scores, strict=True))
        ]
    return pd.DataFrame(rows, columns=["method", "trial", "setting", "score", "images", "chosen"])


def benchmark_table(study: Any) -> pd.DataFrame:
    """The scores of all methods and controls that can explain the study's classifier.

    Returns:
        One row per method and image: method, control, image (its number), silent (the map is constant, or not
        finite), seconds (of the processor), forward and backward (passes of the image through the classifier), and a
        column per metric.
    """
    images, tuning = images_of(study), study.table("benchmark-tuning")
    tables = [
        scores_table(study, contestant, images, chosen_setting(contestant, tuning))
        for contestant in participants(study)
    ]
    table = pd.concat(tables, ignore_index=True)
    table.attrs["provenance"] = {"data": dict(zip(images.items, _digests(images), strict=True))}
    return table


def chosen_setting(contestant: Contestant, tuning: pd.DataFrame) -> Mapping[str, Any]:
    """The setting of a method that the table `benchmark-tuning` chose; empty for a method without trials."""
    if not contestant.trials:
        return {}
    rows = tuning[tuning["chosen"] & (tuning["method"] == contestant.name)]
    return contestant.trials[int(rows["trial"].iloc[0])]


def scores_table(study: Any, contestant: Contestant, images: Images, setting: Mapping[str, Any]) -> pd.DataFrame:
    """The scores of one method with one setting, from the store or computed; see `benchmark_table`."""
    count = min(SLOW.get(study.profile.name, _SLOW), len(images)) if contestant.slow else len(images)
    maps, costs, key = stored_maps(study, contestant, images, setting, count)
    metrics = {name: entry for name, entry in load_metrics(images.case).items() if is_scored(study, name)}
    few = {} if len(metrics) == len(load_metrics(images.case)) else {"names": list(metrics)}
    store = study.store("benchmark-scores", maps=key, metrics=metric_code(), seed=images.case.seed, **few)

    def compute(rows: list[int]) -> list[dict[str, Tensor]]:
        found = _scored(images.some(rows), maps[rows], metrics)
        return [{"scores": scores} for scores in found]

    items = study.stored(store, images.items[:count], compute, batch=_AT_ONCE, label=f"{contestant.name}: scores")
    scores = torch.stack([item.tensors["scores"] for item in items]).numpy().round(_DECIMALS)
    first = {"method": contestant.name, "control": contestant.control, "image": range(count)}
    first["silent"] = silent(maps).numpy()
    spent = dict(zip(("seconds", "forward", "backward"), costs.numpy().round(4).T, strict=True))
    return pd.DataFrame({**first, **spent, **dict(zip(metrics, scores.T, strict=True))})


def stored_maps(
    study: Any,
    contestant: Contestant,
    images: Images,
    setting: Mapping[str, Any],
    count: int,
    *,
    made: Any = None,
) -> tuple[Tensor, Tensor, str]:
    """The maps of the first images, their costs, and the key of their store.

    Args:
        study: with the store.
        contestant: the method.
        images: with the classifier.
        setting: of the method.
        count: of the images.
        made: the method as a protocol changed it, with that setting; None for the method as it comes.

    Returns:
        The maps (images, height, width); seconds of the processor, forward and backward passes (images, 3); the key.
    """
    classifier: Any = images.case.classifier
    method = contestant.make(classifier, **setting) if made is None else made
    parts = [part for part in (method, *vars(method).values()) if type(part).__module__.startswith("helpers.methods")]
    networks = [weights_digest(part) for part in vars(method).values() if _is_own_network(part, classifier)]
    store = study.store(
        "benchmark",
        made_by=tuple(dict.fromkeys((maps_by, type(method), *map(type, parts)))),
        method=contestant.name,
        setting=_words(setting),
        classifier=classifier.digest,
        networks=networks,
        size=study.profile.images.size,
        seed=images.case.seed,
    )

    def compute(rows: list[int]) -> list[dict[str, Tensor]]:
        case = images.some(rows)
        with count_passes(classifier) as passes:
            begin = time.process_time()
            maps = maps_by(method, case, contestant.name).detach().cpu()
            seconds = time.process_time() - begin
        cost = torch.tensor([seconds, passes.forward, passes.backward], dtype=torch.double) / len(rows)
        return [{"map": each.contiguous(), "cost": cost.clone()} for each in maps]

    items = [f"{item} {target}" for item, target in zip(images.items, images.case.targets.tolist(), strict=True)]
    found = study.stored(store, items[:count], compute, batch=study.profile.batch_size, label=contestant.name)
    maps, costs = (torch.stack([item.tensors[name] for item in found]) for name in ("map", "cost"))
    return maps, costs, store.key


def run_inputs(study: Any) -> dict[str, Any]:
    """The digests of the metrics' code, which no code names, and of masks and photographs that choose settings."""
    return {"metrics": metric_code(), **photographs_inputs(study)}


def _scored(case: Case, maps: Tensor, metrics: Mapping[str, Entry]) -> Tensor:
    """The scores of some images: (images, metrics)."""
    trial = Trial(case, maps)
    return torch.stack([entry.metric(trial).double().cpu() for entry in metrics.values()], 1)


def _is_own_network(part: Any, classifier: nn.Module) -> bool:
    return isinstance(part, nn.Module) and part is not classifier and any(True for _ in part.parameters())


def _digests(images: Images) -> list[str]:
    return [image_digest(image) for image in images.case.images]


def _words(setting: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in setting.items())
