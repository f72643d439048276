"""The store of items: nothing is lost, repeated or silently wrong, however often a run is killed."""

from __future__ import annotations

import multiprocessing
import os
import random
import sys
import time
from pathlib import Path

import interrupted_run
import pandas as pd
import pytest
import torch

from helpers.results import ItemStore, read_provenance, read_table, run_key, write_table

FRAME = pd.DataFrame({"image": ["a", "b"], "distortion": [0.1, 1 / 3], "count": [1, 2], "correct": [True, False]})

KEY = run_key(options={"steps": 2})
# a process that has imported torch and pandas once (by modules that are not lazy, as `helpers.results` is), and from
# which the processes to kill are forked in milliseconds
PROCESSES = multiprocessing.get_context("forkserver" if sys.platform != "win32" else "spawn")
PROCESSES.set_forkserver_preload(["helpers.results.item_store", "helpers.results.tables", "pytest"])


TENSORS = {
    "mask": torch.rand(1, 4, 5, generator=torch.Generator().manual_seed(0)),
    "half": torch.ones(3, dtype=torch.bfloat16),
    "truth": torch.tensor([True, False]),
    "count": torch.tensor(3),
    "none": torch.zeros(0, 2),
    "view": torch.arange(12.0).reshape(3, 4).T,
    "one of a batch": torch.ones(16, 1, dtype=torch.float16).T[:, 3:4],  # contiguous, yet with a stride of 16
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
    with pytest.raises(ValueError, match="JSON values"):
        ItemStore(tmp_path, KEY).save("a", {}, {"x": float("inf")})
    with pytest.raises(ValueError, match="JSON values"):
        run_key(x=torch.ones(1))


def test_the_run_key_depends_on_each_part_and_not_on_their_order():
    assert run_key(a=1, b=2) == run_key(b=2, a=1)
    assert len({run_key(a=1, b=2), run_key(a=2, b=1), run_key(a=1), run_key(a=1, b="2")}) == 4


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
