"""What to tell someone whose profile is not right."""

from __future__ import annotations

import difflib
import reprlib
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from helpers.profiles.sections import Profile

UNKNOWN_KEY = ("extra_forbidden", "unexpected_keyword_argument")


def describe_errors(path: Path, error: ValidationError) -> str:
    """One line for each thing that is wrong: the key (dotted), its value, and what is allowed.

    Args:
        path: the profile's file.
        error: what pydantic says of it.
    """
    found = error.errors(include_url=False)
    # a list with a wrong entry is wrong as a whole too: the entry says enough
    parts = {one["loc"][:-1] for one in found if one["type"] not in UNKNOWN_KEY}
    lines = [_describe(one) for one in found if one["loc"] not in parts or not one["loc"]]
    return f"{path}: " + "; ".join(lines)


def _describe(found: Any) -> str:
    location = found["loc"]
    key = ".".join(str(part) for part in location)
    value = reprlib.repr(found["input"])
    if found["type"] in UNKNOWN_KEY:
        return f"{key} = {value}: {_nearest(location)}"
    if found["type"] == "missing":
        return f"{key} is missing"
    message = found["msg"].removeprefix("Value error, ").replace("Input should be", "should be")
    message = message.replace("an object", "a mapping of keys to values")
    return f"{key} = {value}: {message}" if location else message


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
    """The keys of a section (which may be optional), each with its type (a section or some plain type)."""
    if get_origin(section) is Annotated:
        section = get_args(section)[0]
    if get_origin(section) is dict:  # of sections by name
        names, each = get_args(section)
        return dict.fromkeys(get_args(names), each)
    section = next((part for part in get_args(section) if part is not type(None)), section)
    if isinstance(section, type) and issubclass(section, BaseModel):
        return {name: field.annotation for name, field in section.model_fields.items()}
    return {name: field.annotation for name, field in getattr(section, "__pydantic_fields__", {}).items()}
