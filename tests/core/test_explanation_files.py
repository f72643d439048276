"""Explanations are saved and loaded whole, and nothing else is read."""

import dataclasses

import pytest
import torch
from tiny import TinyClassifier, smooth_images

from helpers.core.explanation import Explanation
from helpers.methods.rde import CartoonX


@pytest.fixture(scope="module")
def explanation():
    method = CartoonX(TinyClassifier(), levels=2, steps=4, tolerance=0.05, check_every=2)
    return method.explain(smooth_images(3, 32))


def same(one, other):
    for field in dataclasses.fields(one):
        first, second = getattr(one, field.name), getattr(other, field.name)
        if isinstance(first, torch.Tensor):
            assert torch.equal(first.nan_to_num(-1.0), second.nan_to_num(-1.0)) if first.is_floating_point() else True
            assert first.dtype == second.dtype
        elif isinstance(first, dict):
            assert first.keys() == second.keys()
        elif first is not None:
            same(first, second)


def test_what_is_saved_is_loaded(explanation, tmp_path):
    assert explanation.convergence is not None
    explanation.save(tmp_path / "masks.pt")
    same(explanation, Explanation.load(tmp_path / "masks.pt"))
    torch.save(explanation, tmp_path / "plain.pt")
    same(explanation, torch.load(tmp_path / "plain.pt"))
    assert torch.equal(explanation.heatmaps, explanation.mask.squeeze(1))


@pytest.mark.parametrize("content", [b"", b"no file of torch", None])
def test_other_files_are_refused_by_name(content, tmp_path):
    path = tmp_path / "other.pt"
    path.write_bytes(content) if content is not None else torch.save({"mask": torch.ones(2)}, path)
    with pytest.raises(ValueError, match=r"other\.pt is no file that Explanation\.save wrote"):
        Explanation.load(path)
    with pytest.raises(FileNotFoundError):
        Explanation.load(tmp_path / "missing.pt")
