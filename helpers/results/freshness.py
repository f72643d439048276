"""Freshness of stored tables: their dependencies when they were computed, compared with the present ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

State = Literal["fresh", "stale", "damaged", "never run"]
CODE_ENTRIES = ("code", "modules")


@dataclass(frozen=True)
class Freshness:
    """The state of a table in `results/`.

    Attributes:
        state: "fresh" if none of its dependencies has changed, "stale" if one has, "damaged" if its files are not those
            that were written, or "never run".
        reasons: the changes, each in a few words; the damage.
        unchecked: dependencies that are not known on this machine, since images or weights are missing.
        seconds: recorded seconds of computation; None without a record.
    """

    state: State
    reasons: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()
    seconds: float | int | None = None


def compare(
    stored: Mapping[str, Any] | None,
    current: Mapping[str, Any],
    profile: object = None,
    seconds: float | int | None = None,
) -> Freshness:
    """The freshness of a table, from its stored and its current dependencies.

    Args:
        stored: the dependencies stored with the table; None if it has none.
        current: the current dependencies, by the same names; None for one that is not known on this machine.
        profile: the profile; a new option that it leaves at its default is no change.
        seconds: recorded seconds of computation.
    """
    if stored is None:
        return Freshness("stale", ("it was computed before dependencies were stored",), seconds=seconds)
    reasons, unchecked = _code_reasons(stored, current), []
    reasons += _setting_reasons(stored.get("settings") or {}, current.get("settings") or {}, profile)
    for dependency in sorted((stored.keys() | current.keys()) - {"settings", *CODE_ENTRIES}):
        old, new = (dict(_flatten({dependency: side.get(dependency)})) for side in (stored, current))
        # an unknown dependency hides the names of its entries; if they were unknown before, nothing is hidden
        unknown = [name for name, value in new.items() if value is None]
        hidden = {n for n in old for u in unknown if old[n] is not None and (n == u or n.startswith(f"{u}."))}
        unknown = [u for u in unknown if any(n == u or n.startswith(f"{u}.") for n in hidden)]
        changed = [n for n in sorted((old.keys() | new.keys()) - hidden - set(unknown)) if old.get(n) != new.get(n)]
        if changed:
            reasons.append(f"{', '.join(changed[:3])}{' and others' if len(changed) > 3 else ''} changed")
        elif hidden:
            unchecked.append(dependency)
    return Freshness("stale" if reasons else "fresh", tuple(reasons), tuple(unchecked), seconds)


def describe(freshness: Freshness) -> str:
    """The message before a table is computed: the reason, and the expected time."""
    reasons = "; ".join(freshness.reasons)
    because = {"never run": "never run", "damaged": f"its files are damaged or were changed: {reasons}"}
    return f"{because.get(freshness.state, f'computed again, as {reasons}')}; {format_duration(freshness.seconds)}"


def format_duration(seconds: float | int | None) -> str:
    """A recorded time as text: "about 12 s", "about 40 min", "about 2.5 h"."""
    if seconds is None:
        return "its computing time is not recorded"
    if seconds < 90:
        return f"about {max(1, round(seconds))} s"
    return f"about {seconds / 60:.0f} min" if seconds < 5400 else f"about {seconds / 3600:.1f} h"


def select_settings(settings: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """The values of nested settings under dotted names, by these names; missing ones are left out."""
    selected = {}
    for name in names:
        value: Any = settings
        for key in name.split("."):
            value = value.get(key) if isinstance(value, Mapping) else None
        if value is not None:
            selected[name] = value
    return selected


def none_if_missing(dependency: Callable[[], Any]) -> Any:
    """The value of a dependency, or None if its files are not on this machine."""
    try:
        return dependency()
    except FileNotFoundError:
        return None


def _code_reasons(stored: Mapping[str, Any], current: Mapping[str, Any]) -> list[str]:
    if stored.get("code") == current.get("code"):
        return []
    old, new = stored.get("modules") or {}, current.get("modules") or {}
    moved = set(old.values()) & set(new.values())
    changed = {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}
    named = sorted(name for name in changed if not {old.get(name), new.get(name)} - {None} <= moved)
    shown = ", ".join(named[:4]) + (f" and {len(named) - 4} more" if len(named) > 4 else "")
    return [f"code changed{f' in {shown}' if shown else ''}"]


def _setting_reasons(stored: Mapping[str, Any], current: Mapping[str, Any], profile: object) -> list[str]:
    old, new, set_by_profile = dict(_flatten(stored)), dict(_flatten(current)), _non_default_settings(profile)
    reasons = []
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) == new.get(name) or (name not in old and name not in set_by_profile):
            continue
        reasons.append(f"{name} is {new.get(name, 'gone')}, was {old.get(name, 'not there')}")
    return reasons


def _flatten(values: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    """The leaves of nested mappings, by dotted name."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _non_default_settings(profile: Any) -> set[str]:
    """The dotted names of the settings of a profile that differ from their defaults."""
    if profile is None:
        return set()
    return {name for name, _ in _flatten(profile.model_dump(mode="json", exclude_defaults=True))}
