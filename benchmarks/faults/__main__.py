"""Disturb a study of 64 images at random moments, run it again, and compare it with an undisturbed run.

`python -m benchmarks.faults --faults 200 --seed 0` prints a table and, with `--output results/faults`, writes it. The
exit status is 1 if a run did not recover, gave other numbers, did finished work again or did not say what happened.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, nullcontext
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.faults.world import World

MEMORY = Path("/dev/shm")  # a folder in memory, where waiting for the disk takes no time
ATTEMPTS = 20  # to hit a run before it ends


@dataclass
class Row:
    """One fault and what came of it.

    Attributes:
        kind, detail: what was done.
        recovered: whether the disturbed run ended as it should, and the one after it finished.
        same: whether all numbers are those of the undisturbed run, bit for bit.
        redone: finished, undamaged items that were written again.
        along: finished images that were computed again, since their batch was not finished.
        said: whether the messages say what happened.
        message: the line that does, or the last one.
        seconds: of both runs.
    """

    kind: str
    detail: str
    recovered: bool
    same: bool
    redone: int
    along: int
    said: bool
    message: str
    seconds: float


def main(arguments: list[str] | None = None) -> int:
    """Run the faults, print the table, write it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faults", description=__doc__)
    parser.add_argument("--faults", type=int, default=200, help="number of faults; default: 200")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kinds", nargs="*", default=[], help="words of which a kind's name has one; default: all")
    parser.add_argument("--output", type=Path, help="a folder for faults.json")
    chosen = parser.parse_args(arguments)
    begin, rows = time.time(), []
    for row in run(chosen.faults, chosen.seed, chosen.kinds):
        rows.append(row)
        print(f"{len(rows):4} {row.seconds:5.1f} s  {_verdict(row)}", flush=True)
        if chosen.output:
            _write(chosen.output / "faults.json", rows, chosen.seed, time.time() - begin)
    print(table(rows))
    return int(not all(row.recovered and row.same and row.said and not row.redone for row in rows))


def run(count: int, seed: int, kinds: list[str]) -> Iterator[Row]:
    """So many faults, in a random order, in a folder that is removed afterwards.

    Raises:
        ValueError: no kind's name has one of the words.
        OSError: the small disk cannot be mounted, though this is root.
    """
    from benchmarks.faults.kinds import KINDS as ALL
    from benchmarks.faults.server import BrokenServer
    from benchmarks.faults.world import World, published_weights, small_disk, warm_up

    root = not os.geteuid()
    kinds_here = {name: kind for name, kind in ALL.items() if root or "disk full" not in name}
    if not root:
        print("left out, since only root can mount a small disk: faults of a full disk", file=sys.stderr)
    weights = {name: kind[2] for name, kind in kinds_here.items() if not kinds or any(word in name for word in kinds)}
    if not weights:
        raise ValueError(f"no kind of fault has one of these words; the kinds are {', '.join(kinds_here)}")
    draw = random.Random(seed)
    order = list(Counter(weights).elements())
    order = [order[index % len(order)] for index in range(count)] if count > len(order) else draw.sample(order, count)
    draw.shuffle(order)
    warm_up()
    with ExitStack() as stack:
        place = MEMORY if MEMORY.is_dir() else None
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="faults-", dir=place)))
        stack.enter_context(small_disk(folder) if root else nullcontext())
        server = stack.enter_context(BrokenServer(published_weights()))
        worlds = {name: World(folder, name, server) for name in {ALL[kind][1] for kind in order}}
        for world in worlds.values():
            undisturbed = world.run()
            if undisturbed.status:
                raise RuntimeError(f"the undisturbed run failed:\n{undisturbed.said}")
            world.keep_reference()
        for kind in order:
            yield one(kind, worlds[ALL[kind][1]], draw)


def one(kind: str, world: World, draw: random.Random) -> Row:
    """One fault of a kind, and the run after it."""
    from benchmarks.faults.kinds import KINDS

    begin = time.monotonic()
    for _ in range(ATTEMPTS):
        fault = KINDS[kind][0](world, draw)
        if fault.hit:
            break
    before = {path: state for path, state in world.states().items() if path not in fault.damaged}
    again = world.run()
    after = world.states()
    text = (fault.process.said if fault.process else "") + "\n" + again.said
    redone = sum(after.get(path) != state for path, state in before.items())
    differences = world.differences(items=not fault.archived)
    ended = fault.process is None or fault.status is None or fault.process.status == fault.status
    recovered = fault.hit and ended and again.status == 0
    found = re.search(f".*(?:{fault.expected}).*", text)
    message = (found.group() if found else text.strip()[-300:]).strip()
    for folder in (world.disk, world.folder):  # of this run alone
        message = message.replace(f"{folder}/", "")
    along = max(0, sum(again.computed) - (len(after) - len(before)))
    traceback = "Traceback" in text
    if os.environ.get("FAULTS_DEBUG") and (traceback or not found):
        print(text[-3500:])
    seconds = time.monotonic() - begin
    said = found is not None and not traceback
    detail = fault.detail + (f"; differs: {', '.join(differences[:3])}" if differences else "")
    return Row(kind, detail, recovered, not differences, redone, along, said, message, round(seconds, 2))


def table(rows: list[Row]) -> str:
    """One line per kind: the number of faults, and how many were met as they should be."""
    lines = [f"{'kind':<30}{'n':>5}{'recovered':>11}{'same bits':>11}{'redone':>8}{'along':>7}{'said':>6}  message"]
    for kind in [*dict.fromkeys(row.kind for row in rows), "all"]:
        some = [row for row in rows if kind in (row.kind, "all")]
        each = [(row.recovered, row.same, row.redone, row.along, row.said) for row in some]
        counts = [sum(values) for values in zip(*each, strict=True)]
        message = "" if kind == "all" else some[0].message.split(": ", 1)[-1][:70]
        lines.append("{:<30}{:>5}{:>11}{:>11}{:>8}{:>7}{:>6}  {}".format(kind, len(some), *counts, message))
    return "\n".join(lines)


def _verdict(row: Row) -> str:
    good = row.recovered and row.same and row.said and not row.redone
    return f"{'good' if good else 'BAD '} {row.kind}, {row.detail}" + ("" if good else f"\n{row}")


def _write(path: Path, rows: list[Row], seed: int, seconds: float) -> None:
    from helpers.core.files import atomic_write

    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
    about = {"date": datetime.now(timezone.utc).isoformat(timespec="seconds"), "seed": seed, "commit": commit}
    about |= {"machine": platform.platform(), "seconds": round(seconds), "images": 64}
    content = {**about, "faults": [asdict(row) for row in rows]}
    atomic_write(path, (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode())


if __name__ == "__main__":
    sys.exit(main())
