"""Files: whole or absent, never torn."""

from __future__ import annotations

import os

import pytest

from helpers.core import files
from helpers.core.files import atomic_write


def test_a_file_is_written_whole_and_nothing_is_left_beside_it(tmp_path):
    atomic_write(tmp_path / "new" / "a.txt", b"first")
    atomic_write(tmp_path / "new" / "a.txt", b"second")
    assert (tmp_path / "new" / "a.txt").read_bytes() == b"second"
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.txt"]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch, step):
    atomic_write(tmp_path / "a.txt", b"old")

    def fail(*_):
        raise OSError("the disk is full")

    monkeypatch.setattr(files.os, step, fail)
    with pytest.raises(OSError, match="the disk is full"):
        atomic_write(tmp_path / "a.txt", b"new")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
def test_a_file_may_be_read_by_those_who_may_read_any_other(tmp_path):
    (tmp_path / "plain").write_bytes(b"")
    atomic_write(tmp_path / "ours", b"")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "plain").stat().st_mode
