"""What a study costs as its images grow: seconds, memory and disk for 8 to 8,000 scenes, and a projection to ImageNet.

python -m benchmarks growth, or with a result to keep: python -m benchmarks.growth --output results/growth
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

COUNTS = (8, 80, 800, 8000)
SIZE, STEPS, BATCH = 32, 20, 16
LARGEST_GROWTH = 1.3
"""At most so many times the seconds per image of 800 images for 8,000; the machine's own noise is of this size."""

_REPEATS = 5

PROFILE = """
name: growth
description: scenes of one small size, the fast recipe in few steps
seed: 0
device: cpu
batch_size: {batch}
images: {{source: scenes, count: {count}, size: {size}, seed: 0, objects: [1, 1]}}
classifier: {{name: scenes-cnn, normalise: true}}
cartoonx: {{steps: {steps}, samples: 2, antithetic: true, optimiser: lion, learning_rate: 0.05, levels: 2}}
pixel_rde: {{steps: {steps}, samples: 2, antithetic: true, optimiser: lion, learning_rate: 0.05}}
curves: {{fractions: [0, 0.5, 1], draws: 1, variant: corrected}}
sweep: {{sparsity_weights: [4], images: 2}}
"""


def run(counts: tuple[int, ...] = COUNTS) -> list[dict]:
    """The growth of processor time and memory from each number of scenes to the next, as rows of `make bench`."""
    measured = measure(counts)
    rows = []
    for few, many in pairwise(measured):
        each, before = (m["first"]["processor_s"] - m["start"]["processor_s"] for m in (many, few))
        times = many["images"] / few["images"]
        text = f"growth, {few['images']} to {many['images']} scenes: {1000 * each / many['images']:.1f} ms per image"
        at_most = {"at_most": LARGEST_GROWTH} if few["images"] >= 800 else {}
        rows.append({"name": text, "ratio": each / before / times, **at_most})
    return rows


def measure(counts: tuple[int, ...]) -> list[dict]:
    """Each number of scenes, in processes of their own: the first run, and one that finds all items stored.

    Returns:
        By number of scenes: images, and for `start` (imports and classifier), `first` and `stored` the wall and
        processor seconds and the peak memory in MiB; files and MiB on disk.
    """
    found = []
    for count in counts:
        with tempfile.TemporaryDirectory(prefix="growth-") as folder:
            first = _process(folder, count, "first")
            path = Path(folder) / "results/growth"
            files = [file for file in path.rglob("*") if file.is_file()]
            table = sum(file.stat().st_size for file in files if file.parent == path)
            (path / "explanations.csv").unlink()
            stored = _process(folder, count, "stored")
            disk = sum(file.stat().st_blocks * 512 for file in files) / 2**20
            found.append(
                {
                    "images": count,
                    "start": _process(folder, count, "start"),
                    "first": first,
                    "stored": stored,
                    "files": len(files),
                    "disk_mib": round(disk, 2),
                    "table_mib": round(table / 2**20, 3),
                }
            )
            print(json.dumps(found[-1]), file=sys.stderr, flush=True)
    return found


def photograph_ms() -> float:
    """Processor milliseconds to decode one of scikit-image's photographs, 300 to 600 px wide, to 224 px, and digest it.

    Every process does this with all photographs of its profile, whose digests are the names of their results.
    """
    from helpers.data.images import image_digest
    from helpers.data.photographs import GALLERY_NAMES, gallery_images

    gallery_images(size=224)  # imports
    begin = time.process_time()
    for _ in range(_REPEATS):
        for image in gallery_images(size=224).images:
            image_digest(image)
    return 1000 * (time.process_time() - begin) / (_REPEATS * len(GALLERY_NAMES))


def _process(folder: str, count: int, what: str) -> dict[str, float]:
    """Run this module as a process that does one of the three things; what it measures of itself."""
    command = [sys.executable, "-m", "benchmarks.growth", "--child", what, "--count", str(count), "--folder", folder]
    begin = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return {"wall_s": round(time.perf_counter() - begin, 2), **json.loads(done.stdout.splitlines()[-1])}


def _child(what: str, count: int, folder: Path) -> None:
    """Compute the table of so many scenes, or only what each run does before it, and print what it took."""
    import torch

    from helpers.papers.recartoonx.experiments import Study
    from helpers.papers.recartoonx.experiments.explanations import explanation_table  # noqa: F401
    from helpers.results.commands import make_tables

    torch.set_num_threads(1)
    path = folder / "growth.yaml"
    path.write_text(PROFILE.format(batch=BATCH, count=count, size=SIZE, steps=STEPS))
    if what == "start":
        _ = Study(str(path)).classifier
    else:
        make_tables("explanations", str(path), root=folder / "results")
    used = resource.getrusage(resource.RUSAGE_SELF)
    peak = used.ru_maxrss / (1024 if sys.platform != "darwin" else 2**20)
    print(json.dumps({"processor_s": round(used.ru_utime + used.ru_stime, 2), "peak_mib": round(peak, 1)}))


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, and write where a folder is given."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description=__doc__)
    parser.add_argument("--counts", type=int, nargs="+", default=list(COUNTS))
    parser.add_argument("--output", type=Path, help="a folder for growth.json")
    parser.add_argument("--child", choices=("start", "first", "stored"), help=argparse.SUPPRESS)
    parser.add_argument("--count", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    if chosen.child:
        _child(chosen.child, chosen.count, chosen.folder)
        return 0
    measured = measure(tuple(chosen.counts))
    if chosen.output:
        from datetime import datetime, timezone

        from helpers.core.files import atomic_write

        about = {"date": datetime.now(timezone.utc).isoformat(timespec="seconds"), "machine": platform.platform()}
        about |= {"cores": os.cpu_count(), "size": SIZE, "steps": STEPS, "batch": BATCH}
        about |= {"photograph_ms": round(photograph_ms(), 2), "measured": measured}
        atomic_write(chosen.output / "growth.json", (json.dumps(about, indent=1) + "\n").encode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
