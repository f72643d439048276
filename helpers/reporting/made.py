"""The box with a table's provenance at the end of a page."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd

from helpers.results import read_provenance, read_table, results_folder

SHOWN_DIGITS = 12
LARGEST_DOWNLOAD = 200_000
"""The largest table, in bytes, that a page carries itself, so that its link works without a server."""


def how_it_was_made(profile: str, name: str, *, root: Path | None = None, **more: str) -> pd.DataFrame:
    """The provenance of the table `results/<profile>/<name>.csv` as a table with columns what and value, in HTML.

    Args:
        profile: the profile's name.
        name: the table's.
        root: another folder than the project's `results/`.
        more: further entries by name, with underscores for spaces.

    Raises:
        ValueError: the table does not exist or does not match its provenance.
    """
    provenance = read_provenance(profile, name, root=root)
    entries = _entries(provenance, profile, read_table(profile, name, root=root))
    entries |= {key.replace("_", " "): value for key, value in more.items()}
    cells = {what: escape(value) for what, value in entries.items()}
    cells["numbers"] = _numbers(results_folder(profile, root) / f"{name}.csv", profile)
    return pd.DataFrame({"what": list(cells), "value": list(cells.values())})


def _numbers(path: Path, profile: str) -> str:
    """The table's file with its digest, as a link to its content if that is small."""
    content = path.read_bytes()
    name = f"results/{profile}/{path.name}"
    if len(content) > LARGEST_DOWNLOAD:
        return f"{name} ({len(content) / 1e6:.1f} MB; in the repository, or made by its command)"
    return f'<a download="{path.name}" href="data:text/csv;base64,{base64.b64encode(content).decode()}">{name}</a>'


def _entries(provenance: Mapping[str, Any], profile: str, table: pd.DataFrame) -> dict[str, str]:
    machine, code, settings = provenance["machine"], provenance["code"], provenance["settings"] or {}
    curves = settings.get("curves") or {}
    draws = {"noise draws of the curves": f"{curves.get('draws', '–')} (corrected), 1 (published)"}
    if "fraction" not in table:  # the table has no curves
        draws = {}
    threads = f", threads: {machine['threads']}" if machine["device"] == "cpu" else ""
    changed = " with local changes" if code["changed_since"] else ""
    seconds = provenance["wall_seconds"]
    return {
        "profile": f"{profile} (digest {_short(provenance['profile_digest'])}), seed {provenance['seed']}",
        "images": _images(provenance, table),
        **draws,
        "classifier's weights": _short(provenance["classifier"]),
        "device": f"{machine['device_name'] or machine['device']}{threads}",
        "computing time": "not known" if seconds is None else f"{seconds:.0f} s, in one run or several",
        "versions": f"Python {machine['python']}, torch {provenance['packages'].get('torch')}",
        "code": f"commit {_short(code['commit'])}{changed}",
        "date": str(provenance["date"]),
        "SHA-256 of the numbers": _short(provenance["table"]["sha256"]),
    }


def _images(provenance: Mapping[str, Any], table: pd.DataFrame) -> str:
    """The number of images in the table's rows; for a table of means, the number over which they were taken."""
    if "image" in table:
        return str(table["image"].nunique())
    if "images" in table:
        counts = table["images"].astype(int)
        return f"{counts.min()} to {counts.max()}" if counts.min() != counts.max() else f"{counts.max()}"
    return str(provenance.get("images", len(provenance["data"])))


def _short(digest: str | None) -> str:
    return "not known" if digest is None else digest[:SHOWN_DIGITS]
