"""Reading a page: its notebook, its code, its front matter."""

from __future__ import annotations

import ast
import re
from functools import lru_cache
from pathlib import Path

import jupytext
import yaml
from nbformat import NotebookNode

CONTINUED_IN = "continued-in"
"""What a page's front matter calls the source of its further cells, which several pages share."""

_HEAD = re.compile(r"\A---\n(?P<head>.*?\n)---\n", re.DOTALL)
_PARAMETERS = re.compile(
    r"^```\{code-cell\}[^\n]*\n:tags: \[parameters\]\n(?P<code>.*?)^```\n", re.MULTILINE | re.DOTALL
)


@lru_cache
def _read(page: Path, _modified: tuple[int, ...]) -> NotebookNode:
    return jupytext.reads(page_text(page), fmt="md:myst")


def read_page(page: Path) -> NotebookNode:
    """The notebook that a MyST Markdown page stands for; its front matter is the notebook's metadata."""
    return _read(page, tuple(path.stat().st_mtime_ns for path in page_sources(page)))


def page_sources(page: Path) -> list[Path]:
    """The files that a page's text stands in: its own, and the one that it is continued in."""
    return _sources(page, page.read_text(encoding="utf-8"))


def page_text(page: Path) -> str:
    """The whole text of a page (see `continued`)."""
    return continued(page.read_text(encoding="utf-8"), page)


def continued(text: str, page: Path) -> str:
    """The text of a page, and what follows the cell tagged `parameters` in the source that it is continued in.

    There, `{{ name }}` stands for the value of a parameter of this page.

    Args:
        text: of the page's own file.
        page: this file.

    Raises:
        ValueError: the source is not there, or one of the two has no cell tagged `parameters`.
    """
    _, *sources = _sources(page, text)
    for source in sources:
        if not source.is_file():
            raise ValueError(f"{page} is continued in {source}, which is not there")
        shared = source.read_text(encoding="utf-8")
        own, cell = _PARAMETERS.search(text), _PARAMETERS.search(shared)
        if own is None or cell is None:
            raise ValueError(f"{page if own is None else source} has no cell tagged `parameters`")
        rest = shared[cell.end() :]
        for name, value in _literal_assignments(ast.parse(own["code"])).items():
            rest = rest.replace(f"{{{{ {name} }}}}", str(value))
        text = f"{text}{rest}"
    return text


def _sources(page: Path, text: str) -> list[Path]:
    head = _HEAD.match(text)
    if head is None or CONTINUED_IN not in head["head"]:
        return [page]
    return [page, page.parent / yaml.safe_load(head["head"])[CONTINUED_IN]]


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
