"""The box that says how a page's numbers were made, read from a table's provenance."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from helpers.results import read_provenance

SHOWN_DIGITS = 12


def how_it_was_made(profile: str, name: str, *, root: Path | None = None, **more: str) -> pd.DataFrame:
    """What made the table `results/<profile>/<name>.csv`: one row per fact, columns what and value.

    Args:
        profile: the profile's name.
        name: the table's.
        root: another folder than the project's `results/`.
        more: further facts, by name (underscores are read as spaces).

    Raises:
        ValueError: the table is not there, or is not the one that its provenance belongs to.
    """
    about = read_provenance(profile, name, root=root)
    facts = {**_facts(about, profile, name), **{key.replace("_", " "): value for key, value in more.items()}}
    return pd.DataFrame({"what": list(facts), "value": list(facts.values())})


def _facts(about: Mapping[str, Any], profile: str, name: str) -> dict[str, str]:
    machine, code, settings = about["machine"], about["code"], about["settings"] or {}
    curves = settings.get("curves") or {}
    draws = {"noise draws of the curves": f"{curves.get('draws', '–')} (corrected), 1 (published)"}
    threads = f", threads: {machine['threads']}" if machine["device"] == "cpu" else ""
    changed = " with local changes" if code["changed_since"] else ""
    seconds = about["wall_seconds"]
    return {
        "profile": f"{profile} (digest {_short(about['profile_digest'])}), seed {about['seed']}",
        "images": str(about.get("images", len(about["data"]))),
        **({} if "dataset" in about or "source" in about else draws),  # class masks and SpaCE-VAE have no curves
        "classifier's weights": _short(about["classifier"]),
        "device": f"{machine['device_name'] or machine['device']}{threads}",
        "computing time": "not known" if seconds is None else f"{seconds:.0f} s, in one run or several",
        "versions": f"Python {machine['python']}, torch {about['packages'].get('torch')}",
        "code": f"commit {_short(code['commit'])}{changed}",
        "date": str(about["date"]),
        "numbers": f"results/{profile}/{name}.csv (SHA-256 {_short(about['table']['sha256'])})",
    }


def _short(digest: str | None) -> str:
    return "not known" if digest is None else digest[:SHOWN_DIGITS]
