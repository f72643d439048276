"""Numbers typed into the prose of a page: each must have a source, since no run keeps it true.

Only numbers that look like results count: decimals, percentages and multiples. Code, formulas, roles and links are left
out, and so are exercises with their solutions, whose numbers are computed by hand.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from helpers.core.files import ROOT
from helpers.core.strict_yaml import read_strict_yaml
from helpers.site.source import page_text

SOURCES = "book/typed_numbers.yaml"

# other directives, such as a box: only its fences are left out, since its text is prose
_BOX = re.compile(r"^(`{3,}|:{3,})\{[^}\n]+\}[^\n]*\n(?P<body>.*?)^\1[ ]*$", re.DOTALL | re.MULTILINE)
_LEFT_OUT = (
    re.compile(r"\A---\n.*?\n---\n", re.DOTALL),
    re.compile(
        r"^(`{3,}|:{3,})\{(?:code-cell|math|glue|exercise|solution)[^\n]*\n.*?^\1[ ]*$", re.DOTALL | re.MULTILINE
    ),
    re.compile(r"^(`{3,})[a-z]*\n.*?^\1[ ]*$", re.DOTALL | re.MULTILINE),
    re.compile(r"\$\$.*?\$\$|\$(?:[^$\n]|\n(?!\n))+\$|\{[a-z:]+\}`[^`]*`|`[^`]*`|\]\([^)]*\)", re.DOTALL),
    re.compile(r"95\s%\s(?:confidence\s|bootstrap\s)?intervals?"),
    re.compile(r"\b[Ss]ections? \d[\d.]*(?: (?:and|to) \d[\d.]*)?|\bCC[ -]BY[ -]\S+|Python \d\S*"),
)
_NUMBER = re.compile(r"(?<![\w.])[−-]?\d+(?:[.,]\d+)*(?:\s?%|\stimes\b)|(?<![\w.])[−-]?\d+\.\d+(?!\w|\.\d)")


class TypedNumber(BaseModel):
    """A number that a page may type, and its source.

    Attributes:
        number: as it stands on the page, such as "10 %".
        source: a paper's value, cited on the page; a definition or a level of confidence; a setting of a method; or an
            example computed by hand.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    number: Annotated[str, Field(min_length=1)]
    source: Literal["paper", "definition", "setting", "example"]


def typed_numbers(page: Path) -> list[str]:
    """The numbers typed into a page's prose that look like results, in order, each as it stands there."""
    text = page_text(page)
    front_matter, blocks, *others = _LEFT_OUT
    text = blocks.sub(" ", front_matter.sub(" ", text))
    text = _BOX.sub(lambda box: box["body"], text)
    for pattern in others:
        text = pattern.sub(" ", text)
    return [re.sub(r"\s+", " ", match.group()) for match in _NUMBER.finditer(text)]


def allowed_numbers(root: Path = ROOT) -> dict[str, list[TypedNumber]]:
    """The numbers that pages may type, by page.

    Raises:
        ValueError: the file has a wrong entry; the message names it.
    """
    content = read_strict_yaml(root / SOURCES)
    return TypeAdapter(dict[str, list[TypedNumber]]).validate_python(content)
