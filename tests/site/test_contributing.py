"""The contributing guide: the way from a clone to a changed figure is one that can be walked."""

import os
import re
import shutil
import subprocess
import sys
import time

import pytest

from helpers.core.files import ROOT
from helpers.site.registry import find_figure

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
