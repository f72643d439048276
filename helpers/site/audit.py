"""The locked packages compared with PyPI's advisories, by pip-audit: what it could not look up is no pass."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from helpers.core.files import ROOT

LOCK, HASHED = "requirements.txt", "requirements-hashed.txt"
"""The locked versions, and the same with the SHA-256 of each file of each package."""

_SHOWN = 5


class AuditError(ValueError):
    """A locked package has a known vulnerability, or some could not be looked up; the message has them."""

    exit_status = 1  # no mistake of the command's user


def locked_lines(text: str) -> list[str]:
    """The requirements in the text of a lock file, without hashes, comments and the project itself."""
    joined = text.replace("\\\n", " ")
    lines = (line.partition(" --hash=")[0].strip() for line in joined.splitlines())
    return [" ".join(line.split()) for line in lines if line and not line.startswith(("#", "-"))]


def audit(program: Path, root: Path = ROOT, *, time_limit: int | float = 900) -> str:
    """Look up every locked package that this Python would install.

    Args:
        program: pip-audit.
        root: the clone.
        time_limit: seconds.

    Returns:
        A line that says how many were looked up.

    Raises:
        FileNotFoundError: there is no such program.
        AuditError: there are vulnerabilities, or a package could not be looked up.
    """
    if not program.is_file():
        raise FileNotFoundError(f"there is no pip-audit at {program}; `make audit` installs it there")
    with tempfile.TemporaryDirectory() as folder:
        locked = Path(folder) / LOCK
        locked.write_text("\n".join(locked_lines((root / LOCK).read_text(encoding="utf-8"))) + "\n", encoding="utf-8")
        options = ["--no-deps", "--disable-pip", "--progress-spinner=off", "--format=json"]
        command = [str(program), "--requirement", str(locked), *options]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=time_limit)
        except subprocess.TimeoutExpired as error:
            raise AuditError(
                f"pip-audit gave no answer in {time_limit:.0f} s, so nothing is known; try again"
            ) from error
    try:
        found = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError, TypeError) as error:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise AuditError(f"nothing was audited, since pip-audit failed: {last}") from error
    return verdict(found)


def verdict(found: Sequence[Mapping[str, Any]]) -> str:
    """A line on pip-audit's answer for each package.

    Raises:
        AuditError: as of `audit`.
    """
    harmed = [f"{each['name']} {each['version']}: {_advisories(each)}" for each in found if each.get("vulns")]
    skipped = [each["name"] for each in found if "skip_reason" in each]
    problems = [f"known vulnerabilities in {len(harmed)} packages:\n  " + "\n  ".join(harmed)] if harmed else []
    if skipped or not found:
        names = f"{', '.join(skipped[:_SHOWN])}{' …' if len(skipped) > _SHOWN else ''}"
        problems.append(
            f"{len(skipped)} of {len(found)} packages could not be looked up ({names or 'none is locked'}), so this is "
            "no pass; PyPI's advisories (https://pypi.org/pypi/NAME/VERSION/json) cannot be reached from here, or a "
            "mirror stands before them that has none"
        )
    if problems:
        raise AuditError("; ".join(problems))
    return f"no known vulnerability in {len(found)} locked packages"


def _advisories(package: Mapping[str, Any]) -> str:
    """A package's advisories, each with the versions that mend it."""
    return ", ".join(
        f"{each['id']} (mended in {', '.join(each['fix_versions']) or 'no version yet'})" for each in package["vulns"]
    )
