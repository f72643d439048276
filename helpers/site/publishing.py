"""The commands for publishing: the book as one PDF, its links to other sites, and its prose."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path


def add_publishing_commands(add: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the commands for publishing.

    Args:
        add: adds a command by name, handler, summary and details, and returns its parser.
    """
    pdf = add("pdf", _pdf, "print the built book into one PDF, which needs Chromium")
    pdf.add_argument("--output", type=Path, help="the file to write; default: _build/keep-what-matters.pdf")
    add("words", _words, "check the words of all pages by the rules of book/words.yaml")
    add("links", _links, "follow the links of all pages to other sites")
    audit = add("audit", _audit, "compare the locked versions of all packages with PyPI's advisories, by pip-audit")
    audit.add_argument("--program", type=Path, default=Path("_build/audit/bin/pip-audit"), help="pip-audit's program")


def _pdf(options: argparse.Namespace) -> None:
    from helpers.site.pdf import make_pdf

    print(make_pdf(output=options.output))


def _links(options: argparse.Namespace) -> None:
    from helpers.site.links import follow_links

    print(follow_links())


def _audit(options: argparse.Namespace) -> None:
    from helpers.site.audit import audit

    print(audit(options.program))


def _words(options: argparse.Namespace) -> None:
    from helpers.core.files import ROOT
    from helpers.site.prose import prose_faults

    if faults := prose_faults(sorted((ROOT / "book").rglob("*.md"))):
        raise ValueError("pages use words that book/words.yaml replaces:\n" + "\n".join(faults))
