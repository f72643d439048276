"""Parameters that papermill injects into a page which does not have them."""

from __future__ import annotations

import ast
import sys
from collections.abc import Sequence

from helpers.core.names import known_names

_MARK = "# Parameters\n"  # papermill's first line of the cell that it adds


def refuse_unknown_parameters(cells: Sequence[str] | None = None) -> None:
    """Refuse a name given by `papermill -p` that the page's cell of parameters does not assign.

    papermill adds its own cell after that one, and only warns of unknown names: the page would run with the default.

    Args:
        cells: the code of the cells that have run, in their order; None for those of this kernel, if any.

    Raises:
        ValueError: the page has no such parameter; the message has the nearest one.
    """
    if cells is None:
        shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
        cells = shell.user_ns.get("In", []) if shell is not None else []
    for number, cell in enumerate(cells):
        known = _assigned(cells[number - 1]) if number else []
        if not cell.startswith(_MARK) or not known:
            continue
        for name in _assigned(cell):
            if name not in known:
                raise ValueError(f"this page has no parameter {name!r}{known_names(name, known, 'it has')}")


def _assigned(cell: str) -> list[str]:
    """The names that a cell of parameters assigns; none for any other Python, such as magics."""
    try:
        tree = ast.parse(cell)
    except SyntaxError:
        return []
    targets = [
        target
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
    ]
    return [target.id for target in targets if isinstance(target, ast.Name)]
