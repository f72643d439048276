"""Results on disk: whole or absent, never torn, and never silently wrong."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import subprocess
import sys
import time
import types
from pathlib import Path

import interrupted_run
import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.core import files as atomic_module
from helpers.profiles import load_profile
from helpers.results import (
    ItemStore,
    atomic_write,
    code_digest,
    collect_provenance,
    read_provenance,
    read_table,
    run_key,
    write_table,
)
from helpers.results.provenance import git_state

FRAME = pd.DataFrame({"image": ["a", "b"], "distortion": [0.1, 1 / 3], "count": [1, 2], "correct": [True, False]})
KEY = run_key(options={"steps": 2})
# a process that has imported torch once, and from which the processes to kill are forked in milliseconds
PROCESSES = multiprocessing.get_context("forkserver" if sys.platform != "win32" else "spawn")
PROCESSES.set_forkserver_preload(["helpers.results", "pytest"])


class Killed(BaseException):
    """Stands for a kill in tests that try every moment one after the other."""


# --- one file ---


def test_a_file_is_written_whole_and_nothing_is_left_beside_it(tmp_path):
    atomic_write(tmp_path / "new" / "a.txt", b"first")
    atomic_write(tmp_path / "new" / "a.txt", b"second")
    assert (tmp_path / "new" / "a.txt").read_bytes() == b"second"
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.txt"]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch, step):
    atomic_write(tmp_path / "a.txt", b"old")

    def fail(*_):
        raise OSError("the disk is full")

    monkeypatch.setattr(atomic_module.os, step, fail)
    with pytest.raises(OSError, match="the disk is full"):
        atomic_write(tmp_path / "a.txt", b"new")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"old"]


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
def test_a_file_may_be_read_by_those_who_may_read_any_other(tmp_path):
    (tmp_path / "plain").write_bytes(b"")
    atomic_write(tmp_path / "ours", b"")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "plain").stat().st_mode


# --- tables ---


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
        (lambda csv, about: csv.unlink(), "is not there; run the notebook"),
        (lambda csv, about: about.unlink(), "does not say where means.csv comes from"),
        (lambda csv, about: about.write_text("{"), "does not say where means.csv comes from"),
        (lambda csv, about: about.write_text("[]"), "does not say where means.csv comes from"),
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
        (FRAME.rename(columns={"image": "count"}), "means", {}, "different names"),
        (FRAME.rename(columns={"image": 3}), "means", {}, "each a text"),
        (FRAME, "means", {"a": float("nan")}, "plain values"),
        (FRAME, "means", {"a": torch.ones(2)}, "plain values"),
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


# --- items ---

TENSORS = {
    "mask": torch.rand(1, 4, 5, generator=torch.Generator().manual_seed(0)),
    "half": torch.ones(3, dtype=torch.bfloat16),
    "truth": torch.tensor([True, False]),
    "count": torch.tensor(3),
    "none": torch.zeros(0, 2),
    "view": torch.arange(12.0).reshape(3, 4).T,
}


def test_an_item_comes_back(tmp_path):
    store = ItemStore(tmp_path, KEY)
    store.save("cat.jpeg", TENSORS, {"seconds": 1.5, "prediction": "tabby"})
    tensors, metadata = ItemStore(tmp_path, KEY).load("cat.jpeg")
    assert metadata == {"seconds": 1.5, "prediction": "tabby"}
    assert tensors.keys() == TENSORS.keys()
    for name, tensor in TENSORS.items():
        assert tensors[name].dtype == tensor.dtype
        assert torch.equal(tensors[name], tensor)


def test_missing_keeps_the_order_and_any_name_will_do(tmp_path):
    store = ItemStore(tmp_path, KEY)
    names = ["b", "a/../../x", "ä ö", "a" * 300, "A", "a", ""]
    for name in names[1::2]:
        store.save(name, {"x": torch.ones(1)})
    assert store.missing(names) == names[0::2]
    assert all(path.is_relative_to(tmp_path) for path in tmp_path.rglob("*"))
    with pytest.raises(ValueError, match="compute it again"):
        store.load("b")


def test_another_run_does_not_see_the_items(tmp_path):
    ItemStore(tmp_path, KEY).save("a", {"x": torch.ones(1)})
    other = ItemStore(tmp_path, run_key(options={"steps": 3}))
    assert other.missing(["a"]) == ["a"]
    path = next(tmp_path.rglob("*.safetensors"))
    other.folder.mkdir()
    (other.folder / path.name).write_bytes(path.read_bytes())
    assert other.missing(["a"]) == ["a"], "not even a file that was moved there"


def test_every_damage_is_noticed_and_repaired(tmp_path):
    """Each byte is changed, and the file is cut at each length: the item is missing, until it is saved again."""
    store = ItemStore(tmp_path, KEY)
    store.save("a", {"x": torch.arange(6.0)}, {"n": 1})
    path = next(tmp_path.rglob("*.safetensors"))
    good = path.read_bytes()
    for place in range(len(good)):
        path.write_bytes(good[:place] + bytes([good[place] ^ 0x41]) + good[place + 1 :])
        assert store.missing(["a"]) == ["a"], f"byte {place}: {good[max(0, place - 20) : place + 20]!r}"
    for length in range(len(good)):
        path.write_bytes(good[:length])
        assert store.missing(["a"]) == ["a"]
    store.save("a", {"x": torch.arange(6.0)}, {"n": 1})
    assert store.missing(["a"]) == []


def test_a_file_of_another_item_is_not_taken_for_it(tmp_path):
    store = ItemStore(tmp_path, KEY)
    store.save("a", {"x": torch.zeros(2)})
    first = next(tmp_path.rglob("*.safetensors"))
    store.save("b", {"x": torch.ones(2)})
    second = next(path for path in tmp_path.rglob("*.safetensors") if path != first)
    second.write_bytes(first.read_bytes())
    assert store.missing(["a", "b"]) == ["b"]


def test_parts_of_dead_writers_are_removed_and_fresh_ones_are_not(tmp_path):
    store = ItemStore(tmp_path, KEY)
    store.save("a", {"x": torch.zeros(2)})
    dead, alive = store.folder / ".a.1-00.part", store.folder / ".b.2-00.part"
    for part in (dead, alive):
        part.write_bytes(b"half")
    os.utime(dead, (time.time() - 7200,) * 2)
    ItemStore(tmp_path, KEY)
    assert (dead.exists(), alive.exists()) == (False, True)
    assert store.missing(["a"]) == []
    os.utime(alive, (time.time() - 7200,) * 2)
    write_table(FRAME, "x", "y", {}, root=store.folder / "..")
    assert alive.exists(), "only what lies beside what is written"
    write_table(FRAME, store.folder.name, "y", {}, root=tmp_path)
    assert not alive.exists()


def test_what_cannot_be_stored_is_refused(tmp_path):
    with pytest.raises(ValueError, match="hexadecimal digest"):
        ItemStore(tmp_path, "../elsewhere")
    with pytest.raises(ValueError, match="plain values"):
        ItemStore(tmp_path, KEY).save("a", {}, {"x": float("inf")})
    with pytest.raises(ValueError, match="plain values"):
        run_key(x=torch.ones(1))


def test_the_run_key_depends_on_each_part_and_not_on_their_order():
    assert run_key(a=1, b=2) == run_key(b=2, a=1)
    assert len({run_key(a=1, b=2), run_key(a=2, b=1), run_key(a=1), run_key(a=1, b="2")}) == 4


# --- killed for good ---


def _log(folder: Path) -> list[str]:
    return (folder / "log").read_text().splitlines() if (folder / "log").exists() else []


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is POSIX's")
def test_a_run_killed_again_and_again_loses_and_repeats_nothing(tmp_path):
    chance = random.Random(0)
    kills = 0
    for life in range(100):
        process = PROCESSES.Process(target=interrupted_run.run, args=(tmp_path, 0.02))
        process.start()
        lines = len(_log(tmp_path))
        while process.is_alive() and len(_log(tmp_path)) == lines:  # until it has begun to work
            time.sleep(0.001)
        process.join(chance.uniform(0.0, 0.12) * (1 + life / 10))  # on a slow disk longer lives help
        if process.is_alive():
            process.kill()
            kills += 1
        process.join()
        assert process.exitcode in (0, -9), "it ends by itself or is killed, and never fails"
        if "done" in _log(tmp_path):
            break
    log = _log(tmp_path)
    assert log[-1] == "done"
    assert kills >= 5
    for item in interrupted_run.ITEMS:
        events = [line for line in log if line.endswith(item)]
        assert f"saved {item}" not in events[:-1], f"{item} was saved, and yet computed again"
    starts = sum(line.startswith("start") for line in log)
    assert starts <= len(interrupted_run.ITEMS) + kills, "a kill costs one item at most"
    table = read_table("quick", "means", root=tmp_path)
    assert table["image"].tolist() == interrupted_run.ITEMS
    assert table["mean"].tolist() == list(range(len(interrupted_run.ITEMS)))


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is POSIX's")
def test_a_table_killed_while_it_is_written_again_is_whole(tmp_path):
    chance = random.Random(1)
    for _ in range(8):
        before = len(_log(tmp_path))
        process = PROCESSES.Process(target=interrupted_run.rewrite, args=(tmp_path,))
        process.start()
        while process.is_alive() and len(_log(tmp_path)) <= before:
            time.sleep(0.001)
        time.sleep(chance.uniform(0.0, 0.05))
        process.kill()
        process.join()
        assert process.exitcode == -9
        version = read_provenance("quick", "versions", root=tmp_path)["version"]
        assert read_table("quick", "versions", root=tmp_path)["version"].unique().tolist() == [version]
        last = int(_log(tmp_path)[-1].split()[1])
        assert version in (last, last + 1), "what was said to be written is there"


def test_several_processes_may_share_a_store(tmp_path):
    workers = [PROCESSES.Process(target=interrupted_run.run, args=(tmp_path, 0.001)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    store = ItemStore(tmp_path / "work", interrupted_run.KEY)
    for item in interrupted_run.ITEMS:
        assert torch.equal(store.load(item).tensors["mask"], interrupted_run.result_of(item))
    assert read_table("quick", "means", root=tmp_path)["mean"].tolist() == list(range(len(interrupted_run.ITEMS)))
    assert not list(tmp_path.rglob("*.part"))


# --- the digest of code ---

SOURCE = '''"""What it is."""
import math


class Area:
    """A class."""

    sides: int = 4

    def of(self, side: float) -> float:
        """Its area."""
        # a reason
        return math.pow(side, 2) + 0.5
'''


def _digest_of(folder: Path, source: str, name: str = "made") -> str:
    path = folder / f"{name}.py"
    path.write_text(source)
    module = types.ModuleType(name)
    module.__file__ = str(path)
    return code_digest(module)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("What it is.", "Other words."),
        ('"""A class."""', '"""A class.\n\n    With more to say."""'),
        ('        """Its area."""\n', ""),
        ("# a reason", "# a better reason"),
        ("        # a reason\n", ""),
        ("math.pow(side, 2) + 0.5", "(math.pow(side,2)\n            +0.5)"),
    ],
)
def test_words_and_layout_do_not_change_the_digest(tmp_path, old, new):
    assert old in SOURCE
    assert _digest_of(tmp_path, SOURCE.replace(old, new)) == _digest_of(tmp_path, SOURCE)


@pytest.mark.parametrize(
    ("old", "new"),
    [("2)", "3)"), ("0.5", "0.6"), ("+", "-"), ("2)", "2.0)"), ("side", "edge"), ("= 4", "= None"), ("pow", "fmod")],
)
def test_what_python_sees_changes_the_digest(tmp_path, old, new):
    assert old in SOURCE
    assert _digest_of(tmp_path, SOURCE.replace(old, new)) != _digest_of(tmp_path, SOURCE)


def test_the_digest_is_the_same_on_every_version_of_python(tmp_path):
    """Pinned: if it changes, every stored item of every reader is thrown away."""
    assert _digest_of(tmp_path, SOURCE) == "817902fe566f71f569731ac108f776790439ddb11c5d456e210ce5869ec2c012"


def test_a_package_counts_with_all_its_modules():
    import helpers.methods.rde
    import helpers.methods.wavelets

    whole = code_digest(helpers.methods.rde)
    assert whole == code_digest("helpers.methods.rde") == code_digest("helpers.methods.rde", helpers.methods.rde)
    assert whole != code_digest("helpers.methods.rde.optimise")
    assert (
        code_digest("helpers.methods.rde", "helpers.methods.wavelets")
        == code_digest(helpers.methods.wavelets, helpers.methods.rde)
        != whole
    )


def test_code_without_source_is_refused():
    with pytest.raises(ValueError, match="at least one module"):
        code_digest()
    with pytest.raises(ValueError, match="no Python source"):
        code_digest("sys")


# --- provenance ---


def test_provenance_says_where_a_number_comes_from(root):
    profile = load_profile("quick")
    about = json.loads(json.dumps(collect_provenance(profile, data={"a.jpeg": "00"}, wall_seconds=1.2, variant="x")))
    assert (about["profile"], about["profile_digest"]) == ("quick", profile.digest)
    assert about["settings"]["cartoonx"]["steps"] == profile.cartoonx.steps
    assert (about["data"], about["wall_seconds"], about["variant"]) == ({"a.jpeg": "00"}, 1.2, "x")
    assert about["packages"]["torch"].split("+")[0] == torch.__version__.split("+")[0]
    assert about["machine"]["python"] == ".".join(map(str, sys.version_info[:3]))
    assert about["machine"]["threads"] == torch.get_num_threads()
    assert about["date"].endswith("+00:00")
    known = subprocess.run(["git", "-C", root, "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    assert about["code"]["commit"] == (known.stdout.strip() or None)


def test_without_git_there_is_no_commit(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert git_state(tmp_path) == {"commit": None, "changed_since": None}
    monkeypatch.setenv("PATH", "")
    assert git_state(tmp_path) == {"commit": None, "changed_since": None}


def test_a_changed_file_is_noticed_and_a_result_is_none(tmp_path):
    def git(*words):
        who = ("-c", "user.name=a", "-c", "user.email=a@b.c")
        subprocess.run(["git", "-C", tmp_path, *who, *words], check=True, capture_output=True)

    git("init")
    (tmp_path / "code.py").write_text("x = 1")
    git("add", ".")
    git("commit", "-m", "first")
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "new.csv").write_text("1")
    assert git_state(tmp_path)["changed_since"] is False
    (tmp_path / "code.py").write_text("x = 2")
    assert git_state(tmp_path)["changed_since"] is True
