"""The how-to "Add a method, add a metric": its code runs as it stands, from one block to the next."""

import re
from pathlib import Path

import pytest
import torch
from torch import nn

from helpers.__main__ import main
from helpers.benchmark import Case, Trial, find_metric, maps_by
from helpers.benchmark.examination import KNOWN_ORDER, OCCLUSION, TWIN
from helpers.benchmark.registry import METRICS
from helpers.benchmark.report import DECIDING
from helpers.core.files import ROOT

PAGE = (ROOT / "book/metrics.md").read_text(encoding="utf-8")
HOW_TO = (ROOT / "book/add-a-method.md").read_text(encoding="utf-8")
METHOD, READ, LINE, METRIC, TRY = re.findall(r"^```python\n(.*?)^```$", HOW_TO, re.MULTILINE | re.DOTALL)
COMMANDS = re.findall(r"^```bash\npython -m helpers (.*?)\n```$", HOW_TO, re.MULTILINE | re.DOTALL)


@pytest.fixture
def case():
    network = nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 10))
    return Case(network, torch.rand(2, 3, 32, 32), torch.tensor([1, 2]))


def test_a_metric_of_ones_own(case):
    names = {}
    try:
        exec(compile(METRIC, "the page", "exec"), names)
        maps = torch.zeros(2, 32, 32)
        maps[0, :16], maps[1, :8] = 1.0, 0.3
        assert find_metric("half-area").metric(Trial(case, maps)).tolist() == [0.5, 0.25]
        assert find_metric("half-area").goodness(Trial(case, maps)).tolist() == [-0.5, -0.25]
        exec(compile(TRY, "the page", "exec"), names)
        assert names["tried"]["everything"] == 1
        assert 0 < names["tried"]["integrated-gradients"] < names["tried"]["explainer"] < 1
    finally:
        METRICS.pop("half-area", None)


def test_a_method_of_ones_own(case, tmp_path, monkeypatch, capsys):
    """The page's commands in a folder of the reader's, on two scenes."""
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(METHOD, encoding="utf-8")
    assert COMMANDS == ["benchmark --methods mine.py:Mine", "benchmark --methods mine.py:Mine --save scores"]
    main([*COMMANDS[1].split(), "--scenes", "2"])
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()[:2]] == ["method", "Mine"]
    names = {}
    exec(compile(METHOD + READ + LINE, "the page", "exec"), names)
    assert {"Mine", "grad-cam"} < set(names["means"].index)
    assert names["maps"].shape == (2, 64, 64)
    maps = maps_by(names["Mine"](case.classifier), case, "Mine")
    weights = case.classifier[1].weight[case.targets].detach().view(2, 3, 32, 32)
    expected = (weights * case.images).sum(1).abs()
    torch.testing.assert_close(maps, expected / expected.amax((1, 2), keepdim=True))


def test_the_page_has_the_pass_marks():
    described = re.findall(r"^\| ([a-z-]+) \|", PAGE, re.MULTILINE)
    assert tuple(described) == ("test", *DECIDING)
    assert (KNOWN_ORDER, OCCLUSION, TWIN) == (0.9, 0.8, 1e-6)
    assert "at least 0.9" in PAGE
    assert "at least 0.8" in PAGE
    assert "one millionth" in PAGE
