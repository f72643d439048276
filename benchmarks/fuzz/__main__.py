"""Run the fuzzing, or one input of it again: `python -m benchmarks.fuzz --again "uploads" 17`."""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path

from benchmarks.fuzz.run import Row, fuzz, table
from helpers.core.endings import one_line_errors
from helpers.core.files import atomic_write


def main() -> int:
    """Print the table; 1 if an input was neither explained rightly nor refused clearly."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=10_000, help="in all; default: 10,000")
    parser.add_argument("--seed", type=int, default=0, help="another one makes other inputs; default: 0")
    parser.add_argument("--limit", type=float, default=60, help="seconds for one input; default: 60")
    parser.add_argument("--kind", action="append", help="this kind alone; may be repeated")
    parser.add_argument("--again", nargs=2, metavar=("KIND", "NUMBER"), help="one input again, in this process")
    parser.add_argument("--output", type=Path, help="write the table to this CSV file")
    options = parser.parse_args()
    if options.again:
        import json
        import tempfile

        from benchmarks.fuzz.worker import handle

        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(handle(options.again[0], int(options.again[1]), Path(folder)), indent=1))
        return 0
    with one_line_errors():
        rows = fuzz(options.inputs, seed=options.seed, limit=options.limit, kinds=options.kind, show=True)
    print(table(rows))
    if options.output:
        write(rows, options.output)
    return int(any(row.unclear for row in rows))


def write(rows: list[Row], path: Path) -> None:
    """The table as a CSV file."""
    import io

    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["kind", "inputs", "accepted", "refused", "unclear", "longest_s", "most_mb"])
    for row in rows:
        numbers = (row.inputs, row.accepted, row.refused, row.unclear, f"{row.seconds:.2f}", round(row.bytes / 1e6))
        writer.writerow([row.kind, *numbers])
    atomic_write(path, stream.getvalue().encode())


if __name__ == "__main__":
    sys.exit(main())
