"""The rooms of `helpers` and their imports, read from the code, and the diagram that shows them."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from html import escape
from pathlib import Path

from helpers.core.files import ROOT

MARK = "<!-- diagram of the rooms -->"
"""The place of the diagram on a page."""

_WIDTH, _BOX, _HEIGHT, _FLOOR, _LANE = 460, 132, 34, 62, 16
_LAYERS = re.compile(r'^containers = \["helpers"\]\nlayers = \[(.*?)^\]', re.MULTILINE | re.DOTALL)


def with_diagram(text: str, root: Path = ROOT) -> str:
    """The text of a page with the diagram in place of `MARK`."""
    if MARK not in text:
        return text
    return text.replace(MARK, f"```{{raw}} html\n{diagram(floors(root), essential(room_imports(root)))}\n```")


def floors(root: Path = ROOT) -> list[list[str]]:
    """The rooms, from the top floor to the lowest, as the contract of import-linter in pyproject.toml has them.

    Raises:
        ValueError: pyproject.toml has no such contract.
    """
    match = _LAYERS.search((root / "pyproject.toml").read_text(encoding="utf-8"))
    if match is None:
        raise ValueError("pyproject.toml has no contract with the layers of helpers")
    return [re.split(r" *[|:] *", layer) for layer in re.findall(r'"([^"]+)"', match[1])]


def room_imports(root: Path = ROOT) -> dict[str, set[str]]:
    """For each room, the rooms that its modules import, those within functions included, for types only left out."""
    package = root / "helpers"
    imports: dict[str, set[str]] = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).with_suffix("").parts
        if parts != ("__init__",):  # it hands on the names of the rooms
            found = _imported_rooms(ast.parse(path.read_text(encoding="utf-8")))
            imports.setdefault(parts[0], set()).update(found - {parts[0]})
    return {room: {other for other in found if other in imports} for room, found in imports.items()}


def _imported_rooms(tree: ast.Module) -> set[str]:
    rooms: set[str] = set()
    queue: list[ast.AST] = list(tree.body)
    while queue:
        node = queue.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        for block in ("body", "orelse", "finalbody", "handlers"):
            found = getattr(node, block, ())
            queue += found if isinstance(found, list) else ()
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        rooms |= {name.split(".")[1] for name in names if name.startswith("helpers.")}
    return rooms


def reachable(imports: Mapping[str, set[str]], room: str) -> set[str]:
    """The rooms that a room imports, directly or through others."""
    found: set[str] = set()
    queue = list(imports.get(room, ()))
    while queue:
        other = queue.pop()
        if other not in found:
            found.add(other)
            queue += imports.get(other, ())
    return found


def essential(imports: Mapping[str, set[str]]) -> dict[str, list[str]]:
    """The imports that do not follow from others: a room may import all that can be reached by them."""
    return {
        room: sorted(
            other for other in found if not any(other in reachable(imports, via) for via in found if via != other)
        )
        for room, found in imports.items()
    }


def diagram(rooms: list[list[str]], imports: Mapping[str, list[str]]) -> str:
    """The rooms on their floors, with an arrow for each import, as SVG in the colours of the page.

    Args:
        rooms: the floors, from the top.
        imports: for each room, the rooms to which its arrows lead.
    """
    middle, apart = _WIDTH / 2, _BOX / 2 + 12
    places: dict[str, tuple[float, float, int]] = {}
    for floor, names in enumerate(rooms):
        for number, name in enumerate(names):
            places[name] = middle + apart * (2 * number - len(names) + 1), floor * _FLOOR + 4.0, floor
    arrows = [(room, other) for room, others in imports.items() for other in others if {room, other} <= places.keys()]
    long = [(room, other) for room, other in arrows if places[other][2] - places[room][2] > 1]
    paths = [_straight(places[room], places[other]) for room, other in arrows if (room, other) not in long]
    used = {"left": 0, "right": 0}
    for room, other in sorted(long, key=lambda arrow: places[arrow[1]][2] - places[arrow[0]][2]):
        side = "left" if places[other][0] < middle else "right"
        paths.append(_around(places[room], places[other], side, used[side]))
        used[side] += 1
    boxes = [_box(name, x, y) for name, (x, y, _) in places.items()]
    described = "; ".join(f"{room} imports {', '.join(others)}" for room, others in imports.items() if others)
    height = len(rooms) * _FLOOR - (_FLOOR - _HEIGHT) + 8
    return (
        f'<svg class="architecture" role="img" viewBox="0 0 {_WIDTH} {height}" '
        f'style="display:block;width:100%;max-width:{_WIDTH}px;margin:1rem auto" '
        f'aria-label="{escape(f"The rooms of helpers, imports downwards only: {described}.")}">'
        '<defs><marker id="import" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0 8 4 0 8z" fill="var(--pst-color-text-muted, #555)"/></marker></defs>'
        '<g fill="none" stroke="var(--pst-color-text-muted, #555)" stroke-width="1.4" marker-end="url(#import)">'
        f'{"".join(paths)}</g><g font-size="15" text-anchor="middle">{"".join(boxes)}</g></svg>'
    )


def _box(name: str, x: float, y: float) -> str:
    return (
        f'<rect x="{x - _BOX / 2:g}" y="{y:g}" width="{_BOX}" height="{_HEIGHT}" rx="5" '
        'fill="var(--pst-color-surface, #f3f4f5)" stroke="var(--pst-color-border, #999)"/>'
        f'<text x="{x:g}" y="{y + _HEIGHT / 2 + 5:g}" fill="var(--pst-color-text-base, #222)">{escape(name)}</text>'
    )


def _straight(start: tuple[float, float, int], end: tuple[float, float, int]) -> str:
    return f'<path d="M{start[0]:g} {start[1] + _HEIGHT:g}L{end[0]:g} {end[1] - 1:g}"/>'


def _around(start: tuple[float, float, int], end: tuple[float, float, int], side: str, lane: int) -> str:
    """An arrow past the floors between two rooms, in a lane of its own."""
    sign = -1 if side == "left" else 1
    x = _WIDTH / 2 + sign * (_BOX + 30 + lane * _LANE)
    top, bottom = start[1] + _HEIGHT / 2, end[1] + _HEIGHT / 2
    edge = sign * _BOX / 2
    return (
        f'<path d="M{start[0] + edge:g} {top:g}H{x - sign * 8:g}Q{x:g} {top:g} {x:g} {top + 8:g}'
        f'V{bottom - 8:g}Q{x:g} {bottom:g} {x - sign * 8:g} {bottom:g}H{end[0] + edge + sign:g}"/>'
    )
