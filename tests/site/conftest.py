"""A warm start for tests that run pages, seconds less for each; and the built book, served to a browser."""

import functools
import http.server
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from helpers.core.files import ROOT
from helpers.site import warm
from helpers.site.html import COMPLETE

HTML = ROOT / "_build/html"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
START = (
    "import os, sys, time; from helpers.site import warm; warm.start_server();"
    "print(os.environ[warm.ADDRESS], flush=True);"
)


@pytest.fixture(scope="session")
def build():
    """A process that stands for a build: it has started the server, and lives until its standard input ends."""
    command = [sys.executable, "-c", START + "sys.stdin.read()"]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    yield process.stdout.readline().strip()
    process.communicate()


@pytest.fixture
def server(build, monkeypatch):
    """The server's address, in the environment as in a job of a build."""
    monkeypatch.setenv(warm.ADDRESS, build)
    return build


@pytest.fixture(scope="session")
def html() -> Path:
    """The built book, built now where it is not there yet."""
    if not (ROOT / COMPLETE).exists():
        command = [sys.executable, "-m", "snakemake", "--cores", "all", "--nolock", "--rerun-incomplete", "html"]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return HTML


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture(scope="session")
def address(html) -> str:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(html)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def browser():
    """Ends with its module: while Playwright runs in a thread, nothing else in it may run an event loop."""
    executable = next(filter(None, map(shutil.which, BROWSERS)), None)
    if executable is None:
        pytest.skip("needs a browser: none of " + ", ".join(BROWSERS) + " is on this machine (.ci/run installs one)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        flags = ["--no-sandbox"] if hasattr(os, "getuid") and os.getuid() == 0 else []
        started = playwright.chromium.launch(executable_path=executable, args=flags)
        yield started
        started.close()


@pytest.fixture(scope="module")
def context(browser):
    """One cache for all pages: the scripts and fonts that they share are loaded once."""
    opened = browser.new_context()
    opened.set_default_timeout(120_000)  # a busy machine
    yield opened
    opened.close()
