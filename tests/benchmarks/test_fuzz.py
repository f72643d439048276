"""Some hundred inputs of each run of the tests: refused clearly or explained rightly. `make soak` has the thousands."""

import csv
import re

import pytest
import torch

from benchmarks.fuzz.__main__ import write
from benchmarks.fuzz.case import Case, judge
from benchmarks.fuzz.run import KINDS, Row, Worker, counts, fuzz, table
from helpers.core.inputs import checked_images

QUICK = [kind for kind in KINDS if kind not in {"decompression bombs", "python -m helpers explain"}]


def test_three_hundred_inputs():
    rows = fuzz(300, seed=3, kinds=QUICK)
    assert [fault for row in rows for fault in row.faults] == []
    assert sum(row.inputs for row in rows) == 300
    assert max(row.bytes for row in rows) < 1e9
    assert sum(row.accepted for row in rows) > 60
    assert sum(row.refused for row in rows) > 60


def verdict(call, due="either", wrong=lambda result: None):
    return judge(Case("a test", due, call, wrong))


def test_the_judge_knows_a_clear_refusal_from_others(unchecked):
    batch = torch.zeros(2, 3, 4, 4)
    assert verdict(lambda: checked_images(batch[0]))[0] == "refused"
    for call in (
        lambda: int("x"),
        lambda: {}["a"],
        lambda: torch.zeros(2) + torch.zeros(3),
        lambda: 1 / 0,
        lambda: [].pop(),
    ):
        assert verdict(call)[0] == "unclear"
    assert verdict(lambda: checked_images(batch), "refuse") == ("unclear", "accepted, though it is broken")
    assert verdict(lambda: checked_images(batch[0]), "accept")[1].startswith("refused, though it is in order")
    assert verdict(lambda: 3, "accept", lambda number: f"it is {number}") == ("unclear", "accepted, but it is 3")


@pytest.mark.slow
def test_a_hanging_and_a_dead_process_are_found():
    worker = Worker()
    assert worker.ask("pictures, whole", 0, limit=0.0) == "it hung for 0 s"  # and was ended
    assert worker.ask("pictures, whole", 0, limit=60) == "the process had ended with status -9"


def test_all_kinds_have_a_share_and_a_wrong_name_is_refused():
    numbers = counts(10_000)
    assert sum(numbers.values()) == 10_000
    assert set(numbers) == set(KINDS)
    assert min(numbers.values()) > 90
    with pytest.raises(ValueError, match="did you mean 'uploads'"):
        counts(10, ["upload"])


def test_the_table_is_printed_and_written(tmp_path):
    rows = [Row("uploads", 3, 4, 0, 0.5, 2_000_000), Row("weights", 1, 0, 1, 1.25, 0, ["weights 1 (x): it hung"])]
    assert re.search(r"^all +9 +4 +4 +1 +1\.25 +2$", table(rows), re.MULTILINE)
    write(rows, tmp_path / "table.csv")
    found = list(csv.DictReader((tmp_path / "table.csv").read_text().splitlines()))
    assert [row["kind"] for row in found] == ["uploads", "weights"]
    assert found[0]["most_mb"] == "2"


def test_the_committed_table_has_all_kinds_and_nothing_unclear(root):
    rows = list(csv.DictReader((root / "benchmarks/fuzz/table.csv").read_text().splitlines()))
    assert [row["kind"] for row in rows] == list(KINDS)
    assert sum(int(row["inputs"]) for row in rows) == 10_000
    assert {row["unclear"] for row in rows} == {"0"}
    assert max(float(row["longest_s"]) for row in rows) < 60
