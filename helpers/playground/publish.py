"""Networks and scripts in the built book: each with its SHA-256, and in base64 for pages opened from disk."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
from pathlib import Path

from helpers.core.files import ROOT, atomic_write
from helpers.site.html import BUNDLES, EXPORTS, can_be_live

FOLDER = "_static/playground"
MANIFEST = "models/manifest.json"
INDEX = "files.json"
_DISK = "disk"


class DamagedExportError(ValueError):
    """The networks that were built are not those of their manifest."""

    exit_status = 1  # no mistake of the command's user


def publish_playground(html: Path, root: Path = ROOT) -> Path | None:
    """Copy what runs in the browser into the built book.

    A page served over http fetches plain files. A page opened from disk may not; for it, each file is also a classic
    script that hands over the bytes in base64: `disk/<path>.js`.

    Args:
        html: the folder of the built book.
        root: the clone.

    Returns:
        The folder in the book; None if scripts or networks were not built.

    Raises:
        DamagedExportError: a network is missing or not the one that was compared with PyTorch; nothing is copied.
    """
    if not can_be_live(root):
        return None
    check_networks(root / EXPORTS / MANIFEST)
    folder = html / FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(root / BUNDLES, folder, ignore=shutil.ignore_patterns(".*"))
    shutil.copytree(root / EXPORTS, folder, ignore=shutil.ignore_patterns(".*"), dirs_exist_ok=True)
    names = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    # pages load the scripts of the top folder by tags, and read no bytes of them
    files = {name: (folder / name).read_bytes() for name in sorted(names) if "/" in name}
    facts = {
        name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()} for name, content in files.items()
    }
    files[INDEX] = json.dumps(facts, indent=1).encode()
    atomic_write(folder / INDEX, files[INDEX])
    for name, content in files.items():
        script = f'keepWhatMattersFile("{name}","{base64.b64encode(content).decode()}")\n'
        path = folder / _DISK / f"{name}.js"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(script, encoding="ascii")
    return folder


def check_networks(manifest: Path) -> None:
    """Check the files beside a manifest, as `python -m helpers playground` wrote it, against their SHA-256.

    Raises:
        DamagedExportError: the manifest is none, or a file is missing or another one; the message says how to make it.
    """
    again = "python -m helpers playground"
    try:
        entries = [
            (model["name"], model["file"], model["sha256"]) for model in json.loads(manifest.read_bytes())["models"]
        ]
    except (ValueError, KeyError, TypeError) as error:
        raise DamagedExportError(f"{manifest} is not a manifest of networks; make it again: {again}") from error
    for name, file, digest in entries:
        path = manifest.parent / file
        if not path.is_file():
            raise DamagedExportError(f"{path} is missing; make it again: {again} --only {name}")
        if hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            raise DamagedExportError(f"{path} is not the file of its manifest; make it again: {again} --only {name}")
