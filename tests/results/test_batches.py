"""Batches of stored results: the same grid whatever is stored already, halved where memory is short."""

from __future__ import annotations

import tempfile

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from helpers.core.endings import CommandEnd, one_line_errors
from helpers.results.batches import Batches, NoMemoryError, filled
from helpers.results.item_store import ItemStore, Ledger, run_key

KEY = run_key(options={"steps": 1})
OUT_OF_MEMORY = (
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    MemoryError(),
    RuntimeError("[enforce fail at alloc_cpu.cpp:117] . DefaultCPUAllocator: can't allocate memory: you tried to …"),
    RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 400000000 bytes."),
    RuntimeError("std::bad_alloc"),
    RuntimeError("could not create a primitive"),  # of oneDNN
)


class Machine:
    """Computes items as a network would: the last bits depend on the batch's size. Has room for so many at once."""

    def __init__(self, room=1000, error=OUT_OF_MEMORY[0]):
        self.room, self.error, self.calls = room, error, []

    def __call__(self, rows):
        self.calls.append(rows)
        if len(rows) > self.room:
            raise self.error
        return [{"x": torch.tensor([row + 1e-6 * len(rows)], dtype=torch.float64)} for row in rows]


def names(count):
    return [f"image-{index}" for index in range(count)]


def fill(folder, count, size, machine, **more):
    batches = Batches(count, size, label="a method")
    found = filled(ItemStore(folder, KEY), names(count), machine, batches, ledger=Ledger(), **more)
    return [float(item.tensors["x"]) for item in found]


def files(folder):
    return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.rglob("*.safetensors")}


@settings(max_examples=40)
@given(st.integers(1, 20), st.integers(1, 8), st.sets(st.integers(0, 19)), st.booleans())
@example(12, 8, {0, 9}, False)  # both batches are stored in part
def test_a_resumed_run_has_the_bits_of_an_undisturbed_one(count, size, stored, backwards):
    """Whatever was stored before the kill, and from whichever end."""
    with tempfile.TemporaryDirectory() as whole, tempfile.TemporaryDirectory() as cut:
        expected = fill(whole, count, size, Machine())
        store = ItemStore(cut, KEY)
        for row in stored & set(range(count)):
            store.save(names(count)[row], {"x": torch.tensor([expected[row]], dtype=torch.float64)}, {"seconds": 1.0})
        before, machine = files(store.folder), Machine()
        assert fill(cut, count, size, machine, backwards=backwards) == expected
        assert before.items() <= files(store.folder).items(), "nothing that was finished was written again"
        assert all(rows[0] % size == 0 for rows in machine.calls), "every batch is one of the grid"


@pytest.mark.parametrize("error", OUT_OF_MEMORY, ids=lambda error: f"{type(error).__name__} {error}"[:30])
def test_a_batch_that_does_not_fit_is_halved_and_said_once(tmp_path, capsys, error):
    machine = Machine(room=3, error=error)
    values = fill(tmp_path, 20, 16, machine)
    assert [len(rows) for rows in machine.calls] == [16, 8, 4, *[2] * 10]
    assert [round(value) for value in values] == list(range(20))
    said = capsys.readouterr().err
    assert said.count("out of memory") == 1
    assert "a method: out of memory with 16 items at once; going on with 8" in said


def test_where_not_one_fits_the_message_says_so_and_what_is_finished_stays(tmp_path, capsys):
    fill(tmp_path, 4, 2, Machine())
    before = files(tmp_path)
    with pytest.raises(NoMemoryError, match="not even one item fits into memory"):
        fill(tmp_path, 8, 2, Machine(room=0))
    assert files(tmp_path) == before
    with pytest.raises(CommandEnd) as end, one_line_errors():
        fill(tmp_path, 8, 2, Machine(room=0))
    assert end.value.code == 2
    assert "error: a method: not even one item fits" in capsys.readouterr().err


@pytest.mark.parametrize("error", OUT_OF_MEMORY, ids=lambda error: f"{type(error).__name__} {error}"[:30])
def test_a_command_says_a_lack_of_memory_in_one_line(error, capsys):
    with pytest.raises(CommandEnd), one_line_errors():
        raise error
    said = capsys.readouterr().err
    assert said.startswith("error: memory does not suffice (")
    assert said.count("\n") == 1


def test_other_errors_are_not_taken_for_a_lack_of_memory(tmp_path):
    machine = Machine(room=1, error=RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    with pytest.raises(RuntimeError, match="mat1"):
        fill(tmp_path, 4, 2, machine)
    assert len(machine.calls) == 1


def test_a_damaged_item_is_named_and_only_it_is_written_again(tmp_path, capsys):
    expected = fill(tmp_path, 6, 3, Machine())
    damaged = sorted(tmp_path.rglob("*.safetensors"))[4]
    damaged.write_bytes(damaged.read_bytes()[:-1])
    before, machine = files(tmp_path), Machine()
    assert fill(tmp_path, 6, 3, machine) == expected
    assert {name for name, state in files(tmp_path).items() if before[name] != state} == {damaged.name}
    assert len(machine.calls) == 1
    said = capsys.readouterr().err
    assert said.startswith("1 stored item(s)")
    assert damaged.name in said
    fill(tmp_path, 6, 3, Machine(room=0))
    assert not capsys.readouterr().err, "the file is whole again"


def test_repeated_items_are_computed_once(tmp_path):
    machine, store = Machine(), ItemStore(tmp_path, KEY)
    found = filled(store, ["a", "b", "a"], machine, Batches(3, 1), ledger=Ledger())
    assert machine.calls == [[0], [1]]
    assert [round(float(item.tensors["x"])) for item in found] == [0, 1, 0]


def test_results_that_are_not_kept_are_stored(tmp_path):
    store, ledger = ItemStore(tmp_path, KEY), Ledger()
    store.save("b", {"x": torch.tensor([7.0])}, {"seconds": 5.0})
    assert filled(store, ["a", "b", "c"], Machine(), Batches(3, 2), ledger=ledger, keep=False) == []
    assert [store.load(item).tensors["x"].item() for item in "abc"] == pytest.approx([0, 7, 2], abs=1e-4)
    assert set(ledger.items) == {(store.key, item) for item in "abc"}
    assert ledger.items[store.key, "b"] == 5.0


def test_the_work_grows_with_the_items_not_with_their_square(tmp_path, monkeypatch):
    looks = []
    find = ItemStore.find
    monkeypatch.setattr(ItemStore, "find", lambda store, item: (looks.append(item), find(store, item))[1])
    fill(tmp_path, 64, 8, Machine())
    assert len(looks) <= 4 * 64
    looks.clear()
    fill(tmp_path, 64, 8, Machine(room=0))
    assert len(looks) == 64, "finished ones are read once"
