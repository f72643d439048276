"""Two pages at once, one after the other, and without a limit of threads: wall time, processor time, running threads.

`python -m benchmarks.pages` runs two chapters in a new clone, in turns: by Snakemake on one core, by Snakemake on two,
and as two commands at once that choose their number of threads themselves, as PyTorch does. `--output results/cluster`
writes pages.json there. Wall times count on an idle machine only; running threads and processor time count on any.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from benchmarks.cluster.__main__ import clone
from helpers.core.files import atomic_write

PAGES = ("book/wavelets.md", "book/vq-vae.md")
EACH = 0.1  # seconds between two looks at the threads

Way = Callable[[Path, list[str]], None]


class Watch:
    """What this process's descendants do inside a block: threads that run or wait for a core, and processor time.

    Attributes:
        threads: their number, at each look.
        seconds: of each process, as it was last seen. The server of Snakemake's jobs ends by itself, so that the times
            that Linux hands on to those that wait for a process lack it.
    """

    def __init__(self) -> None:
        self.threads: list[int] = []
        self.seconds: dict[int, float] = {}

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Look again and again inside the block."""
        ended = threading.Event()

        def watch() -> None:
            while not ended.wait(EACH):
                self._look()

        thread = threading.Thread(target=watch)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def _look(self) -> None:
        running = 0
        for process in psutil.Process().children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                self.seconds[process.pid] = times.user + times.system
                running += _running(process.pid)
        self.threads.append(running)


def measure(way: Way, folder: Path, pages: list[str]) -> dict[str, float]:
    """Run pages in a clone.

    Args:
        way: runs them.
        folder: the clone; earlier outputs of the pages are removed.
        pages: such as `book/wavelets.md`.

    Returns:
        Wall seconds, processor seconds, and the mean and the 99th percentile of the number of running threads.
    """
    for page in pages:
        _output(folder, page).unlink(missing_ok=True)
    watch, began = Watch(), time.perf_counter()
    with watch.watching():
        way(folder, pages)
    busy = [count for count in watch.threads if count]
    return {
        "wall_s": round(time.perf_counter() - began, 1),
        "processor_s": round(sum(watch.seconds.values()), 1),
        "threads_mean": round(statistics.mean(busy), 2),
        "threads_most": float(statistics.quantiles(busy, n=100)[-1]),
    }


def by_snakemake(cores: int) -> Way:
    """The pages as jobs of Snakemake on so many cores."""

    def run(folder: Path, pages: list[str]) -> None:
        command = [sys.executable, "-m", "snakemake", "--quiet", "--cores", str(cores), "--nolock"]
        targets = [str(_output(folder, page).relative_to(folder)) for page in pages]
        subprocess.run([*command, *targets], cwd=folder, env=_environment(), check=True, capture_output=True)

    return run


def by_commands(folder: Path, pages: list[str]) -> None:
    """The pages as commands that are started at once, and of which nobody limits the threads."""
    command = [sys.executable, "-m", "helpers", "page"]
    started = [
        subprocess.Popen([*command, page, str(_output(folder, page)), "--quiet"], cwd=folder, env=_environment())
        for page in pages
    ]
    for process in started:
        if process.wait():
            raise RuntimeError(f"{process.args} ended with {process.returncode}")


WAYS: dict[str, Way] = {
    "one after the other": by_snakemake(1),
    "at once": by_snakemake(2),
    "at once, no limit": by_commands,
}


def main(arguments: list[str] | None = None) -> None:
    """Measure each way in turns, print, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pages", description=__doc__)
    parser.add_argument("--pages", nargs="+", default=list(PAGES), help=f"default: {' '.join(PAGES)}")
    parser.add_argument("--turns", type=int, default=3, help="default: 3")
    parser.add_argument("--output", type=Path, help="a folder for pages.json")
    chosen = parser.parse_args(arguments)
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in WAYS}
    with tempfile.TemporaryDirectory() as name:
        folder = clone(Path(name) / "clone")
        for _ in range(chosen.turns):
            for way, run in WAYS.items():
                runs[way].append(measure(run, folder, chosen.pages))
                print(f"{way:<20} {runs[way][-1]}", flush=True)
    medians = {way: {key: statistics.median(run[key] for run in some) for key in some[0]} for way, some in runs.items()}
    about: dict[str, Any] = {
        "pages": chosen.pages,
        "turns": chosen.turns,
        "cores": len(os.sched_getaffinity(0)),
        "load": round(os.getloadavg()[1], 1),
        "machine": platform.platform(),
        "ways": medians,
    }
    if chosen.output:
        chosen.output.mkdir(parents=True, exist_ok=True)
        atomic_write(chosen.output / "pages.json", (json.dumps(about, indent=1) + "\n").encode())
    print(json.dumps(about, indent=1))


def _environment() -> dict[str, str]:
    removed = ("BOOK_MANIFESTS_WRITTEN_BY", "OMP_NUM_THREADS")
    return {name: value for name, value in os.environ.items() if name not in removed}


def _output(folder: Path, page: str) -> Path:
    return folder / "_build/pages" / Path(page).with_suffix(".ipynb")


def _running(pid: int) -> int:
    """The threads of a process that run or wait for a core."""
    found = 0
    for path in Path(f"/proc/{pid}/task").glob("*/stat"):
        with suppress(OSError):  # it has ended
            found += path.read_text().rsplit(")", 1)[1].split()[0] == "R"
    return found


if __name__ == "__main__":
    main()
