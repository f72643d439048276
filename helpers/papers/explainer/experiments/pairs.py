"""The studies of all pairs of a dataset and a classifier, and their joined tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from helpers.papers.explainer.experiments.study import ClassStudy
from helpers.profiles import Profile, load_profile
from helpers.results import ProfileStudy, find_table
from helpers.results.study import NoSuchTableError


def all_pairs(profile: Profile | str, make: Callable[..., ClassStudy] = ClassStudy, **options: Any) -> list[ClassStudy]:
    """A study of each dataset and classifier that a profile has."""
    profile = profile if isinstance(profile, Profile) else load_profile(profile, needs="explainer")
    settings = profile.explainer
    assert settings is not None
    return [make(profile, d, c, **options) for d in settings.datasets for c in settings.classifiers]


def open_studies(
    profile: Profile | str,
    table: str | None = None,
    *,
    dataset: str | None = None,
    classifier: str | None = None,
    **options: Any,
) -> list[ProfileStudy]:
    """The studies of those pairs of a profile that can have a table.

    Args:
        profile: a profile, its name, or the path of its file.
        table: the table's name; None for all pairs of the profile.
        dataset, classifier: only this one; None for all.
        options: further arguments of `ClassStudy`.

    Raises:
        ValueError: the profile has no such pair, dataset or classifier; the message says why.
    """
    studies = all_pairs(profile, **options)
    if dataset is not None:
        studies[0].settings.dataset(dataset)  # raises if there is no such dataset
    if classifier is not None:
        studies[0].settings.classifier(classifier)
    chosen: list[ProfileStudy] = [
        s for s in studies if dataset in (None, s.dataset) and classifier in (None, s.classifier_name)
    ]
    if table is None:
        return chosen
    lacking = [study.missing_requirement(find_table(table)) for study in chosen]
    possible = [study for study, reason in zip(chosen, lacking, strict=True) if reason is None]
    if not possible:
        raise NoSuchTableError(lacking[0])
    return possible


def table_of_pairs(profile: Profile | str, name: str, **options: Any) -> pd.DataFrame:
    """The tables of all pairs of a profile joined into one, with columns dataset and classifier.

    Args:
        profile: a profile, its name, or the path of its file.
        name: of the table, such as "explainer-segmentation".
        options: further arguments of `open_studies`.

    Raises:
        ValueError: there is no such pair; the message says why.
    """
    studies = open_studies(profile, name, **options)
    tables = [s.table(name).assign(dataset=s.dataset, classifier=s.classifier_name) for s in studies]  # type: ignore[attr-defined]
    return pd.concat(tables, ignore_index=True)
