"""Provenance of a table: enough to reproduce it, or to explain a difference."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Mapping
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from helpers.core.files import ROOT
from helpers.profiles import Profile

PACKAGES = (
    *("captum", "matplotlib", "numpy", "pandas", "pillow", "pydantic", "pywavelets"),
    *("safetensors", "scikit-image", "timm", "torch", "torchvision"),
)


def collect_provenance(
    profile: Profile | None = None,
    *,
    device: torch.device | str = "cpu",
    data: Mapping[str, str] | None = None,
    classifier: str | None = None,
    wall_seconds: float | int | None = None,
    **more: Any,
) -> dict[str, Any]:
    """The provenance of a table, as JSON values.

    Args:
        profile: the profile of the run.
        device: the device of the run.
        data: the SHA-256 of each input, by name (an `ImageSet` has them).
        classifier: the SHA-256 of the classifier's weights (`Classifier.digest`).
        wall_seconds: seconds of computation, summed over all items of a resumed run.
        more: further entries, such as `variant="published"`.
    """
    return {
        "profile": None if profile is None else profile.name,
        "profile_digest": None if profile is None else profile.digest,
        "settings": None if profile is None else profile.model_dump(mode="json"),
        "seed": None if profile is None else profile.seed,
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "wall_seconds": None if wall_seconds is None else round(float(wall_seconds), 3),
        "data": dict(data or {}),
        "classifier": classifier,
        "machine": describe_machine(device),
        "packages": package_versions(),
        "code": git_state(),
        **more,
    }


def describe_machine(device: torch.device | str = "cpu") -> dict[str, Any]:
    """Python, platform, and the device with its name and the number of threads."""
    device = torch.device(device)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else _processor_name()
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "device": str(device),
        "device_name": name,
        "threads": torch.get_num_threads(),
    }


def package_versions() -> dict[str, str | None]:
    """The version of each package that can affect results; None for one that is not installed."""
    versions: dict[str, str | None] = {}
    for package in PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            versions[package] = None
    return versions


def git_state(folder: Path = ROOT) -> dict[str, Any]:
    """The commit, and whether files outside `results/` differ from it; None if git does not know."""
    commit = _git(folder, "rev-parse", "HEAD")
    status = _git(folder, "status", "--porcelain", "--", ".", ":(exclude)results")
    return {"commit": commit, "changed_since": None if status is None else bool(status)}


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=30, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _processor_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
