"""What an executed page says about its run: how long it took, on which day, with which versions."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = (
    "torch",
    "torchvision",
    "timm",
    "captum",
    "lightning",
    "numpy",
    "scipy",
    "pandas",
    "scikit-image",
    "pywavelets",
    "matplotlib",
)
"""The libraries whose versions are recorded; requirements.txt has all."""

_KEY = "run"


@dataclass(frozen=True)
class RunRecord:
    """The run of a page.

    Attributes:
        seconds: how long it took.
        day: the day on which it began, as in 2026-11-27.
        cores: the number of cores of the machine; None if it was not recorded.
        versions: by name, those of Python and of `PACKAGES`.
    """

    seconds: float
    day: str
    cores: int | None
    versions: dict[str, str]


def this_environment() -> dict[str, Any]:
    """The record of this interpreter's environment, for the metadata of a notebook that it runs."""
    versions = {"Python": platform.python_version()}
    for name in PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return {_KEY: {"cores": os.cpu_count(), "versions": versions}}


def read_record(notebook: Path) -> RunRecord | None:
    """The record in an executed notebook; None if it was not executed by `make book`."""
    import json

    metadata = json.loads(notebook.read_text(encoding="utf-8"))["metadata"]
    papermill = metadata.get("papermill", {})
    if not papermill.get("duration"):
        return None
    recorded = metadata.get(_KEY, {})
    python = {"Python": metadata.get("language_info", {}).get("version", "")}
    return RunRecord(
        float(papermill["duration"]),
        str(papermill["start_time"])[:10],
        recorded.get("cores"),
        recorded.get("versions", python),
    )
