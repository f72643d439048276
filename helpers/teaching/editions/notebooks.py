"""A chapter as a notebook for students or for teachers, with a cell for each answer."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from symtable import symtable
from typing import TYPE_CHECKING, Literal

from helpers.site.source import FOLDED, read_page
from helpers.teaching.checks.find import checked_pages, exercises_of
from helpers.teaching.checks.verdicts import variable_of
from helpers.teaching.editions.plain import Context, EditionError, plain_markdown, split_options

if TYPE_CHECKING:
    from nbformat import NotebookNode

Edition = Literal["student", "teacher"]

_BLOCK = re.compile(
    r"^(?P<fence>`{3,})\{(?P<kind>exercise|solution)\} *(?P<argument>[^\n]*)\n(?P<body>.*?)^(?P=fence) *$",
    re.DOTALL | re.MULTILINE,
)
_ANSWER_LINE = re.compile(r"\n*^\*Your answer\*:.*?(?:\n\n|\Z)", re.DOTALL | re.MULTILINE)


@dataclass
class _Piece:
    """A part of a page: text, an exercise, a solution, code, or the code of a solution."""

    kind: Literal["text", "exercise", "solution", "code", "solution-code"]
    source: str
    title: str = ""
    label: str = ""
    folded: bool = False
    bookkeeping: bool = False


def edition_notebook(page: Path, edition: Edition, context: Context, *, first: str) -> NotebookNode:
    """The notebook of a chapter, without outputs.

    Args:
        page: the chapter's Markdown.
        edition: for students, without solutions; or for teachers, with them.
        context: what the text is made with.
        first: the code of the first cell, which makes the package available.

    Raises:
        EditionError: the page has markup that has no plain version, or later code needs a variable of a solution.
    """
    from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

    pieces = list(_pieces(page))
    kept = _kept(pieces, edition, page)
    exercises = {each.name: each for each in exercises_of(page.stem)} if page.stem in checked_pages() else {}
    cells = [new_code_cell(first, id="setup")]
    for number, piece in enumerate(kept):
        identity = piece.label or f"cell-{number}"
        if piece.kind == "text":
            cells.append(new_markdown_cell(plain_markdown(piece.source, context), id=identity))
        elif piece.kind == "exercise":
            text = plain_markdown(_ANSWER_LINE.sub("\n\n", piece.source), context)
            cells.append(new_markdown_cell(f"### {piece.title}\n\n{text}", id=identity))
            if exercise := exercises.get(piece.label):
                name = variable_of(exercise.name)
                # `...` is the empty answer, which `check` answers with what is wanted
                code = f'# Your answer: {exercise.ask}.\n{name} = ...\n\ncheck("{exercise.name}", {name})'
                cells.append(new_code_cell(code, id=f"{piece.label}-answer"))
        elif piece.kind == "solution":
            text = plain_markdown(piece.source, context)
            body = f"<details><summary>Solution</summary>\n\n{text}\n\n</details>"
            cells.append(new_markdown_cell(body, id=f"{piece.label}-solution"))
        else:
            metadata = {"jupyter": {"source_hidden": True}} if piece.folded else {}
            cells.append(new_code_cell(piece.source, id=identity, metadata=metadata))
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    language = {"name": "python", "file_extension": ".py", "mimetype": "text/x-python"}
    return new_notebook(cells=cells, metadata={"kernelspec": kernel, "language_info": language})


def _pieces(page: Path) -> Iterator[_Piece]:
    solved = ""  # the label of the solution whose code may follow
    for cell in read_page(page).cells:
        tags = set(cell.metadata.get("tags", []))
        if cell.cell_type == "code":
            kind = "solution-code" if solved and tags & {"hide-cell", "remove-cell"} else "code"
            yield _Piece(kind, cell.source, folded=bool(tags & FOLDED), bookkeeping="remove-cell" in tags)
            continue
        solved, position = "", 0
        for block in _BLOCK.finditer(cell.source):
            if text := cell.source[position : block.start()].strip():
                yield _Piece("text", text)
            position = block.end()
            options, body = split_options(block["body"])
            if block["kind"] == "exercise":
                title = block["argument"].strip() or "Exercise"
                yield _Piece("exercise", body, title=title, label=options.get("label", ""))
                solved = ""
            else:
                solved = block["argument"].strip()
                yield _Piece("solution", body, label=solved)
        if text := cell.source[position:].strip():
            yield _Piece("text", text)
            solved = ""


def _kept(pieces: list[_Piece], edition: Edition, page: Path) -> list[_Piece]:
    """The pieces of an edition: bookkeeping that no later cell needs is left out, and for students the solutions."""
    left_out = {"solution", "solution-code"} if edition == "student" else set()
    kept: list[_Piece] = []
    needed: set[str] = set()
    for piece in reversed(pieces):
        if "code" not in piece.kind:
            if piece.kind not in left_out:
                kept.append(piece)
            continue
        stored, loaded = _names(piece.source)
        if piece.kind in left_out:
            if lost := sorted(stored & needed - {"_"}):
                raise EditionError(
                    f"{page}: code after the solution of an exercise needs {', '.join(lost)}, which the solution "
                    "defines; define it outside of the solution"
                )
            continue
        if piece.bookkeeping and not stored & needed:
            continue
        needed = (needed - stored) | loaded
        kept.append(piece)
    return kept[::-1]


def _names(source: str) -> tuple[set[str], set[str]]:
    """The global names that a cell defines, and those that it reads from earlier cells, in its functions too."""
    code = "\n".join("pass" if line.startswith(("%", "!")) else line for line in source.splitlines())
    top = symtable(code, "cell", "exec")
    stored = {symbol.get_name() for symbol in top.get_symbols() if symbol.is_assigned() or symbol.is_imported()}
    loaded = {symbol.get_name() for symbol in top.get_symbols() if symbol.is_referenced()}
    scopes = list(top.get_children())
    while scopes:
        scope = scopes.pop()
        scopes += scope.get_children()
        loaded |= {symbol.get_name() for symbol in scope.get_symbols() if symbol.is_global()}
    first: dict[tuple[str, bool], int] = {}
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            loaded.add(node.target.id)
        if isinstance(node, ast.Name):
            key = (node.id, isinstance(node.ctx, ast.Load))
            first[key] = min(node.lineno, first.get(key, node.lineno))
    # a name that the cell defines in a line above the one that reads it
    own = {name for name in stored & loaded if first.get((name, False), 10**9) < first.get((name, True), 0)}
    return stored, loaded - own
