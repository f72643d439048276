"""A notebook runs the clone in which it lies, whichever clone the environment has installed."""

import os
import shutil
from pathlib import Path

import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from helpers.core.clones import clone_of, hand_over
from helpers.core.files import ROOT

CELLS = """
import sys
import helpers.core.files
from helpers import read_profile
print(helpers.__file__, helpers.core.files.ROOT, read_profile.__module__, read_profile(), sep="|")
print(sorted(name for name in sys.modules if name.startswith("helpers.")))
import helpers.only_installed
"""


def clone(root: Path, name: str) -> Path:
    """A clone with a module of its own."""
    for folder in ("helpers/core", "book/chapters", "results"):
        (root / folder).mkdir(parents=True)
    for file in ("clones.py", "files.py", "lazy.py"):
        shutil.copy(ROOT / "helpers/core" / file, root / "helpers/core")
    init = (ROOT / "helpers/__init__.py").read_text()
    exports = '"read_profile": "helpers.own",\n        "AttentionRollout"'
    (root / "helpers/__init__.py").write_text(init.replace('"AttentionRollout"', exports))
    (root / "helpers/own.py").write_text(f"def read_profile():\n    return {name!r}\n")
    (root / "book/figures.yaml").touch()
    return root


def run(folder: Path, installed: Path) -> list:
    notebook = new_notebook(cells=[new_code_cell(CELLS)])
    client = NotebookClient(notebook, resources={"metadata": {"path": str(folder)}}, allow_errors=True)
    client.execute(env={**os.environ, "PYTHONPATH": str(installed)})
    return notebook.cells[0].outputs


@pytest.mark.parametrize("folder", ["", "book/chapters"])
def test_a_notebook_runs_its_own_clone(folder, tmp_path):
    installed, own = clone(tmp_path / "installed", "installed"), clone(tmp_path / "it's my clone", "own")
    (installed / "helpers/only_installed.py").touch()
    printed, error = run(own / folder, installed)
    file, root, module, value = printed.text.splitlines()[0].split("|")
    assert (file, root) == (str(own / "helpers/__init__.py"), str(own))
    assert (module, value) == ("helpers.own", "own")
    assert error.ename == "ModuleNotFoundError", "nothing is filled in from the other clone"


def test_a_notebook_elsewhere_runs_what_is_installed(tmp_path):
    installed = clone(tmp_path / "installed", "installed")
    (tmp_path / "notebooks").mkdir()
    printed = run(tmp_path / "notebooks", installed)[0]
    assert printed.text.splitlines()[0].split("|")[1] == str(installed)


def test_scripts_follow_python(tmp_path, monkeypatch):
    monkeypatch.chdir(clone(tmp_path / "other", "other"))
    assert not hand_over({"__file__": str(ROOT / "helpers/__init__.py")})


def test_the_clone_of_a_folder(tmp_path):
    root = clone(tmp_path / "a", "a")
    assert clone_of(root) == clone_of(root / "book/chapters") == root
    assert clone_of(tmp_path) is None
    (root / "book/figures.yaml").unlink()
    assert clone_of(root) is None
