"""The lines of CITATION.cff that are set elsewhere: the version in pyproject.toml, the address in `_config.yml`."""

from __future__ import annotations

import re
from pathlib import Path

from helpers.core.files import ROOT
from helpers.site.repository import find_repository

CITATION = "CITATION.cff"


def version(root: Path = ROOT) -> str:
    """The version of the book and its package, from pyproject.toml.

    Raises:
        ValueError: pyproject.toml has no version.
    """
    match = re.search(r'^version = "(.+)"$', (root / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    if match is None:
        raise ValueError("pyproject.toml has no line of the form: version = ...")
    return match[1]


def format_citation(*, check: bool = False, root: Path = ROOT) -> list[str]:
    """Copy version and address into CITATION.cff; an address that is not set takes its line away.

    Args:
        check: change nothing.
        root: the project's root.

    Returns:
        The name of the file, if it had to be changed.
    """
    path = root / CITATION
    before = path.read_text(encoding="utf-8")
    repository = find_repository(root)
    lines = f"version: {version(root)}\n" + (f"repository-code: {repository.address}\n" if repository else "")
    after = re.sub(r"^version: .*\n(?:repository-code: .*\n)?", lines, before, count=1, flags=re.MULTILINE)
    if after == before:
        return []
    if not check:
        path.write_text(after, encoding="utf-8")
    return [CITATION]
