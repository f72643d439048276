"""The commands on what runs in the reader's browser."""

from __future__ import annotations

import argparse
from pathlib import Path

from helpers.site.commands import AddCommand


def add_playground_commands(add: AddCommand) -> None:
    """Add the commands on what runs in the reader's browser.

    Args:
        add: adds a command by name, handler, summary and details, and returns its parser.
    """
    playground = add(
        "playground",
        _playground,
        "make the networks that run in the reader's browser as ONNX files, each compared with PyTorch",
    )
    playground.add_argument("--only", action="append", metavar="NAME", help="make this file alone; may be repeated")
    playground.add_argument("--output", type=Path, metavar="FOLDER", help="default: _build/playground/models")
    web = add("web", _web, "bundle the scripts that run in the reader's browser, with npm's packages")
    web.add_argument("--check", action="store_true", help="check types and style and run the unit tests instead")


def publish_live_parts(html: Path) -> None:
    """Put the networks and the scripts into the built book.

    Args:
        html: the folder of the built book.
    """
    from helpers.playground.publish import publish_playground

    publish_playground(html)


def _playground(options: argparse.Namespace) -> None:
    from helpers.playground.make import FOLDER, make_files
    from helpers.playground.sprites import write_sprites

    folder = options.output or FOLDER
    if not options.only:
        write_sprites(folder.parent / "scenes")
    print(make_files(folder, options.only or ()))


def _web(options: argparse.Namespace) -> None:
    from helpers.playground.bundles import build_bundles, check_scripts

    if options.check:
        print(check_scripts())
    elif (folder := build_bundles()) is not None:
        print(folder)
