"""The command on the benchmark: which metrics pass their examination."""

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
    metrics.add_argument("--profile", default="benchmark", help="the profile of the table; default: benchmark")
    metrics.add_argument("--results", type=Path, help="the folder of results; default: results/")


def print_examination(options: argparse.Namespace) -> None:
    """Print the examination of the metrics, those that fail shown failing."""
    from helpers.benchmark.report import examination_text
    from helpers.results import read_table

    print(examination_text(read_table(options.profile, "metric-examination", root=options.results)))
