"""What a page may load and run: a Content-Security-Policy in each page, and handlers of events out of it.

A script that got into a page, by a widget's output or a reader's file, would not run: the policy names each script of
the page by its SHA-256, and no attribute is a script.
"""

from __future__ import annotations

import base64
import hashlib
import html as entities
import json
import re

HANDLERS = "_static/handlers"
"""The folder, in the built book, of the scripts that were attributes of pages."""

_NO_TAGS = re.compile(r"(<!--.*?-->|<script\b[^>]*>.*?</script>)", re.DOTALL)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_INLINE = re.compile(r"<script\b(?P<attributes>[^>]*)>(?P<script>.*?)</script>", re.DOTALL)
_DATA = re.compile(r'\btype="(?!text/javascript|module)')
_HANDLER = re.compile(r'(?P<tag><[a-z][^<>]*?) on(?P<event>[a-z]+)="(?P<code>[^"]*)"')
_HANDLED = re.compile(r' data-on-(?P<event>[a-z]+)="(?P<digest>[0-9a-f]+)"')
_ROOT = re.compile(r'data-content_root="([^"]*)"')
_POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>\n?')
_FIRST = re.compile(r'<meta charset="[^"]*"\s*/?>|<head>')
_LIVE = re.compile(r"/live\.js|/try-it\.js|/stub\.js")
# `file:` is what a page opened from disk comes from; a page from a server can load nothing of it
_OWN = "'self' file:"


def separate_handlers(html: str) -> tuple[str, dict[str, bytes]]:
    """A page without `onclick="..."` and the like, and a script for each, by its path from the root of the site.

    The theme has such attributes, and so have our sliders, which work in JupyterLab by them. The script of a handler
    runs it, with `this` as before, at events of the elements that name it in `data-on-click="..."`.
    """
    files: dict[str, bytes] = {}

    def separate(found: re.Match[str]) -> str:
        event, code = found["event"], entities.unescape(found["code"])
        digest = hashlib.sha256(f"{event} {code}".encode()).hexdigest()[:16]
        files[f"{HANDLERS}/{digest}.js"] = _script(event, digest, code).encode()
        return f'{found["tag"]} data-on-{event}="{digest}"'

    parts = _NO_TAGS.split(html)
    for start in range(0, len(parts), 2):
        count = 1
        while count:  # an element may have several
            parts[start], count = _HANDLER.subn(separate, parts[start])
    text = "".join(parts)
    if files:
        root = _ROOT.search(html)
        text = text.replace("</head>", f"{handler_tags(text, root[1] if root else '')}</head>", 1)
    return text, files


def handler_tags(html: str, root: str) -> str:
    """The tags of the scripts that the elements of a page name.

    Args:
        html: a page, or a part of one.
        root: the way from it to the root of the site, such as `"../"`.
    """
    digests = sorted({found["digest"] for found in _HANDLED.finditer(html)})
    return "".join(f'<script defer src="{root}{HANDLERS}/{digest}.js"></script>\n' for digest in digests)


def _script(event: str, digest: str, code: str) -> str:
    return (
        f"document.addEventListener({json.dumps(event)}, (event) => {{\n"
        f"  const element = event.target.closest && event.target.closest('[data-on-{event}=\"{digest}\"]')\n"
        f"  if (element) (function () {{ {code} }}).call(element)\n"
        "})\n"
    )


def with_policy(html: str, *, scripts: tuple[str, ...] = ()) -> str:
    """A page with its policy before all that it loads; one that it has is replaced.

    Styles may be in the page, since MathJax, tables of pandas and our sliders have theirs in it: they run nothing.
    WebAssembly and workers are for pages that compute in the reader's browser.

    Args:
        html: the page, without handlers of events.
        scripts: texts of scripts that a script of the page writes into a window that it opens.
    """
    html = _POLICY.sub("", html)
    own = [
        found["script"]
        for found in _INLINE.finditer(_COMMENT.sub("", html))
        if "src=" not in found["attributes"] and not _DATA.search(found["attributes"])
    ]
    hashes = " ".join(sorted({_hash(script) for script in (*own, *scripts)}))
    live = bool(_LIVE.search(html))
    rules = {
        "default-src": "'self'",  # Firefox fetches the next page in advance
        "script-src": " ".join([_OWN, hashes, *(["'wasm-unsafe-eval'"] if live else [])]).strip(),
        "worker-src": f"{_OWN} blob:" if live else "'none'",  # from disk a worker is made of checked bytes: blob:
        "style-src": f"{_OWN} 'unsafe-inline'",
        "img-src": f"{_OWN} data: blob:",
        "font-src": f"{_OWN} data:",
        "connect-src": "'self'",
        "frame-src": _OWN,  # the speaker's view shows the slides in frames
        "form-action": _OWN,  # the search
        "base-uri": "'none'",
        "object-src": "'none'",
    }
    content = "; ".join(f"{name} {value}" for name, value in rules.items())
    tag = f'<meta http-equiv="Content-Security-Policy" content="{content}">\n'
    first = _FIRST.search(html)
    end = first.end() if first else 0
    return html[:end] + ("\n" if first else "") + tag + html[end:].removeprefix("\n" if first else "")


def _hash(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
