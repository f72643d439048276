"""The memory of a batch does not grow with the number of steps.

python -m benchmarks.memory
"""

from __future__ import annotations

import subprocess
import sys

STEPS = (20, 400)
SCRIPT = """
import resource, sys
from helpers.classifiers import load_classifier
from helpers.methods.rde import CartoonX
from helpers.data.scenes import make_scenes
CartoonX(load_classifier("scenes-cnn"), steps=int(sys.argv[1])).explain(make_scenes(4, size=64, seed=0).images)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""
LARGEST_GROWTH = 1.05


def run() -> list[dict]:
    """The peak memory, in MiB, of processes that explain four scenes in few and in many steps, and its ratio."""
    short, long = (peak(steps) for steps in STEPS)
    return [
        {
            "name": f"peak memory: {STEPS[0]} steps {short:.0f} MiB, {STEPS[1]} steps {long:.0f} MiB",
            "ratio": long / short,
            "at_most": LARGEST_GROWTH,
        }
    ]


def peak(steps: int) -> float:
    """The peak memory of a separate process with so many steps, in MiB."""
    command = [sys.executable, "-c", SCRIPT, str(steps)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
