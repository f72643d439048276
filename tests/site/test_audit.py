"""The lock with hashes names the same versions; an audit that could not look packages up is no pass."""

import json
import re
import stat
import sys

import pytest

from helpers.core.files import ROOT
from helpers.site.audit import HASHED, LOCK, AuditError, audit, locked_lines, verdict

SOUND = {"name": "a", "version": "1", "vulns": []}
SKIPPED = {"name": "b", "skip_reason": "Dependency not found on PyPI and could not be audited: b (2)"}
HARMED = {"name": "c", "version": "3", "vulns": [{"id": "PYSEC-1", "fix_versions": ["4"]}]}


def test_both_locks_name_the_same_versions_for_the_same_machines():
    plain, hashed = ((ROOT / name).read_text(encoding="utf-8") for name in (LOCK, HASHED))
    assert sorted(locked_lines(plain)) == sorted(locked_lines(hashed))
    assert len(locked_lines(plain)) > 300
    entries = re.split(r"\n(?=[A-Za-z])", re.sub(r"^#.*\n", "", hashed, flags=re.MULTILINE).strip())
    assert len(entries) == len(locked_lines(hashed))
    for entry in entries:
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", entry), entry.partition("\n")[0]
    assert not re.search(r"file:|https?://(?!github\.com)|--(extra-)?index|--find-links", re.sub(r"#.*", "", hashed))


def test_the_lines_of_a_lock_without_hashes():
    text = "# a\n-e .\na==1 ; python_version < '3.11' \\\n    --hash=sha256:12 \\\n    --hash=sha256:34\nb==2\n"
    assert locked_lines(text) == ["a==1 ; python_version < '3.11'", "b==2"]


def test_a_package_that_was_not_looked_up_is_no_pass():
    assert verdict([SOUND, SOUND]) == "no known vulnerability in 2 locked packages"
    with pytest.raises(AuditError, match=r"1 of 2 packages could not be looked up \(b\), so this is no pass"):
        verdict([SOUND, SKIPPED])
    with pytest.raises(AuditError, match="0 of 0 packages"):
        verdict([])
    with pytest.raises(AuditError, match=r"c 3: PYSEC-1 \(mended in 4\)"):
        verdict([SOUND, HARMED])
    with pytest.raises(AuditError, match=r"PYSEC-1.*1 of 2 packages could not"):
        verdict([SKIPPED, HARMED])


@pytest.fixture
def program(tmp_path):
    """A pip-audit that prints what a test says."""

    def write(code):
        path = tmp_path / "pip-audit"
        path.write_text(f"#!{sys.executable}\nimport sys\n{code}\n")
        path.chmod(path.stat().st_mode | stat.S_IEXEC)
        return path

    return write


def test_the_program_gets_every_locked_version(program, tmp_path):
    (tmp_path / LOCK).write_text("# x\n-e .\na==1\nb==2 ; sys_platform == 'win32'\n")
    answer = json.dumps({"dependencies": [SOUND]})
    found = program(
        "text = open(sys.argv[sys.argv.index('--requirement') + 1]).read()\n"
        f"assert text.splitlines() == ['a==1', \"b==2 ; sys_platform == 'win32'\"], text\nprint({answer!r})"
    )
    assert audit(found, tmp_path) == "no known vulnerability in 1 locked packages"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("sys.exit('ConnectionError: api.osv.dev')", "nothing was audited.*ConnectionError: api.osv.dev"),
        ("print('[]')", "nothing was audited"),
        ("import time; time.sleep(60)", "no answer in 0 s"),
    ],
)
def test_a_failure_of_the_program_is_said(program, tmp_path, code, words):
    (tmp_path / LOCK).write_text("a==1\n")
    with pytest.raises(AuditError, match=words):
        audit(program(code), tmp_path, time_limit=0.4 if "sleep" in code else 60)
    with pytest.raises(FileNotFoundError, match="make audit"):
        audit(tmp_path / "none", tmp_path)
