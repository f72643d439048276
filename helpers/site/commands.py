"""The commands on pages and figures: run them, check what they need, and say which files they made."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path

from helpers.core.files import ROOT
from helpers.site.publishing import add_publishing_commands

_RUNS = "_build/runs"
"""The folder of pages run with other parameters than in the book."""

Handler = Callable[[argparse.Namespace], None]
AddCommand = Callable[..., argparse.ArgumentParser]


def add_page_commands(add: AddCommand, finish: Callable[[Path], object]) -> None:
    """Add the commands on pages.

    Args:
        add: adds a command by name, handler, summary and details, and returns its parser.
        finish: what `build` does last with the folder of the built book.
    """
    page = add("page", run_page, "run a page of the book")
    page.add_argument("page", type=Path, help="the page, such as book/wavelets.md")
    figure = add("figure", run_figure, "run the page of a figure or table of a paper")
    figure.add_argument("id", help="the figure, such as recartoonx-fig3: a key of book/figures.yaml")
    figure.add_argument(
        "profile", nargs="?", default="quick", help="the name of a profile in profiles/; default: quick"
    )
    for parser in (page, figure):
        parser.add_argument("output", type=Path, nargs="?", help="the executed notebook to write; default: in _build/")
        parser.add_argument(
            "-p",
            "--parameter",
            nargs=2,
            action="append",
            default=[],
            metavar=("NAME", "VALUE"),
            help="another value for a parameter of the page, a variable of its cell tagged `parameters`",
        )
        parser.add_argument("--quiet", action="store_true", help="do not print the paths of the files")
    check = add("check", check_figures, "check that all that a figure, or all figures, need is on this machine")
    check.add_argument("--id", help="the figure; default: all figures for which the profile has settings")
    check.add_argument("--profile", required=True, help="the name of a profile in profiles/")
    files = add("files", print_files, "list the files that a figure has made: notebook, pictures and tables")
    files.add_argument("--id", required=True, help="the figure; or `all`")
    files.add_argument("--profile", default="quick", help="the name of a profile in profiles/; default: quick")
    add("build", partial(build_book, finish=finish), "build the HTML of the book from the executed pages")
    formatter = add("format", format_code, "format the code of all pages, and copy version and address to CITATION.cff")
    formatter.add_argument("--check", action="store_true", help="change no file; fail if a page is not formatted")
    chapters = add("chapters", check_chapters, "say what chapters lack: goals, minutes, asserts, exercises")
    chapters.add_argument("pages", type=Path, nargs="*", help="the chapters, such as book/wavelets.md; default: all")
    dependencies = add("dependencies", print_dependencies, "list the files on which a page depends")
    dependencies.add_argument("page", type=Path, help="the page, such as book/wavelets.md")
    add_publishing_commands(add)


def run_page(options: argparse.Namespace) -> None:
    """Run a page, with its own parameters or others."""
    from helpers.site.html import executed_path
    from helpers.site.registry import load_registry
    from helpers.site.source import is_executable, page_parameters

    page = options.page
    path = (page if page.is_file() else ROOT / page).resolve()
    if not path.is_file():
        raise FileNotFoundError(f"there is no page {page}; pages are in book/, such as book/wavelets.md")
    if not is_executable(path):
        raise ValueError(f"{page} has no code to run: its front matter names no kernel")
    given = _parsed(path, options.parameter)
    profile = str({**page_parameters(path), **given}.get("profile", ""))
    if profile and path.is_relative_to(ROOT) and path.stem in load_registry():
        _require(path.stem, profile)
    default = Path(_RUNS) / f"{path.stem}.ipynb"
    if path.is_relative_to(ROOT / "book") and not given:
        default = executed_path(path.relative_to(ROOT).as_posix()) or default
    _execute(path, options.output or ROOT / default, given, options.quiet)


def run_figure(options: argparse.Namespace) -> None:
    """Run the page of a figure with a profile."""
    from helpers.site.registry import find_figure

    figure = find_figure(options.id)
    _require(options.id, options.profile)
    given = _parsed(ROOT / figure.notebook, options.parameter)
    parameters = {"profile": options.profile, **figure.parameters, **given}
    default = ROOT / _RUNS / f"{options.id}.ipynb" if given else _notebook(options.id, options.profile)
    output = options.output or default
    _execute(ROOT / figure.notebook, output, parameters, quiet=True, pictures=True)
    if not options.quiet:
        _print_files(options.id, options.profile, output)


def check_figures(options: argparse.Namespace) -> None:
    """Check that what figures need is on this machine, and that the profile is right."""
    from helpers.profiles import load_profile
    from helpers.results.requirements import require_writable
    from helpers.site.registry import find_figure, find_profile, possible_figures

    if options.id is not None:
        find_figure(options.id)
    load_profile(find_profile(options.profile), needs=None)
    for folder in (ROOT / "_build", ROOT / "results"):
        require_writable(folder)
    done: set[object] = set()
    for identifier in possible_figures(options.profile) if options.id is None else [options.id]:
        _require(identifier, options.profile, done)


def print_files(options: argparse.Namespace) -> None:
    """Print the paths of all files that a figure has made, or all figures of a profile."""
    from helpers.site.registry import find_figure, find_profile, possible_figures

    find_profile(options.profile)
    identifiers = possible_figures(options.profile) if options.id == "all" else [options.id]
    for identifier in identifiers:
        find_figure(identifier)
        _print_files(identifier, options.profile, _notebook(identifier, options.profile))


def build_book(options: argparse.Namespace, finish: Callable[[Path], object]) -> None:
    """Build the HTML, and what is made from it."""
    from helpers.site.html import build

    html = build()
    finish(html)
    print(html / "index.html")


def format_code(options: argparse.Namespace) -> None:
    """Format the code of all pages and the citation, or check that they are formatted."""
    from helpers.site.citation import format_citation
    from helpers.site.format_pages import format_pages

    changed = [*format_pages(check=options.check), *format_citation(check=options.check)]
    if changed:
        print(*changed, sep="\n")
    if changed and options.check:
        raise ValueError("these files are not formatted; run: python -m helpers format")


def print_dependencies(options: argparse.Namespace) -> None:
    """Print the paths of the files on which a page depends."""
    from helpers.site.dependencies import page_inputs

    paths = page_inputs(options.page).paths()
    print(*sorted(path.relative_to(ROOT).as_posix() for path in paths), sep="\n")


def _parsed(page: Path, pairs: list[list[str]]) -> dict[str, object]:
    from helpers.site.parameters import parse_values

    return parse_values(page, pairs)


def _notebook(identifier: str, profile: str) -> Path:
    return ROOT / "_build/figures" / profile / f"{identifier}.ipynb"


def _execute(page: Path, output: Path, parameters: dict[str, object], quiet: bool, pictures: bool = False) -> None:
    from helpers.site.execution import execute

    output = execute(page, output.absolute(), parameters, pictures=pictures)
    if not quiet:
        print(output)


def _require(identifier: str, profile: str, done: set[object] | None = None) -> None:
    """Check what a figure needs; requirements in `done` are not checked again, and are added to it."""
    from helpers.results.registry import find_table
    from helpers.results.requirements import require
    from helpers.site.registry import find_figure, find_profile

    figure = find_figure(identifier)
    tables = tuple(find_table(name) for name in figure.needs)
    dataset = figure.dataset or figure.parameters.get("dataset")
    key = (figure.paper_of_tables, tables, dataset)
    if done is None or key not in done:
        require(find_profile(profile), [figure.paper_of_tables], tables, dataset=dataset)  # type: ignore[arg-type]
    if done is not None:
        done.add(key)


def _print_files(identifier: str, profile: str, output: Path) -> None:
    """Print the notebook of a figure, its pictures, and the tables that its page reads."""
    from helpers.results.tables import results_folder
    from helpers.site.dependencies import page_inputs
    from helpers.site.pictures import picture_files
    from helpers.site.registry import find_figure

    if not output.is_file():
        return
    figure, folder = find_figure(identifier), results_folder(profile)
    names = [table.name for table in page_inputs(figure.notebook, {"profile": profile, **figure.parameters}).tables]
    tables = {path for name in names for path in folder.glob(f"{name}*.csv") if _belongs(path.stem, name)}
    for path in [output.absolute(), *picture_files(output.absolute()), *sorted(tables)]:
        print(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)


def _belongs(stem: str, table: str) -> bool:
    """Whether a file of this stem holds a table, alone or for one pair of a dataset and a classifier."""
    from helpers.results.registry import TABLES

    longest = max((name for name in TABLES if stem == name or stem.startswith(f"{name}-")), key=len, default="")
    return longest == table


def check_chapters(options: argparse.Namespace) -> None:
    """List what chapters lack, one line each; a chapter that lacks something ends the command with an error."""
    from helpers.site.chapters import chapter_faults, load_chapters

    pages = [page.as_posix() for page in options.pages] or list(load_chapters())
    faults = [f"{page}: {fault}" for page in pages for fault in chapter_faults(page)]
    print(*(faults or [f"{len(pages)} chapters have the form of a chapter"]), sep="\n")
    if faults:
        raise SystemExit(1)
