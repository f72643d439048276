"""What the texts of editions are filled with: the numbers of an executed page, and the bibliography."""

from __future__ import annotations

import ast
from pathlib import Path

from helpers.core.files import ROOT
from helpers.site.chapters import load_chapters
from helpers.site.source import page_text
from helpers.teaching.editions.plain import equation_labels

_NUMBERS = "application/papermill.record/text/plain"


def glued_numbers(executed: Path) -> dict[str, object]:
    """The glued values of an executed page by name: numbers and text, not tables and figures.

    Args:
        executed: the executed notebook.
    """
    from nbformat import NO_CONVERT, read

    numbers: dict[str, object] = {}
    for cell in read(executed, as_version=NO_CONVERT).cells:
        for output in cell.get("outputs", ()):
            name = output.get("metadata", {}).get("scrapbook", {}).get("name")
            text = output.get("data", {}).get(_NUMBERS)
            if name is not None and text is not None:
                numbers[name] = _value(text)
    return numbers


def _value(text: str) -> object:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def equation_numbers(root: Path = ROOT) -> dict[str, str]:
    """The number of each labelled equation of the chapters, as the site has it: chapter, and place in it."""
    return {
        label: f"{chapter}.{place}"
        for chapter, page in enumerate(load_chapters(root), start=1)
        for place, label in enumerate(equation_labels(page_text(root / page)), start=1)
    }


def citations(root: Path = ROOT) -> dict[str, tuple[str, str]]:
    """For each key of `book/references.bib`, the authors as a text names them, and the year."""
    from pybtex.database import parse_file

    entries = parse_file(root / "book/references.bib").entries
    return {key: (_authors(entry), entry.fields.get("year", "")) for key, entry in entries.items()}


def _authors(entry: object) -> str:
    names = [" ".join(person.last_names) for person in entry.persons.get("author", [])]  # type: ignore[attr-defined]
    if len(names) > 2:
        return f"{names[0]} et al."
    return " and ".join(names) or entry.fields.get("title", "")  # type: ignore[attr-defined]
