"""A download that ends: whole and with the expected hash, or with an error that says what the server did."""

from __future__ import annotations

import hashlib
import http.client
import urllib.request
from pathlib import Path

from tqdm.auto import tqdm

from helpers.core.files import atomic_file

SILENCE = 30.0
"""The seconds without a byte after which a server counts as hanging; torch.hub would wait for ever."""

_BLOCK = 1 << 18


def download(url: str, path: Path, sha256: str, *, show_progress: bool = True) -> None:
    """Download a file, which appears at its path only if it is whole and has the expected hash.

    Args:
        url: of the file.
        path: where it goes; the folder is created.
        sha256: the first digits of its SHA-256, or all.
        show_progress: show a bar that counts bytes.

    Raises:
        OSError: the server cannot be reached, is silent for `SILENCE` seconds, or ends the connection too early.
        ValueError: the whole file has another hash.
    """
    digest, received = hashlib.sha256(), 0
    request = urllib.request.Request(url, headers={"User-Agent": "keep-what-matters"})
    try:
        with urllib.request.urlopen(request, timeout=SILENCE) as answer, atomic_file(path) as file:
            length = int(answer.headers["Content-Length"]) if "Content-Length" in answer.headers else None
            with tqdm(total=length, desc=path.name, unit="B", unit_scale=True, disable=not show_progress) as bar:
                while block := answer.read(_BLOCK):
                    file.write(block)
                    digest.update(block)
                    received += len(block)
                    bar.update(len(block))
            if length is not None and received < length:
                raise ConnectionError(f"the server ended the connection after {received} of {length} bytes")
            if not digest.hexdigest().startswith(sha256.lower()):
                raise ValueError(f"its SHA-256 begins with {digest.hexdigest()[: len(sha256)]}, not with {sha256}")
    except TimeoutError as error:
        raise TimeoutError(f"the server was silent for {SILENCE:g} s after {received} bytes") from error
    except http.client.HTTPException as error:
        raise ConnectionError(f"the server's answer is no HTTP, or breaks off: {error!r}") from error
