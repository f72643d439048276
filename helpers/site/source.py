"""The parts of a page: its notebook, its code, its parameters, its front matter."""

from __future__ import annotations

import ast
import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from nbformat import NotebookNode

CONTINUED_IN = "continued-in"
"""The key, in a page's front matter, of a source of further cells that several pages share."""

FOLDED = {"hide-cell", "hide-input", "remove-cell", "remove-input"}
"""The tags of cells whose code the site folds or leaves out: solutions, drawings, numbers for the text."""

_HEAD = re.compile(r"\A---\n(?P<head>.*?\n)---\n", re.DOTALL)
_TITLE = re.compile(r"^# (.+)$", re.MULTILINE)
_PARAMETERS = re.compile(
    r"^```\{code-cell\}[^\n]*\n:tags: \[parameters\]\n(?P<code>.*?)^```\n", re.MULTILINE | re.DOTALL
)


@lru_cache
def _read(page: Path, _modified: tuple[int, ...]) -> NotebookNode:
    import jupytext  # takes seconds to import, and often the pages need not be read

    return jupytext.reads(page_text(page), fmt="md:myst")


def read_page(page: Path) -> NotebookNode:
    """The notebook of a MyST Markdown page; its front matter is the notebook's metadata."""
    return _read(page, tuple(path.stat().st_mtime_ns for path in page_sources(page)))


def page_sources(page: Path) -> list[Path]:
    """The files of a page's text: its own, and the one in which it is continued."""
    return _sources(page, page.read_text(encoding="utf-8"))


def page_title(page: Path) -> str:
    """The title of a page: its first heading.

    Raises:
        ValueError: it has none.
    """
    match = _TITLE.search(page.read_text(encoding="utf-8"))
    if match is None:
        raise ValueError(f"{page} has no title")
    return match[1].strip()


def page_text(page: Path) -> str:
    """The whole text of a page (see `continued`)."""
    return continued(page.read_text(encoding="utf-8"), page)


def continued(text: str, page: Path) -> str:
    """The text of a page, followed by the text after the cell tagged `parameters` in the source that continues it.

    In that source, `{{ name }}` is replaced by the value of a parameter of this page.

    Args:
        text: the text of the page's own file.
        page: the path of this file.

    Raises:
        ValueError: there is no such source, or one of the two files has no cell tagged `parameters`.
    """
    _, *sources = _sources(page, text)
    for source in sources:
        if not source.is_file():
            raise ValueError(f"{page} is continued in {source}, which does not exist")
        shared = source.read_text(encoding="utf-8")
        own, cell = _PARAMETERS.search(text), _PARAMETERS.search(shared)
        if own is None or cell is None:
            raise ValueError(f"{page if own is None else source} has no cell tagged `parameters`")
        continuation = shared[cell.end() :]
        for name, value in _literal_assignments(ast.parse(own["code"])).items():
            continuation = continuation.replace(f"{{{{ {name} }}}}", str(value))
        text = f"{text}{continuation}"
    return text


def _sources(page: Path, text: str) -> list[Path]:
    head = _HEAD.match(text)
    if head is None or CONTINUED_IN not in head["head"]:
        return [page]
    return [page, page.parent / yaml.safe_load(head["head"])[CONTINUED_IN]]


def is_executable(page: Path) -> bool:
    """Whether the page has code to run: whether its front matter names a kernel."""
    head = page.read_text(encoding="utf-8").split("\n---", 1)[0]
    return head.startswith("---") and "kernelspec:" in head


def _without_magics(source: str) -> str:
    """The Python of a cell, with `pass` for IPython's magics and shell lines, so that line numbers stay."""
    return "\n".join(
        line[: len(line) - len(line.lstrip())] + "pass" if line.lstrip().startswith(("%", "!")) else line
        for line in source.splitlines()
    )


def page_code(page: Path, *, parameters: bool = True) -> list[ast.Module]:
    """The syntax trees of the page's code cells, in order.

    Args:
        page: the page.
        parameters: include the cell tagged `parameters`.

    Raises:
        ValueError: a cell is not Python; the message names the page and the cell.
    """
    trees = []
    for number, cell in enumerate(read_page(page).cells, start=1):
        if cell.cell_type == "code" and (parameters or not _is_parameters(cell)):
            try:
                trees.append(ast.parse(_without_magics(cell.source)))
            except SyntaxError as error:
                raise ValueError(f"{page}, cell {number}: {error.msg} in line {error.lineno}: {error.text}") from error
    return trees


def page_parameters(page: Path) -> dict[str, object]:
    """The literal assignments of the cell tagged `parameters`; empty if the page has no such cell."""
    for cell in read_page(page).cells:
        if cell.cell_type == "code" and _is_parameters(cell):
            return _literal_assignments(ast.parse(_without_magics(cell.source)))
    return {}


def _is_parameters(cell: NotebookNode) -> bool:
    return "parameters" in cell.metadata.get("tags", [])


def _literal_assignments(tree: ast.Module) -> dict[str, object]:
    values: dict[str, object] = {}
    for node in tree.body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and isinstance(target, ast.Name) and node.value is not None:
            try:
                values[target.id] = ast.literal_eval(node.value)
            except ValueError:
                continue  # an expression, which papermill cannot replace either
    return values
