"""What runs on CIFAR-10 have left in the repository: the pages show it below their own profile's numbers."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from IPython.display import HTML, Markdown
from matplotlib.figure import Figure

from helpers.papers.spacevae.figures.words import source_words
from helpers.papers.spacevae.published import PUBLISHED_EPOCHS
from helpers.profiles import load_profile
from helpers.reporting.claims import Claim
from helpers.reporting.committed import committed_table
from helpers.reporting.words import claims_in_words, show_table
from helpers.training.options import LabelledOptions

LARGER = ("study", "cifar10")
"""The profiles on CIFAR-10 whose tables may lie in the repository."""


@dataclass(frozen=True)
class CifarRuns:
    """A table of each run on CIFAR-10.

    Attributes:
        tables: by profile; only of the runs that have been made.
        profile: the page's own, which is not among them.
    """

    tables: Mapping[str, pd.DataFrame]
    profile: str

    @classmethod
    def read(cls, profile: str, name: str, *, root: Path | None = None) -> CifarRuns:
        """The tables of that name, such as "space-vae-sparsity".

        Args:
            profile: the page's.
            name: of the table.
            root: another folder than the project's `results/`.
        """
        tables = {larger: committed_table(larger, name, root=root) for larger in LARGER if larger != profile}
        return cls({larger: table for larger, table in tables.items() if table is not None}, profile)

    def opening(self) -> str:
        """A sentence that says what the tables are about, or that there are none."""
        if self.profile in LARGER:
            return f"This page shows the profile `{self.profile}` itself."
        if not self.tables:
            return "The profile `study` has not been run yet: its table is not in `results/study/`."
        names = " and ".join(f"`{name}`" for name in self.tables)
        committed = f"The same from the committed results of the profile {names}."
        return " ".join([committed, "The pictures behind it may not be shown.", *map(schedule_words, self.tables)])

    def claims(self, make: Callable[[pd.DataFrame], Sequence[Claim]] | None = None) -> Markdown:
        """The opening sentence, and the claims that `make` finds in each table, under its profile and its source."""
        claims = [
            f"Profile `{name}` ({source_words(table)}):\n\n{claims_in_words(make(table))}"
            for name, table in self.tables.items()
            if make is not None
        ]
        return Markdown("\n\n".join([self.opening(), *claims]))

    def show(self, make: Callable[[pd.DataFrame], pd.DataFrame]) -> HTML:
        """The summary that `make` computes from each table, under its profile and the source of its images."""
        sections = []
        for name, table in self.tables.items():
            head = html.escape(f"Profile {name}: {source_words(table)}")
            sections.append(f"<p><strong>{head}</strong></p>{show_table(make(table)).data}")
        return HTML("".join(sections))

    def draw(self, make: Callable[[pd.DataFrame], Figure], profile: str) -> Figure | None:
        """The figure that `make` draws of the table of one of the runs, where it is there."""
        return make(self.tables[profile]) if profile in self.tables else None


def schedule_words(profile: str) -> str:
    """How long a profile trained its classifier and its networks, beside the published lengths."""
    settings = load_profile(profile, needs="space-vae").space_vae
    options = [settings.options(name) for name in settings.models]
    lengths = sorted({each.epochs for each in options})
    span = f"{lengths[0]} to {lengths[-1]}" if len(lengths) > 1 else f"{lengths[0]}"
    starts = sorted({each.init_from for each in options if each.init_from is not None})
    begins = f" (with a β they begin as a VQ-VAE: {', '.join(f'`{name}`' for name in starts)})" if starts else ""
    recipe = settings.classifier.recipe
    brighter = " (with changes of brightness and colour in its augmentation, which the published one has not)"
    changed = brighter if recipe.policy != "none" else ""
    classifier = f"the classifier {recipe.epochs} epochs, published {LabelledOptions().epochs}{changed}"
    networks = f"the networks {span} epochs{begins}, published up to {PUBLISHED_EPOCHS}"
    return f"Trainings of `{profile}`: {classifier}; {networks}."
