"""All pages of the built site, polished."""

from __future__ import annotations

from pathlib import Path

from helpers.core.files import atomic_write
from helpers.site.polish.access import make_accessible
from helpers.site.polish.embedded import separate_files
from helpers.site.polish.icons import FONT, Icon, draw_icons, icon_font, icon_style, read_icons
from helpers.site.polish.pictures import delay_pictures
from helpers.site.polish.policy import separate_handlers, with_policy
from helpers.site.polish.scripts import drop_unused

_STATIC = "_static"
_SCRIPT = f"{_STATIC}/scripts/fontawesome.js"
_TTF = f"{_STATIC}/vendor/fontawesome/webfonts/fa-solid-900.ttf"


def polish_page(html: str, icons: dict[str, Icon]) -> tuple[str, dict[str, bytes]]:
    """A page as the book publishes it, and the files that were part of it, by their paths from the site's root."""
    html, files = separate_files(html)
    for step in (drop_unused, make_accessible, delay_pictures):
        html = step(html)
    html, handlers = separate_handlers(draw_icons(html, icons))
    return with_policy(html), files | handlers


def polish_site(site: Path) -> None:
    """Polish every page of a built site, and its style sheets; pages that were polished before stay as they are."""
    icons = read_icons((site / _SCRIPT).read_text(encoding="utf-8"))
    for path in sorted(site.rglob("*.html")):
        if path.is_relative_to(site / _STATIC):
            continue
        before = path.read_text(encoding="utf-8")
        after, files = polish_page(before, icons)
        for name, content in files.items():
            (site / name).parent.mkdir(parents=True, exist_ok=True)
            (site / name).write_bytes(content)
        if after != before:
            atomic_write(path, after.encode())
    styles = {path: path.read_text(encoding="utf-8") for path in sorted((site / _STATIC).rglob("*.css"))}
    lean = {path: icon_style(css) for path, css in styles.items()}
    for path, css in lean.items():
        if css != styles[path]:
            path.write_text(css, encoding="utf-8")
    (site / _STATIC / FONT).write_bytes(icon_font((site / _TTF).read_bytes(), "".join(lean.values())))
