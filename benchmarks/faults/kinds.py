"""The kinds of faults: each disturbs a run at a random moment, and then does what the message advises."""

from __future__ import annotations

import os
import random
import resource
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch

from benchmarks.faults.server import WAYS
from benchmarks.faults.world import BATCH, IMAGES, METHODS, Process, World
from helpers.classifiers import downloading
from helpers.methods.rde import RateDistortionExplainer

ITEMS = IMAGES * METHODS
KILLED = -9


@dataclass
class Fault:
    """What was done, and what must be true afterwards.

    Attributes:
        detail: the moment and the way.
        hit: whether the run was still going on.
        status: the exit status that the disturbed run must have; None: any.
        process: the disturbed run; None where a finished run's files were damaged.
        expected: words that the disturbed run, or the one after it, must say.
        damaged: files that may be written again.
        archived: whether items lie in an archive instead of in files.
    """

    detail: str
    expected: str
    process: Process | None = None
    status: int | None = None
    hit: bool = True
    damaged: set[Path] = field(default_factory=set)
    archived: bool = False


Disturb = Callable[[World, random.Random], Fault]


def kill(world: World, draw: random.Random) -> Fault:
    """Kill the only worker with signal 9, at a random moment."""
    world.restore(0)
    if world.name == "hub":
        shutil.rmtree(world.cache, ignore_errors=True)
    running, items = world.start(), _wait_for_items(world, draw)
    running.kill()
    process = running.end()
    said = "are stored already" if items % IMAGES >= BATCH else "never run"
    return Fault(f"at {items} of {ITEMS} items", said, process, KILLED, hit=process.status == KILLED)


def kill_one_of_two(world: World, draw: random.Random) -> Fault:
    """Kill one of two workers that share a store; the other finishes."""
    world.restore(0)
    first, second = world.start(), world.start()
    items = _wait_for_items(world, draw)
    first.kill()
    killed, other = first.end(), second.end()
    return Fault(f"at {items} of {ITEMS} items", "never run", other, 0, hit=killed.status == KILLED)


def _wait_for_items(world: World, draw: random.Random) -> int:
    """Wait for a random number of items, and a random time more; the number of items."""
    wanted, limit = draw.randrange(ITEMS), time.monotonic() + 120
    while len(world.items()) < wanted and time.monotonic() < limit and not world.csv.is_file():
        time.sleep(0.02)
    time.sleep(draw.uniform(0, 0.1))
    return len(world.items())


def fill_disk(world: World, draw: random.Random) -> Fault:
    """Leave so little space on the disk that it is full at a random moment; then free some."""
    world.restore(draw.choice([0, 0, draw.random()]), table=False)
    if world.name == "hub":
        shutil.rmtree(world.cache, ignore_errors=True)
    filler, room = world.disk / "filler", draw.randrange(700) << 10
    free = os.statvfs(world.disk)
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, max(4096, free.f_bavail * free.f_bsize - room))
    items = len(world.items())
    process = world.run()
    items = len(world.items()) - items
    filler.unlink()
    detail = f"{room >> 10} KiB left, after {items} items"
    return Fault(detail, "the disk is full; free some", process, 2, hit=process.status != 0)


def corrupt_items(world: World, draw: random.Random) -> Fault:
    """Damage finished items of a run that was interrupted."""
    world.restore(draw.uniform(0.1, 1), table=False)
    items = world.items()
    chosen = draw.sample(items, min(len(items), draw.choice([1, 1, 2, 5])))
    ways = [_damage(path, draw, items) for path in chosen]
    return Fault(", ".join(ways), "are damaged and are computed again", damaged=set(chosen))


def corrupt_table(world: World, draw: random.Random) -> Fault:
    """Damage the table of a finished run: its numbers, or what says where they come from."""
    world.restore()
    if draw.random() < 0.5:
        rows = world.csv.read_text().splitlines()
        row, digit = draw.randrange(1, len(rows)), draw.choice("0123456789")
        rows[row] = rows[row][:-1] + (digit if rows[row][-1] != digit else "x")
        world.csv.write_text("\n".join(rows) + "\n")
        way = f"one digit of row {row}"
    else:
        path = draw.choice([world.csv, world.csv.with_suffix(".json")])
        length = draw.randrange(path.stat().st_size)
        path.write_bytes(path.read_bytes()[:length])
        way = f"{path.suffix} cut at {length} bytes"
    return Fault(way, "its files are damaged or were changed")


def corrupt_archive(world: World, draw: random.Random) -> Fault:
    """Damage the archive of the items, of which there is no other copy; then restore it, as from git."""
    world.restore()
    world.archive()
    shutil.rmtree(world.work)
    world.csv.unlink()
    (path,) = [path for path in (world.results / world.name / "items").glob("*.zip") if "explanations" in path.name][:1]
    good = path.read_bytes()
    way = _damage(path, draw, [path])
    process = world.run()
    path.write_bytes(good)
    return Fault(way, "is missing or damaged", process, 2, archived=True)


def truncate_weights(world: World, draw: random.Random) -> Fault:
    """Cut the file of the classifier's weights, or change a byte; then do what the message says."""
    world.restore(draw.random(), table=False)
    path = world.weights if world.name == "own" else world.cached
    good = path.read_bytes()
    length = draw.randrange(len(good))
    path.write_bytes(good[:length] if draw.random() < 0.7 else good[:length] + b"\x55\xaa" + good[length + 2 :])
    process = world.run()
    path.unlink()
    if world.name == "own":  # from the hub it is downloaded again
        path.write_bytes(good)
    return Fault(f"at byte {length} of {len(good)}", "is not the expected file.*damaged", process, 2)


SAID = {
    "hang": "could not be downloaded.*silent",
    "hang in the middle": "could not be downloaded.*silent",
    "reset": "could not be downloaded.*(reset|ended the connection)",
    "half": "could not be downloaded.*ended the connection after",
    "wrong": "does not have the hash",
    "error": "could not be downloaded.*503",
    "no http": "could not be downloaded.*no HTTP",
}


def break_download(world: World, draw: random.Random) -> Fault:
    """Serve the weights in one of the ways that break; the next run meets a server that works."""
    world.restore(draw.random(), table=False)
    world.cached.unlink(missing_ok=True)
    world.server.way = draw.choice(WAYS)
    process = world.run(lambda: setattr(downloading, "SILENCE", 0.5))
    way, world.server.way = world.server.way, "whole"
    return Fault(way, SAID[way], process, 2)


def fail_allocation(world: World, draw: random.Random) -> Fault:
    """Let allocations fail, from a random batch on, that are larger than a random number of images."""
    world.restore(draw.choice([0, draw.uniform(0, 0.9)]), table=False)
    room, first = draw.choice([0, *range(2, BATCH), BATCH // 2]), draw.randrange(2 * IMAGES // BATCH)
    error = draw.choice(
        [
            torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 1.50 GiB"),
            MemoryError(),
            RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory"),
            RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 1610612736 bytes."),
        ]
    )
    process = world.run(lambda: _small_memory(room, first, error))
    short = bool(process.said.count("out of memory with") or process.status)
    said = "out of memory with .* items at once; going on with" if room else "not even one item fits into memory"
    status = 0 if room else 2
    return Fault(f"{type(error).__name__}, room for {room} from batch {first} on", said, process, status, hit=short)


def _small_memory(room: int, first: int, error: Exception) -> None:
    """Let the methods fail where they are given more images than there is room for."""
    explain, calls = RateDistortionExplainer.explain, [0]

    def limited(self: RateDistortionExplainer, images: torch.Tensor, *more: object, **options: object) -> object:
        calls[0] += 1
        if calls[0] > first and len(images) > room:
            raise error
        return explain(self, images, *more, **options)

    RateDistortionExplainer.explain = limited


def limit_memory(world: World, draw: random.Random) -> Fault:
    """Leave so little address space that the system's own allocations fail."""
    world.restore(draw.choice([0, draw.uniform(0, 0.9)]), table=False)
    more = draw.randrange(1, 40) << 20
    process = world.run(lambda: _small_address_space(more))
    short = process.status != 0 or "going on with" in process.said
    said = "memory does not suffice|not even one item fits" if process.status else "items at once; going on with"
    return Fault(f"{more >> 20} MiB more than at the start", said, process, None, hit=short)


def _small_address_space(more: int) -> None:
    """Limit the address space to what is used, and a little more."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + more,) * 2)


def _damage(path: Path, draw: random.Random, others: list[Path]) -> str:
    """Damage a file in a random way."""
    good = path.read_bytes()
    place, way = draw.randrange(len(good)), draw.choice(["cut", "bit", "zeros", "empty", "another's"])
    if way == "another's" and (len(others) < 2 or (other := draw.choice(others)) == path):
        way = "cut"
    changed = {
        "cut": lambda: good[:place],
        "bit": lambda: good[:place] + bytes([good[place] ^ (1 << draw.randrange(8))]) + good[place + 1 :],
        "zeros": lambda: good[:place] + bytes(len(good) - place),
        "empty": lambda: b"",
        "another's": lambda: other.read_bytes(),
    }[way]()
    path.write_bytes(changed if changed != good else b"")
    return f"{way} at {place} of {len(good)}" if way in ("cut", "bit", "zeros") else way


KINDS: dict[str, tuple[Disturb, str, int]] = {
    "worker killed (-9)": (kill, "own", 40),
    "killed with a download": (kill, "hub", 5),
    "one of two workers killed": (kill_one_of_two, "own", 15),
    "disk full": (fill_disk, "own", 30),
    "disk full at a download": (fill_disk, "hub", 5),
    "finished items damaged": (corrupt_items, "own", 35),
    "table damaged": (corrupt_table, "own", 15),
    "archive damaged": (corrupt_archive, "own", 10),
    "weights truncated": (truncate_weights, "own", 10),
    "downloaded weights truncated": (truncate_weights, "hub", 5),
    "download broken": (break_download, "hub", 20),
    "allocation fails": (fail_allocation, "own", 20),
    "address space runs out": (limit_memory, "own", 10),
}
"""Each kind's function, its world, and its weight."""
