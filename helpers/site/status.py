"""The status of the pages: when each was run, how long it took, and with which versions."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from helpers.core.files import ROOT
from helpers.site.html import toc_pages
from helpers.site.run_record import RunRecord, read_record
from helpers.site.source import is_executable, page_title

MARK = "<!-- status of the pages -->"
"""The place, on a page, of the tables that `with_status` makes."""


def with_status(text: str, page: Path, root: Path = ROOT) -> str:
    """The text of a page with the tables of runs in place of `MARK`.

    Args:
        text: the text.
        page: its path in the folder of the site, in which each executed notebook lies beside its page.
        root: the project's root.
    """
    if MARK not in text:
        return text
    site = page.parents[1]
    records: dict[str, RunRecord | None] = {}
    for name in toc_pages(root):
        notebook = (site / name).with_suffix(".ipynb")
        if is_executable(root / name):
            records[name] = read_record(notebook) if notebook.is_file() else None
    titles = {name: page_title(root / name) for name in records}
    return text.replace(MARK, status_tables(records, titles, folder=page.relative_to(site).parent))


def status_tables(records: Mapping[str, RunRecord | None], titles: Mapping[str, str], *, folder: Path) -> str:
    """Markdown: a summary, the versions, and a row for each page.

    Args:
        records: by page, such as `book/wavelets.md`, its run; None where it is not known.
        titles: the pages' titles.
        folder: the folder of the page that shows the tables, from which links lead.
    """
    known = {name: record for name, record in records.items() if record is not None}
    if not known:
        return "This copy of the book was not built by `make book`, so that nothing is known of the runs of its pages."
    total, days = sum(record.seconds for record in known.values()), sorted({record.day for record in known.values()})
    cores = sorted({record.cores for record in known.values() if record.cores})
    slowest = max(known, key=lambda name: known[name].seconds)
    machine = f", on a machine with {' or '.join(map(str, cores))} cores" if cores else ""
    when = days[0] if len(days) == 1 else f"from {days[0]} to {days[-1]}"
    parts = [
        f"{len(known)} of {len(records)} pages with code were run {when}{machine}. Together they took "
        f"{_minutes(total)}. The slowest one is {_link(slowest, titles, folder)}, with {known[slowest].seconds:.0f} "
        "seconds.",
        _versions([record.versions for record in known.values()]),
        "| page | day | seconds |\n|:---|:---|---:|",
    ]
    rows = [_row(name, record, titles, folder) for name, record in records.items()]
    return "\n\n".join(parts) + "\n" + "\n".join([*rows, f"| **all** | | **{total:.0f}** |"])


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.0f} minutes" if seconds >= 120 else f"{seconds:.0f} seconds"


def _versions(versions: list[dict[str, str]]) -> str:
    """A table of the versions; several in a cell if pages were run with different ones."""
    names = list(dict.fromkeys(name for each in versions for name in each))
    rows = [f"| {name} | {', '.join(sorted({each[name] for each in versions if name in each}))} |" for name in names]
    return "| library | version |\n|:---|:---|\n" + "\n".join(rows)


def _row(name: str, record: RunRecord | None, titles: Mapping[str, str], folder: Path) -> str:
    day, seconds = (record.day, f"{record.seconds:.0f}") if record else ("not known", "")
    return f"| {_link(name, titles, folder)} | {day} | {seconds} |"


def _link(name: str, titles: Mapping[str, str], folder: Path) -> str:
    title = titles[name].replace("|", "\\|").replace("[", "\\[").replace("]", "\\]")
    return f"[{title}]({Path(os.path.relpath(name, folder)).as_posix()})"
