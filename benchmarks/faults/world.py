"""A small study on a small disk: run in processes that can be killed, and compared with an undisturbed run."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
import torchvision

from benchmarks.faults.server import BrokenServer
from helpers.core.endings import CommandEnd, one_line_errors
from helpers.core.files import MODELS_FOLDER
from helpers.papers.recartoonx.experiments import explanations  # noqa: F401  imported once, for all forked processes
from helpers.results import batches
from helpers.results.code import project_code
from helpers.results.commands import archive_items, make_tables

PATIENCE = 1800.0  # the seconds after which a process counts as hanging: the machine may be busy
IMAGES, BATCH, METHODS, DISK_MIB = 64, 16, 2, 24
NETWORK = "squeezenet1_1"
TABLE = "explanations"

PROFILE = """
name: {name}
description: the study that is disturbed
seed: 0
device: cpu
batch_size: {batch}
images: {{source: scenes, count: {images}, size: 64, seed: 0, objects: [1, 1]}}
classifier: {{name: {classifier}, weights: {weights}, normalise: true}}
cartoonx: {{steps: 1, samples: 2, antithetic: true, optimiser: lion, learning_rate: 0.05, levels: 2}}
pixel_rde: {{steps: 1, samples: 2, antithetic: true, optimiser: lion, learning_rate: 0.05}}
curves: {{fractions: [0, 0.5, 1], draws: 1, variant: corrected}}
sweep: {{sparsity_weights: [4], images: 2}}
"""

Prepare = Callable[[], None]


@dataclass
class Process:
    """A process of a study that has ended.

    Attributes:
        status: its exit status, negative for a signal.
        said: its standard error.
        computed: the numbers of images in each batch that it computed.
    """

    status: int
    said: str
    computed: list[int]


class World:
    """The files of a study: a profile, weights, results on a disk of their own, and a cache of downloads.

    Args:
        folder: an empty folder.
        name: of the profile: `own` has a weights file, `hub` has published weights from `server`.
        server: has the published weights.
    """

    def __init__(self, folder: Path, name: str, server: BrokenServer) -> None:
        self.folder, self.name, self.server = folder, name, server
        self.disk, self.profile = folder / "disk", folder / f"{name}.yaml"
        self.results, self.cache = self.disk / "results", self.disk / "cache"
        self.weights = folder / "weights/scenes-cnn.safetensors"
        self.reference = folder / f"undisturbed-{name}"
        self.weights.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(MODELS_FOLDER / self.weights.name, self.weights)
        line = f"{hashlib.sha256(self.weights.read_bytes()).hexdigest()}  {self.weights.name}\n"
        (self.weights.parent / "SHA256SUMS").write_text(line)
        classifier, weights = ("scenes-cnn", str(self.weights)) if name == "own" else (NETWORK, "hub")
        text = PROFILE.format(name=name, images=IMAGES, batch=BATCH, classifier=classifier, weights=weights)
        self.profile.write_text(text)

    @property
    def work(self) -> Path:
        """The folder of the stores."""
        return self.results / self.name / "work"

    @property
    def csv(self) -> Path:
        """The table."""
        return self.results / self.name / f"{TABLE}.csv"

    @property
    def cached(self) -> Path:
        """The downloaded weights."""
        return self.cache / "hub/checkpoints" / published_name(self.server.content)

    def start(self, prepare: Prepare | None = None) -> Running:
        """Start a process that computes the table."""
        return Running(self, lambda: make_tables(TABLE, str(self.profile), root=self.results), prepare)

    def run(self, prepare: Prepare | None = None) -> Process:
        """Compute the table in a process, to its end."""
        return self.start(prepare).end()

    def archive(self) -> Process:
        """Archive the items, in a process."""
        return Running(self, lambda: archive_items(str(self.profile), root=self.results), None).end()

    def items(self) -> list[Path]:
        """The stored items."""
        return sorted(self.work.rglob("*.safetensors"))

    def states(self) -> dict[Path, tuple[int, int, int]]:
        """What changes of a file that is written again, by its path."""
        return {path: (s.st_ino, s.st_mtime_ns, s.st_size) for path in self.items() for s in [path.stat()]}

    def keep_reference(self) -> None:
        """Keep the present results as those of the undisturbed run."""
        shutil.copytree(self.results, self.reference)

    def restore(self, share: float = 1.0, *, table: bool = True) -> None:
        """Begin anew, with the first share of the items of the undisturbed run, and its table or not."""
        shutil.rmtree(self.results, ignore_errors=True)
        if not share:
            return
        shutil.copytree(self.reference, self.results)
        items = sorted(self.items(), key=lambda path: path.stat().st_mtime_ns)
        for path in items[round(share * len(items)) :]:
            path.unlink()
        if not table:
            self.csv.unlink()
            self.csv.with_suffix(".json").unlink()

    def differences(self, *, items: bool = True) -> list[str]:
        """The names of what differs from the undisturbed run: the table apart from its seconds, and items."""
        expected = self.reference / self.name
        found = [] if _numbers(self.csv) == _numbers(expected / self.csv.name) else [self.csv.name]
        if not items:
            return found
        theirs = {path.relative_to(expected / "work"): path for path in (expected / "work").rglob("*.safetensors")}
        ours = {path.relative_to(self.work): path for path in self.items()}
        found += [str(path) for path in sorted(theirs.keys() ^ ours.keys())]
        found += [str(path) for path in theirs.keys() & ours.keys() if _tensors(theirs[path]) != _tensors(ours[path])]
        return found


class Running:
    """A process of a study, forked from this one, whose imports it shares."""

    def __init__(self, world: World, work: Callable[[], None], prepare: Prepare | None) -> None:
        self.folder = world.folder
        self.log = self.folder / f"log-{time.monotonic_ns()}"
        sys.stdout.flush()
        self.pid = os.fork()
        if not self.pid:
            _child(world, self.log, work, prepare)

    def poll(self) -> bool:
        """Whether the process has ended."""
        if not hasattr(self, "_status"):
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._status = status
        return hasattr(self, "_status")

    def kill(self) -> None:
        """Kill the process at once."""
        if not self.poll():
            os.kill(self.pid, signal.SIGKILL)

    def end(self) -> Process:
        """Wait for the end; a process that takes minutes counts as hanging, and is killed."""
        limit = time.monotonic() + PATIENCE
        while not self.poll():
            time.sleep(0.02)
            if time.monotonic() > limit:
                os.kill(self.pid, signal.SIGKILL)
        status = os.waitstatus_to_exitcode(self._status)
        said = self.log.with_suffix(".err").read_text(errors="replace") if status is not None else ""
        sizes = self.log.with_suffix(".computed")
        computed = [int(line) for line in sizes.read_text().split()] if sizes.is_file() else []
        for path in self.folder.glob(f"{self.log.name}.*"):
            path.unlink()
        return Process(status, said.replace("\r", "\n"), computed)


def _child(world: World, log: Path, work: Callable[[], None], prepare: Prepare | None) -> None:
    """The forked process: never returns."""
    status = 70
    try:
        errors = os.open(log.with_suffix(".err"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(errors, 2)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.stderr = os.fdopen(2, "w", buffering=1, closefd=False)
        os.environ["TORCH_HOME"] = str(world.cache)
        url = f"{world.server.address}/{published_name(world.server.content)}"
        torchvision.models.SqueezeNet1_1_Weights.IMAGENET1K_V1.value.url = url
        _count_batches(log.with_suffix(".computed"))
        if prepare:
            prepare()
        with one_line_errors():
            work()
        status = 0
    except CommandEnd as end:
        status = end.code if isinstance(end.code, int) else 2
    except BaseException:  # a traceback is what a user would see, too
        import traceback

        traceback.print_exc()
        status = 1
    finally:
        os._exit(status)


def _count_batches(path: Path) -> None:
    """Write the size of each computed batch to a file."""
    attempt = batches._attempt

    def counted(compute: batches.Compute, rows: list[int]) -> object:
        answer = attempt(compute, rows)
        if answer[0] is not None:
            with open(path, "a") as file:
                file.write(f"{len(rows)}\n")
        return answer

    batches._attempt = counted


def published_name(content: bytes) -> str:
    """The name of a published file, which has its hash."""
    return f"{NETWORK}-{hashlib.sha256(content).hexdigest()[:8]}.pth"


def published_weights() -> bytes:
    """A file of weights as torchvision publishes them."""
    import io

    torch.manual_seed(0)
    buffer = io.BytesIO()
    torch.save(torchvision.models.squeezenet1_1(weights=None).state_dict(), buffer)
    return buffer.getvalue()


def warm_up() -> None:
    """Do once what each process would do for itself, before any is forked."""
    torch.set_num_threads(1)
    project_code()


@contextmanager
def small_disk(folder: Path, mebibytes: int = DISK_MIB) -> Iterator[Path]:
    """A file system of its own at `folder/disk`: a loop-back image with ext4, which needs root.

    Raises:
        OSError: it cannot be mounted.
    """
    image, disk = folder / "disk.img", folder / "disk"
    disk.mkdir(parents=True)
    with image.open("wb") as file:
        file.truncate(mebibytes << 20)
    for command in (["mkfs.ext4", "-q", "-m", "0", str(image)], ["mount", "-o", "loop", str(image), str(disk)]):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise OSError(f"a full disk needs a loop-back file system, and root: {' '.join(command)}: {done.stderr}")
    try:
        yield disk
    finally:
        subprocess.run(["umount", str(disk)], check=True)
        image.unlink()


def _numbers(csv: Path) -> list[list[str]] | None:
    """The cells of a table without the column of seconds; None if there is none."""
    if not csv.is_file():
        return None
    rows = [line.split(",") for line in csv.read_text().splitlines()]
    seconds = rows[0].index("seconds")
    return [row[:seconds] + row[seconds + 1 :] for row in rows]


def _tensors(path: Path) -> bytes:
    """The bytes of an item's tensors, with their names and types, without the metadata."""
    from safetensors.torch import load_file

    found = load_file(path)
    return b"".join(
        f"{name} {found[name].dtype} {tuple(found[name].shape)}".encode() + found[name].numpy().tobytes()
        for name in sorted(found)
    )
