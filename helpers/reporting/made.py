"""The box with a table's provenance at the end of a page."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from helpers.results import read_provenance

SHOWN_DIGITS = 12


def how_it_was_made(profile: str, name: str, *, root: Path | None = None, **more: str) -> pd.DataFrame:
    """The provenance of the table `results/<profile>/<name>.csv` as a table with columns what and value.

    Args:
        profile: the profile's name.
        name: the table's.
        root: another folder than the project's `results/`.
        more: further entries by name, with underscores for spaces.

    Raises:
        ValueError: the table does not exist or does not match its provenance.
    """
    provenance = read_provenance(profile, name, root=root)
    entries = {**_entries(provenance, profile, name), **{key.replace("_", " "): value for key, value in more.items()}}
    return pd.DataFrame({"what": list(entries), "value": list(entries.values())})


def _entries(provenance: Mapping[str, Any], profile: str, name: str) -> dict[str, str]:
    machine, code, settings = provenance["machine"], provenance["code"], provenance["settings"] or {}
    curves = settings.get("curves") or {}
    draws = {"noise draws of the curves": f"{curves.get('draws', '–')} (corrected), 1 (published)"}
    if "dataset" in provenance or "source" in provenance:  # class masks and SpaCE-VAE have no curves
        draws = {}
    threads = f", threads: {machine['threads']}" if machine["device"] == "cpu" else ""
    changed = " with local changes" if code["changed_since"] else ""
    seconds = provenance["wall_seconds"]
    return {
        "profile": f"{profile} (digest {_short(provenance['profile_digest'])}), seed {provenance['seed']}",
        "images": str(provenance.get("images", len(provenance["data"]))),
        **draws,
        "classifier's weights": _short(provenance["classifier"]),
        "device": f"{machine['device_name'] or machine['device']}{threads}",
        "computing time": "not known" if seconds is None else f"{seconds:.0f} s, in one run or several",
        "versions": f"Python {machine['python']}, torch {provenance['packages'].get('torch')}",
        "code": f"commit {_short(code['commit'])}{changed}",
        "date": str(provenance["date"]),
        "numbers": f"results/{profile}/{name}.csv (SHA-256 {_short(provenance['table']['sha256'])})",
    }


def _short(digest: str | None) -> str:
    return "not known" if digest is None else digest[:SHOWN_DIGITS]
