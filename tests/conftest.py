# ruff: noqa: E402  the hook that checks shapes comes before the imports that it is for
"""What all tests share: shapes checked at each call, seeds, real data where it is at hand, tolerant notebook checks."""

import os
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


@pytest.fixture
def unchecked():
    """Shapes are not checked at calls, as for a reader: what they get must be the function's own error."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)
