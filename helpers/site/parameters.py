"""The values of a page's parameters: those of its cell tagged `parameters`, and those that replace them."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from helpers.core.names import known_names
from helpers.site.source import page_parameters


def page_values(page: Path, given: Mapping[str, object]) -> dict[str, object]:
    """The given values that differ from the page's own.

    Raises:
        ValueError: the page does not have one of the parameters; the message has the nearest name.
    """
    defaults = page_parameters(page)
    for name in given.keys() - defaults.keys():
        raise ValueError(f"{page.name} has no parameter {name!r}{known_names(name, defaults, 'it has')}")
    return {name: value for name, value in given.items() if value != defaults[name]}


def parse_values(page: Path, pairs: Iterable[Sequence[str]]) -> dict[str, object]:
    """Values from the command line, each of the type that the page's own value has.

    Args:
        page: the page.
        pairs: names and values, both as text.

    Raises:
        ValueError: the page does not have one of the parameters, or a value is of another type.
    """
    defaults, values = page_parameters(page), dict[str, object]()
    for name, text in pairs:
        if name not in defaults:
            raise ValueError(f"{page.name} has no parameter {name!r}{known_names(name, defaults, 'it has')}")
        values[name] = _parsed(name, text, defaults[name])
    return values


def _parsed(name: str, text: str, default: object) -> object:
    if isinstance(default, str):
        return text
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        value = text
    if isinstance(default, float) and type(value) is int:
        return float(value)
    if default is not None and type(value) is not type(default):
        kind = type(default).__name__
        raise ValueError(f"parameter {name}: {text!r} is not of type {kind}, as the page's own value {default!r} is")
    return value
