"""Reading a page: its notebook, its code, its front matter."""

from __future__ import annotations

import ast
from functools import lru_cache
from pathlib import Path

import jupytext
from nbformat import NotebookNode


@lru_cache
def _read(page: Path, _modified: int) -> NotebookNode:
    return jupytext.read(page, fmt="md:myst")


def read_page(page: Path) -> NotebookNode:
    """The notebook of a MyST Markdown page; the front matter is the notebook's metadata."""
    return _read(page, page.stat().st_mtime_ns)


def is_executable(page: Path) -> bool:
    """Whether the page has code to run, as shown by a kernel in its front matter."""
    head = page.read_text(encoding="utf-8").split("\n---", 1)[0]
    return head.startswith("---") and "kernelspec:" in head


def _without_magics(source: str) -> str:
    """The cell's Python: IPython's magics and shell lines become `pass`, which keeps the line numbers."""
    return "\n".join(
        line[: len(line) - len(line.lstrip())] + "pass" if line.lstrip().startswith(("%", "!")) else line
        for line in source.splitlines()
    )


def page_code(page: Path, *, parameters: bool = True) -> list[ast.Module]:
    """The syntax trees of the page's code cells, in order; the cell tagged `parameters` only where it is asked for.

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
    """The literal assignments of the cell tagged `parameters`, or nothing where the page has no such cell."""
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
