"""What to tell someone whose profile is not right."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from helpers.profiles.sections import Profile

UNKNOWN_KEY = ("extra_forbidden", "unexpected_keyword_argument")


def describe_errors(path: Path, content: dict[str, Any], error: ValidationError) -> str:
    """One line for each thing that is wrong: the key (dotted), its value, and what is allowed.

    Args:
        path: the profile's file.
        content: what was read from it.
        error: what pydantic says of it.
    """
    lines = [_describe(content, found) for found in error.errors(include_url=False)]
    return f"{path}: " + "; ".join(lines)


def _describe(content: dict[str, Any], found: Any) -> str:
    location = found["loc"]
    key = ".".join(str(part) for part in location) or "the profile"
    if found["type"] in UNKNOWN_KEY:
        return f"{key} = {found['input']!r}: {_nearest(location)}"
    if found["type"] in ("missing", "dataclass_exact_type"):
        return f"{key}: is missing"
    message = found["msg"].removeprefix("Value error, ").replace("Input should be", "should be")
    if found["type"] == "string_pattern_mismatch":
        message = "should be small letters, digits and hyphens, a letter or digit first"
    return f"{key} = {found['input']!r}: {message}" if location else f"{key}: {message}"


def _nearest(location: tuple[int | str, ...]) -> str:
    known = _known_keys(location[:-1])
    near = difflib.get_close_matches(str(location[-1]), known, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"no such key; {hint}Allowed here: {', '.join(known)}"


def _known_keys(location: tuple[int | str, ...]) -> list[str]:
    section: Any = Profile
    for part in location:
        section = _fields(section)[str(part)]
    return list(_fields(section))


def _fields(section: Any) -> dict[str, Any]:
    """The keys of a section, each with its type (a section or some plain type)."""
    if isinstance(section, type) and issubclass(section, BaseModel):
        return {name: field.annotation for name, field in section.model_fields.items()}
    return {name: field.annotation for name, field in section.__pydantic_fields__.items()}
