"""Glued numbers that no assert holds: a rebuilt number could contradict the sentence in which it stands.

A number is *held* if an assert of its page speaks of a variable from which the number was computed. If the number is
an entry, such as `means.loc["centre", "mass"]`, the assert, or the loop around it, must name the entry's keys as well.
This shows that somebody asked what the number says, not that the assert states the sentence: a reader must judge that.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from helpers.site.source import page_code, page_text

_GLUED = re.compile(r"\{glue:text\}`([^`:]+)(?::[^`]*)?`")
_HIDDEN = re.compile(r"^```\{code-cell\}.*?^```", re.DOTALL | re.MULTILINE)


class _Use(NamedTuple):
    """A variable, and the string keys with which an entry of it is read."""

    name: str
    keys: frozenset[str]


def unheld_numbers(page: Path) -> list[str]:
    """The names of the glued numbers in a page's text that no assert of the page holds, in order.

    A number that is typed in the page's code, such as a setting, needs no assert.

    Args:
        page: a MyST Markdown page.

    Raises:
        ValueError: a cell of the page is not Python.
    """
    trees = page_code(page)
    typed = {name for tree in trees for node in tree.body for name in _typed_names(node)}
    sources = dict(_glued(trees))
    everything = sources.pop("", [])  # numbers whose names are computed
    held = [_spoken_of(node) for tree in trees for node in tree.body if _has_assert(node)]
    unheld = []
    for name in dict.fromkeys(_GLUED.findall(_HIDDEN.sub("", page_text(page)))):
        uses = sources.get(name, everything)
        if all(use.name in typed for use in uses) and name in sources:
            continue
        if not any(use.name in names and use.keys <= keys for use in uses for names, keys in held):
            unheld.append(name)
    return unheld


def _typed_names(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.Assign):
        try:
            ast.literal_eval(node.value)
        except ValueError:
            return
        for target in node.targets:
            yield from (part.id for part in ast.walk(target) if isinstance(part, ast.Name))


def _glued(trees: list[ast.Module]) -> Iterator[tuple[str, list[_Use]]]:
    """Names of glued values with the variables from which they are computed; "" stands for computed names."""
    calls = (node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call))
    computed: list[_Use] = []
    for call in calls:
        if not (isinstance(call.func, ast.Name) and call.func.id == "show_numbers"):
            continue
        values: list[tuple[object, ast.expr]] = [(keyword.arg, keyword.value) for keyword in call.keywords]
        for argument in call.args:
            if isinstance(argument, ast.Dict):
                names = (key.value if isinstance(key, ast.Constant) else None for key in argument.keys)
                values += list(zip(names, argument.values, strict=True))
            else:
                values.append((None, argument))
        for name, value in values:
            if isinstance(name, str):
                yield name, _uses(value)
            else:
                computed += _uses(value)
    yield "", computed


def _uses(node: ast.expr) -> list[_Use]:
    """The variables that an expression reads, each with the string keys of the entry that it takes."""
    if isinstance(node, ast.Call):
        parts = [*node.args, *(keyword.value for keyword in node.keywords)]
        if isinstance(node.func, ast.Attribute):  # x.mean(), where x is the variable
            parts.append(node.func.value)
        return [use for part in parts for use in _uses(part)]
    if isinstance(node, ast.Subscript | ast.Attribute):
        keys: set[str] = set()
        root: ast.expr = node
        while isinstance(root, ast.Subscript | ast.Attribute):
            if isinstance(root, ast.Subscript):
                keys |= _strings(root.slice)
            root = root.value
        if isinstance(root, ast.Name):
            return [_Use(root.id, frozenset(keys))]
        return _uses(root)
    if isinstance(node, ast.Name):
        return [] if hasattr(builtins, node.id) else [_Use(node.id, frozenset())]
    children = (child for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr | ast.comprehension))
    return [use for child in children for use in (_uses(child) if isinstance(child, ast.expr) else _uses(child.iter))]


def _has_assert(node: ast.stmt) -> bool:
    return any(isinstance(part, ast.Assert) for part in ast.walk(node))


def _spoken_of(node: ast.stmt) -> tuple[set[str], set[str]]:
    """The variables and the strings of a statement with an assert: the assert alone, or the loop around it."""
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}, _strings(node)


def _strings(node: ast.AST) -> set[str]:
    return {part.value for part in ast.walk(node) if isinstance(part, ast.Constant) and isinstance(part.value, str)}
