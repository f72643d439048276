"""Committed tables of runs on CIFAR-10: the pages show them below their own profile's numbers."""

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
"""The profiles on CIFAR-10 whose tables may be committed."""


@dataclass(frozen=True)
class CifarRuns:
    """One table of each committed run on CIFAR-10.

    Attributes:
        tables: the table of each run, by profile.
        profile: the page's own profile, which is not among them.
    """

    tables: Mapping[str, pd.DataFrame]
    profile: str

    @classmethod
    def read(cls, profile: str, name: str, *, root: Path | None = None) -> CifarRuns:
        """The committed tables of one name.

        Args:
            profile: the page's profile.
            name: the table's, such as "space-vae-sparsity".
            root: another folder than the project's `results/`.
        """
        tables = {larger: committed_table(larger, name, root=root) for larger in LARGER if larger != profile}
        return cls({larger: table for larger, table in tables.items() if table is not None}, profile)

    def opening(self) -> str:
        """The origin of the tables in a sentence or two, or a sentence that there are none."""
        if self.profile in LARGER:
            return f"This page shows the profile `{self.profile}` itself."
        if not self.tables:
            return "The profile `study` has not been run yet: its table is not in `results/study/`."
        names = " and ".join(f"`{name}`" for name in self.tables)
        committed = f"The same from the committed results of the profile {names}."
        return " ".join([committed, "The pictures behind it may not be shown.", *map(schedule_words, self.tables)])

    def claims(self, make: Callable[[pd.DataFrame], Sequence[Claim]] | None = None) -> Markdown:
        """The opening, then for each table its profile, its source and the claims that `make` returns for it."""
        claims = [
            f"Profile `{name}` ({source_words(table)}):\n\n{claims_in_words(make(table))}"
            for name, table in self.tables.items()
            if make is not None
        ]
        return Markdown("\n\n".join([self.opening(), *claims]))

    def show(self, make: Callable[[pd.DataFrame], pd.DataFrame]) -> HTML:
        """For each table its profile, the source of its images and the summary that `make` returns for it."""
        sections = []
        for name, table in self.tables.items():
            head = html.escape(f"Profile {name}: {source_words(table)}")
            sections.append(f"<p><strong>{head}</strong></p>{show_table(make(table)).data}")
        return HTML("".join(sections))

    def draw(self, make: Callable[[pd.DataFrame], Figure], profile: str) -> Figure | None:
        """The figure that `make` draws from one run's table; None if there is no such table."""
        return make(self.tables[profile]) if profile in self.tables else None


def schedule_words(profile: str) -> str:
    """The epochs of a profile's classifier and networks, and the published ones, in a sentence."""
    settings = load_profile(profile, needs="space-vae").space_vae
    options = [settings.options(name) for name in settings.models]
    lengths = sorted({each.epochs for each in options})
    span = f"{lengths[0]} to {lengths[-1]}" if len(lengths) > 1 else f"{lengths[0]}"
    starts = sorted({each.init_from for each in options if each.init_from is not None})
    begins = f" (those with a β start from a VQ-VAE: {', '.join(f'`{name}`' for name in starts)})" if starts else ""
    recipe = settings.classifier.recipe
    brighter = " (with changes of brightness and colour in its augmentation, unlike the published one)"
    changed = brighter if recipe.policy != "none" else ""
    classifier = f"the classifier {recipe.epochs} epochs, published {LabelledOptions().epochs}{changed}"
    networks = f"the networks {span} epochs{begins}, published up to {PUBLISHED_EPOCHS}"
    return f"Trainings of `{profile}`: {classifier}; {networks}."
