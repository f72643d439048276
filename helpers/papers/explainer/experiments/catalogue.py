"""The tables about class masks by name: read where they are up to date, else made."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from helpers.papers.explainer.experiments.class_scores import COMPARED, class_score_table
from helpers.papers.explainer.experiments.class_truth import class_truth_table
from helpers.papers.explainer.experiments.classes import class_table
from helpers.papers.explainer.experiments.methods import METHODS
from helpers.papers.explainer.experiments.multilabel_scores import multilabel_score_table
from helpers.papers.explainer.experiments.segmentation import segmentation_table
from helpers.papers.explainer.experiments.shortcut import shortcut_table
from helpers.papers.explainer.experiments.study import ClassStudy
from helpers.papers.explainer.experiments.times import compute_time_table
from helpers.papers.recartoonx.experiments.study import running_code
from helpers.profiles import Profile, load_profile
from helpers.results import read_provenance, read_table, run_key

Pair = tuple[str, str]  # dataset, classifier


@dataclass(frozen=True)
class ClassExperiment:
    """One table for each of some pairs of dataset and classifier.

    Attributes:
        make: computes the table; finished masks come from the stores.
        methods: whose masks it needs.
        datasets, classifiers: the pairs that the paper's table has.
        truth: whether it rests on what is known of scenes only.
    """

    make: Callable[[ClassStudy], pd.DataFrame]
    methods: tuple[str, ...]
    datasets: tuple[str, ...] = ("voc2007", "coco2014")
    classifiers: tuple[str, ...] = ("vgg16", "resnet50")
    truth: bool = False


EXPLAINER_TABLES: dict[str, ClassExperiment] = {
    "class-scores": ClassExperiment(class_score_table, COMPARED, ("voc2007",), ("vgg16",)),
    "segmentation": ClassExperiment(segmentation_table, METHODS),
    "compute-time": ClassExperiment(compute_time_table, METHODS, ("voc2007",), ("vgg16",)),
    "multilabel-scores": ClassExperiment(multilabel_score_table, ("explainer",)),
    "classes": ClassExperiment(class_table, (), classifiers=("vgg16",)),
    "class-truth": ClassExperiment(class_truth_table, METHODS, ("voc2007",), truth=True),
    "shortcut": ClassExperiment(shortcut_table, METHODS, ("voc2007",), truth=True),
}


def table_name(name: str, dataset: str, classifier: str) -> str:
    """What the table of one pair is called in `results/<profile>/`."""
    return f"explainer-{name}-{dataset}-{classifier}"


def explainer_table(study: ClassStudy, name: str) -> pd.DataFrame:
    """A table of one dataset and classifier: the one in `results/<profile>/` if it is still right, else made there.

    It is right if the section of the profile, the classifier, the methods and the meaning of the code are those that
    made it.

    Args:
        study: the dataset and the classifier.
        name: one of `EXPLAINER_TABLES`.

    Raises:
        ValueError: there is no such table; the message lists those that exist.
    """
    if name not in EXPLAINER_TABLES:
        raise ValueError(f"table {name!r} is not known; use one of {', '.join(EXPLAINER_TABLES)}")
    stored, key = table_name(name, study.dataset, study.classifier_name), _table_key(study, name)
    if _stored_key(study, stored) != key:
        begin, known = time.perf_counter(), study.computed
        table = EXPLAINER_TABLES[name].make(study)
        rest = time.perf_counter() - begin - (study.computed - known)  # masks count with the time that they once took
        facts = study.facts(EXPLAINER_TABLES[name].methods)
        images = table["image"].nunique() if "image" in table else len(study.images)
        seconds = rest + sum(study.spent.values())
        study.write(table, stored, wall_seconds=seconds, key=key, images=images, methods=facts)
    return read_table(study.profile, stored, root=study.root)


def all_tables(
    profile: Profile | str, name: str, *, root: Path | None = None, show_progress: bool = False
) -> pd.DataFrame:
    """A table of all pairs that the paper's has and the profile knows, in one, with columns dataset and classifier.

    Raises:
        ValueError: there is no such pair; the message says why.
    """
    profile = profile if isinstance(profile, Profile) else load_profile(profile, needs="explainer")
    parts = []
    if not table_pairs(profile, name):
        raise ValueError(left_out(profile, name))
    for dataset, classifier in table_pairs(profile, name):
        study = ClassStudy(profile, dataset, classifier, root=root, show_progress=show_progress)
        parts.append(explainer_table(study, name).assign(dataset=dataset, classifier=classifier))
    return pd.concat(parts, ignore_index=True)


def table_pairs(profile: Profile, name: str) -> list[Pair]:
    """The pairs of dataset and classifier that a table is about, as far as the profile has them.

    A table that needs the truth about scenes has none on photographs.
    """
    experiment = EXPLAINER_TABLES[name]
    known = profile.explainer
    if known is None:
        raise ValueError(f"profile {profile.name!r} has no section `explainer`; use one that has, such as quick")
    return [
        (dataset, classifier)
        for dataset in experiment.datasets
        for classifier in experiment.classifiers
        if dataset in known.datasets and classifier in known.classifiers
        if not experiment.truth or known.datasets[dataset].source == "scenes"  # type: ignore[index]
        if name != "shortcut" or known.evaluation.pairs is not None
    ]


def left_out(profile: Profile, name: str) -> str:
    """Why a profile has no pair for a table, in a sentence."""
    experiment, known = EXPLAINER_TABLES[name], profile.explainer
    wanted = f"{' or '.join(experiment.datasets)} with {' or '.join(experiment.classifiers)}"
    if experiment.truth and known is not None and any(data.source == "scenes" for data in known.datasets.values()):
        wanted += ", and for the shortcut a number of pairs (explainer.evaluation.pairs)" if name == "shortcut" else ""
    elif experiment.truth:
        wanted += " as scenes: where each class is seen, and what a shortcut is, nobody knows of photographs"
    return f"profile {profile.name!r} has no table {name!r}; it needs {wanted}"


def _table_key(study: ClassStudy, name: str) -> str:
    return run_key(
        table=name,
        dataset=study.dataset,
        explained=study.classifier_name,
        settings=study.settings.model_dump(mode="json", include={"size", "evaluation", "baselines", "marked_class"}),
        data=study.data.model_dump(mode="json"),
        batch=study.profile.batch_size,
        classifier=study.classifier.digest,
        methods=study.facts(EXPLAINER_TABLES[name].methods),
        code=running_code(EXPLAINER_TABLES[name].make.__module__, *_SHARED),
    )


_SHARED = (
    "helpers.papers.explainer.experiments.study",
    "helpers.core.class_masks",
    "helpers.data.multilabel",
    *(f"helpers.metrics.{name}" for name in ("class_scores", "masking", "multilabel", "regions")),
    *(f"helpers.metrics.{name}" for name in ("segmentation", "shortcut")),
)


def _stored_key(study: ClassStudy, table: str) -> str | None:
    try:
        found: dict[str, Any] = read_provenance(study.profile, table, root=study.root)
    except ValueError:  # not there, or not whole
        return None
    return found.get("key")
