"""Committed tables of runs on CIFAR-10, which the pages show before those of their own profile, and how they differ."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from IPython.display import HTML
from matplotlib.figure import Figure

from helpers.papers.spacevae.experiments.study import PLAIN
from helpers.papers.spacevae.figures.words import source_words
from helpers.papers.spacevae.published import PUBLISHED_ALPHA, PUBLISHED_EPOCHS
from helpers.profiles import load_profile
from helpers.reporting.committed import committed_table
from helpers.reporting.words import show_table
from helpers.training.options import LabelledOptions

LARGER = ("cifar10", "cifar10-lossless", "study")
"""The profiles on CIFAR-10 whose tables may be committed, best evidence first."""


@dataclass(frozen=True)
class CifarRuns:
    """The same tables of each committed run on CIFAR-10.

    Attributes:
        tables: the tables of each run, by profile; only runs that have all of them.
        profile: the page's own profile, which is not among them.
    """

    tables: Mapping[str, tuple[pd.DataFrame, ...]]
    profile: str

    @classmethod
    def read(cls, profile: str, *names: str, root: Path | None = None) -> CifarRuns:
        """The committed tables of these names.

        Args:
            profile: the page's profile.
            names: the tables', such as "space-vae-sparsity".
            root: another folder than the project's `results/`.
        """
        runs = {}
        for larger in LARGER:
            found = [committed_table(larger, name, root=root) for name in names] if larger != profile else []
            if found and all(table is not None for table in found):
                runs[larger] = tuple(found)
        return cls(runs, profile)

    def opening(self) -> str:
        """The origin of the tables in a sentence or two, or a sentence that there are none."""
        if self.profile in LARGER:
            return f"This page shows the profile `{self.profile}` itself."
        if not self.tables:
            profiles = " nor ".join(f"`{name}`" for name in LARGER)
            return f"Neither {profiles} has been run yet: their tables are not in `results/`."
        names = " and ".join(f"`{name}`" for name in self.tables)
        return f"From the committed results of the profile {names}. CIFAR-10's pictures may not be shown."

    def show(self, make: Callable[..., pd.DataFrame]) -> HTML:
        """For each run its profile, the source of its images and the summary that `make` returns for its tables."""
        sections = []
        for name, tables in self.tables.items():
            head = html.escape(f"Profile {name}: {source_words(_tested(tables[0]))}")
            sections.append(f"<p><strong>{head}</strong></p>{show_table(make(*tables)).data}")
        return HTML("".join(sections) or f"<p>{html.escape(self.opening())}</p>")

    def draw(self, make: Callable[..., Figure], profile: str | None = None) -> Figure | None:
        """The figure that `make` draws from one run's tables; None if it has not been made.

        Args:
            make: draws the tables.
            profile: the run; None for the best one.
        """
        name = next(iter(self.tables), "") if profile is None else profile
        return make(*self.tables[name]) if name in self.tables else None

    def differences(self) -> str:
        """How the trainings of each run differ from the paper's, as lists in Markdown; empty without runs."""
        return "\n\n".join(f"Profile `{name}`:\n\n{differences_words(name)}" for name in self.tables)


def differences_words(profile: str) -> str:
    """How the trainings of a profile on CIFAR-10 differ from the paper's, as a list in Markdown."""
    settings = load_profile(profile, needs="space-vae").space_vae
    plain, published = settings.options(PLAIN), LabelledOptions()
    epochs = sorted({settings.options(name).epochs for name in settings.models})
    span = f"{epochs[0]} to {epochs[-1]}" if len(epochs) > 1 else f"{epochs[0]}"
    calibrated = committed_table(profile, "space-vae-alpha-calibration") is not None
    origin = "calibrated on validation images" if calibrated else "calibrated on scenes, never on these images"
    start = f", and begin with the weights of `{plain.init_from}`" if plain.init_from else ""
    lossy = ", copies with losses (JPEG)" if settings.data.source == "cifar10-lossy" else ", without loss"
    ablated = settings.evaluation.feature_ablation
    fewer = f", {ablated:,} for Feature Ablation" if ablated is not None else ""
    items = {
        "Images": f"CIFAR-10{lossy}; {settings.evaluation.images:,} test images for the networks and "
        f"{settings.evaluation.competitors:,} for the competitors{fewer} (paper: 10,000).",
        "Classifier": classifier_words(settings.classifier.recipe, published),
        "Networks": f"{span} epochs (paper: up to {PUBLISHED_EPOCHS}){start}.",
        "α and β": f"α = {plain.loss.alpha:g}, {plain.loss.alpha / PUBLISHED_ALPHA:.0f} times the paper's "
        f"{PUBLISHED_ALPHA:g}, which belongs to reductions that the paper does not state; it was {origin}. The same β "
        "then weighs differently against it, so β = 10 here need not be the paper's β = 10.",
    }
    return "\n".join(f"- **{head}.** {text}" for head, text in items.items())


def classifier_words(recipe: LabelledOptions, published: LabelledOptions) -> str:
    """A classifier's recipe beside the published one, in a sentence or three."""
    words = [
        f"{recipe.epochs} epochs (paper's recipe: {published.epochs}), learning rate {recipe.learning_rate:g} "
        f"({published.learning_rate:g}), weight decay {recipe.weight_decay:g} ({published.weight_decay:g})."
    ]
    if recipe.policy == "trivial":
        words.append(
            f"TrivialAugment in the first {recipe.policy_share:.0%} of the steps: rotations, shears and shifts with "
            "black behind them, and changes of brightness, contrast and colour. The paper's recipe has none."
        )
    else:
        words.append("Shifts and mirroring, as in the paper's recipe, and no other change of the images.")
    if recipe.erase:
        words.append(
            f"Cutout: a square of {recipe.erase} px in each image takes the mean colour. The paper's recipe has none."
        )
    return " ".join(words)


def _tested(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["split"] == "test"] if "split" in table else table
