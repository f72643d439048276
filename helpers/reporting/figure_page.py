"""The page of a figure or table: its study, its tables, and what all such pages show in the same way."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

import pandas as pd
from IPython.display import HTML, Markdown
from matplotlib.figure import Figure

from helpers.plots import use_book_style
from helpers.reporting.claims import Claim
from helpers.reporting.committed import committed_table
from helpers.reporting.made import how_it_was_made
from helpers.reporting.words import claim_table, claims_in_words, few_images_words, show_numbers, show_table
from helpers.results import ProfileStudy, find_table

StudyT = TypeVar("StudyT", bound=ProfileStudy)


@dataclass(frozen=True)
class LargerRun:
    """Tables that a larger run has left in the repository: a page shows them below its own.

    Attributes:
        tables: by name; empty where they are not all there.
        absent: the sentence that stands in their place.
        opening: the sentence that stands before the claims, unless the page gives another one.
    """

    tables: Mapping[str, pd.DataFrame]
    absent: str
    opening: str = ""

    def count(self, name: str | None = None) -> int:
        """The number of images in a table, the first one unless another is named; 0 where there is none."""
        if not self.tables:
            return 0
        table = next(iter(self.tables.values())) if name is None else self.tables[name]
        return table["image"].nunique()

    def or_else(self, table: pd.DataFrame) -> pd.DataFrame:
        """The first table, or another one where the larger run is not there."""
        return next(iter(self.tables.values()), table)

    def claims(
        self,
        make: Callable[..., Sequence[Claim]],
        opening: str | Callable[..., str] | None = None,
        *,
        few: bool = False,
    ) -> Markdown:
        """The opening sentence and the claims that `make` finds in the tables; or that the tables are absent.

        Args:
            make: from the tables to claims.
            opening: another opening sentence, or what writes one about the tables.
            few: add a warning where the images are few.
        """
        if not self.tables:
            return Markdown(self.absent)
        tables = self.tables.values()
        first = self.opening if opening is None else opening if isinstance(opening, str) else opening(*tables)
        return _markdown(first, claims_in_words(make(*tables)), few_images_words(self.count()) if few else "")

    def say(self, make: Callable[..., str]) -> Markdown:
        """The text that `make` writes about the tables; or that the tables are absent."""
        return Markdown(make(*self.tables.values()) if self.tables else self.absent)

    def show(self, make: Callable[..., pd.DataFrame], *, decimals: int = 3) -> HTML | None:
        """The summary that `make` computes from the tables, where they are there."""
        return show_table(make(*self.tables.values()), decimals=decimals) if self.tables else None

    def draw(self, make: Callable[..., Figure]) -> Figure | None:
        """The figure that `make` draws of the tables, where they are there."""
        return make(*self.tables.values()) if self.tables else None


class FigurePage(Generic[StudyT]):
    """One page: it opens the study, and shows claims, tables, larger runs and how its numbers were made.

    Each paper has a subclass that opens its own study. The functions that measure, summarise and draw are those of the
    figure's own module: a page passes them by name, so that its dependencies can be read off its code.

    Args:
        identifier: the figure's, such as "recartoonx-fig3"; a table that the page writes has this name.
        study: what its numbers are computed from.
    """

    larger_profile: ClassVar[str]
    """The profile of the larger runs that its pages show."""

    def __init__(self, identifier: str, study: StudyT) -> None:
        use_book_style()
        self.identifier = identifier
        self.study = study
        self._begin = time.perf_counter()

    def table(self, name: str) -> pd.DataFrame:
        """A table of the study: the stored one where it is fresh, else made anew.

        What the page computes from then on is its own work, whose seconds `write` records.
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
            table: what to write.
            made_from: the study's tables whose recorded seconds are its cost.
            seconds: another cost; without one, the time that the page took.
            study: another one than the page's, whose images the table is about.
            more: what its provenance says besides.

        Returns:
            The same table.
        """
        if seconds is None:
            seconds = self.study.seconds_of(*made_from) if made_from else self.study.ledger.seconds(self._begin)
        (study or self.study).write(table, self.identifier, wall_seconds=seconds, **more)
        return table

    def larger(self, *names: str) -> LargerRun:
        """Tables of the larger profile, all of them or none.

        Args:
            names: of the tables; none: the one that this page writes.
        """
        profile = self.larger_profile
        names = names or (self.identifier,)
        if self.study.profile.name == profile:
            return LargerRun({}, f"This page shows the profile `{profile}` itself.")
        tables = {name: table for name in names if (table := self._committed(profile, name)) is not None}
        missing = f"The profile `{profile}` has not been run yet: there is no `results/{profile}/{names[0]}.csv`."
        return LargerRun(tables if len(tables) == len(names) else {}, missing)

    def made(self, name: str | None = None, *, study: StudyT | None = None, **more: str) -> None:
        """Fill the box "How this page's numbers were made".

        Args:
            name: of the study's table that the page shows; None: the one that it writes.
            study: another one than the page's, with which the table was written.
            more: further facts, by name.
        """
        study = study or self.study
        stored = self.identifier if name is None else study.file_name(find_table(name))
        show_numbers(made=show_table(how_it_was_made(study.profile.name, stored, **more)))

    def claims(self, claims: Sequence[Claim], *, few: int | None = None) -> Markdown:
        """What held, what did not, and what is undecided.

        Args:
            claims: with their effects.
            few: the number of images, for a warning where it is small.
        """
        return _markdown(claims_in_words(claims), "" if few is None else few_images_words(few))

    def claim_table(self, claims: Sequence[Claim]) -> HTML:
        """The same claims as a table: measure, effect, outcome."""
        return show_table(claim_table(claims))

    def show(
        self,
        table: pd.DataFrame | None,
        names: dict[str, str] | None = None,
        *,
        decimals: int = 3,
        escape: bool = True,
    ) -> HTML | None:
        """A table (see `show_table`); nothing for None."""
        return None if table is None else show_table(table, names, decimals=decimals, escape=escape)

    def say(self, text: str) -> Markdown | None:
        """A text in Markdown; nothing for an empty one."""
        return Markdown(text) if text else None

    def numbers(self, numbers: Mapping[str, Any] | None = None, /, **more: Any) -> None:
        """Hand values to the text of the page (see `show_numbers`)."""
        show_numbers(numbers, **more)

    def _committed(self, profile: str, name: str) -> pd.DataFrame | None:
        """A table of another profile; None where it is not in the repository."""
        return committed_table(profile, name)


def _markdown(*paragraphs: str) -> Markdown:
    return Markdown("\n\n".join(paragraph for paragraph in paragraphs if paragraph))
