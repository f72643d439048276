"""The commands on the benchmark: which metrics pass their examination, and how a reader's method scores."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from helpers.site.commands import AddCommand

if TYPE_CHECKING:
    import pandas as pd  # not at run time: all commands would wait for it

    from helpers.benchmark.case import Case
    from helpers.benchmark.methods import Contestant


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
    benchmark.add_argument(
        "--save",
        type=Path,
        metavar="FOLDER",
        help="write all scores as CSV and Parquet, with a data card and your maps",
    )
    benchmark.add_argument(
        "--maps", nargs="+", default=(), metavar="METHOD", help="methods of the book whose maps --save writes, too"
    )
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

    from helpers.benchmark.contest import contest_text
    from helpers.benchmark.maps import scene_case
    from helpers.benchmark.report import verdicts
    from helpers.benchmark.scenes import SCENE_NUMBERS, drawn
    from helpers.benchmark.strangers import load_method, score_method, silence
    from helpers.papers.recartoonx.experiments import Study
    from helpers.results import read_table

    if options.maps and options.save is None:
        raise ValueError("--maps names the maps that --save FOLDER writes: give a folder")
    mine = [load_method(spec) for spec in options.methods]
    words = verdicts(read_table("benchmark", "metric-examination", root=options.results))
    ours = read_table(options.profile, "benchmark", root=options.results)
    stored = ours["image"].nunique()
    if not 1 <= options.scenes <= stored:
        raise ValueError(f"--scenes {options.scenes} must lie between 1 and {stored}, the number of stored scenes")
    scores = ours[ours["image"] < options.scenes]
    case = None
    if mine or options.maps:
        study = Study(options.profile, root=options.results)
        parts = drawn(SCENE_NUMBERS[: options.scenes], study.profile.images.size)  # no more than are asked for
        case = scene_case(study.classifier, parts, seed=study.profile.seed)
        own = [score_method(each, case, spec) for each, spec in zip(mine, options.methods, strict=True)]
        scores = pd.concat([*own, scores], ignore_index=True)
        for line in filter(None, map(silence, own)):
            print(line)
    shown = words.index.tolist() if options.all_metrics else words.index[words["admitted"]].tolist()
    print(contest_text(scores, shown, [each.name for each in mine]))
    if options.save is not None:
        _save(options, scores, case, mine)


def _save(options: argparse.Namespace, scores: pd.DataFrame, case: Case | None, mine: Sequence[Contestant]) -> None:
    """Write what `--save` asks for, and print the files' names."""
    from helpers.benchmark.methods import find_contestant, maps_of
    from helpers.benchmark.release import write_maps, write_scores

    made = {"scenes": f"the first {options.scenes} of profile {options.profile}", "rows of the book": "as stored"}
    if case is not None:
        made["classifier"] = f"{case.classifier.name}, {case.classifier.digest}"
        for each in (*mine, *map(find_contestant, options.maps)):
            write_maps(options.save, each.name, case, maps_of(each, case), made)
    words = ["python -m helpers benchmark"]
    for name, values in (("methods", options.methods), ("scenes", [options.scenes]), ("maps", options.maps)):
        words += [f"--{name}", *map(str, values)] if values else []
    command = " ".join([*words, "--save", str(options.save)])
    for path in write_scores(options.save, scores, command=command, made=made):
        print(path)
