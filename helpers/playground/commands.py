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

    explain = add(
        "explain",
        _explain,
        "explain the prediction for an image file, and save it as an evidence bundle",
        "The bundle is a zip file with mask, kept part, image, settings and versions, as the live page saves it.",
    )
    explain.add_argument("image", type=Path, help="the file of a picture")
    explain.add_argument("--save", type=Path, required=True, metavar="NAME.zip", help="the bundle to write")
    explain.add_argument("--method", default="cartoonx", help="cartoonx (default), pixel-rde or grad-cam")
    explain.add_argument("--classifier", default="scenes-cnn", help="as load_classifier knows it; default: scenes-cnn")
    explain.add_argument("--target", metavar="CLASS", help="the class to explain; default: the predicted one")
    explain.add_argument("--size", type=int, metavar="PIXELS", help="default: the classifier's own")
    explain.add_argument("--sparsity-weight", type=float, metavar="WEIGHT", help="λk of CartoonX and Pixel RDE")
    explain.add_argument("--steps", type=int, help="of CartoonX and Pixel RDE")


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


def _explain(options: argparse.Namespace) -> None:
    from helpers.playground.explain import explain_file

    given = {"sparsity_weight": options.sparsity_weight, "steps": options.steps}
    given = {name: value for name, value in given.items() if value is not None}
    chosen = {"method": options.method, "classifier": options.classifier, "target": options.target}
    print(explain_file(options.image, options.save, **chosen, size=options.size, **given).summary)


def _web(options: argparse.Namespace) -> None:
    from helpers.playground.bundles import build_bundles, check_scripts

    if options.check:
        print(check_scripts())
    elif (folder := build_bundles()) is not None:
        print(folder)
