"""One mistake, or several, in a tree of mappings, lists, texts and numbers, as YAML and JSON have them."""

from __future__ import annotations

import copy
from random import Random
from typing import Any

STRANGE: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1e308, float("inf"), float("nan"), 10**30, 0.1, "", " ", "x", "a\0b", "é" * 500),
    *(
        [],
        {},
        [[]],
        {"": None},
        ["x"],
        [None],
        {"x": 1},
        "1e-3",
        "nan",
        "../../x",
        "{{ }}",
        "!!python/object:os.system",
    ),
)


def mutated(random: Random, tree: Any, times: int | None = None) -> tuple[str, Any]:
    """A copy with mistakes, and what was done to it."""
    tree, done = copy.deepcopy(tree), []
    for _ in range(times or random.choice([1, 1, 1, 2, 4])):
        places = list(_places(tree))
        if not places:
            break
        holder, key = random.choice(places)
        kind = random.choice(["replace", "replace", "delete", "rename", "wrap", "double"])
        done.append(f"{kind} {key!r}")
        if kind == "replace":
            holder[key] = copy.deepcopy(random.choice(STRANGE))
        elif kind == "delete":
            del holder[key]
        elif kind == "wrap":
            holder[key] = random.choice([[holder[key]], {"x": holder[key]}, str(holder[key])])
        elif isinstance(holder, dict):
            holder[f"{key}s" if kind == "rename" else f"{key} "] = holder.pop(key) if kind == "rename" else holder[key]
        else:
            holder.insert(key, copy.deepcopy(holder[key]))
    return ", ".join(done), tree


def _places(tree: Any) -> Any:
    """Each entry of each mapping and list inside, as its holder and its key."""
    keys = list(tree) if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ()
    for key in keys:
        yield tree, key
        yield from _places(tree[key])


def broken_text(random: Random, text: str) -> tuple[str, bytes]:
    """A text with characters removed, doubled or replaced, as bytes that may not be UTF-8."""
    data = bytearray(text.encode())
    kind = random.choice(["cut", "bytes", "tabs", "line", "twice", "utf-16", "nested", "bom"])
    if kind == "cut":
        del data[random.randrange(len(data)) :]
    elif kind == "bytes":
        for _ in range(random.randrange(1, 8)):
            data[random.randrange(len(data))] = random.randrange(256)
    elif kind == "tabs":
        data = bytearray(bytes(data).replace(b"  ", b"\t", random.randrange(1, 9)))
    elif kind == "line":
        lines = bytes(data).split(b"\n")
        lines.insert(random.randrange(len(lines)), random.choice(lines))
        data = bytearray(b"\n".join(lines))
    elif kind == "twice":
        data += bytes(data)
    elif kind == "nested":
        data = bytearray(b"[" * 20_000 if random.random() < 0.5 else b"a: " + b"{a: " * 5_000)
    elif kind == "utf-16":
        data = bytearray(text.encode("utf-16"))
    else:
        data = bytearray(b"\xef\xbb\xbf" + data)
    return kind, bytes(data)
