"""The command line of the project: `python -m helpers --help`."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from io import TextIOWrapper
from pathlib import Path

from helpers.benchmark.commands import add_benchmark_commands
from helpers.core.endings import one_line_errors
from helpers.core.files import MODELS_FOLDER, ROOT, require_clone
from helpers.core.logs import logged
from helpers.playground.commands import add_playground_commands, publish_live_parts
from helpers.site.commands import Handler, add_page_commands
from helpers.teaching.commands import add_teaching_commands, finish_book

_TRAIN_DETAILS = """Classifiers are trained before the networks that
explain them. Existing weights are kept; interrupted trainings resume.

Several GPUs of one machine can share the training of each network:

    python -m helpers train --profile coco2014 --devices 4 --strategy ddp

Lightning then starts the other processes with the same command when the first network is trained. SLURM starts all
processes itself (--nodes=2, --ntasks-per-node=4, --gpus-per-node=4):

    srun --kill-on-bad-exit python -m helpers train --profile coco2014 --nodes 2 --devices 4 --strategy ddp

The first process trains the classifiers while the others wait for their files, so all machines must share the folder of
results. To keep no GPUs waiting, train the classifiers in a job with one task before: --only classifier, then
--only explainer rtis."""


def _table(options: argparse.Namespace) -> None:
    from helpers.results.requirements import require_tables

    require_tables(options.name, options.profile, root=options.results, dataset=options.dataset, models=options.models)

    from helpers.results.commands import make_shard, make_tables

    restrictions = {"dataset": options.dataset, "classifier": options.classifier, "models": options.models}
    restrictions = {name: value for name, value in restrictions.items() if value is not None}
    if options.shard is not None:
        make_shard(options.name, options.profile, *options.shard, root=options.results, **restrictions)
    else:
        make_tables(options.name, options.profile, root=options.results, **restrictions)


def _tables(options: argparse.Namespace) -> None:
    from helpers.results.commands import list_tables

    list_tables(options.profile, root=options.results)


def _accept(options: argparse.Namespace) -> None:
    from helpers.results.commands import accept_tables

    accept_tables(options.names, options.profile, options.because, root=options.results)


def _archive(options: argparse.Namespace) -> None:
    from helpers.results.commands import archive_items

    archive_items(options.profile, root=options.results)


def _attributions(options: argparse.Namespace) -> None:
    from helpers.results.requirements import require

    require(options.profile, ["spacevae"], root=options.results)

    from helpers.papers.spacevae.experiments.competitors import fill_stores

    fill_stores(
        options.profile,
        methods=options.method,
        splits=options.split,
        backwards=options.backwards,
        threads=options.threads,
        root=options.results,
    )


def _readme(options: argparse.Namespace) -> None:
    from helpers.chapters.readme import make_readme_picture
    from helpers.chapters.social import make_site_pictures

    print(make_readme_picture(options.output))
    if options.output is None:
        print(*make_site_pictures(), sep="\n")


def _train(options: argparse.Namespace) -> None:
    from helpers.results.requirements import require_for_training, require_writable

    if options.model is None:
        require_for_training(options.profile)
    for folder in (options.results or ROOT / "results", options.output or MODELS_FOLDER):
        require_writable(folder)

    from helpers.papers.training import train_model, train_profile

    names = ["again", "results", "device", *(["output"] if options.output is not None else [])]
    if options.model is None:
        names += ["only", "devices", "nodes", "strategy"]
    arguments = {name: getattr(options, name) for name in names}
    if options.model is None:
        train_profile(options.profile, classifiers=options.classifier, **arguments)
    elif options.only or options.classifier:
        raise ValueError("--only and --classifier select trainings of a profile; they cannot be used with --model")
    else:
        print(train_model(options.model, **arguments))


def _add_tables(commands: argparse._SubParsersAction) -> None:
    table = _add_command(
        commands,
        "table",
        _table,
        "make one table of numbers of a profile, or all of them",
        "Fresh tables are not made again. An interrupted run resumes: finished images are not computed twice. `all` "
        "leaves out tables that take hours or train networks; make these by name.",
    )
    table.add_argument("name", help="a table, such as curves (`python -m helpers tables` lists them), or all")
    _add_profile(table)
    table.add_argument("--dataset", help="for class masks: one dataset, such as voc2007; default: all")
    table.add_argument("--classifier", help="for class masks: one classifier, such as vgg16; default: all")
    table.add_argument("--models", type=Path, help="for SpaCE-VAE: the folder of weights for scenes; default: models/")
    table.add_argument(
        "--shard",
        type=int,
        nargs=2,
        metavar=("I", "N"),
        help="compute and store the images of part I of N only, beside the other parts; the table is made after them",
    )
    tables = _add_command(
        commands,
        "tables",
        _tables,
        "list all tables with their state (fresh, or stale and why) and computing time",
    )
    tables.add_argument("--profile", help="list the tables of this profile only")
    tables.add_argument("--results", type=Path, help="the folder of results; default: results/")
    accept = _add_command(
        commands,
        "accept",
        _accept,
        "declare stale tables fresh, and store the reason with them",
        "For changes of code that do not change results, such as renaming. Nothing is computed. Without names, the "
        "archives of the profile's masks are accepted too.",
    )
    accept.add_argument("names", nargs="*", help="the tables; default: all of the profile")
    _add_profile(accept)
    accept.add_argument("--because", required=True, metavar="REASON", help="why the numbers are still correct")
    archive = _add_command(
        commands,
        "archive",
        _archive,
        "pack the finished masks of a profile into results/<profile>/items/, to be committed",
        "A later run, on another machine too, reads them and computes only the missing ones. They hold no pictures.",
    )
    _add_profile(archive)
    attributions = _add_command(
        commands,
        "attributions",
        _attributions,
        "compute and store the attributions of SpaCE-VAE's competitors",
        "This may take hours. A second process with --backwards can share the work: the two meet in the middle.",
    )
    _add_profile(attributions)
    attributions.add_argument("--method", nargs="+", help="the methods, such as feature-ablation; default: all")
    attributions.add_argument(
        "--split", nargs="+", choices=("test", "validation"), default=("test", "validation"), help="default: both"
    )
    attributions.add_argument("--backwards", action="store_true", help="begin with the last image")
    attributions.add_argument("--threads", type=int, help="number of CPU threads; default: PyTorch's")
    readme = _add_command(
        commands, "readme", _readme, "draw the README's picture, the social picture and the icons from stored results"
    )
    readme.add_argument("--output", type=Path, help="the file for the README's picture; then the others stay")


def _add_training(commands: argparse._SubParsersAction) -> None:
    summary = "train the networks of a profile, or one model of models/"
    train = _add_command(commands, "train", _train, summary, _TRAIN_DETAILS)
    train.formatter_class = argparse.RawDescriptionHelpFormatter
    _add_profile(train)
    train.add_argument(
        "--model", help="one model of no profile instead, such as scenes-cnn or scenes-cnn-cartoonx-mask"
    )
    train.add_argument(
        "--only",
        nargs="+",
        default=(),
        metavar="NAME",
        help="select trainings: classifier, explainer, rtis, beta-10, ...; default: all",
    )
    train.add_argument(
        "--classifier", nargs="+", default=(), help="for class masks: select classifiers, such as vgg16; default: all"
    )
    train.add_argument("--again", action="store_true", help="replace existing weights")
    train.add_argument("--output", type=Path, help="the folder of weights for scenes; default: models/")
    train.add_argument("--device", default="auto", choices=("auto", "cpu", "gpu"), help="default: auto")
    train.add_argument("--devices", type=int, default=1, help="number of processes per machine; default: 1")
    train.add_argument("--nodes", type=int, default=1, help="number of machines; default: 1")
    train.add_argument("--strategy", default="auto", help="Lightning's strategy, such as ddp; default: auto")


def _add_command(
    commands: argparse._SubParsersAction, name: str, handler: Handler, summary: str, details: str = ""
) -> argparse.ArgumentParser:
    description = f"{summary[0].upper()}{summary[1:]}. {details}".strip()
    parser = commands.add_parser(name, help=summary, description=description)
    parser.set_defaults(handler=handler)
    return parser


def _add_profile(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--profile",
        default="quick",
        help="the name of a profile in profiles/, or the path of a YAML file; default: quick",
    )
    parser.add_argument("--results", type=Path, help="the folder of results; default: results/")


def _finish(html: Path) -> None:
    finish_book(html)
    publish_live_parts(html)


def main(arguments: list[str] | None = None) -> None:
    """Run the command of the given arguments, by default those of the command line; without any, print the help."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # whatever the reader's locale can write
            stream.reconfigure(errors="backslashreplace")
    parser = argparse.ArgumentParser(prog="python -m helpers", description="The commands of Keep What Matters.")
    parser.add_argument("--log", type=Path, metavar="FILE", help="write what the command prints to this file as well")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    add_page_commands(partial(_add_command, commands), finish=_finish)
    _add_tables(commands)
    _add_training(commands)
    add_benchmark_commands(partial(_add_command, commands))
    add_teaching_commands(partial(_add_command, commands))
    add_playground_commands(partial(_add_command, commands))
    options = parser.parse_args(arguments)
    if "handler" not in options:
        parser.print_help()
        return
    with logged(options.log), one_line_errors():
        require_clone()
        options.handler(options)


if __name__ == "__main__":
    main()
