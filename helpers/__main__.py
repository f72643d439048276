"""The command line of the project: `python -m helpers --help`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

Handler = Callable[[argparse.Namespace], None]
_SEVERAL = """Classifiers come before the networks that explain them. Existing weights are
kept; interrupted trainings resume. Several GPUs of one machine share the training of each network:

    python -m helpers train --profile coco2014 --devices 4 --strategy ddp

Lightning starts the other processes with the same command when the first network's turn comes. Under SLURM, which
starts all processes itself, the first one trains the classifiers while the others wait for the files, so that the
folder of results must be one that all machines see (--nodes=2, --ntasks-per-node=4, --gpus-per-node=4):

    srun --kill-on-bad-exit python -m helpers train --profile coco2014 --nodes 2 --devices 4 --strategy ddp

Fewer GPUs wait if one task trains the classifiers before: --only classifier, then --only explainer rtis."""


def _page(options: argparse.Namespace) -> None:
    from helpers.site.execution import execute

    execute(options.page, options.output)


def _figure(options: argparse.Namespace) -> None:
    from helpers.site.execution import execute
    from helpers.site.registry import find_figure, find_profile

    figure = find_figure(options.id)
    find_profile(options.profile)
    execute(figure.notebook, options.output, {"profile": options.profile, **figure.parameters})


def _build(options: argparse.Namespace) -> None:
    from helpers.site.html import build

    build()


def _check(options: argparse.Namespace) -> None:
    from helpers.site.figure_data import require_figure_data
    from helpers.site.registry import find_figure, find_profile, possible_figures

    find_profile(options.profile)
    for identifier in possible_figures(options.profile) if options.id is None else [options.id]:
        require_figure_data(find_figure(identifier), options.profile)


def _dependencies(options: argparse.Namespace) -> None:
    from helpers.core.files import ROOT
    from helpers.site.dependencies import page_inputs

    paths = page_inputs(options.page).paths()
    print(*sorted(path.relative_to(ROOT).as_posix() for path in paths), sep="\n")


def _format(options: argparse.Namespace) -> None:
    from helpers.site.format_pages import format_pages

    changed = format_pages(check=options.check)
    if changed:
        print(*changed, sep="\n")
    if changed and options.check:
        raise ValueError("the code of these pages is not formatted; run: python -m helpers format")


def _table(options: argparse.Namespace) -> None:
    from helpers.results.commands import make_tables

    only = {"dataset": options.dataset, "classifier": options.classifier, "models": options.models}
    given = {name: value for name, value in only.items() if value is not None}
    make_tables(options.name, options.profile, root=options.results, **given)


def _tables(options: argparse.Namespace) -> None:
    from helpers.results.commands import list_tables

    list_tables(options.profile, root=options.results)


def _accept(options: argparse.Namespace) -> None:
    from helpers.results.commands import accept_tables

    accept_tables(options.names, options.profile, options.because, root=options.results)


def _attributions(options: argparse.Namespace) -> None:
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

    print(make_readme_picture(options.output))


def _train(options: argparse.Namespace) -> None:
    from helpers.papers.training import train_model, train_profile

    names = ["again", "results", "device", *(["output"] if options.output is not None else [])]
    given = {name: getattr(options, name) for name in names}
    if options.model is None:
        given |= {name: getattr(options, name) for name in ("only", "devices", "nodes", "strategy")}
        train_profile(options.profile, classifiers=options.classifier, **given)
    elif options.only or options.classifier:
        raise ValueError("--only and --classifier choose trainings of a profile; they do not go with --model")
    else:
        print(train_model(options.model, **given))


def _add_pages(commands: argparse._SubParsersAction) -> None:
    page = _add(commands, "page", _page, "run a page as it stands")
    page.add_argument("page", type=Path, help="such as book/wavelets.md")
    page.add_argument("output", type=Path, help="where the executed notebook goes")
    figure = _add(commands, "figure", _figure, "run the notebook of a figure or table of a paper")
    figure.add_argument("id", help="such as recartoonx-fig3: see book/figures.yaml")
    figure.add_argument("profile")
    figure.add_argument("output", type=Path, help="where the executed notebook goes")
    check = _add(commands, "check", _check, "is there such a figure, such a profile, and the data for it?")
    check.add_argument("--id", help="the figure; without it, all that the profile can have")
    check.add_argument("--profile", required=True)
    _add(commands, "build", _build, "build the HTML from the executed pages")
    form = _add(commands, "format", _format, "format the code of all pages")
    form.add_argument("--check", action="store_true", help="write nothing; fail where something would change")
    depends = _add(commands, "dependencies", _dependencies, "list the files that a page depends on")
    depends.add_argument("page", type=Path)


def _add_tables(commands: argparse._SubParsersAction) -> None:
    table = _add(
        commands,
        "table",
        _table,
        "make a table of numbers of a profile, or all of them",
        "A table that is fresh is not made again. A run can be stopped and started again: finished images are not "
        "computed twice. `all` leaves out what takes hours or trains networks: ask for it by name.",
    )
    table.add_argument("name", help="such as curves (`python -m helpers tables` lists them), or all")
    _add_profile(table)
    table.add_argument("--dataset", help="class masks: only this one, such as voc2007")
    table.add_argument("--classifier", help="class masks: only this one, such as vgg16")
    table.add_argument("--models", type=Path, help="SpaCE-VAE: where weights for scenes are, instead of models/")
    tables = _add(
        commands, "tables", _tables, "list all tables: which are fresh, which are stale and why, and what they cost"
    )
    tables.add_argument("--profile", help="only those of this profile")
    tables.add_argument("--results", type=Path, help="another folder than results/")
    accept = _add(
        commands,
        "accept",
        _accept,
        "declare stale tables to be fresh, with a reason that is kept beside them",
        "For changes of code that change no result, such as a new name: nothing is computed.",
    )
    accept.add_argument("names", nargs="*", help="tables; none: all of the profile")
    _add_profile(accept)
    accept.add_argument("--because", required=True, help="why the numbers are still right")
    attributions = _add(
        commands,
        "attributions",
        _attributions,
        "compute and store what SpaCE-VAE's competitors say, which may take hours",
        "A second process with --backwards meets the first one in the middle.",
    )
    _add_profile(attributions)
    attributions.add_argument("--method", nargs="+", help="such as feature-ablation; default: all")
    attributions.add_argument("--split", nargs="+", choices=("test", "validation"), default=("test", "validation"))
    attributions.add_argument("--backwards", action="store_true", help="begin with the last images")
    attributions.add_argument("--threads", type=int, help="of the CPU")
    readme = _add(commands, "readme", _readme, "draw the picture at the top of the README from the stored gallery")
    readme.add_argument("--output", type=Path, help="instead of the README's own")


def _add_training(commands: argparse._SubParsersAction) -> None:
    train = _add(commands, "train", _train, "train the networks of a profile, or one model of models/", _SEVERAL)
    train.formatter_class = argparse.RawDescriptionHelpFormatter
    _add_profile(train)
    train.add_argument("--model", help="such as scenes-cnn or scenes-cnn-cartoonx-mask, instead of a profile's")
    train.add_argument(
        "--only", nargs="+", default=(), metavar="NAME", help="classifier, explainer, rtis, beta-10, ..."
    )
    train.add_argument("--classifier", nargs="+", default=(), help="class masks: for these classifiers only")
    train.add_argument("--again", action="store_true", help="train also what is there")
    train.add_argument("--output", type=Path, help="where weights for scenes go, instead of models/")
    train.add_argument("--device", default="auto", choices=("auto", "cpu", "gpu"))
    train.add_argument("--devices", type=int, default=1, help="processes on each machine, for the networks")
    train.add_argument("--nodes", type=int, default=1, help="machines")
    train.add_argument("--strategy", default="auto", help="Lightning's, such as ddp")


@contextmanager
def exit_on_error() -> Iterator[None]:
    """End the program with one message where something is missing or wrong that its user can mend."""
    try:
        yield
    except (OSError, ValueError) as error:
        sys.exit(f"error: {error}")


def _add(
    commands: argparse._SubParsersAction, name: str, handler: Handler, summary: str, more: str = ""
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}. {more}".strip())
    parser.set_defaults(handler=handler)
    return parser


def _add_profile(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--profile", default="quick", help="a name in profiles/, or the path of a YAML file")
    parser.add_argument("--results", type=Path, help="another folder than results/")


def main(arguments: list[str] | None = None) -> None:
    """Do what the command line says; what is missing or wrong ends it in one message, without a traceback."""
    parser = argparse.ArgumentParser(prog="python -m helpers", description="The commands of Keep What Matters.")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_pages(commands)
    _add_tables(commands)
    _add_training(commands)
    options = parser.parse_args(arguments)
    with exit_on_error():
        options.handler(options)


if __name__ == "__main__":
    main()
