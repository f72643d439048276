"""A download is whole and right, or there is no file and the error says what the server did."""

import hashlib

import pytest

from benchmarks.faults.server import BrokenServer
from helpers.classifiers import downloading

CONTENT = bytes(range(256)) * 4000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
SAID = {
    "hang": "silent for 0.2 s after 0 bytes",
    "hang in the middle": "silent for 0.2 s after [1-9]",
    "reset": "reset by peer|connection after [0-9]+ of 1024000 bytes",
    "half": "ended the connection after 512000 of 1024000 bytes",
    "wrong": f"its SHA-256 begins with .*, not with {SHA256}",
    "error": "503",
    "no http": "no HTTP",
}


@pytest.fixture(scope="module")
def server():
    with BrokenServer(CONTENT) as started:
        yield started


@pytest.mark.parametrize("way", SAID)
def test_a_broken_download_ends_says_how_and_leaves_nothing(server, way, tmp_path, monkeypatch):
    monkeypatch.setattr(downloading, "SILENCE", 0.2)
    path, server.way = tmp_path / "cache/weights.pth", way
    with pytest.raises((OSError, ValueError), match=SAID[way]):
        downloading.download(f"{server.address}/weights.pth", path, SHA256, show_progress=False)
    assert not [file for file in tmp_path.rglob("*") if file.is_file()]
    server.way = "whole"
    downloading.download(f"{server.address}/weights.pth", path, SHA256[:8], show_progress=False)
    assert path.read_bytes() == CONTENT
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == [path]


def test_where_nobody_listens_the_reason_is_given(tmp_path):
    with BrokenServer(b"") as server:
        address = server.address
    with pytest.raises(OSError, match="refused"):
        downloading.download(f"{address}/weights.pth", tmp_path / "weights.pth", SHA256, show_progress=False)
