"""The command line: `python -m helpers.site page|figure|build|check|dependencies`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from helpers.core.files import ROOT
from helpers.site.dependencies import dependencies
from helpers.site.execution import PageError, execute
from helpers.site.figure_data import require_figure_data
from helpers.site.html import BuildError, build
from helpers.site.registry import find_figure, find_profile, possible_figures


def _arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m helpers.site", description="The tooling of the book's pages.")
    commands = parser.add_subparsers(dest="command", required=True)
    page = commands.add_parser("page", help="run a page as it stands")
    page.add_argument("page", type=Path)
    page.add_argument("output", type=Path)
    figure = commands.add_parser("figure", help="run the notebook of a figure")
    figure.add_argument("id")
    figure.add_argument("profile")
    figure.add_argument("output", type=Path)
    check = commands.add_parser("check", help="is there such a figure, such a profile, and the data for it?")
    check.add_argument("--id")
    check.add_argument("--profile", required=True)
    commands.add_parser("build", help="build the HTML from the executed pages")
    depends = commands.add_parser("dependencies", help="list what a page depends on")
    depends.add_argument("page", type=Path)
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> None:
    """Do what the command line says; what went wrong is said in one message, without a traceback of our own."""
    options = _arguments(arguments)
    try:
        if options.command == "page":
            execute(options.page, options.output)
        elif options.command == "figure":
            figure = find_figure(options.id)
            find_profile(options.profile)
            execute(figure.notebook, options.output, {"profile": options.profile, **figure.parameters})
        elif options.command == "check":
            find_profile(options.profile)
            for identifier in possible_figures(options.profile) if options.id is None else [options.id]:
                require_figure_data(find_figure(identifier), options.profile)
        elif options.command == "build":
            build()
        else:
            print(*sorted(path.relative_to(ROOT).as_posix() for path in dependencies(options.page)), sep="\n")
    except (BuildError, FileNotFoundError, PageError, ValueError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
