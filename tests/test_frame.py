"""The project as a stranger finds it: its commands, its set-up, its registry, its lock, what is committed."""

import ast
import os
import re
import shutil
import stat
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from helpers.core.files import ROOT
from helpers.site import load_registry
from helpers.site.registry import REGISTRY
from helpers.site.source import is_executable, page_parameters

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FILES = {
    "README.md",
    "CITATION.cff",
    "Makefile",
    "_config.yml",
    "_toc.yml",
    "requirements.txt",
    "requirements-hashed.txt",
    "Snakefile",
    "LICENSE",
    "pyproject.toml",
}
FOLDERS = {"profiles", "book", "helpers", "models", "results", "tests", "benchmarks", "web"}
TARGETS = ("book", "test", "test-all", "check", "audit", "figure", "figures", "lab", "bench", "models", "clean")
MAKE = pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
GIT = pytest.mark.skipif(not (ROOT / ".git").exists() or shutil.which("git") is None, reason="needs a git checkout")


def committed() -> list[str]:
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def make(*arguments: str, folder: Path = ROOT, **environment: str) -> subprocess.CompletedProcess:
    env = {key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "MFLAGS"))}
    command = ["make", "--no-print-directory", *arguments]
    return subprocess.run(command, cwd=folder, env={**env, **environment}, capture_output=True, text=True)


@MAKE
class TestCommands:
    def test_make_alone_prints_the_targets(self):
        done = make()
        assert done.returncode == 0
        for target in TARGETS:
            assert re.search(rf"^make {target}\s+\w", done.stdout, re.MULTILINE), target

    def test_recipes_are_a_line_or_two(self):
        rules = re.findall(r"^([a-z-]+):.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
        assert {name: len(recipe.splitlines()) for name, recipe in rules if len(recipe.splitlines()) > 2} == {}
        assert set(TARGETS) <= {name for name, _ in rules} | {"test"}

    def test_ci_is_a_program(self):
        script = ROOT / ".ci/run"
        assert script.stat().st_mode & stat.S_IXUSR
        assert subprocess.run(["sh", "-n", str(script)]).returncode == 0


FAKE_PYTHON = """\
#!/bin/sh
# stands for the system's Python and, copied, for that of .venv: writes down what it was asked, installs nothing
echo "$@" >> asked
case "$1 $2" in
    "-m venv") mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
    "-m pip") [ ! -e no-network ] ;;
    "-c "*base_executable*) echo "$0" ;;
    "-c "*version_info*) exec {python} -c "$(echo "$2" | sed 's/sys.version_info/{version}/')" ;;
esac
"""


@MAKE
class TestSetUp:
    @pytest.fixture
    def folder(self, tmp_path) -> Path:
        for name in ("Makefile", "requirements.txt", "pyproject.toml"):
            shutil.copy(ROOT / name, tmp_path)
        return tmp_path

    def python(self, folder: Path, version: str = "(3, 12)") -> str:
        path = folder / "fake-python"
        path.write_text(FAKE_PYTHON.format(python=sys.executable, version=version))
        path.chmod(0o755)
        return f"PYTHON={path}"

    def asked(self, folder: Path) -> str:
        path = folder / "asked"
        text = path.read_text() if path.exists() else ""
        path.unlink(missing_ok=True)
        return text

    def test_it_installs_once(self, folder):
        python = self.python(folder)
        assert make(".venv/.ready", python, folder=folder).returncode == 0
        asked = self.asked(folder)
        assert all(words in asked for words in ("-m venv .venv", "-r requirements.txt", "--name keep-what-matters"))
        assert make(".venv/.ready", python, folder=folder).returncode == 0
        assert "pip" not in self.asked(folder), "a second run installs nothing"
        (folder / "requirements.txt").touch()
        assert make(".venv/.ready", python, folder=folder).returncode == 0

    def test_an_interrupted_set_up_is_done_again(self, folder):
        python = self.python(folder)
        (folder / "no-network").touch()
        assert make(".venv/.ready", python, folder=folder).returncode != 0
        assert not (folder / ".venv/.ready").exists()
        (folder / "no-network").unlink()
        assert make(".venv/.ready", python, folder=folder).returncode == 0
        assert (folder / ".venv/.ready").exists()

    def test_an_old_python_is_refused(self, folder):
        done = make(".venv/.ready", self.python(folder, "(3, 8)"), folder=folder)
        assert done.returncode != 0
        assert "Python 3.10 or newer is needed" in done.stderr
        assert not (folder / ".venv").exists()

    def test_another_active_environment_does_not_matter(self, folder):
        python = self.python(folder)
        assert make(".venv/.ready", python, folder=folder, VIRTUAL_ENV="/elsewhere").returncode == 0
        shown = folder / "show.mk"
        shown.write_text("include Makefile\nshow:\n\t@$(RUN) env\n")
        done = make("-f", "show.mk", "show", python, folder=folder, VIRTUAL_ENV="/elsewhere", PYTHONPATH="/elsewhere")
        assert "/elsewhere" not in done.stdout
        assert f"PATH={folder}/.venv/bin:" in done.stdout


class TestRegistry:
    def test_identifiers_are_unique(self):
        names = re.findall(r"^([\w-]+):", (ROOT / REGISTRY).read_text(), re.MULTILINE)
        assert len(names) == len(set(names)) == len(load_registry())

    @pytest.mark.parametrize("identifier", load_registry())
    def test_each_has_its_notebook_and_parameters(self, identifier):
        figure = load_registry()[identifier]
        assert re.fullmatch(r"[a-z]+-[a-z]+\d*", identifier)
        assert is_executable(ROOT / figure.notebook)
        parameters = page_parameters(ROOT / figure.notebook)
        assert parameters.get("profile") == "quick", "the first code cell is tagged parameters and sets the profile"
        assert figure.parameters.keys() <= parameters.keys()
        assert "{" + figure.paper + "," in (ROOT / "book/references.bib").read_text()


class TestLock:
    def requirements(self) -> list[Requirement]:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
        extras = {name: lines for name, lines in project["optional-dependencies"].items() if name != "interop"}
        groups = [project["dependencies"], *extras.values()]  # the book neither installs nor imports what is in interop
        return [Requirement(line) for group in groups for line in group]

    def locked(self) -> list[Requirement]:
        lines = (ROOT / "requirements.txt").read_text().splitlines()
        return [Requirement(line) for line in lines if line and not line.startswith(("#", "-e "))]

    def test_every_direct_dependency_is_pinned_within_its_range(self):
        """On each Python from 3.10 on: exactly one version of each, and one that pyproject.toml allows."""
        for python in ("3.10", "3.11", "3.12", "3.13"):
            where = {
                "python_version": python,
                "python_full_version": f"{python}.5",
                "sys_platform": "linux",
                "extra": "",
            }
            pinned: dict[str, list[str]] = {}
            for line in self.locked():
                if line.marker is None or line.marker.evaluate(where):
                    pinned.setdefault(line.name, []).append(str(line.specifier).removeprefix("=="))
            for required in self.requirements():
                if required.marker is None or required.marker.evaluate(where):
                    versions = pinned.get(required.name.lower(), [])
                    assert len(versions) == 1, (python, required.name, versions)
                    assert required.specifier.contains(versions[0]), (python, str(required), versions)

    def test_it_installs_from_the_public_index_only(self):
        text = (ROOT / "requirements.txt").read_text()
        assert re.findall(r"^(?!#).*(?:://|file:|\+cpu|--).*$", text, re.MULTILINE) == []
        assert "\n-e .\n" in text

    def test_what_is_imported_is_declared(self):
        declared = {re.sub(r"[-_.]+", "-", line.name).lower() for line in self.requirements()}
        own = {"helpers", "benchmarks", "tests"} | {path.stem for path in (ROOT / "tests").rglob("*.py")}
        missing, providers = {}, packages_distributions()
        for path in [p for folder in ("helpers", "tests", "benchmarks") for p in (ROOT / folder).rglob("*.py")]:
            for name in imported(path) - own - set(sys.stdlib_module_names):
                names = {re.sub(r"[-_.]+", "-", dist).lower() for dist in providers.get(name, [name])}
                if not names & declared:
                    missing.setdefault(name, path.name)
        assert missing == {}


def imported(path: Path) -> set[str]:
    """The top-level modules that a file imports."""
    modules = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            modules |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            modules.add(node.module.split(".")[0])
    return modules


@GIT
class TestCommitted:
    def test_the_top_level_holds_what_the_design_names(self):
        top = {name.split("/")[0] for name in committed()}
        assert {name for name in top if not name.startswith(".")} <= FILES | FOLDERS

    def test_no_notebook_and_no_output(self):
        assert [name for name in committed() if name.endswith(".ipynb") or name.startswith("_build/")] == []

    def test_no_module_is_long(self):
        lengths = {
            p.relative_to(ROOT).as_posix(): len(p.read_text().splitlines()) for p in (ROOT / "helpers").rglob("*.py")
        }
        assert {path: length for path, length in lengths.items() if length > 300} == {}

    def test_no_large_file(self):
        sizes = {name: (ROOT / name).stat().st_size for name in committed() if (ROOT / name).is_file()}
        assert {name: size for name, size in sizes.items() if size > 4.5e6} == {}

    def test_pages_are_opened_by_jupyterlab(self):
        for name in committed():
            if name.startswith("book/") and name.endswith(".md") and is_executable(ROOT / name):
                head = (ROOT / name).read_text().split("\n---")[0]
                assert "jupytext:" in head, name
                assert "name: python3" in head, name


def test_a_misspelt_word_is_found(tmp_path):
    """By the settings of `make check`, which `codespell` reads from pyproject.toml."""
    (tmp_path / "page.md").write_text("The letter was " + "recie" + "ved.\n")
    program = [str(Path(sys.executable).with_name("codespell")), "--toml", str(ROOT / "pyproject.toml")]
    done = subprocess.run([*program, str(tmp_path / "page.md")], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode
    assert "==> received" in done.stdout
    assert "bin/codespell" in (ROOT / "Makefile").read_text()
