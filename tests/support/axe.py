"""axe-core in a page that a browser shows: violations of its rules, as readable lines."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import axe_playwright_python

COLOURS = ("color-contrast", "link-in-text-block")
"""The rules whose result depends on the colours: all that can change between light and dark."""

SIZES = ("scrollable-region-focusable", "target-size", "definition-list", "dlitem")
"""The rules whose result depends on whole elements, so that it is another one where parts are missing."""

# All rules but those of WCAG's level AAA, such as a contrast of 7:1. Experimental ones count.
_RUN = """async ([chosen, judged]) => {
    const all = axe.getRules().filter(rule => !rule.tags.includes('wcag2aaa')).map(rule => rule.ruleId);
    const values = all.filter(rule => chosen.includes(rule) == judged);
    const result = await axe.run({runOnly: {type: 'rule', values}, resultTypes: ['violations'], elementRef: false});
    return result.violations.flatMap(rule => rule.nodes.map(
        node => `${rule.id}: ${node.target} ${node.html.slice(0, 120)} ${node.failureSummary.split('\\n')[1].trim()}`));
}"""
# Elements alike are of the same kind inside elements of the same kinds: style sheets give them the same colours.
_THIN = """() => {
    const seen = {}, kinds = new Map();
    const own = e => e.localName + '.' + (e.getAttribute('class') || '') + (e.getAttribute('style') || '');
    const kind = e => {
        if (!kinds.has(e)) kinds.set(e, e == document.body ? '' : kind(e.parentElement) + '>' + own(e));
        return kinds.get(e);
    };
    const visit = e => {
        const inside = [e, ...e.querySelectorAll('*')].map(kind);
        if (inside.every(name => seen[name] >= 2)) return e.remove();
        seen[kind(e)] = (seen[kind(e)] || 0) + 1;
        [...e.children].forEach(visit);
    };
    document.querySelectorAll('mjx-container, script, noscript').forEach(e => e.remove());
    [...document.body.children].forEach(visit);
}"""
_STILL = "*, *::before, *::after { transition: none !important; animation: none !important }"


@lru_cache
def _script() -> str:
    return (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")


def prepare(tab: Any) -> None:
    """Load axe-core into the page that a tab shows, with colours that do not fade into each other."""
    tab.add_style_tag(content=_STILL)
    tab.evaluate(_script())


def thin_out(tab: Any) -> None:
    """Leave two elements of each kind in a page: what depends on the kind is then judged in a tenth of the time."""
    tab.evaluate(_THIN)


def violations(tab: Any, colours: bool) -> list[str]:
    """Each violation of a rule of WCAG A or AA, or of good practice, as `rule: element, what is wrong`.

    Args:
        tab: a page that was prepared.
        colours: the rules of `COLOURS`, or all others.
    """
    chosen = COLOURS if colours else (*COLOURS, "definition-list", "dlitem")  # the last two: in `size_violations`
    found: list[str] = tab.evaluate(_RUN, [list(chosen), colours])
    return found


def size_violations(tab: Any) -> list[str]:
    """Each violation of a rule of `SIZES`, as `violations` reports them."""
    found: list[str] = tab.evaluate(_RUN, [list(SIZES), True])
    return found
