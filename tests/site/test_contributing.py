"""The contributing guide: the way from a clone to a changed figure is one that can be walked."""

import ast
import os
import re
import shutil
import subprocess
import sys
import time

import matplotlib.pyplot as plt
import pytest
import yaml

from helpers.core.files import ROOT
from helpers.results import read_table
from helpers.site.dependencies import page_inputs
from helpers.site.registry import find_figure, possible_figures
from helpers.site.source import page_code

TEXT = (ROOT / "book/contributing.md").read_text(encoding="utf-8")
GUIDE = " ".join(TEXT[TEXT.index("## From a clone") : TEXT.index("`make book` runs")].split())


def found(pattern: str) -> str:
    match = re.search(pattern, GUIDE)
    assert match, pattern
    return match[1]


FIGURE = found(r"make figure ID=(\S+)")
WORDS = found(r'has the heading "([^"]+)"')
DRAWING = found(r"Find these words in `([^`]+)`")
PICTURE = found(r"open `([^`]+\.png)`")
TESTS = found(r"(-m pytest [^`]+) ```").split()


def test_the_words_stand_where_the_guide_says():
    assert (ROOT / DRAWING).read_text(encoding="utf-8").count(f'"{WORDS}"') == 1


def test_the_figure_needs_no_tables():
    assert find_figure(FIGURE, ROOT).needs == ()


def test_the_tests_exist():
    (file, name) = TESTS[2], TESTS[-1]
    assert f"class Test{name}" in (ROOT / file).read_text(encoding="utf-8")


@pytest.mark.slow  # two runs of the page and of the figure's tests: one to two minutes
@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
@pytest.mark.timeout(600)
def test_from_a_clone_to_a_changed_figure_in_ten_minutes(tmp_path):
    clone, start = tmp_path / "clone", time.monotonic()
    subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
    (clone / ".venv").symlink_to(sys.prefix)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    def figure() -> bytes:
        command = ["make", "-o", ".venv/.ready", "figure", f"ID={FIGURE}"]  # the set-up is apart
        done = subprocess.run(command, cwd=clone, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert PICTURE in done.stdout.splitlines()
        return (clone / PICTURE).read_bytes()

    first, drawing = figure(), clone / DRAWING
    drawing.write_text(drawing.read_text(encoding="utf-8").replace(WORDS, "my own words"), encoding="utf-8")
    assert figure() != first
    done = subprocess.run([sys.executable, *TESTS], cwd=clone, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert time.monotonic() - start < 600


def test_a_figure_is_one_entry_and_one_notebook(tmp_path):
    """Those of the guide, with the stored table of another profile."""
    (row,) = re.findall(r"^```yaml\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    (notebook,) = re.findall(r"^````markdown\n(.*?)^````$", TEXT, re.MULTILINE | re.DOTALL)
    root = tmp_path / "clone"
    for name in ("book/figures", "results", "profiles", "models"):
        (root / name).mkdir(parents=True)
    for name in ("helpers", "results/study"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__", "work"))
    shutil.copy(ROOT / "profiles/study.yaml", root / "profiles")
    (root / "book/figures.yaml").write_text(f"{(ROOT / 'book/figures.yaml').read_text(encoding='utf-8')}\n{row}")
    (identifier,) = yaml.safe_load(row)
    figure = find_figure(identifier, root)
    page = root / figure.notebook
    page.write_text(notebook, encoding="utf-8")
    assert identifier in possible_figures("study", root)
    parameters = {"profile": "study"}
    assert figure.needs == ("explanations",)
    assert page in page_inputs(page, parameters, root).files
    values: dict[str, object] = {}
    for tree in page_code(page):
        exec(compile(ast.Module(tree.body, []), str(page), "exec"), values)
        values |= parameters if "profile" in values and "table" not in values else {}
    (axes,) = [figure.axes[0] for figure in map(plt.figure, plt.get_fignums())]
    points = axes.collections[0].get_offsets()
    sizes = read_table("study", "explanations").set_index(["method", "image"])["sparsity"]
    assert sorted(points[:, 0]) == sorted(sizes["cartoonx"])
    assert sorted(points[:, 1]) == sorted(sizes["pixel-rde"])
    plt.close("all")
