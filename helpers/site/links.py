"""Links to other sites: Sphinx follows each of them, and a report tells which lead nowhere."""

from __future__ import annotations

import json
import re
from pathlib import Path

from helpers.core.files import ROOT, atomic_write
from helpers.site.html import BuildError, assemble, run_jupyter_book

REPORT = "_build/reports/links.txt"


def follow_links(root: Path = ROOT) -> Path:
    """Follow the links of all pages; `linkcheck_ignore` in `_config.yml` has addresses that refuse programs.

    Returns:
        The report, `_build/reports/links.txt`: each address with its state, and the pages that link to it.

    Raises:
        BuildError: a link leads nowhere, no site answered at all, or the pages could not be read.
    """
    site = assemble(root)
    process = run_jupyter_book(site, "--builder", "linkcheck", root=root)
    found = site / "_build/linkcheck/output.json"
    if not found.is_file():
        raise BuildError(f"the links could not be followed.\n\n{process.stdout}")
    rows = [json.loads(line) for line in found.read_text(encoding="utf-8").splitlines()]
    atomic_write(root / REPORT, link_report(rows).encode())
    lost = sorted({row["uri"] for row in rows if row["status"] in ("broken", "timeout")})
    if lost and not any(map(_answered, rows)):
        raise BuildError(
            f"none of {len(lost)} addresses answered: this machine seems to have no connection to the internet, which "
            f"`make links` needs ({REPORT} has the reasons)"
        )
    if lost:
        raise BuildError(f"these links lead nowhere, or their sites did not answer ({REPORT}):\n" + "\n".join(lost))
    return root / REPORT


def _answered(row: dict[str, object]) -> bool:
    """Whether a site said anything, be it that it has no such page."""
    found = row["status"] in ("working", "redirected")
    return found or re.match(r"\d{3} (Client|Server) Error", str(row.get("info") or "")) is not None


def link_report(rows: list[dict[str, object]]) -> str:
    """The states of links as text, broken ones first.

    Args:
        rows: what Sphinx found: `uri`, `status`, `info`, and `filename`, the page.
    """
    pages: dict[tuple[str, str, str], set[str]] = {}
    for row in rows:
        if str(row["uri"]).startswith("http"):  # others lead to pages of this book, which tests follow
            key = str(row["status"]), str(row["uri"]), str(row.get("info") or "")
            pages.setdefault(key, set()).add(str(row["filename"]))
    order = ("broken", "timeout", "redirected", "working", "unchecked", "ignored")
    ranked = sorted(pages.items(), key=lambda item: (order.index(item[0][0]) if item[0][0] in order else 0, item[0]))
    lines = [
        f"{status:10} {uri}\n" + (f"{'':10} {info}\n" if info else "") + f"{'':10} in {', '.join(sorted(where))}\n"
        for (status, uri, info), where in ranked
    ]
    return "".join(lines)
