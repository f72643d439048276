"""The how-to of the page on metrics: its code runs as it stands."""

import re

import pytest
import torch
from torch import nn

from helpers.benchmark import Case, Trial, find_metric, maps_of
from helpers.benchmark.examination import KNOWN_ORDER, OCCLUSION, TWIN
from helpers.benchmark.methods import load_contestant
from helpers.benchmark.registry import METRICS
from helpers.benchmark.report import DECIDING
from helpers.core.files import ROOT

PAGE = (ROOT / "book/metrics.md").read_text(encoding="utf-8")
METRIC, METHOD = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def case():
    network = nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 10))
    return Case(network, torch.rand(2, 3, 32, 32), torch.tensor([1, 2]))


def test_a_metric_of_ones_own(case):
    try:
        exec(compile(METRIC, "the page", "exec"), {})
        maps = torch.zeros(2, 32, 32)
        maps[0, :16], maps[1, :8] = 1.0, 0.3
        assert find_metric("half-area").metric(Trial(case, maps)).tolist() == [0.5, 0.25]
        assert find_metric("half-area").goodness(Trial(case, maps)).tolist() == [-0.5, -0.25]
    finally:
        METRICS.pop("half-area", None)


def test_a_method_of_ones_own(case, tmp_path):
    (tmp_path / "mine.py").write_text(METHOD, encoding="utf-8")
    assert "--methods mine.py:Mine" in PAGE
    assert maps_of(load_contestant(f"{tmp_path}/mine.py:Mine"), case).shape == (2, 32, 32)


def test_the_page_has_the_pass_marks():
    described = re.findall(r"^\| ([a-z-]+) \|", PAGE, re.MULTILINE)
    assert tuple(described) == ("test", *DECIDING)
    assert (KNOWN_ORDER, OCCLUSION, TWIN) == (0.9, 0.8, 1e-6)
    assert "at least 0.9" in PAGE
    assert "at least 0.8" in PAGE
    assert "one millionth" in PAGE
