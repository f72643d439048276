"""The icons of the theme: the few that pages use, instead of a script with all two thousand."""

from __future__ import annotations

import io
import re
from typing import NamedTuple

_ICON = re.compile(
    r'(?:"(?P<quoted>[a-z0-9-]+)"|(?<=[{,])(?P<name>[a-z0-9]+)):\[(?P<width>\d+),(?P<height>\d+),\[(?P<others>[^\]]*)\],"[0-9a-f]+","(?P<path>M[^"]+)"'
)
_PLACE = re.compile(
    r'<(?P<tag>i|span)(?P<attributes>(?: [\w-]+="[^"]*")*? class="(?P<class>[^"]*\bfa[srb]?[ -][^"]*)"[^>]*)>'
    r"</(?P=tag)>"
)
_MODIFIERS = {"solid", "regular", "brands", "lg", "fw", "xs", "sm", "xl", "spin"}
_RULES = re.compile(r'(?:\.fa-[a-z0-9-]+:before,?)+\{content:"[^"]*"\}')
_FONT = re.compile(r"url\([^)]*fa-solid-900\.woff2\)[^,;}]*,url\([^)]*fa-solid-900\.ttf\)[^,;}]*")
FONT = "icons.woff"


class Icon(NamedTuple):
    """A drawing: its width and height, and the path of an SVG."""

    width: int
    height: int
    path: str


def read_icons(script: str) -> dict[str, Icon]:
    """The icons in Font Awesome's script, by name: the solid ones, which come last in it, before others of the name."""
    icons: dict[str, Icon] = {}
    for found in _ICON.finditer(script):
        icon = Icon(int(found["width"]), int(found["height"]), found["path"])
        for name in (found["quoted"] or found["name"], *re.findall(r'"([a-z0-9-]+)"', found["others"])):
            icons[name] = icon
    return icons


def draw_icons(html: str, icons: dict[str, Icon]) -> str:
    """A page with the drawing of each icon where Font Awesome's script would put it.

    Raises:
        KeyError: there is no icon of this name.
    """

    def draw(place: re.Match[str]) -> str:
        names = [name[3:] for name in place["class"].split() if name.startswith("fa-") and name[3:] not in _MODIFIERS]
        if not names:
            return place[0]
        icon = icons[names[0]]
        attributes = re.sub(r' (?:title|aria-hidden)="[^"]*"', "", place["attributes"])
        attributes = attributes.replace('class="', 'class="svg-inline--fa ', 1)
        box = f'viewBox="0 0 {icon.width} {icon.height}" aria-hidden="true" focusable="false"'
        return f'<svg{attributes} {box}><path fill="currentColor" d="{icon.path}"></path></svg>'

    return _PLACE.sub(draw, html)


def icon_style(css: str) -> str:
    """A style sheet without a rule for each of two thousand icons, and with the font of `icon_font`."""
    return _FONT.sub(f'url(../{FONT}) format("woff")', _RULES.sub("", css))


def icon_font(font: bytes, styles: str) -> bytes:
    """A WOFF of the icons that style sheets name as characters, such as those of admonitions.

    Args:
        font: Font Awesome's font, TTF or WOFF.
        styles: the text of all style sheets.
    """
    from fontTools import subset
    from fontTools.ttLib import TTFont

    escaped = re.findall(r"\\([ef][0-9a-f]{3})\b", styles)
    wanted = {int(digits, 16) for digits in escaped} | {ord(c) for c in styles if "\ue000" <= c <= "\uf8ff"}
    options = subset.Options(flavor="woff", layout_features=[], notdef_outline=True, hinting=False)
    loaded = TTFont(io.BytesIO(font))
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=sorted(wanted))
    subsetter.subset(loaded)
    loaded.flavor = "woff"
    output = io.BytesIO()
    loaded.save(output)
    return output.getvalue()
