"""The page of a figure or table: its study, its tables, and their display."""

from __future__ import annotations

import time
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

import pandas as pd
from IPython.display import HTML, Markdown
from matplotlib.figure import Figure

from helpers.plots import use_book_style
from helpers.profiles import load_profile
from helpers.reporting.committed import evidence_table
from helpers.reporting.injected import refuse_unknown_parameters
from helpers.reporting.ledger.entries import all_claims, claims_of_figure
from helpers.reporting.ledger.outcomes import Verdict, judge
from helpers.reporting.ledger.strip import strip
from helpers.reporting.made import how_it_was_made
from helpers.reporting.words import show_numbers, show_table
from helpers.results import TABLES, ProfileStudy, find_table

StudyT = TypeVar("StudyT", bound=ProfileStudy)


@dataclass(frozen=True)
class LargerRun:
    """Committed tables of a larger run, which a page shows below its own.

    Attributes:
        tables: the tables by name; empty unless all are committed.
        absent: the sentence shown instead of missing tables.
        profile: the profile of the tables; empty without tables.
    """

    tables: Mapping[str, pd.DataFrame]
    absent: str
    profile: str = ""

    def about(self) -> str:
        """The profile and its description, in a sentence; empty without tables."""
        if not self.tables:
            return ""
        description = load_profile(self.profile, needs=None).description.rstrip(".")
        return f"The profile is `{self.profile}`: {description}."

    def count(self, name: str | None = None) -> int:
        """The number of images in a table, by default the first; 0 without tables."""
        if not self.tables:
            return 0
        table = next(iter(self.tables.values())) if name is None else self.tables[name]
        return table["image"].nunique()

    def or_else(self, table: pd.DataFrame) -> pd.DataFrame:
        """The first table of the larger run, or else the given one."""
        return next(iter(self.tables.values()), table)

    def say(self, make: Callable[..., str]) -> Markdown:
        """The text that `make` returns for the tables, or the sentence `absent`."""
        return Markdown(make(*self.tables.values()) if self.tables else self.absent)

    def show(self, make: Callable[..., pd.DataFrame], *, decimals: int = 3) -> HTML | None:
        """The summary that `make` computes from the tables; None without tables."""
        return show_table(make(*self.tables.values()), decimals=decimals) if self.tables else None

    def draw(self, make: Callable[..., Figure]) -> Figure | None:
        """The figure that `make` draws from the tables; None without tables."""
        return make(*self.tables.values()) if self.tables else None


class FigurePage(Generic[StudyT]):
    """A figure page: it shows claims, tables, larger runs and the provenance of its numbers.

    Each paper has a subclass that opens its own study. A page passes the functions that measure, summarise and draw by
    name, so that its code shows its dependencies.

    Args:
        identifier: the figure's identifier, such as "recartoonx-fig3"; also the name of a table that the page writes.
        study: the study of its numbers.

    Raises:
        ValueError: papermill injected a parameter that the page does not have.
    """

    larger_profile: ClassVar[str]
    """The profile of the larger runs shown by the pages."""

    def __init__(self, identifier: str, study: StudyT) -> None:
        refuse_unknown_parameters()
        use_book_style()
        self.identifier = identifier
        self.study = study
        self._begin = time.perf_counter()

    def table(self, name: str) -> pd.DataFrame:
        """A table of the study, computed anew unless the stored one is fresh.

        From then on the page's own computing time counts, which `write` records.
        """
        table = self.study.table(name)
        self.study.ledger.open()
        self._begin = time.perf_counter()
        return table

    def write(
        self,
        table: pd.DataFrame,
        *,
        made_from: Sequence[str] = (),
        seconds: float | int | None = None,
        study: StudyT | None = None,
        **more: Any,
    ) -> pd.DataFrame:
        """Write the page's own table to `results/<profile>/<identifier>.csv`.

        Args:
            table: the table to write.
            made_from: the names of the study's tables whose recorded seconds are its computing time.
            seconds: its computing time, if not given by `made_from`; None for the page's own.
            study: the study of the table's images, if not the page's.
            more: further entries of its provenance.

        Returns:
            The same table.
        """
        if seconds is None:
            seconds = self.study.seconds_of(*made_from) if made_from else self.study.ledger.seconds(self._begin)
        (study or self.study).write(table, self.identifier, wall_seconds=seconds, **more)
        return table

    def verdicts(self) -> list[Verdict]:
        """The verdicts on the claims that this figure shows, from its own tables and those of other runs.

        A claim that belongs to another figure first is judged with the claims of that figure, as in the ledger. The
        tables of those claims alone are taken as they are stored, as in the ledger: to check them takes seconds.
        """
        first = {claim.figures[0] for _, claim in claims_of_figure(self.identifier)}
        families = [(file, claim) for file, claim in all_claims() if claim.figures and claim.figures[0] in first]
        own = [claim for _, claim in families if self.identifier in claim.figures]
        shown = {name for claim in own for name in claim.tables}
        verdicts = judge(families, read=lambda profile, name: self._evidence(profile, name, shown))
        return [verdict for verdict in verdicts if verdict.claim in own]

    def strip(self) -> HTML:
        """The claims of this figure with their outcomes, best evidence first; the page has written its own table."""
        return HTML(strip(self.verdicts()))

    def larger(self, *names: str, profile: str = "") -> LargerRun:
        """Committed tables of a larger profile, all of them or none.

        Args:
            names: the names of the tables; by default the one that this page writes.
            profile: another profile than the paper's larger one.
        """
        profile = profile or self.larger_profile
        names = names or (self.identifier,)
        if self.study.profile.name == profile:
            return LargerRun({}, f"This page shows the profile `{profile}` itself.")
        tables = {name: table for name in names if (table := evidence_table(profile, name)) is not None}
        missing = f"The profile `{profile}` has not been run yet: there is no `results/{profile}/{names[0]}.csv`."
        return LargerRun(tables, missing, profile) if len(tables) == len(names) else LargerRun({}, missing)

    def made(self, name: str | None = None, *, study: StudyT | None = None, **more: str) -> None:
        """Fill the box "How this page's numbers were made".

        Args:
            name: the study's table that the page shows; None for the one that it writes.
            study: the study of the table, if not the page's.
            more: further entries by name.
        """
        study = study or self.study
        stored = self.identifier if name is None else study.file_name(find_table(name))
        show_numbers(made=show_table(how_it_was_made(study.profile.name, stored, **more), escape=False))

    def show(
        self,
        table: pd.DataFrame | None,
        names: dict[str, str] | None = None,
        *,
        decimals: int = 3,
        escape: bool = True,
    ) -> HTML | None:
        """A table (see `show_table`); None shows nothing."""
        return None if table is None else show_table(table, names, decimals=decimals, escape=escape)

    def say(self, text: str) -> Markdown | None:
        """A text in Markdown; an empty one shows nothing."""
        return Markdown(text) if text else None

    def numbers(self, numbers: Mapping[str, Any] | None = None, /, **more: Any) -> None:
        """Glue values for the text of the page (see `show_numbers`)."""
        show_numbers(numbers, **more)

    def _evidence(self, profile: str, name: str, shown: Container[str]) -> pd.DataFrame | None:
        """A table of a run; a table of the page's own run is made if it is missing, or if it is shown and stale."""
        own = profile == self.study.profile.name and name in TABLES
        stored = None if own and name in shown else evidence_table(profile, name)
        return self._own_table(name) if own and stored is None else stored

    def _own_table(self, name: str) -> pd.DataFrame | None:
        """A registered table of the page's own profile; None if the profile cannot have it."""
        return None if self.study.missing_requirement(find_table(name)) else self.study.table(name)
