"""The tables about class masks from the command line: `python -m helpers.explainer_experiments shortcut`.

Every command can be stopped and started again: finished images are not computed twice.
"""

from __future__ import annotations

import argparse

from helpers.explainer_experiments.catalogue import EXPLAINER_TABLES, explainer_table, table_name, table_pairs
from helpers.explainer_experiments.study import ClassStudy
from helpers.profiles import load_profile
from helpers.results import results_folder


def main(arguments: list[str] | None = None) -> None:
    """Make one table of one profile, or all, and write them to `results/<profile>/`."""
    parser = argparse.ArgumentParser(prog="python -m helpers.explainer_experiments", description=__doc__)
    parser.add_argument("table", choices=[*EXPLAINER_TABLES, "all"])
    parser.add_argument("--profile", default="quick", help="a name in profiles/, or the path of a YAML file")
    parser.add_argument("--dataset", help="only this one, such as voc2007")
    parser.add_argument("--classifier", help="only this one, such as vgg16")
    options = parser.parse_args(arguments)
    profile = load_profile(options.profile, needs="explainer")
    for name in EXPLAINER_TABLES if options.table == "all" else [options.table]:
        for dataset, classifier in table_pairs(profile, name):
            if options.dataset in (None, dataset) and options.classifier in (None, classifier):
                study = ClassStudy(profile, dataset, classifier, show_progress=True)
                table = explainer_table(study, name)
                place = results_folder(profile) / f"{table_name(name, dataset, classifier)}.csv"
                print(f"{place}: {len(table)} rows", flush=True)


if __name__ == "__main__":
    main()
