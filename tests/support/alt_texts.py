"""Faults of the alternative texts of pictures."""

from __future__ import annotations

import re

GENERIC = {"a", "an", "the", "alt", "figure", "graph", "image", "output", "photo", "picture", "plot", "screenshot"}


def fault(text: str) -> str | None:
    """Why a text tells nothing; None if it may tell something."""
    words = re.findall(r"[\w’']+", text.lower())
    if not words:
        return "it is empty"
    if re.search(r"\S/\S*\.\w{2,4}\b|\.(png|svg|webp|jpe?g|gif)\b", text):
        return "it is a path"
    if len(words) < 3 or set(words) <= GENERIC:
        return "it is generic"
    return None


def typed_number(text: str) -> bool:
    """Whether a text has a number that looks like a result, which no run would keep true."""
    return re.search(r"\d\.\d|\d\s?%", text) is not None
