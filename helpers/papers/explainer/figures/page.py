"""The pages of "What You See is What You Classify": each has one study of class masks."""

from __future__ import annotations

from typing import Any

import pandas as pd

from helpers.papers.explainer.experiments.pairs import table_of_pairs
from helpers.papers.explainer.experiments.study import ClassStudy
from helpers.papers.explainer.figures.committed import committed_opening
from helpers.papers.explainer.figures.names import PAPER_NAMES
from helpers.reporting.committed import evidence_table
from helpers.reporting.figure_page import FigurePage, LargerRun
from helpers.results import find_table, read_provenance
from helpers.results.registry import TABLES


class ExplainerPage(FigurePage[ClassStudy]):
    """The page of a figure or table about class masks.

    Args:
        identifier: the figure's, such as "explainer-tab2".
        profile: the profile's name.
        dataset, classifier: the pair whose masks the page shows; None for the profile's first one.
    """

    larger_profile = "scenes"

    def __init__(
        self, identifier: str, profile: str, dataset: str | None = None, classifier: str | None = None
    ) -> None:
        super().__init__(identifier, ClassStudy(profile, dataset, classifier))

    def study_of(self, classifier: str) -> ClassStudy:
        """The study of the same images with another classifier."""
        return (
            self.study
            if classifier == self.study.classifier_name
            else ClassStudy(self.study.profile, self.study.dataset, classifier)
        )

    def table_of_pairs(self, name: str, **options: Any) -> pd.DataFrame:
        """A table of all pairs of a dataset and a classifier; stored parts that are stale are computed anew."""
        return table_of_pairs(self.study.profile, name, **options)

    def larger(self, *names: str) -> LargerRun:
        """Committed tables of the profile `scenes`, which runs every method with its published settings."""
        run = super().larger(*names)
        if not run.tables:
            return run
        table = next(iter(run.tables.values()))
        opening = committed_opening(table, self.larger_profile) if names else f"On {run.count()} images:"
        return LargerRun(run.tables, run.absent, opening)

    def stands_for(self, more: str = "") -> str:
        """The sentence of `stands_for` about the page's study, followed by `more`."""
        return stands_for(self.study) + more

    def machine(self, name: str, profile: str | None = None) -> dict[str, Any]:
        """The machine on which this pair's table was computed, for the page's own profile or another one."""
        provenance = read_provenance(profile or self.study.profile, self.study.file_name(find_table(name)))
        return provenance["machine"]

    def _own_table(self, name: str) -> pd.DataFrame | None:
        pairs = find_table(name).datasets
        return self.table_of_pairs(name) if pairs else super()._own_table(name)

    def _committed(self, profile: str, name: str) -> pd.DataFrame | None:
        return evidence_table(profile, name) if name in TABLES else super()._committed(profile, name)


def stands_for(study: ClassStudy) -> str:
    """The substitutes for the paper's data and classifier, in a sentence."""
    data, classifier = PAPER_NAMES[study.dataset], PAPER_NAMES[study.classifier_name]
    profile = study.profile.name
    if study.data.source != "scenes":
        return f"The profile `{profile}` runs the paper's own {data} and {classifier}."
    few, many = study.data.objects
    scenes = f"scenes of {study.settings.size} px with {few} to {many} objects"
    return (
        f"In the profile `{profile}`, {scenes} stand for {data}, and the classifier `{study.explained.name}` for "
        f"{classifier}."
    )
