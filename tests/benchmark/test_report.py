"""The examination in words."""

import pandas as pd
import pytest

from helpers.__main__ import main
from helpers.benchmark.report import examination_text, verdicts
from helpers.results import write_table

ROWS = [
    ("good", "order", 0.98, True, True, 64),
    ("good", "silence", 1.0, True, True, 64),
    ("good", "lunch-blur", 0.8, False, True, 64),
    ("bad", "order", 0.5, False, False, 64),
    ("bad", "silence", 1.0, True, True, 64),
    ("bad", "twin", 1e-8, True, True, 12),
]


@pytest.fixture
def table():
    return pd.DataFrame(ROWS, columns=["metric", "test", "statistic", "passed", "decided", "n"])


def test_verdicts_decide_by_the_tests_that_decide(table):
    words = verdicts(table)
    assert words.index.tolist() == ["good", "bad"]
    assert words.columns.tolist() == ["order", "silence", "twin", "lunch-blur", "admitted"]
    assert words.loc["good"].tolist() == ["pass", "pass", "", "FAIL", True]
    assert words.loc["bad"].tolist() == ["FAIL?", "pass", "pass", "", False]


def test_the_command_shows_those_that_fail_failing(table, tmp_path, capsys):
    write_table(table, "benchmark", "metric-examination", {}, root=tmp_path)
    main(["metrics", "--results", str(tmp_path)])
    text = capsys.readouterr().out
    assert text.strip() == examination_text(table)
    assert "0.5 FAIL?" in text
    assert "1 of 2 metrics are admitted, on 64 images: good." in text
