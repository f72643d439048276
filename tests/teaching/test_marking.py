"""Students do to notebooks what nobody expects; all of them are marked, by the names of their variables."""

from __future__ import annotations

import copy
import json
import random

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from helpers.teaching.checks.find import exercises_of
from helpers.teaching.checks.kinds import Function, Tensors
from helpers.teaching.checks.verdicts import variable_of
from helpers.teaching.editions.marking import Marks, _last_line, mark_notebooks

PAGE = "judging"
EXERCISES = exercises_of(PAGE)
NAMES = [exercise.name for exercise in EXERCISES]


def answered() -> NotebookNode:
    """A student's notebook with all answers right, one cell each: text, answer, check."""
    cells = [new_code_cell("from helpers import check"), new_markdown_cell("# My work")]
    for exercise in EXERCISES:
        assert not isinstance(exercise.answer, Function | Tensors)
        name = variable_of(exercise.name)
        cells += [
            new_markdown_cell(f"### {exercise.name}"),
            new_code_cell(f'{name} = {exercise.answer.solution!r}\n\ncheck("{exercise.name}", {name})'),
        ]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return new_notebook(cells=cells, metadata={"kernelspec": kernel})


def codes(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def answer_cells(notebook):
    return codes(notebook)[1 : 1 + len(NAMES)]


# Each takes the notebook, changes it, and returns the exercises that are lost.


def nothing(notebook):
    return []


def import_deleted_checks_fail(notebook):
    del notebook.cells[0]
    return []


def texts_deleted(notebook):
    notebook.cells = codes(notebook)
    return []


def one_answer_deleted(notebook):
    notebook.cells.remove(answer_cells(notebook)[0])
    return NAMES[:1]


def two_answers_deleted(notebook):
    for cell in answer_cells(notebook)[:2]:
        notebook.cells.remove(cell)
    return NAMES[:2]


def all_cells_deleted(notebook):
    notebook.cells = []
    return NAMES


def reversed_cells(notebook):
    notebook.cells = notebook.cells[::-1]
    return []


def shuffled_cells(notebook):
    random.Random(0).shuffle(notebook.cells)
    return []


def ids_removed(notebook):
    for cell in notebook.cells:
        cell.pop("id", None)
    notebook.nbformat_minor = 4
    return []


def ids_all_equal(notebook):
    for cell in notebook.cells:
        cell["id"] = "same"
    return []


def ids_renamed(notebook):
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"mine-{number}"
    return []


def answer_became_text(notebook):
    cell = answer_cells(notebook)[1]
    notebook.cells[notebook.cells.index(cell)] = new_markdown_cell(cell.source)
    return NAMES[1:2]


def answer_became_raw(notebook):
    cell = answer_cells(notebook)[1]
    position = notebook.cells.index(cell)
    notebook.cells[position] = NotebookNode(cell_type="raw", metadata={}, source=cell.source, id="raw")
    return NAMES[1:2]


def text_became_code(notebook):
    notebook.cells[1] = new_code_cell("# My work\nthis is no python")
    return []


def cell_that_raises(notebook):
    notebook.cells.insert(1, new_code_cell("1 / 0"))
    return []


def cell_with_a_syntax_error(notebook):
    notebook.cells.insert(1, new_code_cell("for"))
    return []


def cell_that_exits(notebook):
    notebook.cells.insert(1, new_code_cell("raise SystemExit"))
    return []


def answers_printed(notebook):
    notebook.cells.append(new_code_cell("print('a' * 100_000)"))
    return []


def check_redefined(notebook):
    notebook.cells.insert(1, new_code_cell("def check(name, answer=None):\n    return True"))
    return []


def checks_removed(notebook):
    for cell in answer_cells(notebook):
        cell.source = cell.source.split("\n")[0]
    return []


def check_with_a_wrong_name(notebook):
    notebook.cells.append(new_code_cell('check("no-such-exercise", 1)'))
    return []


def all_in_one_cell(notebook):
    source = "\n".join(cell.source for cell in codes(notebook))
    notebook.cells = [new_code_cell(source)]
    return []


def answers_split(notebook):
    cells = []
    for cell in notebook.cells:
        cells += [new_code_cell(part) for part in cell.source.split("\n\n")] if cell.cell_type == "code" else [cell]
    notebook.cells = cells
    return []


def variable_renamed(notebook):
    cell = answer_cells(notebook)[0]
    cell.source = cell.source.replace(variable_of(NAMES[0]), "my_answer")
    return NAMES[:1]


def answered_twice_last_right(notebook):
    notebook.cells.insert(1, new_code_cell(f"{variable_of(NAMES[0])} = 'wrong'"))
    return []


def answered_twice_last_wrong(notebook):
    notebook.cells.append(new_code_cell(f"{variable_of(NAMES[0])} = 'wrong'"))
    return NAMES[:1]


def answer_deleted_by_name(notebook):
    notebook.cells.append(new_code_cell(f"del {variable_of(NAMES[0])}"))
    return NAMES[:1]


def empty_cells_inserted(notebook):
    notebook.cells = [each for cell in notebook.cells for each in (new_code_cell(""), cell)]
    return []


def cells_duplicated(notebook):
    notebook.cells = [each for cell in notebook.cells for each in (cell, copy.deepcopy(cell))]
    return []


def metadata_stripped(notebook):
    notebook.metadata = {}
    return []


def other_kernel(notebook):
    notebook.metadata.kernelspec = {"display_name": "Mine", "language": "python", "name": "my-env-on-my-laptop"}
    return []


def outputs_kept(notebook):
    for cell in codes(notebook):
        cell.outputs = [{"output_type": "stream", "name": "stdout", "text": "old"}]
        cell.execution_count = 7
    return []


def magics_used(notebook):
    notebook.cells.insert(1, new_code_cell("%matplotlib inline\n!true"))
    return []


MUTATIONS = [
    nothing, import_deleted_checks_fail, texts_deleted, one_answer_deleted, two_answers_deleted,
    all_cells_deleted, reversed_cells, shuffled_cells, ids_removed, ids_all_equal, ids_renamed, answer_became_text,
    answer_became_raw, text_became_code, cell_that_raises, cell_with_a_syntax_error, cell_that_exits, answers_printed,
    check_redefined, checks_removed, check_with_a_wrong_name, all_in_one_cell, answers_split, variable_renamed,
    answered_twice_last_right, answered_twice_last_wrong, answer_deleted_by_name, empty_cells_inserted,
    cells_duplicated, metadata_stripped, other_kernel, outputs_kept, magics_used,
]  # fmt: skip
QUICK = {answer_became_text, other_kernel}
"""Marked by `make test` too; each notebook takes several seconds, most of them for imports."""


def test_there_are_thirty_mutations():
    assert len(MUTATIONS) - 1 >= 30


@pytest.mark.parametrize(
    "mutate",
    [pytest.param(each, marks=() if each in QUICK else pytest.mark.slow, id=each.__name__) for each in MUTATIONS],
)
def test_a_mutated_notebook_is_marked(mutate, tmp_path):
    notebook = answered()
    lost = mutate(notebook)
    path = tmp_path / "work.ipynb"
    path.write_text(json.dumps(notebook))  # as it is: nbformat would mend some mutations
    (marks,) = mark_notebooks(PAGE, [path])
    assert marks.fault == ""
    assert marks.right == {name: name not in lost for name in NAMES}


def test_what_is_no_notebook_is_said(tmp_path):
    for number, text in enumerate(("no notebook", "[]", '{"cells": []}')):
        path = tmp_path / f"{number}.ipynb"
        path.write_text(text)
        (marks,) = mark_notebooks(PAGE, [path])
        assert marks.fault.startswith("it is no notebook")
        assert marks.right == {}


@pytest.mark.slow
def test_a_notebook_that_cannot_be_read_does_not_stop_the_others(tmp_path):
    good, bad = tmp_path / "good.ipynb", tmp_path / "bad.ipynb"
    good.write_text(json.dumps(answered()))
    bad.write_text("no notebook")
    first, second = mark_notebooks(PAGE, [bad, good])
    assert "it is no notebook" in first.fault
    assert first.right == {}
    assert all(second.right.values())


@pytest.mark.slow
def test_a_notebook_that_does_not_end_is_given_up(tmp_path):
    endless = answered()
    endless.cells.append(new_code_cell("while True: pass"))
    (tmp_path / "endless.ipynb").write_text(json.dumps(endless))
    (marks,) = mark_notebooks(PAGE, [tmp_path / "endless.ipynb"], time_limit=20)
    assert "longer than 20 s" in marks.fault


def test_a_row_of_the_table(tmp_path):
    marks = Marks(tmp_path / "anna.ipynb", {"a": True, "b": False})
    assert marks.row(["a", "b"]) == {"notebook": "anna.ipynb", "points": 1, "a": 1, "b": 0, "fault": ""}
    assert Marks(tmp_path / "x.ipynb", fault="gone").row(["a"])["a"] == ""
    assert _last_line("one\n\ntwo\n\n") == "two"
    assert _last_line("") == "otter-grader gave no reason"


def test_a_missing_notebook_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"lost\.ipynb"):
        list(mark_notebooks(PAGE, [tmp_path / "lost.ipynb"]))
