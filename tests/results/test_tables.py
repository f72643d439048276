"""Tables: they come back as they were written, whole, with their provenance."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.results import read_provenance, read_table, write_table

FRAME = pd.DataFrame({"image": ["a", "b"], "distortion": [0.1, 1 / 3], "count": [1, 2], "correct": [True, False]})


class Killed(BaseException):
    """Stands for a kill in tests that try every moment one after the other."""


def test_a_table_comes_back_with_its_provenance(tmp_path):
    path = write_table(FRAME, "quick", "means", {"seed": 3}, root=tmp_path)
    assert path == tmp_path / "quick" / "means.csv"
    assert sorted(file.name for file in path.parent.iterdir()) == ["means.csv", "means.json"]
    pd.testing.assert_frame_equal(read_table("quick", "means", root=tmp_path), FRAME)
    about = read_provenance("quick", "means", root=tmp_path)
    assert about["seed"] == 3
    assert about["table"]["rows"] == 2


@settings(max_examples=50)
@given(
    st.lists(
        st.tuples(
            st.floats(allow_nan=True, allow_infinity=True),
            st.integers(-(2**63), 2**63 - 1),
            st.booleans(),
            st.text(st.characters(codec="utf-8", exclude_characters="\r"), min_size=1),
        ),
        min_size=1,
    )
)
def test_every_value_survives(tmp_path_factory, rows):
    frame = pd.DataFrame(rows, columns=["real", "whole", "truth", "words"])
    folder = tmp_path_factory.mktemp("table")
    write_table(frame, "quick", "any", {}, root=folder)
    back = read_table("quick", "any", root=folder)
    np.testing.assert_array_equal(back["real"].to_numpy(), frame["real"].to_numpy())
    assert back["whole"].tolist() == frame["whole"].tolist()
    assert back["truth"].tolist() == frame["truth"].tolist()
    assert back["words"].tolist() == frame["words"].tolist()


def test_an_empty_table_keeps_its_columns(tmp_path):
    write_table(FRAME.iloc[:0], "quick", "none", {}, root=tmp_path)
    back = read_table("quick", "none", root=tmp_path)
    assert len(back) == 0
    assert list(back.columns) == list(FRAME.columns)
    assert back["distortion"].dtype == np.float64


def test_line_ends_that_git_changed_are_no_damage(tmp_path):
    path = write_table(FRAME, "quick", "means", {}, root=tmp_path)
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    pd.testing.assert_frame_equal(read_table("quick", "means", root=tmp_path), FRAME)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda csv, about: csv.unlink(), "does not exist; run the notebook"),
        (lambda csv, about: about.unlink(), "does not hold the provenance of means.csv"),
        (lambda csv, about: about.write_text("{"), "does not hold the provenance of means.csv"),
        (lambda csv, about: about.write_text("[]"), "does not hold the provenance of means.csv"),
        (lambda csv, about: csv.write_text(csv.read_text()[:-3]), "was changed after means.json was written"),
        (lambda csv, about: csv.write_text(csv.read_text().replace("0.1", "0.2")), "was changed after"),
    ],
)
def test_a_damaged_pair_is_an_error_that_says_what_to_do(tmp_path, damage, said):
    csv = write_table(FRAME, "quick", "means", {}, root=tmp_path)
    damage(csv, csv.with_suffix(".json"))
    for read in (read_table, read_provenance):
        with pytest.raises(ValueError, match=said) as caught:
            read("quick", "means", root=tmp_path)
        assert "again with the profile 'quick'" in str(caught.value)


@pytest.mark.parametrize(
    ("frame", "name", "provenance", "said"),
    [
        (FRAME, "../means", {}, "small letters"),
        (FRAME, "Means", {}, "small letters"),
        (FRAME.rename(columns={"image": "count"}), "means", {}, "different strings"),
        (FRAME.rename(columns={"image": 3}), "means", {}, "different strings"),
        (FRAME, "means", {"a": float("nan")}, "JSON values"),
        (FRAME, "means", {"a": torch.ones(2)}, "JSON values"),
    ],
)
def test_what_cannot_be_written_is_refused_before_anything_changes(tmp_path, frame, name, provenance, said):
    write_table(FRAME, "quick", "means", {"version": 1}, root=tmp_path)
    with pytest.raises(ValueError, match=said):
        write_table(frame, "quick", name, provenance, root=tmp_path)
    assert read_provenance("quick", "means", root=tmp_path)["version"] == 1


@pytest.mark.parametrize("after", [False, True])
def test_a_kill_at_every_step_leaves_the_old_pair_or_the_new(tmp_path, monkeypatch, after):
    """Every rename and every sync is a moment; the run dies just before it or just after it."""
    old, new = FRAME, FRAME.assign(count=[7, 8])
    moments, seen = 0, set()
    while True:
        folder = tmp_path / str(moments)
        write_table(old, "quick", "means", {"version": "old"}, root=folder)
        try:
            with monkeypatch.context() as patch:
                _die_at(patch, moments, after)
                write_table(new, "quick", "means", {"version": "new"}, root=folder)
        except Killed:
            version = read_provenance("quick", "means", root=folder)["version"]
            frame = read_table("quick", "means", root=folder)
            pd.testing.assert_frame_equal(frame, {"old": old, "new": new}[version])
            seen.add(version)
        else:
            break
        write_table(new, "quick", "means", {"version": "again"}, root=folder)
        assert read_provenance("quick", "means", root=folder)["version"] == "again"
        assert not list(folder.rglob("*.pending"))
        moments += 1
    assert moments > 5
    assert seen == {"old", "new"}


def _die_at(patch, moment, after):
    """Let the process die at its `moment`-th call that reaches the disk; like a kill, nothing is tidied up."""
    calls = iter(range(1000))

    def dying(function):
        def call(*arguments):
            dies = next(calls) == moment
            if dies and not after:
                raise Killed
            result = function(*arguments)
            if dies:
                raise Killed
            return result

        return call

    patch.setattr(os, "replace", dying(os.replace))
    patch.setattr(os, "fsync", dying(os.fsync))
    patch.setattr(Path, "unlink", lambda *_, **__: None)
