"""Where the book runs: files for Binder, containers and hubs, and the pages about them."""

import json
import re
import stat
import subprocess

import pytest

from helpers.core.files import ROOT

SCRIPTS = sorted((ROOT / ".binder").iterdir())
PAGES = [ROOT / "book" / name for name in ("run-it.md", "contributing.md")]


def test_scripts_are_programs():
    names = {path.name for path in SCRIPTS}
    assert names == {"install", "postBuild", "start", "runtime.txt"}
    for path in SCRIPTS:
        if path.suffix != ".txt":
            assert path.stat().st_mode & stat.S_IXUSR, path
            assert subprocess.run(["sh", "-n", str(path)]).returncode == 0


def test_the_start_of_binder_opens_pages_as_make_lab_does(tmp_path):
    command = ["sh", str(ROOT / ".binder/start"), "sh", "-c", "echo $JUPYTER_CONFIG_PATH"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env={"PATH": "/usr/bin:/bin"})
    assert done.stdout == f"{ROOT}/.jupyter\n"
    assert (ROOT / ".jupyter/jupyter_server_config.py").is_file()


def test_the_install_takes_the_locked_versions(tmp_path):
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\necho "$@"\nwhile [ $# -gt 0 ]; do [ "$1" = --constraint ] && cat "$2"; shift; done\n')
    python.chmod(0o755)
    done = subprocess.run(["sh", str(ROOT / ".binder/install"), str(python)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    command, *versions = done.stdout.splitlines()
    assert "--editable .[book,teach]" in command
    assert "https://download.pytorch.org/whl/cpu" in command
    locked = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert versions == [line for line in locked if not line.startswith("-e")]


def test_the_container_is_set_up_by_the_same_script():
    settings = json.loads((ROOT / ".devcontainer/devcontainer.json").read_text(encoding="utf-8"))
    assert "sh .binder/install .venv/bin/python" in settings["onCreateCommand"]
    assert settings["onCreateCommand"].endswith("touch .venv/.ready"), "make does not install again"
    assert int(settings["hostRequirements"]["memory"].removesuffix("gb")) >= 4


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_file_named_exists(page):
    text = page.read_text(encoding="utf-8")
    paths = re.findall(r"`(\.?(?:book|helpers|tests|binder|devcontainer|github)/[\w./-]*)`", text)
    assert len(paths) >= 2
    new = {"book/my-chapter.md", "book/figures/recartoonx-fig8.md", "helpers/papers/recartoonx/figures/fig8.py"}
    new |= {"book/figures/recartoonx-mask-sizes.md"}  # of the how-to, made by its test
    assert [path for path in paths if not (ROOT / path).exists() and path not in new] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_target_of_make_exists(page):
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", page.read_text(encoding="utf-8"), re.MULTILINE))
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert named
    assert named <= targets
