"""The experiments from the command line: `python -m helpers.papers.recartoonx.experiments curves --profile study`.

Every command can be stopped and started again: finished images are not computed twice.
"""

from __future__ import annotations

import argparse

from helpers.papers.recartoonx.experiments.catalogue import EXPERIMENTS, experiment_table
from helpers.papers.recartoonx.experiments.study import Study
from helpers.results import results_folder


def main(arguments: list[str] | None = None) -> None:
    """Run one experiment of one profile and write its table to `results/<profile>/`."""
    parser = argparse.ArgumentParser(prog="python -m helpers.papers.recartoonx.experiments", description=__doc__)
    parser.add_argument("experiment", choices=EXPERIMENTS)
    parser.add_argument("--profile", default="quick", help="a name in profiles/, or the path of a YAML file")
    options = parser.parse_args(arguments)
    study = Study(options.profile, show_progress=True)
    table = experiment_table(study, options.experiment)
    name = EXPERIMENTS[options.experiment].table
    print(f"{results_folder(study.profile, study.root) / name}.csv: {len(table)} rows")


if __name__ == "__main__":
    main()
