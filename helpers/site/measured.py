"""Tables of what was measured of the machinery: growth, faults, bad input, what numbers depend on, and a cluster.

The files are made by `python -m benchmarks.growth`, `.faults`, `.fuzz`, `.determinism` and `.cluster`, and committed.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from helpers.core.files import ROOT

GROWTH = "results/growth/growth.json"
FAULTS = "results/faults/faults.json"
FUZZ = "benchmarks/fuzz/table.csv"
DETERMINISM = "results/determinism/determinism.json"
CLUSTER = "results/cluster/cluster.json"
PASSES = "results/benchmark-scenes/benchmark.csv"

IMAGENET = 50_000
"""The validation images of ImageNet."""

RATE = 1000
"""The images that a network classifies in a second on one GPU: an assumption of the projection, to be replaced."""

BACKWARD = 2
"""A backward pass counts as so many forward passes: gradients of inputs and of intermediate values."""

_SIDE = 224
_MIB = 2**20


def with_measured(text: str, root: Path = ROOT) -> str:
    """The text of a page with the tables in place of their marks, `<!-- measured: growth -->` and so on."""
    for name, make in TABLES.items():
        mark = f"<!-- measured: {name} -->"
        if mark in text:
            text = text.replace(mark, make(root))
    return text


def growth_table(root: Path = ROOT) -> str:
    """Markdown: a row for each number of scenes, and how much of it each further image takes."""
    about = _read(root / GROWTH)
    rows = [
        [
            f"{m['images']:,}",
            f"{m['first']['processor_s'] - m['start']['processor_s']:.1f}",
            f"{m['stored']['processor_s'] - m['start']['processor_s']:.1f}",
            f"{m['first']['peak_mib']:,.0f}",
            f"{m['disk_mib']:.1f}",
            f"{m['files']:,}",
        ]
        for m in about["measured"]
    ]
    heads = ["scenes", "seconds", "seconds, stored", "MiB of memory", "MiB on disk", "files"]
    few, many = about["measured"][-2:]
    images = many["images"] - few["images"]
    each = 1000 * _further(few, many, "first", "processor_s") / images
    again = 1000 * _further(few, many, "stored", "processor_s") / images
    memory = 1024 * _further(few, many, "first", "peak_mib") / images
    return "\n".join(
        [
            _markdown(heads, rows),
            "",
            f"From {few['images']:,} to {many['images']:,} scenes, each further one takes {each:.0f} ms of a core "
            f"({again:.1f} ms where its masks are stored), {memory:.0f} KiB of memory and "
            f"{1024 * (many['disk_mib'] - few['disk_mib']) / images:.1f} KiB on the disk.",
        ]
    )


def projection_table(root: Path = ROOT) -> str:
    """Markdown: hours for ImageNet's validation images by method, on one GPU and on eight."""
    passes = _passes(root)
    hours = {name: _hours(*counts) for name, counts in passes.items()}
    rows = [
        [name, f"{passes[name][0]:,.0f}", f"{passes[name][1]:,.0f}", _time(hours[name]), _time(hours[name] / 8)]
        for name in sorted(hours, key=lambda name: hours[name])
    ]
    return _markdown(["method", "forward", "backward", "one GPU", "eight GPUs"], rows)


def limits_text(root: Path = ROOT) -> str:
    """Markdown: where the growth to ImageNet's validation images stops being linear, with the measured sizes."""
    about = _read(root / GROWTH)
    few, many = about["measured"][-2:]
    again = _further(few, many, "stored", "processor_s") / (many["images"] - few["images"])
    pixels = IMAGENET * 3 * _SIDE**2 * 4 / 1e9
    masks = IMAGENET * _SIDE**2 * 2 / 1e9
    start, decode, last = many["start"]["processor_s"], IMAGENET * about["photograph_ms"] / 1000, IMAGENET * again
    fixed = (start + decode + last) / 3600
    hours = [_hours(*counts) for counts in _passes(root).values()]
    below = sum(some / 8 < fixed for some in hours)
    return (
        f"Three parts do not shrink with the number of GPUs. Each shard starts Python, which takes {start:.0f} s of a "
        f"core, and decodes all photographs of the profile, whose pixels name the stored results: at "
        f"{about['photograph_ms']:.0f} ms each, {decode / 60:.0f} minutes. And one last job reads all masks, "
        f"{masks:.0f} GB in half precision, at {1000 * again:.1f} ms per image: {last / 60:.0f} minutes or more. "
        f"Together they take {60 * fixed:.0f} minutes, longer than one of eight GPUs works for {below} of the "
        f"{len(hours)} methods. So give each GPU one shard, not each hundred images. The decoded pixels, {pixels:.0f} "
        f"GB for {IMAGENET:,} images of {_SIDE} px in single precision, lie in a temporary file of each process (above "
        f"1 GB; `TMPDIR` names its folder): eight processes on one machine need {8 * pixels:.0f} GB of its disk."
    )


def faults_table(root: Path = ROOT) -> str:
    """Markdown: a row for each kind of fault."""
    about = _read(root / FAULTS)
    faults: list[dict[str, Any]] = about["faults"]
    kinds = [*sorted({fault["kind"] for fault in faults}), "all"]
    rows = []
    for kind in kinds:
        some = [fault for fault in faults if kind in (fault["kind"], "all")]
        sums = [sum(fault[name] for fault in some) for name in ("recovered", "same", "redone", "along", "said")]
        rows.append([kind, str(len(some)), *map(str, sums)])
    heads = ["fault", "runs", "recovered", "same bits", "done again", "along", "said"]
    return "\n".join(
        [f"Run of {about['date'][:10]}, seed {about['seed']}, {about['images']} images:", "", _markdown(heads, rows)]
    )


def determinism_table(root: Path = ROOT) -> str:
    """Markdown: for each method whose maps differ anywhere, by how much, and how much is promised, and why."""
    about = _read(root / DETERMINISM)
    differences: dict[str, dict[str, tuple[float, float]]] = about["differences"]
    titles = {"batch of 1": "batch of 1", "batch of 2": "batch of 2", "threads": "two threads", "other": about["other"]}
    changed = {method: row for method, row in differences.items() if any(row[name][0] for name in titles)}
    here = sum(not any(row[name][0] for name in titles if name != "other") for row in differences.values())
    promised: dict[str, dict[str, Any]] = about["promised"]
    reasons = list(dict.fromkeys(promised[method]["why"] for method in changed))
    letters = dict(zip(reasons, "abcde", strict=False))
    rows = [
        [
            method,
            *(_apart(*row[name]) for name in titles),
            f"{_promised(promised[method])} ({letters[promised[method]['why']]})",
        ]
        for method, row in changed.items()
    ]
    version = about["torch"].partition("+")[0]
    return "\n".join(
        [
            f"Of {len(differences)} methods and controls, {here} have the same bits there, too, and "
            f"{len(differences) - len(changed)} also with {about['other']} in the place of {version}. The largest "
            f"differences of the others, in maps between 0 and 1, and in brackets the share of pixels that differ by "
            f"more than {about['far']:g}:",
            "",
            _markdown(["method", *titles.values(), "promised"], rows),
            "",
            "; ".join(f"({letter}) {reason}" for reason, letter in letters.items()) + ".",
        ]
    )


def cluster_table(root: Path = ROOT) -> str:
    """Markdown: what the jobs of a cluster have made, compared with a run without one."""
    about = _read(root / CLUSTER)
    rows, names = [], {"table": "tables", "notebook": "notebooks"}
    for kind, name in names.items():
        some = [row for row in about["compared"] if row["kind"] == kind]
        sums = [sum(row[what] for row in some) for what in ("values", "pictures", "times")]
        rows.append([name, f"{len(some)}", *(f"{total:,}" for total in sums), f"{sum(row['same'] for row in some)}"])
    differing = [row["name"] for row in about["compared"] if not row["same"]]
    made = [row["name"] for row in about["compared"] if row["kind"] == "notebook"]
    pictures = " and no picture" if any(row["pictures"] for row in about["compared"]) else ""
    which = "" if len(made) == about["figures"] else f": {', '.join(made)}"
    return "\n".join(
        [
            f"Run of {about['date'][:10]}, {about['jobs']} jobs of SLURM {about['slurm']} on one node with two slots: "
            f"{len(made)} of the {about['figures']} figures of the profile {about['profile']}{which}.",
            "",
            _markdown(["results", "compared", "values or outputs", "pictures", "times, left out", "the same"], rows),
            "",
            f"These differ: {', '.join(differing)}." if differing else f"No number{pictures} differs by a bit.",
        ]
    )


def _promised(promise: Mapping[str, Any]) -> str:
    return f"{100 * promise['share']:.0f} % of pixels" if promise["share"] else f"{promise['largest']:.0e}"


def _apart(largest: float, share: float) -> str:
    """A largest difference, and the share of pixels that are far apart if there are any."""
    return "0" if not largest else f"{largest:.0e}" + (f" ({100 * share:.2g} %)" if share else "")


def fuzz_text(root: Path = ROOT) -> str:
    """Markdown: how many inputs of how many kinds were explained, refused clearly, or handled otherwise."""
    with (root / FUZZ).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    inputs, accepted, refused, unclear = (
        sum(int(row[name]) for row in rows) for name in ("inputs", "accepted", "refused", "unclear")
    )
    slow = max(rows, key=lambda row: float(row["longest_s"]))
    large = max(rows, key=lambda row: float(row["most_mb"]))
    return (
        f"Of {inputs:,} generated inputs of {len(rows)} kinds, {accepted:,} were in order and handled rightly, "
        f"{refused:,} were refused with a sentence that says what is wrong, and {unclear or 'none'} ended otherwise. "
        f"The slowest took {float(slow['longest_s']):.0f} s ({slow['kind']}), the largest "
        f"{float(large['most_mb']) / 1000:.1f} GB ({large['kind']})."
    )


TABLES = {
    "cluster": cluster_table,
    "growth": growth_table,
    "projection": projection_table,
    "limits": limits_text,
    "faults": faults_table,
    "fuzz": fuzz_text,
    "determinism": determinism_table,
}
"""What stands in place of each mark."""


def _passes(root: Path) -> dict[str, tuple[float, float]]:
    """The forward and backward passes per image of each method, with the settings of the benchmark on scenes."""
    passes: dict[str, tuple[float, float]] = {}
    with (root / PASSES).open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["control"] != "True":
                passes.setdefault(row["method"], (float(row["forward"]), float(row["backward"])))
    return passes


def _hours(forward: float, backward: float) -> float:
    return IMAGENET * (forward + BACKWARD * backward) / RATE / 3600


def _time(hours: float) -> str:
    return f"{60 * hours:.0f} min" if hours < 1.5 else f"{hours:.0f} h" if hours < 48 else f"{hours / 24:.1f} days"


def _further(few: Mapping[str, Any], many: Mapping[str, Any], run: str, what: str) -> float:
    return float(many[run][what] - few[run][what])


def _markdown(heads: Iterable[str], rows: Iterable[list[str]]) -> str:
    heads = list(heads)
    lines = [heads, [":---", *["---:"] * (len(heads) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))
