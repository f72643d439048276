"""A linear network on random images, and a reader's file of methods."""

import pytest
import torch
from torch import nn

from helpers.benchmark.case import Case


@pytest.fixture
def case():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 10))
    return Case(network, torch.rand(3, 3, 32, 32), torch.tensor([1, 2, 3]))


@pytest.fixture
def file(tmp_path, request):
    """The text `MINE` of the test's module as a file."""
    path = tmp_path / "mine.py"
    path.write_text(request.module.MINE, encoding="utf-8")
    return path
