"""Pages look the same whatever the reader's shell, home and project folder have set."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

from helpers.site import execute, warm
from helpers.site.environment import clean_environment, thread_count
from tests.site.test_pages import write_page

STYLE = "figure.dpi: 31\nsavefig.dpi: 31\naxes.facecolor: red\nfont.family: serif\n"
CONFIGURATION = (
    "c = get_config()\nc.InlineBackend.figure_formats = {'svg'}\nc.InteractiveShellApp.exec_lines = ['x = 1']\n"
)
CELL = """
import io, json, locale, sys
import matplotlib.pyplot as plt
import pandas as pd
from tqdm import tqdm

print(sys.flags.optimize, sys.flags.utf8_mode, locale.getpreferredencoding(), "x" in globals(), sys.warnoptions)
print(pd.DataFrame({"a rather long name of a column": [1.5] * 3, "another column": ["text"] * 3}), {"b", "a", "c"})
print(tqdm(range(3), file=io.StringIO()).disable, open("umlaut.txt").read())
lines = !echo $LANG $LC_ALL $TZ
print(lines)
plt.plot([1, 3, 2])
plt.title("Größe");
"""


def folder_of(root: Path, **files: str) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def ipython(folder: Path) -> Path:
    profile = {f"profile_default/ipython_{kind}config.py": CONFIGURATION for kind in ("", "kernel_")}
    return folder_of(folder, **profile, **{"profile_default/startup/00.py": "print('started'); x = 1"})


def home(folder: Path) -> Path:
    ipython(folder / ".ipython")
    return folder_of(folder, **{".config/matplotlib/matplotlibrc": STYLE, ".matplotlib/matplotlibrc": STYLE})


def kernels(folder: Path) -> Path:
    spec = {"argv": ["false"], "display_name": "x", "language": "python", "env": {"MPLBACKEND": "agg"}}
    return folder_of(folder, **{"kernels/python3/kernel.json": json.dumps(spec)})


# each makes a hostile setting: from the project's root and an empty folder to environment variables
HOSTILE: dict[str, Callable[[Path, Path], dict[str, object]]] = {
    "backend": lambda root, folder: {"MPLBACKEND": "Agg"},
    "matplotlibrc": lambda root, folder: {"MATPLOTLIBRC": folder_of(folder, rc=STYLE) / "rc"},
    "matplotlib-folder": lambda root, folder: {"MPLCONFIGDIR": folder_of(folder, matplotlibrc=STYLE)},
    "matplotlibrc-in-project": lambda root, folder: {"X": folder_of(root, matplotlibrc=STYLE)},
    "ipython": lambda root, folder: {"IPYTHONDIR": ipython(folder)},
    "home": lambda root, folder: {"HOME": home(folder), "XDG_CONFIG_HOME": folder / ".config"},
    "locale": lambda root, folder: {
        "LC_ALL": "tr_TR.ISO-8859-9",
        "LANG": "de_DE",
        "LANGUAGE": "de",
        "TZ": "Asia/Tokyo",
    },
    "no-locale": lambda root, folder: {"LC_ALL": "POSIX", "PYTHONCOERCECLOCALE": 0, "PYTHONUTF8": 0},
    "threads": lambda root, folder: {"OMP_NUM_THREADS": "many", "MKL_NUM_THREADS": 0, "OMP_PROC_BIND": "x"},
    "start-up": lambda root, folder: {"PYTHONSTARTUP": folder_of(folder, s="print('started'); x = 1") / "s"},
    "python-path": lambda root, folder: {"PYTHONPATH": folder_of(folder, **{"pandas.py": "1 / 0", "zmq.py": "1 / 0"})},
    "python": lambda root, folder: {"PYTHONOPTIMIZE": 2, "PYTHONWARNINGS": "error", "PYTHONHASHSEED": 7},
    "jupyter": lambda root, folder: {"JUPYTER_PATH": kernels(folder), "JUPYTER_RUNTIME_DIR": "/proc/none"},
    "terminal": lambda root, folder: {"COLUMNS": 20, "NO_COLOR": 1, "TQDM_DISABLE": 1, "PAGER": "false"},
}


def outputs(root: Path) -> list:
    root.joinpath("umlaut.txt").write_text("ü", encoding="utf-8")
    page = write_page(root / "book/page.md", CELL)
    notebook = nbformat.read(execute(page, root / "page.ipynb", root=root), as_version=4)
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


@pytest.fixture(scope="session")
def expected(build, tmp_path_factory) -> list:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(warm.ADDRESS, build)
        found = outputs(tmp_path_factory.mktemp("clean"))
    assert [output.output_type for output in found] == ["stream", "display_data"]
    assert "image/png" in found[1].data
    return found


def apply(names: list[str], root: Path, monkeypatch) -> None:
    for name in names:
        folder = root / "settings" / name
        folder.mkdir(parents=True)
        for variable, value in HOSTILE[name](root, folder).items():
            monkeypatch.setenv(variable, str(value))


class TestHostileSettings:
    @pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs Linux")
    def test_all_at_once_in_a_build(self, server, expected, tmp_path, monkeypatch):
        apply([name for name in HOSTILE if name not in ("no-locale", "home")], tmp_path, monkeypatch)
        assert outputs(tmp_path) == expected

    def test_all_at_once_on_a_page_alone(self, expected, tmp_path, monkeypatch):
        apply([name for name in HOSTILE if name != "locale"], tmp_path, monkeypatch)
        assert outputs(tmp_path) == expected

    @pytest.mark.slow  # `make test` tries them all at once
    @pytest.mark.parametrize("name", HOSTILE)
    @pytest.mark.parametrize("warm_start", [True, False])
    def test_each(self, name, warm_start, build, expected, tmp_path, monkeypatch):
        if warm_start:
            monkeypatch.setenv(warm.ADDRESS, build)
        apply([name], tmp_path, monkeypatch)
        assert outputs(tmp_path) == expected


class TestVariables:
    @pytest.mark.parametrize(
        ("value", "threads"),
        [
            (None, None),
            ("", None),
            ("many", None),
            ("0", None),
            ("-1", None),
            ("1", 1),
            (" 8 ", 8),
            ("4,2", 4),
            ("²", None),
        ],
    )
    def test_threads(self, value, threads, tmp_path):
        assert thread_count(value) == threads
        given = {} if value is None else {"OMP_NUM_THREADS": value, "MKL_NUM_THREADS": "99"}
        clean = clean_environment(tmp_path, given)
        for library in ("OMP", "MKL", "OPENBLAS"):
            assert clean.get(f"{library}_NUM_THREADS") == (None if threads is None else str(threads))

    def test_what_the_machine_needs_stays(self, tmp_path):
        machine = {
            "PATH": "/bin",
            "HOME": "/home/me",
            "XAIBOOK_DATA": "/data",
            "https_proxy": "http://proxy",
            "LD_LIBRARY_PATH": "/cuda",
            "CUDA_VISIBLE_DEVICES": "1",
            "HF_HOME": "/models",
            "TORCH_HOME": "/weights",
            "SLURM_JOB_ID": "7",
            "PYTHONUSERBASE": "/packages",
        }
        assert machine.items() <= clean_environment(tmp_path, machine).items()
