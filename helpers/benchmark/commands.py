"""The commands on the benchmark: which metrics pass their examination, and how a reader's method scores."""

from __future__ import annotations

import argparse
from pathlib import Path

from helpers.site.commands import AddCommand


def add_benchmark_commands(add: AddCommand) -> None:
    """Add the commands on the benchmark.

    Args:
        add: adds a command by name, handler, summary and details, and returns its parser.
    """
    metrics = add(
        "metrics",
        print_examination,
        "say which metrics pass the examination that a rank asks of them",
        "Reads the stored table metric-examination; `python -m helpers table metric-examination` makes it again.",
    )
    benchmark = add(
        "benchmark",
        print_benchmark,
        "score methods of your own on scenes, and print their rows beside ours",
        "A method is a class that takes a classifier and has explain(images, targets) or attribute(images, targets). "
        "Only metrics that pass their examination are shown; the rows of our methods are stored.",
    )
    benchmark.add_argument(
        "--methods", nargs="+", default=(), metavar="FILE:CLASS", help="such as mine.py:Mine; default: ours alone"
    )
    benchmark.add_argument("--scenes", type=int, default=16, help="number of scenes; default: 16")
    benchmark.add_argument("--all-metrics", action="store_true", help="show the metrics that fail, too")
    for parser, profile in ((metrics, "benchmark"), (benchmark, "benchmark-scenes")):
        parser.add_argument("--profile", default=profile, help=f"the profile of the tables; default: {profile}")
        parser.add_argument("--results", type=Path, help="the folder of results; default: results/")


def print_examination(options: argparse.Namespace) -> None:
    """Print the examination of the metrics, those that fail shown failing."""
    from helpers.benchmark.report import examination_text
    from helpers.results import read_table

    print(examination_text(read_table(options.profile, "metric-examination", root=options.results)))


def print_benchmark(options: argparse.Namespace) -> None:
    """Print the mean scores of the reader's methods and ours, on the first scenes."""
    import pandas as pd

    from helpers.benchmark.contest import contest_text, scores_of
    from helpers.benchmark.methods import load_contestant
    from helpers.benchmark.report import verdicts
    from helpers.benchmark.runs import images_of
    from helpers.papers.recartoonx.experiments import Study
    from helpers.results import read_table

    mine = [load_contestant(spec) for spec in options.methods]
    words = verdicts(read_table("benchmark", "metric-examination", root=options.results))
    ours = read_table(options.profile, "benchmark", root=options.results)
    stored = ours["image"].nunique()
    if not 1 <= options.scenes <= stored:
        raise ValueError(f"--scenes {options.scenes} must lie between 1 and {stored}, the number of stored scenes")
    tables = [ours[ours["image"] < options.scenes]]
    if mine:
        case = images_of(Study(options.profile, root=options.results)).some(list(range(options.scenes)))
        tables = [*(scores_of(each, case) for each in mine), *tables]
    shown = words.index.tolist() if options.all_metrics else words.index[words["admitted"]].tolist()
    print(contest_text(pd.concat(tables, ignore_index=True), shown, [each.name for each in mine]))
