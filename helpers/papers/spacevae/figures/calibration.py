"""The committed calibration of α: it takes trainings, which no page runs."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from helpers.papers.spacevae.experiments.study import SpaceStudy
from helpers.papers.spacevae.figures.words import source_words
from helpers.reporting.committed import committed_table

PROFILES = ("scenes", "study", "cifar10")
"""The profiles whose calibration may be committed, in addition to the page's own."""


def calibration(study: SpaceStudy, *, root: Path | None = None) -> tuple[pd.DataFrame | None, str]:
    """The table `alpha-calibration` of this profile, or a committed one, and a sentence about its origin.

    Args:
        study: the page's study.
        root: another folder than the project's `results/`.

    Returns:
        The table, None if no calibration has been run, and the sentence.
    """
    for profile in dict.fromkeys((study.profile.name, *PROFILES)):
        table = committed_table(profile, "space-vae-alpha-calibration", root=root or study.root)
        if table is not None:
            epochs = f", {int(table['epochs'].max())} epochs each" if "epochs" in table else ""
            return table, f"From `results/{profile}/` ({source_words(table, 'validation images')}{epochs})."
    return None, (
        "It has not been run on this machine: `python -m helpers table space-vae-alpha-calibration --profile "
        f"{study.profile.name}` does it."
    )
