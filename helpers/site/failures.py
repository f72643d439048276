"""What counts as a failure of an executed page: all that readers would see as one, or would miss."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from nbformat import NotebookNode

WIDGET_STATE = "application/vnd.jupyter.widget-state+json"
ALLOWED = "raises-exception"
"""The tag of a cell that shows an error on purpose, as in all of Jupyter's tools."""

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_PRINTED = re.compile(r"Traceback \(most recent call last\):?\n(?:.*\n)*?(?P<error>\w[\w.]*(?::.*)?)$", re.MULTILINE)
_PICTURE = re.compile(r"<(img|svg|canvas)\b")
_LINES = (12, 28)  # of a long traceback, those that are kept at its beginning and at its end


class Failure(NamedTuple):
    """A failure on a page.

    Attributes:
        location: where, such as "cell In [3]".
        summary: what, in one line.
        details: the cell's source, and the traceback if there is one.
    """

    location: str
    summary: str
    details: str


def failures(notebook: NotebookNode) -> Iterator[Failure]:
    """The failures in an executed notebook, in the order of the page.

    Exceptions in threads, tasks, commands and callbacks of widgets do not stop the run, but the published page would
    show them: they are read from the outputs, and from the state of the widgets. A figure without a picture is a
    failure too.
    """
    for cell in notebook.cells:
        if cell.cell_type == "code" and ALLOWED not in cell.metadata.get("tags", []):
            yield from _failures_of_cell(cell)
    widgets = notebook.metadata.get("widgets", {}).get(WIDGET_STATE, {}).get("state", {})
    for identifier, widget in widgets.items():
        for output in widget.get("state", {}).get("outputs", []):
            if found := _error(output):
                yield Failure(f"the callback of a widget (output {identifier})", *found)


def stopped_cell(notebook: NotebookNode) -> tuple[str, str]:
    """The location and the source of the cell in which a run ended early; the page itself if no cell had begun."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
    begun = [number for number, cell in enumerate(cells) if cell.metadata.get("papermill", {}).get("start_time")]
    if not begun:
        return "the start of its kernel", ""
    return f"cell In [{begun[-1] + 1}]", _indent(cells[begun[-1]].source)


def _failures_of_cell(cell: NotebookNode) -> Iterator[Failure]:
    location, outputs = f"cell In [{cell.execution_count}]", cell.get("outputs", [])
    errors = [found for output in outputs if (found := _error(output))]
    for summary, details in errors[:1]:
        yield Failure(location, summary, f"{_indent(cell.source)}\n\n{details}")
    shows = cell.metadata.get("mystnb", {})
    if not errors and {"figure", "image"} & shows.keys() and not any(map(_is_picture, outputs)):
        yield Failure(location, "this cell is a figure of the page, but shows no picture", _indent(cell.source))


def _error(output: Mapping[str, Any]) -> tuple[str, str] | None:
    """The error that an output shows, as a line and as a whole; None if it shows none."""
    if output.get("output_type") == "error":
        summary = f"{output.get('ename') or 'an error without a name'}: {output.get('evalue') or ''}".strip()
        summary = summary.removesuffix(":")
        traceback = "\n".join(map(str, output.get("traceback") or [summary]))
        return _first_line(summary), _shortened(_COLOUR.sub("", traceback))
    text = _COLOUR.sub("", output.get("text", "")) if output.get("output_type") == "stream" else ""
    if "Traceback (most recent call last)" not in text:
        return None
    printed = _PRINTED.search(text)
    error = f": {_first_line(printed['error'])}" if printed else ""
    return f"a traceback is printed{error}", _shortened(text)


def _is_picture(output: Mapping[str, Any]) -> bool:
    data = output.get("data", {})
    return any(kind.startswith("image/") for kind in data) or bool(_PICTURE.search(data.get("text/html", "")))


def _shortened(text: str) -> str:
    lines = text.rstrip().splitlines()
    head, tail = _LINES
    if len(lines) <= head + tail:
        return "\n".join(lines)
    return "\n".join([*lines[:head], f"[{len(lines) - head - tail} lines more, in the notebook]", *lines[-tail:]])


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0]


def _indent(source: str) -> str:
    return "\n".join("    " + line for line in source.splitlines())
