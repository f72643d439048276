"""A command's output in a file as well."""

import sys

import pytest

from helpers.__main__ import main
from helpers.core.logs import logged


def test_both_streams_go_to_the_file_too(tmp_path, capsys):
    log = tmp_path / "new/folder/job.log"
    with logged(log):
        print("a number: λ = 4")
        print("a warning", file=sys.stderr)
        sys.stderr.writelines(["one\n", "two\n"])
        assert "two" in log.read_text(), "written at once, for a job that is killed later"
    print("after")
    assert log.read_text(encoding="utf-8") == "a number: λ = 4\na warning\none\ntwo\n"
    seen = capsys.readouterr()
    assert (seen.out, seen.err) == ("a number: λ = 4\nafter\n", "a warning\none\ntwo\n")


def test_the_stream_is_still_a_terminal(tmp_path, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with logged(tmp_path / "log"):
        assert sys.stderr.isatty()


def test_the_error_of_a_command_is_in_the_log(tmp_path, capsys):
    log = tmp_path / "log"
    with pytest.raises(SystemExit):
        main(["--log", str(log), "table", "curvs"])
    assert "there is no table 'curvs'" in log.read_text()
    assert log.read_text() == capsys.readouterr().err


def test_a_traceback_is_in_the_log(tmp_path):
    with pytest.raises(RuntimeError), logged(tmp_path / "log"):
        raise RuntimeError("no such luck")
    assert "RuntimeError: no such luck" in (tmp_path / "log").read_text()


def test_without_a_file_nothing_changes():
    stream = sys.stderr
    with logged(None):
        assert sys.stderr is stream
