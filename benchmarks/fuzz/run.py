"""The fuzzing as a whole: inputs for a process of its own, which may hang, crash or run out of memory."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from helpers.core.files import ROOT
from helpers.core.names import known_names

KINDS = (
    "pictures, whole",
    "pictures, damaged",
    "decompression bombs",
    "files that are no pictures",
    "sources and sizes of pictures",
    "uploads",
    "annotations of VOC",
    "segmentations of VOC",
    "annotations of COCO",
    "profiles",
    "registries",
    "evidence bundles",
    "stored explanations",
    "weights",
    "notebooks with a failing cell",
    "notebooks handed in",
    "images for explain()",
    "targets for explain()",
    "models for explain()",
    "options of methods",
    "python -m helpers explain",
)
"""All kinds of inputs; a number of a kind names one input."""

SHARES = {"decompression bombs": 0.2, "notebooks handed in": 0.2, "python -m helpers explain": 0.5}
"""Of the costly kinds, as many as of the others times this."""

_START = 300  # seconds in which a process must be ready


@dataclass
class Row:
    """What became of the inputs of a kind.

    Attributes:
        kind: of `KINDS`.
        accepted, refused, unclear: numbers of inputs.
        seconds, bytes: the most that one input took.
        faults: what was unclear, with the number of the input.
    """

    kind: str
    accepted: int = 0
    refused: int = 0
    unclear: int = 0
    seconds: float = 0.0
    bytes: int = 0
    faults: list[str] = field(default_factory=list)

    @property
    def inputs(self) -> int:
        """Their number."""
        return self.accepted + self.refused + self.unclear


class Worker:
    """A process that handles inputs."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "benchmarks.fuzz.worker"]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        self.process = subprocess.Popen(command, cwd=ROOT, text=True, **pipes)  # type: ignore[call-overload]
        self.lines: queue.Queue[str] = queue.Queue()
        self.last_words: list[str] = []
        readers = (self.process.stdout, self.lines.put), (self.process.stderr, self._keep)
        self.threads = [threading.Thread(target=self._read, args=each, daemon=True) for each in readers]
        for thread in self.threads:
            thread.start()
        if self.lines.get(timeout=_START).strip() != "ready":
            raise RuntimeError(f"the process that handles inputs does not start: {''.join(self.last_words)}")

    def _read(self, pipe, keep) -> None:
        for line in pipe:
            keep(line)
        keep("")

    def _keep(self, line: str) -> None:
        self.last_words = [*self.last_words[-20:], line]

    def ask(self, kind: str, number: int, limit: float) -> dict | str:
        """The reply for an input, or why there is none."""
        try:
            self.process.stdin.write(json.dumps([kind, number]) + "\n")
            self.process.stdin.flush()
        except (BrokenPipeError, ValueError):  # ValueError: closed here
            return f"the process had ended with status {self.process.wait()}"
        try:
            line = self.lines.get(timeout=limit)
        except queue.Empty:
            self.end()
            return f"it hung for {limit:g} s"
        if not line:
            status = self.process.wait()
            return f"the process ended with status {status}: {''.join(self.last_words)[-300:]}"
        return json.loads(line)

    def end(self) -> None:
        """End the process, if it has not ended, and close its pipes."""
        self.process.kill()
        self.process.wait()
        for thread in self.threads:
            thread.join()
        self.process.stdout.close()
        self.process.stderr.close()
        with suppress(BrokenPipeError):
            self.process.stdin.close()


def counts(inputs: int, kinds: Sequence[str] | None = None) -> dict[str, int]:
    """How many inputs of each kind make so many in all."""
    chosen = list(kinds or KINDS)
    for kind in chosen:
        if kind not in KINDS:
            raise ValueError(f"there is no kind {kind!r}{known_names(kind, KINDS, 'use one of')}")
    whole = sum(SHARES.get(kind, 1) for kind in chosen)
    numbers = {kind: max(1, int(inputs * SHARES.get(kind, 1) / whole)) for kind in chosen}
    numbers[chosen[0]] += max(0, inputs - sum(numbers.values()))
    return numbers


def fuzz(
    inputs: int, *, seed: int = 0, limit: float = 60, kinds: Sequence[str] | None = None, show: bool = False
) -> list[Row]:
    """Give so many inputs to the project, each in at most `limit` seconds.

    Args:
        inputs: their number in all.
        seed: of the inputs; the same gives the same ones.
        limit: seconds after which an input counts as hanging.
        kinds: some of `KINDS`; None for all.
        show: print faults as they are found.

    Raises:
        ValueError: there is no such kind.
    """
    rows, worker = [], Worker()
    for kind, count in counts(inputs, kinds).items():
        rows.append(row := Row(kind))
        for number in range(seed * 1_000_000, seed * 1_000_000 + count):
            reply = worker.ask(kind, number, limit)
            if isinstance(reply, str):
                reply = {"verdict": "unclear", "why": reply, "label": "", "seconds": limit, "bytes": 0}
                worker.end()
                worker = Worker()
            setattr(row, reply["verdict"], getattr(row, reply["verdict"]) + 1)
            row.seconds, row.bytes = max(row.seconds, reply["seconds"]), max(row.bytes, reply["bytes"])
            if reply["verdict"] == "unclear":
                row.faults.append(f"{kind} {number} ({reply['label']}): {reply['why']}")
                if show:
                    print(row.faults[-1], file=sys.stderr, flush=True)
    worker.end()
    return rows


def table(rows: Sequence[Row]) -> str:
    """The table for people, with the sums in its last line."""
    head = f"{'kind':<32}{'inputs':>8}{'accepted':>10}{'refused':>9}{'unclear':>9}{'longest, s':>12}{'most, MB':>10}"
    sums = Row("all")
    for row in rows:
        for name in ("accepted", "refused", "unclear"):
            setattr(sums, name, getattr(sums, name) + getattr(row, name))
        sums.seconds, sums.bytes = max(sums.seconds, row.seconds), max(sums.bytes, row.bytes)
    lines = [
        f"{row.kind:<32}{row.inputs:>8,}{row.accepted:>10,}{row.refused:>9,}{row.unclear:>9,}{row.seconds:>12.2f}"
        f"{row.bytes / 1e6:>10,.0f}"
        for row in (*rows, sums)
    ]
    return "\n".join([head, *lines])
