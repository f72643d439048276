"""The prose of the pages: the house's words, by rules in `book/words.yaml`."""

from __future__ import annotations

import re
from pathlib import Path

from helpers.core.files import ROOT
from helpers.core.strict_yaml import read_strict_yaml

WORDS = "book/words.yaml"

_NO_PROSE = re.compile(
    r"\A---\n.*?\n---\n"  # the front matter
    r"|^(?P<fence>`{3,})(?!\{(?:admonition|exercise|solution|note|tip|warning))[^\n]*\n.*?^(?P=fence) *$"
    r"|^\$\$.*?^\$\$|`[^`\n]+`|\$[^$\n]+\$|\]\([^)\s]*\)|https?://\S+"
    r'|"[^"\n]+(?:\n[^"\n]+){0,6}"',  # what others wrote
    re.MULTILINE | re.DOTALL,
)


def prose(text: str) -> str:
    """A page with blanks in place of code, formulas, quotations and addresses; lines stay where they are."""
    return _NO_PROSE.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)


def prose_faults(pages: list[Path], root: Path = ROOT) -> list[str]:
    """Where pages use other words than the house does.

    Args:
        pages: the files.
        root: the project's root, whose `book/words.yaml` has a reason for each pattern.

    Returns:
        A line for each place: page, line, the words found and what to write instead.
    """
    rules = [(re.compile(rf"\b(?:{pattern})\b", re.IGNORECASE), why) for pattern, why in _rules(root).items()]
    faults = []
    for page in pages:
        for number, line in enumerate(prose(page.read_text(encoding="utf-8")).splitlines(), start=1):
            faults += [
                f"{page.relative_to(root)}:{number}: {found[0]!r}: {why}"
                for rule, why in rules
                for found in rule.finditer(line)
            ]
    return faults


def _rules(root: Path) -> dict[str, str]:
    return {str(pattern): str(why) for pattern, why in read_strict_yaml(root / WORDS).items()}
