"""Whether a stored table is still right: what it depended on when it was made, compared with what is the case now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

State = Literal["fresh", "stale", "never run"]
CODE_PARTS = ("code", "modules")


@dataclass(frozen=True)
class Freshness:
    """What is known of a table in `results/`.

    Attributes:
        state: "fresh" if nothing that it depends on has changed, "stale" if something has, or "never run".
        reasons: what has changed, each a few words.
        unchecked: parts that are not known on this machine, as images or weights are not there.
        seconds: how long making it took, as recorded; None where no record is.
    """

    state: State
    reasons: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()
    seconds: float | int | None = None


def compare(
    then: Mapping[str, Any] | None, now: Mapping[str, Any], defaults: object = None, seconds: float | int | None = None
) -> Freshness:
    """Compare what a table depended on with what is the case now.

    Args:
        then: what was stored with the table; None where it was made before dependencies were stored.
        now: the same parts as they are; None for a part that is not known on this machine.
        defaults: the profile; a new option that it leaves at its default is no change.
        seconds: how long making the table took.
    """
    if then is None:
        return Freshness("stale", ("it was made before dependencies were stored",), seconds=seconds)
    reasons, unchecked = _code_reasons(then, now), []
    reasons += _setting_reasons(then.get("settings") or {}, now.get("settings") or {}, defaults)
    for part in sorted((then.keys() | now.keys()) - {"settings", *CODE_PARTS}):
        old, new = (dict(_flat({part: side.get(part)})) for side in (then, now))
        # a part that is not known hides the names of its entries; where nothing was known then, nothing is hidden
        unknown = [name for name, value in new.items() if value is None]
        hidden = {n for n in old for u in unknown if old[n] is not None and (n == u or n.startswith(f"{u}."))}
        unknown = [u for u in unknown if any(n == u or n.startswith(f"{u}.") for n in hidden)]
        changed = [n for n in sorted((old.keys() | new.keys()) - hidden - set(unknown)) if old.get(n) != new.get(n)]
        if changed:
            reasons.append(f"{', '.join(changed[:3])}{' and others' if len(changed) > 3 else ''} changed")
        elif hidden:
            unchecked.append(part)
    return Freshness("stale" if reasons else "fresh", tuple(reasons), tuple(unchecked), seconds)


def spoken(state: Freshness) -> str:
    """What a run says before it makes a table: why, and how long it should take."""
    why = "never run" if state.state == "never run" else f"made anew, as {'; '.join(state.reasons)}"
    return f"{why}; {duration(state.seconds)}"


def duration(seconds: float | int | None) -> str:
    """A recorded time in words: "about 12 s", "about 40 min", "about 2.5 h"."""
    if seconds is None:
        return "how long it takes is not recorded"
    if seconds < 90:
        return f"about {max(1, round(seconds))} s"
    return f"about {seconds / 60:.0f} min" if seconds < 5400 else f"about {seconds / 3600:.1f} h"


def picked(content: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """The parts of nested settings that dotted names name, by these names; those that are not there are left out."""
    found = {}
    for name in names:
        value: Any = content
        for key in name.split("."):
            value = value.get(key) if isinstance(value, Mapping) else None
        if value is not None:
            found[name] = value
    return found


def known(part: Callable[[], Any]) -> Any:
    """A part that a table depends on, or None where what it takes is not on this machine."""
    try:
        return part()
    except FileNotFoundError:
        return None


def _code_reasons(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    if then.get("code") == now.get("code"):
        return []
    old, new = then.get("modules") or {}, now.get("modules") or {}
    moved = set(old.values()) & set(new.values())
    changed = {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}
    named = sorted(name for name in changed if not {old.get(name), new.get(name)} - {None} <= moved)
    shown = ", ".join(named[:4]) + (f" and {len(named) - 4} more" if len(named) > 4 else "")
    return [f"code changed{f' in {shown}' if shown else ''}"]


def _setting_reasons(then: Mapping[str, Any], now: Mapping[str, Any], profile: object) -> list[str]:
    old, new, set_by_profile = dict(_flat(then)), dict(_flat(now)), _set_by(profile)
    reasons = []
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) == new.get(name) or (name not in old and name not in set_by_profile):
            continue
        reasons.append(f"{name} is {new.get(name, 'gone')}, was {old.get(name, 'not there')}")
    return reasons


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _set_by(profile: Any) -> set[str]:
    """The dotted names of the settings that a profile sets to something else than the default."""
    return (
        set()
        if profile is None
        else {name for name, _ in _flat(profile.model_dump(mode="json", exclude_defaults=True))}
    )
