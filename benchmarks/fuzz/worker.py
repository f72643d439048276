"""The process that handles inputs, one line of standard input after another, with a bound on its memory."""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
import warnings
from pathlib import Path
from random import Random

import torch

from benchmarks.fuzz import annotations, command, explanations, pictures, settings, stored
from benchmarks.fuzz.case import Maker, judge

KINDS: dict[str, Maker] = {
    name: maker
    for module in (pictures, annotations, settings, stored, explanations, command)
    for name, maker in module.KINDS.items()
}
MEMORY = 4 << 30
"""Bytes that the process may have for data: an input that needs more is refused, or ends it."""


def peak() -> int:
    """The most bytes of memory that the process has had since `forget_peak`."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return 1024 * int(line.split()[1])
    return 0


def forget_peak() -> None:
    """Begin to measure anew."""
    Path("/proc/self/clear_refs").write_text("5")


def handle(kind: str, number: int, folder: Path) -> dict[str, object]:
    """One input: its verdict, why, and what it cost."""
    case = KINDS[kind](Random(f"{kind} {number}"), folder)
    forget_peak()
    before, start = peak(), time.perf_counter()
    verdict, why = judge(case)
    seconds, grown = time.perf_counter() - start, max(0, peak() - before)
    return {"verdict": verdict, "why": why, "label": case.label, "seconds": seconds, "bytes": grown}


def main() -> None:
    """Handle the inputs that standard input names."""
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    replies, sys.stdout = sys.stdout, sys.stderr
    with tempfile.TemporaryDirectory() as folder:
        print("ready", file=replies, flush=True)
        for line in sys.stdin:
            kind, number = json.loads(line)
            print(json.dumps(handle(kind, number, Path(folder))), file=replies, flush=True)


if __name__ == "__main__":
    main()
