"""A warm start for tests that run pages: seconds less for each."""

import subprocess
import sys

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
