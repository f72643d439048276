"""The page on the architecture: its diagram against import-linter's graph, its tables and paths against the folders."""

import importlib
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from helpers.core.files import ROOT
from helpers.site.architecture import MARK, diagram, essential, floors, reachable, room_imports, with_diagram

PAGE = ROOT / "book/architecture.md"


@pytest.fixture(scope="module")
def imports() -> dict[str, set[str]]:
    """The imports between rooms, by grimp, which import-linter uses."""
    graph = importlib.import_module("grimp").build_graph("helpers", exclude_type_checking_imports=True, cache_dir=None)
    found: dict[str, set[str]] = {}
    for module in graph.modules - {"helpers"}:
        room = module.split(".")[1]
        others = {name.split(".")[1] for name in graph.find_modules_directly_imported_by(module) if "." in name}
        found.setdefault(room, set()).update(others - {room})
    return found


@pytest.fixture(scope="module")
def found() -> dict[str, set[str]]:
    return room_imports()


@pytest.fixture(scope="module")
def arrows(found) -> dict[str, set[str]]:
    return {room: set(others) for room, others in essential(found).items()}


def test_the_imports_are_those_of_the_code(found, imports):
    assert found == imports


def test_each_import_leads_down_an_arrow(imports, arrows):
    for room, others in imports.items():
        assert others <= reachable(arrows, room), room


def test_no_arrow_follows_from_others(imports, arrows):
    for room, others in arrows.items():
        for other in others:
            without = {**arrows, room: others - {other}}
            assert other not in reachable(without, room)


def test_arrows_lead_down(arrows):
    height = {room: number for number, floor in enumerate(floors()) for room in floor}
    pairs = [(room, other) for room, others in arrows.items() for other in others]
    assert pairs
    assert [arrow for arrow in pairs if height[arrow[0]] >= height[arrow[1]]] == []


def test_the_diagram_shows_each_room_and_arrow(found, arrows):
    text = with_diagram(MARK)
    svg = ElementTree.fromstring(re.search(r"<svg.*</svg>", text, re.DOTALL)[0])
    rooms = {node.text for node in svg.iter("text")}
    assert rooms == {room for floor in floors() for room in floor} == set(found)
    lines = [node for node in svg.iter("path") if "marker" not in str(node.get("fill"))]
    assert len(lines) - 1 == sum(map(len, arrows.values())), "one more path is the head of the arrows"
    assert all(
        f"{room} imports {', '.join(sorted(others))}" in svg.get("aria-label")
        for room, others in arrows.items()
        if others
    )
    assert with_diagram("no diagram here") == "no diagram here"


def test_an_import_for_types_is_no_arrow(tmp_path):
    (tmp_path / "helpers/low").mkdir(parents=True)
    (tmp_path / "helpers/high").mkdir()
    (tmp_path / "helpers/low/a.py").write_text(
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from helpers.high.b import B\n"
    )
    (tmp_path / "helpers/high/b.py").write_text("def f():\n    from helpers.low import a\n")
    assert room_imports(tmp_path) == {"low": set(), "high": {"low"}}
    assert "high imports low" in diagram([["high"], ["low"]], essential(room_imports(tmp_path)))


class TestPage:
    def test_it_says_what_each_room_is_for(self):
        rows = re.findall(r"^\| `(\w+)` \| \S", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
        assert set(rows) == {room for floor in floors() for room in floor}

    def test_each_path_exists(self):
        text = PAGE.read_text(encoding="utf-8")
        paths = re.findall(r"`((?:book|helpers|tests|profiles|models|results)/[^`*]*)`", text)
        assert len(paths) > 12
        assert [path for path in paths if not (ROOT / path).exists()] == []

    def test_the_path_followed_is_the_real_one(self):
        from helpers.results.registry import TABLES
        from helpers.site.dependencies import page_inputs

        files = {path.relative_to(ROOT).as_posix() for path in page_inputs("book/figures/recartoonx-fig3.md").paths()}
        named = re.findall(r"`(helpers/papers/[\w/]+\.(?:py|yaml)|helpers/methods/[\w/]+\.py)`", PAGE.read_text())
        assert len(named) >= 5
        assert set(named) <= files
        assert TABLES["curves"].make.split(":")[0] == "helpers.papers.recartoonx.experiments.curves"
        assert Path("helpers/papers/recartoonx/figures/fig3.py").as_posix() in named
