"""The tables about class masks from the command line: `python -m helpers.papers.explainer.experiments shortcut`.

Every command can be stopped and started again: finished images are not computed twice. `all` makes every table that the
profile can have. A table that needs the truth about scenes is left out for photographs, which is said.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from helpers.papers.explainer.experiments.catalogue import (
    EXPLAINER_TABLES,
    explainer_table,
    left_out,
    table_name,
    table_pairs,
)
from helpers.papers.explainer.experiments.study import ClassStudy
from helpers.profiles import Profile, load_profile
from helpers.results import results_folder
from helpers.training.processes import exit_on_error


def main(arguments: list[str] | None = None) -> None:
    """Make one table of one profile, or all, and write them to `results/<profile>/`; errors end it in one message."""
    parser = argparse.ArgumentParser(prog="python -m helpers.papers.explainer.experiments", description=__doc__)
    parser.add_argument("table", choices=[*EXPLAINER_TABLES, "all"])
    parser.add_argument("--profile", default="quick", help="a name in profiles/, or the path of a YAML file")
    parser.add_argument("--dataset", help="only this one, such as voc2007")
    parser.add_argument("--classifier", help="only this one, such as vgg16")
    parser.add_argument("--results", type=Path, help="another folder than results/")
    options = parser.parse_args(arguments)
    with exit_on_error():
        profile = load_profile(options.profile, needs="explainer")
        for name in EXPLAINER_TABLES if options.table == "all" else [options.table]:
            _make(profile, name, options)


def _make(profile: Profile, name: str, options: argparse.Namespace) -> None:
    """Make a table of all pairs that were asked for."""
    pairs = table_pairs(profile, name)
    if not pairs:
        print(f"left out: {left_out(profile, name)}", flush=True)
    for dataset, classifier in pairs:
        if options.dataset in (None, dataset) and options.classifier in (None, classifier):
            study = ClassStudy(profile, dataset, classifier, root=options.results, show_progress=True)
            study.require_data()
            table = explainer_table(study, name)
            place = results_folder(profile, study.root) / f"{table_name(name, dataset, classifier)}.csv"
            print(f"{place}: {len(table)} rows", flush=True)


if __name__ == "__main__":
    main()
