"""The editions of all chapters, zipped: for students, for teachers, and with tests for otter-grader."""

from __future__ import annotations

import os
import shutil
import tempfile
import zipfile
from contextlib import redirect_stdout
from pathlib import Path
from typing import get_args

from helpers.core.files import ROOT
from helpers.site.chapters import load_chapters
from helpers.site.html import EDITIONS, HTML, executed_path
from helpers.site.repository import Repository, find_repository
from helpers.teaching.checks.find import checked_pages, exercises_of
from helpers.teaching.checks.kinds import Exercise
from helpers.teaching.editions.notebooks import Edition, edition_notebook
from helpers.teaching.editions.numbers import citations, equation_numbers, glued_numbers
from helpers.teaching.editions.plain import Context

_STARTED = (1980, 1, 1, 0, 0, 0)
"""The time of all files in the zips, so that equal contents are equal files."""

_README = {
    "student": "The chapters, with a cell for each answer: `check(name, answer)` says whether it is right.",
    "teacher": "The students' notebooks, with the solutions.",
    "autograded": """Per chapter: the students' notebook, and `autograder.zip` with the tests of otter-grader.

Mark one notebook:     otter run --autograder cartoonx/autograder.zip SUBMISSION.ipynb
Mark a whole folder:   python -m helpers mark cartoonx FOLDER --output marks.csv

Each right answer has one point. Answers are read from variables, such as cartoonx_count: cells may be moved, renamed,
retyped or deleted. The package of the book must be installed on the machine that marks.""",
}

_TEST = '''"""The answer to {name}: {ask}."""

from otter.test_files import test_case

OK_FORMAT = False
name = "{name}"
points = 1


@test_case(points=1, hidden=False)
def test_answer(env):
    from helpers.teaching.checks.verdicts import mark_one

    verdict = mark_one("{name}", env)
    assert verdict, repr(verdict)
'''


def first_cell(repository: Repository | None) -> str:
    """The code of a notebook's first cell: it makes the package available, as on Colab, and imports `check`."""
    lines = ["import importlib.util", "", 'if importlib.util.find_spec("helpers") is None:']
    if repository is None:
        lines.append('    raise ImportError("install the package of the book first, as its README says")')
    else:
        lines = [
            "# Where the package of the book is missing, as on Colab, this cell installs it: once, in a few minutes.",
            *lines,
            f"    !git clone --quiet --depth 1 {repository.address} {repository.name}",
            f"    %pip install --quiet --editable {repository.name}",
            "    import sys",
            "",
            f'    sys.path.insert(0, "{repository.name}")',
        ]
    return "\n".join([*lines, "", "from helpers import check"])


def make_editions(root: Path = ROOT, output: Path | None = None) -> list[Path]:
    """Write all editions, each as a zip, and the students' notebooks also singly.

    The numbers in the text are those of the executed pages, which `make book` makes.

    Args:
        root: the clone.
        output: the folder; by default `_build/html/editions`.

    Returns:
        The three zips.

    Raises:
        FileNotFoundError: a chapter has not been run.
        EditionError: a chapter has markup that has no plain version.
    """
    from nbformat import write

    folder = output or root / HTML / EDITIONS
    first, numbers, cited = first_cell(find_repository(root)), equation_numbers(root), citations(root)
    chapters = list(load_chapters(root))
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        for edition in get_args(Edition):
            (work / edition).mkdir()
        for page in chapters:
            executed = root / str(executed_path(page, root))
            if not executed.is_file():
                raise FileNotFoundError(f"{page} has not been run: {executed} is missing; run: make book")
            context = Context(glued_numbers(executed), cited, _addresses(chapters), numbers)
            for edition in get_args(Edition):
                notebook = edition_notebook(root / page, edition, context, first=first)
                write(notebook, work / edition / f"{Path(page).stem}.ipynb")
        _write_autograded(work)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        shutil.copytree(work / "student", folder / "student")
        return [_zip(work / edition, folder / f"{edition}.zip", text) for edition, text in _README.items()]


def _addresses(chapters: list[str]):
    names = {Path(page).name for page in chapters}

    def address(target: str, anchor: str) -> str:
        path = Path(target)
        # chapters are notebooks of the edition; all other pages are read in the published book
        return f"{path.stem}.ipynb" if path.name in names else f"../{path.with_suffix('.html').as_posix()}{anchor}"

    return address


def _write_autograded(work: Path) -> None:
    for page in checked_pages():
        folder = work / "autograded" / page
        folder.mkdir(parents=True)
        shutil.copy2(work / "student" / f"{page}.ipynb", folder)
        write_autograder(exercises_of(page), folder / "autograder.zip")


def write_autograder(exercises: tuple[Exercise, ...], output: Path) -> None:
    """Write the configuration with which otter-grader marks the notebooks of a page.

    Args:
        exercises: the page's.
        output: the zip.
    """
    from otter.generate import main as generate

    with tempfile.TemporaryDirectory() as name:
        for exercise in exercises:
            (Path(name) / f"{exercise.name}.py").write_text(_TEST.format(name=exercise.name, ask=exercise.ask))
        with open(os.devnull, "w") as silent, redirect_stdout(silent):
            generate(tests_dir=name, output_path=str(output), no_requirements=True, no_environment=True, no_config=True)


def _zip(folder: Path, output: Path, readme: str) -> Path:
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("README.txt", _STARTED), f"{readme}\n")
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), _STARTED)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes())
    return output
