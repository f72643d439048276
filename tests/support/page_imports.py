"""Which files of `helpers` the imports of each page load: `python page_imports.py`, in the project's root.

Reads {page: its import statements} as JSON from standard input and writes {page: files}. All pages share one process,
which loads the libraries once; the modules of `helpers` are forgotten before each page, as if it came first.
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path.cwd()))


def loaded_by(statements: str) -> list[str]:
    """The files of `helpers` that are loaded after these imports have run."""
    for name in _loaded():
        del sys.modules[name]
    exec(statements, {"__name__": "__main__"})
    return [sys.modules[name].__file__ for name in _loaded()]


def _loaded() -> list[str]:
    return [name for name in sys.modules if name.split(".")[0] == "helpers"]


if __name__ == "__main__":
    pages = json.load(sys.stdin)
    print(json.dumps({page: loaded_by(statements) for page, statements in pages.items()}))
