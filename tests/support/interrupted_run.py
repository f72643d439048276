"""A run of small items that a test kills at random moments (see test_results); it lives in processes of its own."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pandas as pd
import torch

from helpers.results import ItemStore, run_key, write_table

ITEMS = [f"image-{index:02d}" for index in range(24)]
KEY = run_key(options={"steps": 3}, code="0" * 64)


def result_of(item: str) -> torch.Tensor:
    """What an item's computation gives: 20,000 numbers, so that a file takes several pages."""
    return torch.full((20_000,), float(ITEMS.index(item)))


def note(folder: Path, words: str) -> None:
    """Add a line to the log, at once and whole."""
    descriptor = os.open(folder / "log", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, f"{words}\n".encode())
    os.close(descriptor)


def run(folder: Path, pause: float) -> None:
    """Compute what is missing, one item after the other, and then write the table."""
    store = ItemStore(folder / "work", KEY)
    for item in store.missing(ITEMS):
        note(folder, f"start {item}")
        time.sleep(pause)
        store.save(item, {"mask": result_of(item)}, {"seconds": pause})
        note(folder, f"saved {item}")
    means = [float(store.load(item).tensors["mask"].mean()) for item in ITEMS]
    write_table(pd.DataFrame({"image": ITEMS, "mean": means}), "quick", "means", {"items": len(ITEMS)}, root=folder)
    note(folder, "done")


def rewrite(folder: Path) -> None:
    """Write one table again and again, each time with other numbers."""
    for version in range(100_000):
        frame = pd.DataFrame({"version": [version] * 200, "row": range(200)})
        write_table(frame, "quick", "versions", {"version": version}, root=folder)
        note(folder, f"wrote {version}")
