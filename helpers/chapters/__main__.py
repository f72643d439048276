"""The stored pictures of the chapters: `python -m helpers.chapters gallery` makes them again.

It can be stopped and started again: finished explanations are not computed twice.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from helpers.chapters.gallery import PROFILE, make_gallery, read_gallery
from helpers.chapters.readme import write_readme_picture
from helpers.core.files import ROOT
from helpers.papers.recartoonx.experiments import Study

README_PICTURE = ROOT / "book" / "_static" / "readme-cartoonx.webp"


def main(arguments: list[str] | None = None) -> None:
    """Make the gallery of a profile, and of the book's own profile the picture of the README too."""
    parser = argparse.ArgumentParser(prog="python -m helpers.chapters", description=__doc__)
    parser.add_argument("what", choices=["gallery"])
    parser.add_argument("--profile", default=PROFILE, help="a name in profiles/, or the path of a YAML file")
    parser.add_argument("--results", type=Path, default=None, help="another folder than results/")
    parser.add_argument("--readme", type=Path, default=None, help=f"the README's picture (default: {README_PICTURE})")
    options = parser.parse_args(arguments)
    study = Study(options.profile, root=options.results, show_progress=True)
    for path in make_gallery(study):
        print(path)
    readme = options.readme or (README_PICTURE if study.profile.name == PROFILE else None)
    if readme:
        print(write_readme_picture(read_gallery(options.results, study.profile.name)[0], readme))


if __name__ == "__main__":
    main()
