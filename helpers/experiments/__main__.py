"""The experiments from the command line: `python -m helpers.experiments curves --profile study`.

Every command can be stopped and started again: finished images are not computed twice.
"""

from __future__ import annotations

import argparse
import time

import pandas as pd

from helpers.experiments.curves import curve_table
from helpers.experiments.explanations import explanation_table
from helpers.experiments.objectives import objective_table
from helpers.experiments.study import Study
from helpers.experiments.sweep import sweep_table


def curves(study: Study) -> pd.DataFrame:
    """Both variants of the rate-distortion curves."""
    return pd.concat([curve_table(study, "corrected"), curve_table(study, "published")], ignore_index=True)


def objectives(study: Study) -> pd.DataFrame:
    """The published recipe and the fast one, side by side."""
    return objective_table(study, ("published", "fast"))


EXPERIMENTS = {"explain": explanation_table, "curves": curves, "sweep": sweep_table, "objectives": objectives}
TABLES = {"explain": "explanations"}


def main(arguments: list[str] | None = None) -> None:
    """Run one experiment of one profile and write its table to `results/<profile>/`."""
    parser = argparse.ArgumentParser(prog="python -m helpers.experiments", description=__doc__)
    parser.add_argument("experiment", choices=EXPERIMENTS)
    parser.add_argument("--profile", default="quick", help="a name in profiles/, or the path of a YAML file")
    options = parser.parse_args(arguments)
    begin = time.perf_counter()
    study = Study(options.profile, show_progress=True)
    table = EXPERIMENTS[options.experiment](study)
    path = study.write(
        table, TABLES.get(options.experiment, options.experiment), wall_seconds=time.perf_counter() - begin
    )
    print(f"{path}: {len(table)} rows")


if __name__ == "__main__":
    main()
