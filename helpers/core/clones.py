"""Several clones of the project may share one environment: a notebook runs the clone in which it lies.

An environment has `helpers` installed from one clone. A kernel starts in the notebook's folder; where that lies in
another clone, `helpers` hands over to the package of that clone, whose results and models are then used too.
Scripts and commands follow Python's own rules: `python -m helpers` runs the clone in which it is called.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

_SIGNS = ("helpers/__init__.py", "book/figures.yaml")  # of a clone's root


def clone_of(folder: Path) -> Path | None:
    """The root of the clone in which a folder lies; None outside of clones."""
    folder = folder.resolve()
    return next((root for root in (folder, *folder.parents) if all((root / sign).is_file() for sign in _SIGNS)), None)


def hand_over(package: dict[str, Any]) -> bool:
    """In a notebook that lies in another clone, replace the package by that of the notebook's clone.

    Args:
        package: the namespace of `helpers/__init__.py`, which calls this last.

    Returns:
        Whether the package was replaced; it is complete then.
    """
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if not hasattr(shell, "kernel"):
        return False
    try:
        clone = clone_of(Path.cwd())
    except FileNotFoundError:  # the folder was removed
        return False
    if clone is None or clone == Path(package["__file__"]).resolve().parents[1]:
        return False
    for name in [name for name in sys.modules if name.startswith("helpers.")]:
        del sys.modules[name]
    for finder in list(sys.meta_path):  # of the environment's clone: it would fill in modules that this clone lacks
        if "helpers" in getattr(sys.modules.get(getattr(finder, "__module__", "")), "MAPPING", {}):
            sys.meta_path.remove(finder)
    sys.path.insert(0, str(clone))
    path = clone / "helpers/__init__.py"
    package.update(__file__=str(path), __path__=[str(path.parent)])
    exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), package)
    return True
