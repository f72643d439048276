"""Formatting of the code of all pages by ruff, at the width that a page shows without scrolling."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from helpers.core.files import ROOT

WIDTH = 88
"""Characters per line of code on a page."""

CELL = re.compile(
    r"^(?P<fence>`{3,})\{code-cell\}[^\n]*\n"
    r"(?P<options>(?:---\n.*?\n---\n|(?::[^\n]*\n)*))"  # as YAML or line by line
    r"(?P<code>.*?)^(?P=fence)$",
    re.MULTILINE | re.DOTALL,
)


def formatted_pages(pages: Iterable[Path]) -> dict[Path, str]:
    """The text of each page with formatted code cells, sorted imports, and without unused imports.

    Magics, and semicolons at the end of a cell, are kept.

    Raises:
        ValueError: a cell is not Python; the message is ruff's.
    """
    texts = {page: page.read_text(encoding="utf-8") for page in pages}
    with tempfile.TemporaryDirectory() as folder:
        names = {page: Path(folder) / f"{index}-{page.stem}.ipynb" for index, page in enumerate(texts)}
        for page, text in texts.items():
            names[page].write_text(_notebook([match["code"] for match in CELL.finditer(text)]), encoding="utf-8")
        _ruff("check", "--select=I,F401", "--fix", '--config=lint.isort.known-first-party=["helpers"]', folder)
        _ruff("format", folder)
        cells = {page: _sources(names[page].read_text(encoding="utf-8")) for page in texts}
    return {page: _with_cells(text, cells[page]) for page, text in texts.items()}


def format_pages(*, check: bool = False, root: Path = ROOT) -> list[Path]:
    """Format the code of all pages of the book.

    Args:
        check: do not change any file.
        root: the project's root.

    Returns:
        The pages that were not formatted before.
    """
    pages = [page for page in sorted((root / "book").rglob("*.md")) if CELL.search(page.read_text(encoding="utf-8"))]
    changed = []
    for page, text in formatted_pages(pages).items():
        if text != page.read_text(encoding="utf-8"):
            changed.append(page)
            if not check:
                page.write_text(text, encoding="utf-8")
    return changed


def _ruff(*arguments: str) -> None:
    command = [
        sys.executable,
        "-m",
        "ruff",
        arguments[0],
        "--isolated",
        "--quiet",
        f"--line-length={WIDTH}",
        *arguments[1:],
    ]
    process = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    if process.returncode:
        raise ValueError(f"the code of a page cannot be formatted: {(process.stderr or process.stdout).strip()}")


def _notebook(sources: list[str]) -> str:
    cell: dict[str, object] = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    cells = [{**cell, "id": f"cell-{index}", "source": source} for index, source in enumerate(sources)]
    language = {"language_info": {"name": "python"}}
    return json.dumps({"cells": cells, "metadata": language, "nbformat": 4, "nbformat_minor": 5})


def _sources(notebook: str) -> list[str]:
    return ["".join(cell["source"]) for cell in json.loads(notebook)["cells"]]


def _with_cells(text: str, sources: list[str]) -> str:
    remaining = iter(sources)

    def replace(match: re.Match[str]) -> str:
        blank = "\n" if match["code"].startswith("\n") else ""  # between the options and the code
        code = f"{blank}{next(remaining).strip()}\n"
        return match[0][: match.start("code") - match.start()] + code + match["fence"]

    return CELL.sub(replace, text)
