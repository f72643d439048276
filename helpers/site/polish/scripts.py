"""Scripts and styles that the theme and the extensions load on every page, only where the page uses them."""

from __future__ import annotations

import re

_CLASS = r'class="(?:[^"]* )?(?:{})(?: [^"]*)?"'
USES = {
    # a script or a style, by a part of its tag: what uses it, by a pattern of the HTML
    "/mathjax/": _CLASS.format("math|tex2jax_process|mathjax_process"),
    "window.MathJax =": _CLASS.format("math|tex2jax_process|mathjax_process"),
    "/fontawesome.js": None,  # icons are in the page
    "/searchtools.js": 'id="search-results"',
    "/language_data.js": 'id="search-results"',
    "searchindex.js": 'id="search-results"',
    "/design-tabs.js": _CLASS.format("sd-tab-set"),
    "/sphinx-design.min.css": _CLASS.format(r"sd-[\w-]+"),
    "/clipboard.min.js": _CLASS.format("highlight"),
    "/copybutton.js": _CLASS.format("highlight"),
    "/copybutton.css": _CLASS.format("highlight"),
    "/togglebutton.js": _CLASS.format("toggle") + "|" + _CLASS.format("dropdown admonition|admonition dropdown"),
    "/ledger.js": 'id="ledger"',
    "/frames.js": _CLASS.format("kwm-frames"),
    "/try-it.js": 'id="playground"',
    "/try-it.css": 'id="playground"',
    "/live.js": r"<[^>]* data-live=",
}
_TAGS = re.compile(r"[ \t]*<script\b[^>]*>[^<]*</script>\n?|[ \t]*<link\b[^>]*>\n?")


def drop_unused(html: str) -> str:
    """A page without the scripts and styles of `USES` that nothing on it uses."""
    unused = [part for part, use in USES.items() if use is None or not re.search(use, html)]
    return _TAGS.sub(lambda tag: "" if any(part in tag[0] for part in unused) else tag[0], html)
