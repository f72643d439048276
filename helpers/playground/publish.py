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
INDEX = "files.json"
_DISK = "disk"


def publish_playground(html: Path, root: Path = ROOT) -> Path | None:
    """Copy what runs in the browser into the built book.

    A page served over http fetches plain files. A page opened from disk may not; for it, each file is also a classic
    script that hands over the bytes in base64: `disk/<path>.js`.

    Args:
        html: the folder of the built book.
        root: the clone.

    Returns:
        The folder in the book; None if scripts or networks were not built.
    """
    if not can_be_live(root):
        return None
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
