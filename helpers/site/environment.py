"""The environment in which pages run: the same for all readers, whatever their shell, home and system have set."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

BACKEND = "module://matplotlib_inline.backend_inline"

_SET_BY_READERS = re.compile(
    r"""
    PYTHON.* | IPYTHON.* | IPYKERNEL.* | JUPYTER.* | JPY_.* | PYDEVD.* | DEBUGPY.* | MPL.* | MATPLOTLIB.*
    | LC_.* | LANG | LANGUAGE | TZ | COLUMNS | LINES | NO_COLOR | PY_COLORS | (FORCE_|CLI)COLOR.* | PAGER | MANPAGER
    | (OMP|MKL|OPENBLAS|GOTO|BLIS|VECLIB|NUMEXPR|KMP|GOMP|NUMBA)_.*
    | TQDM.* | NPY_.* | NUMPY_.* | JAXTYPING_.* | PYDANTIC_.* | TORCHDYNAMO.* | TORCHINDUCTOR.* | TORCH_(?!HOME$).*
    | BASH_ENV | ENV | SHELLOPTS | BASHOPTS | CDPATH | DOCUTILSCONFIG | SOURCE_DATE_EPOCH
    """,
    re.VERBOSE,
)
"""Variables that change what a page shows, or how fast it runs."""

_KEPT = {"PYTHONUSERBASE", "PYTHONNOUSERSITE", "PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX"}
"""Where Python finds packages and stores what it compiles: no output depends on it."""

_THREADS = ("OMP", "MKL", "OPENBLAS")


def thread_count(value: str | None) -> int | None:
    """The number of threads that a value of `OMP_NUM_THREADS` asks for; None if it is no number above 0.

    The number of the outermost level counts: `"4,2"` is 4.
    """
    first = (value or "").split(",")[0].strip()
    return int(first) if first.isdecimal() and int(first) > 0 else None


def clean_environment(folder: Path, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment variables of a process that runs a page, or that turns pages into HTML.

    Paths, credentials, proxies and settings of the machine stay; whatever would change a page is removed or set. Only
    `OMP_NUM_THREADS` is kept as the reader or the build sets it, and holds for all libraries.

    Args:
        folder: an empty folder for the settings that IPython writes.
        environment: the present variables.
    """
    kept = {name: value for name, value in environment.items() if name in _KEPT or not _SET_BY_READERS.fullmatch(name)}
    threads = thread_count(environment.get("OMP_NUM_THREADS"))
    limits = {f"{library}_NUM_THREADS": str(threads) for library in _THREADS} if threads else {}
    return {
        **kept,
        **limits,
        "IPYTHONDIR": str(folder),
        "LC_ALL": "C.UTF-8",
        "MATPLOTLIBRC": str(_default_matplotlibrc()),  # instead of the one in the home folder
        "MPLBACKEND": BACKEND,
        "MPLCONFIGDIR": str(_cache() or folder),
        "PYTHONHASHSEED": "0",
        "PYTHONUTF8": "1",
        "TZ": "UTC",
    }


def _default_matplotlibrc() -> Path:
    """Matplotlib's own settings, found without importing it."""
    spec = find_spec("matplotlib")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "mpl-data/matplotlibrc"


def _cache() -> Path | None:
    """The folder of the list of fonts, which takes seconds to make; None where the project is read-only."""
    folder = Path(__file__).resolve().parents[2] / "_build/matplotlib"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return folder if os.access(folder, os.W_OK) else None
