"""YAML without surprises: repeated keys are errors, 1e-3 is a number, and only true and false are booleans."""

from __future__ import annotations

import math
import re
import reprlib
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError


class StrictLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # in C: ten times as fast
    """PyYAML's safe loader with the plain scalars of YAML 1.2.

    PyYAML reads YAML 1.1, in which `1e-3` is a string, `off` is false and `1:30` is ninety.
    """


StrictLoader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("null", r"null|Null|NULL|~|", ["n", "N", "~", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9]+", list("-+0123456789")),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", list("-+.0123456789")),
    ("float", r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", list("-+.")),
):
    StrictLoader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), _first)


def _mapping_without_repeats(loader: StrictLoader, node: yaml.MappingNode) -> dict[str, Any]:
    content: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        where = f"line {key_node.start_mark.line + 1}"
        if not isinstance(key, str):
            raise ValueError(f"{where}: the key {key!r} is not a string")
        if key in content:
            raise ValueError(f"{where}: the key {key!r} is repeated; remove one of the two")
        content[key] = loader.construct_object(value_node, deep=True)
    return content


def _decimal_integer(loader: StrictLoader, node: yaml.ScalarNode) -> int:
    return int(loader.construct_scalar(node))  # PyYAML would read 010 as eight


def _finite_number(loader: StrictLoader, node: yaml.ScalarNode) -> float:
    text = loader.construct_scalar(node)
    number = float(text.replace(".inf", "inf").replace(".nan", "nan")) if text.strip("+-.")[:1].isdigit() else math.inf
    if not math.isfinite(number):
        raise ValueError(f"line {node.start_mark.line + 1}: {text} is not a finite number")
    return number


StrictLoader.add_constructor("tag:yaml.org,2002:map", _mapping_without_repeats)
StrictLoader.add_constructor("tag:yaml.org,2002:int", _decimal_integer)
StrictLoader.add_constructor("tag:yaml.org,2002:float", _finite_number)


def read_strict_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML file that holds one mapping.

    Raises:
        ValueError: the file is not text, not YAML, not a mapping, or has a repeated key; the message names the file
            and the line.
    """
    return parse_strict_yaml(path.read_bytes(), str(path))


def parse_strict_yaml(content: bytes, name: str) -> dict[str, Any]:
    """The mapping in the content of a YAML file.

    Args:
        content: the bytes of a file.
        name: the file's, for messages.

    Raises:
        ValueError: as of `read_strict_yaml`.
    """
    try:
        tree = yaml.load(content.decode(), Loader=StrictLoader)
    except UnicodeDecodeError as error:
        raise ValueError(f"{name} is not a text in UTF-8 ({error}); save it in that encoding") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ValueError(f"{name} is not the YAML that was expected: {error}") from error
    if not isinstance(tree, dict):
        raise ValueError(f"{name}: a mapping of keys to values was expected, found {type(tree).__name__}")
    return tree


def described(name: str, error: ValidationError) -> str:
    """A message with each wrong key (dotted), its value and the problem, for files other than profiles.

    Args:
        name: the file's.
        error: pydantic's error.
    """
    lines = []
    for entry in error.errors(include_url=False):
        key = ".".join(map(str, entry["loc"])) or "the whole"
        value = "" if entry["type"] == "missing" else f" = {reprlib.repr(entry['input'])}"
        message = entry["msg"].removeprefix("Value error, ").replace("Input should be", "should be")
        lines.append(f"{key}{value}: {message}")
    return f"{name} has a wrong entry: {'; '.join(lines)}"
