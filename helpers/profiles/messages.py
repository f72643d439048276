"""Readable error messages for invalid profiles."""

from __future__ import annotations

import difflib
import reprlib
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from helpers.profiles.sections import Profile

UNKNOWN_KEY = ("extra_forbidden", "unexpected_keyword_argument")


def describe_errors(path: Path, error: ValidationError) -> str:
    """A message with each wrong key (dotted), its value, and the allowed values.

    Args:
        path: the profile's file.
        error: pydantic's error.
    """
    errors = error.errors(include_url=False)
    # a list with a wrong entry is itself reported as wrong; the message on the entry is enough
    parents = {entry["loc"][:-1] for entry in errors if entry["type"] not in UNKNOWN_KEY}
    lines = [_describe(entry) for entry in errors if entry["loc"] not in parents or not entry["loc"]]
    return f"{path}: " + "; ".join(lines)


def _describe(error: Any) -> str:
    location = error["loc"]
    key = ".".join(map(str, location))
    value = reprlib.repr(error["input"])
    if error["type"] in UNKNOWN_KEY:
        return f"{key} = {value}: {_suggestion(location)}"
    if error["type"] == "missing":
        return f"{key} is missing"
    message = error["msg"].removeprefix("Value error, ").replace("Input should be", "should be")
    message = message.replace("an object", "a mapping of keys to values")
    return f"{key} = {value}: {message}" if location else message


def _suggestion(location: tuple[int | str, ...]) -> str:
    known = _known_keys(location[:-1])
    similar = difflib.get_close_matches(str(location[-1]), known, n=1)
    hint = f"did you mean {similar[0]!r}? " if similar else ""
    return f"no such key; {hint}Allowed here: {', '.join(known)}" if known else "no such key"


def _known_keys(location: tuple[int | str, ...]) -> list[str]:
    section: Any = Profile
    for key in location:
        section = _fields(section).get(str(key))
        if section is None:  # the name of a kind of section, among several that are allowed here
            return []
    return list(_fields(section))


def _fields(section: Any) -> dict[str, Any]:
    """The keys of a (possibly optional) section, each with its type (a section or a plain type)."""
    if get_origin(section) is Annotated:
        section = get_args(section)[0]
    if get_origin(section) is dict:  # of sections by name
        names, value_type = get_args(section)
        return dict.fromkeys(get_args(names), value_type)
    section = next((option for option in get_args(section) if option is not type(None)), section)
    if isinstance(section, type) and issubclass(section, BaseModel):
        return {name: field.annotation for name, field in section.model_fields.items()}
    return {name: field.annotation for name, field in getattr(section, "__pydantic_fields__", {}).items()}
