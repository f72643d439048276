"""All benchmarks, or some: ratios within one run, medians of five. `make bench`.

The exit status is 1 if a ratio misses its target.
"""

from __future__ import annotations

import argparse
import platform
import sys
from collections.abc import Iterable
from importlib import import_module

from helpers.core.endings import one_line_errors
from helpers.core.names import known_names

BENCHMARKS = (
    "synthesis",
    "iteration",
    "time_to_objective",
    "rate",
    "memory",
    "rollout",
    "explainer_step",
    "class_methods",
    "space_vae_step",
    "space_vae_explanations",
    "playground",
)

LONG = ("growth", "quantus")
"""Those that run only by name: one takes half an hour, one needs a package that the book does not require."""

KNOWN = (*BENCHMARKS, *LONG)


def line(row: dict) -> str:
    """One result as a line: both times, their ratio, and whether the target was met."""
    times = f"{row['ours_s']:>10.4g} s {row['reference_s']:>10.4g} s" if "ours_s" in row else " " * 24
    target = f"at most {row['at_most']:g}" if "at_most" in row else ""
    target = f"at least {row['target']:g}" if row.get("target") else target
    verdict = "" if not target else ("met" if met(row) else "MISSED")
    return f"{row['name']:<66}{times}{row['ratio']:>9.2f}  {target:<14}{verdict}"


def met(row: dict) -> bool:
    """Whether a result meets its target; true if it has none."""
    fast = row.get("target") is None or (row["ratio"] >= row["target"] and row.get("reached", True))
    return fast and row["ratio"] <= row.get("at_most", float("inf"))


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmarks of the given names, by default all, and print a line for each result."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    text = f"some of {', '.join(KNOWN)}; default: all but {', '.join(LONG)}"
    parser.add_argument("names", nargs="*", metavar="NAME", help=text)
    names = parser.parse_args(arguments).names
    if unknown := [name for name in names if name not in KNOWN]:
        parser.error(f"there is no benchmark {unknown[0]!r}{known_names(unknown[0], KNOWN)}")
    with one_line_errors():
        return _run(names or BENCHMARKS)


def _run(names: Iterable[str]) -> int:
    import torch  # takes seconds, which --help does not need

    from benchmarks.timing import REPEATS, THREADS

    print(f"{platform.processor() or platform.machine()}, {THREADS} threads, torch {torch.__version__}, ", end="")
    print(f"medians of {REPEATS}")
    print(f"{'':<66}{'ours':>12} {'reference':>11}{'ratio':>9}")
    missed = 0
    for name in names:
        for row in import_module(f"benchmarks.{name}").run():
            print(line(row), flush=True)
            missed += not met(row)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
