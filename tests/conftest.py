# ruff: noqa: E402  the hook that checks shapes comes before the imports that it is for
"""What all tests share: shapes checked at each call, seeds, real data where it is at hand, tolerant notebook checks."""

import os
import subprocess
import sys
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # the tests run in several processes; notebooks' kernels inherit it
os.environ.setdefault("JUPYTER_PREFER_ENV_PATH", "1")

import jaxtyping

jaxtyping.install_import_hook("helpers", "beartype.beartype")  # before anything of helpers is imported

import hypothesis
import pytest
import torch
from tolerance import compare_with_tolerance  # pytest puts this folder on the path

torch.set_num_threads(1)
hypothesis.settings.register_profile("local", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "local")


def pytest_configure(config):
    if config.getoption("nbval", default=False):
        compare_with_tolerance()


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's root."""
    return Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real photographs and weights, or a skip that says what to set."""
    folder = os.environ.get("XAIBOOK_DATA")
    if not folder:
        pytest.skip("needs real data: set XAIBOOK_DATA to the folder that holds imagenet-samples/ and models/")
    if not Path(folder).is_dir():
        pytest.fail(f"XAIBOOK_DATA is {folder!r}, which is not a folder")
    return Path(folder)


@pytest.fixture(scope="session")
def html(root) -> Path:
    """The built book, built now where it is not there yet."""
    from helpers.site.html import COMPLETE, HTML

    if not (root / COMPLETE).exists():
        command = [sys.executable, "-m", "snakemake", "--cores", "all", "--nolock", "--rerun-incomplete", "html"]
        subprocess.run(command, cwd=root, check=True, capture_output=True)
    return root / HTML


@pytest.fixture(scope="module")
def browser():
    """Chromium, until the module ends: while Playwright runs in a thread, nothing else in it may run an event loop."""
    from helpers.site.pdf import find_browser, open_browser

    try:
        find_browser()
    except FileNotFoundError as error:
        pytest.skip(f"needs a browser (.ci/run installs one): {error}")
    with open_browser() as started:
        yield started


@pytest.fixture
def unchecked():
    """Shapes are not checked at calls, as for a reader: what they get must be the function's own error."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)
