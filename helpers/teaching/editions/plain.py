"""From the Markdown of pages to one that any notebook program shows: no directives, no roles, numbers filled in."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

_DIRECTIVE = re.compile(
    r"^(?P<fence>`{3,})\{(?P<name>[\w:-]+)\} *(?P<argument>[^\n]*)\n(?P<body>.*?)^(?P=fence) *$",
    re.DOTALL | re.MULTILINE,
)
_OPTION = re.compile(r"\A:(?P<key>[\w-]+): *(?P<value>[^\n]*)\n")
_ROLE = re.compile(r"\{(?P<name>[a-z:]+)\}`(?P<content>[^`]+)`")
_LINK = re.compile(r"(?<!!)\[(?P<text>[^\]]*)\]\((?P<target>[^):#\s]+\.md)?(?P<anchor>#[^)\s]*)?\)")
_LABEL = re.compile(r"^\([\w-]+\)=\n", re.MULTILINE)


class EditionError(ValueError):
    """A page cannot be made into a plain notebook; the message says which markup is not known."""


@dataclass
class Context:
    """What the plain text of a page is made with.

    Attributes:
        numbers: the glued values of the page by name.
        citations: for each key of the bibliography, its authors and its year.
        address: from the target of a link, such as "wavelets.md", and an anchor, such as "#haar" or "", to what the
            notebook links to.
        equations: the number of each labelled equation, such as "3.1" for the first one of the third chapter.
    """

    numbers: Mapping[str, object]
    citations: Mapping[str, tuple[str, str]]
    address: Callable[[str, str], str]
    equations: Mapping[str, str] = field(default_factory=dict)


def equation_labels(text: str) -> list[str]:
    """The labels of the equations of a page, in order."""
    found = [split_options(match["body"])[0] for match in _DIRECTIVE.finditer(text) if match["name"] == "math"]
    return [options["label"] for options in found if "label" in options]


def plain_markdown(text: str, context: Context) -> str:
    """A text with its directives and roles replaced by plain Markdown.

    Raises:
        EditionError: a directive, a role or a name is not known.
    """
    text = _LABEL.sub("", _DIRECTIVE.sub(lambda match: _plain_directive(match, context), text))
    text = _ROLE.sub(lambda match: _plain_role(match["name"], match["content"], context), text)
    text = _LINK.sub(lambda match: _plain_link(match, context), text)
    return text.strip()


def split_options(body: str) -> tuple[dict[str, str], str]:
    """The options of a directive, such as `:label: name`, and the rest of its body."""
    options = {}
    while match := _OPTION.match(body):
        options[match["key"]] = match["value"].strip()
        body = body[match.end() :]
    return options, body.strip("\n")


def _plain_directive(match: re.Match[str], context: Context) -> str:
    options, body = split_options(match["body"])
    if match["name"] == "math":
        label = options.get("label")
        tag = f"\n\\tag{{{context.equations[label]}}}" if label else ""
        return f"$$\n{body}{tag}\n$$"
    if match["name"] == "admonition":
        return _quoted(f"**{match['argument']}**\n\n{body}")
    if match["name"] in ("note", "tip", "warning", "important", "seealso"):
        return _quoted(f"**{match['name'].capitalize()}**\n\n{body}")
    raise EditionError(f"the directive {{{match['name']}}} has no plain version")


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.splitlines())


def _plain_role(name: str, content: str, context: Context) -> str:
    content = re.sub(r"\s+", " ", content)
    if name == "glue:text":
        return _number(content, context)
    if name in ("cite:p", "cite:t", "cite"):
        cited = [_citation(key.strip(), context) for key in content.split(",")]
        if name == "cite:t":
            return ", ".join(f"{authors} ({year})" for authors, year in cited)
        return f"({'; '.join(f'{authors}, {year}' for authors, year in cited)})"
    if name == "eq":
        if content not in context.equations:
            raise EditionError(f"no chapter has an equation {content!r}")
        return f"({context.equations[content]})"
    if name in ("ref", "doc", "numref"):
        named = re.fullmatch(r"(?P<text>.*?) *<(?P<target>[^>]+)>", content)
        return re.sub(r"\{(name|number)\}|%s", "", named["text"]).strip() if named else "above"
    raise EditionError(f"the role {{{name}}} has no plain version")


def _number(content: str, context: Context) -> str:
    name, _, form = content.partition(":")
    if name not in context.numbers:
        raise EditionError(f"the page has no number {name!r}; run it again")
    return format(context.numbers[name], form)


def _citation(key: str, context: Context) -> tuple[str, str]:
    if key not in context.citations:
        raise EditionError(f"the bibliography has no entry {key!r}")
    return context.citations[key]


def _plain_link(match: re.Match[str], context: Context) -> str:
    target, anchor = match["target"], match["anchor"] or ""
    if not target:
        return match["text"] if anchor else match.group()
    return f"[{match['text']}]({context.address(target, anchor)})"
