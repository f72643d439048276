"""A warm start for tests that run pages, seconds less for each; and the built book, served to a browser."""

import functools
import http.server
import subprocess
import sys
import threading

import pytest

from helpers.core.files import ROOT
from helpers.site import warm

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
def context(browser):
    """One cache for all pages: the scripts and fonts that they share are loaded once."""
    opened = browser.new_context()
    opened.set_default_timeout(120_000)  # a busy machine
    yield opened
    opened.close()
