"""The harness of faults: one of each kind; `make soak` runs 200 at random moments."""

from __future__ import annotations

import os
import sys

import pytest

from benchmarks.faults import __main__ as faults

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="forks")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_study_survives_a_fault_of_each_kind():
    from benchmarks.faults.kinds import KINDS

    kinds = [name for name in KINDS if "disk full" not in name or not os.geteuid()]
    rows = [row for name in kinds for row in faults.run(1, 0, [name])]
    assert [row.kind for row in rows] == kinds
    for row in rows:
        assert row.recovered, row
        assert row.same, row
        assert row.said, row
        assert not row.redone, row


def test_the_table_counts_what_went_wrong():
    good = faults.Row("worker killed (-9)", "at 3 of 8 items", True, True, 0, 2, True, "own: 3 of 8 are stored", 1.0)
    bad = faults.Row("disk full", "after 2 items", True, False, 1, 0, False, "Traceback", 2.0)
    lines = faults.table([good, good, bad]).splitlines()
    assert lines[1].split()[3:] == ["2", "2", "2", "0", "4", "2", "3", "of", "8", "are", "stored"]
    assert lines[-1].split() == ["all", "3", "3", "2", "1", "4", "2"]
