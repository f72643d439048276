"""One profile at work: its stored items, its tables, and what each of them depends on.

The studies of the three papers add their images, classifiers and methods to this one.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd
from torch import Tensor

from helpers.core.runtime import progress, resolve_device
from helpers.profiles import Needs, Profile, load_profile
from helpers.results.code import code_of, project_code
from helpers.results.freshness import Freshness, compare, picked, spoken
from helpers.results.item_store import ItemStore, StoredItem
from helpers.results.provenance import collect_provenance
from helpers.results.registry import Paper, Table, find_table
from helpers.results.tables import read_provenance, read_table, recorded_seconds, results_folder, write_table

BOOKKEEPING = (
    "helpers.core.files",
    "helpers.profiles.messages",
    "helpers.profiles.strict_yaml",
    "helpers.results",
)
"""Rooms whose code changes no number: how files are found, results stored and profiles read; settings are values."""

_SECTIONS: dict[Paper, str] = {"explainer": "helpers.profiles.explainer_sections"}
_SECTIONS |= {"spacevae": "helpers.profiles.space_vae_sections"}


class NoSuchTableError(ValueError):
    """A profile cannot have a table; the message says what it lacks."""


class ProfileStudy:
    """One profile at work.

    Single results, such as the mask of an image, are stored as soon as they are finished, under a key made of
    everything that they depend on. A second run, or one that goes on after a kill, computes what is missing and
    nothing else. Tables are read from `results/<profile>/` where they are fresh, else made anew.

    Args:
        profile: a profile, its name, or the path of its file.
        root: another folder than the project's `results/`.
        show_progress: show bars.

    Raises:
        ValueError: there is no such profile, or it lacks the section that this study needs.
    """

    paper: ClassVar[Paper]
    section: ClassVar[Needs]
    settings_of_all: ClassVar[tuple[str, ...]]
    """The parts of a profile that count for every table, dotted."""
    by_parts: ClassVar[tuple[str, ...]] = ()
    """Modules whose code counts only as far as `parts` says."""

    def __init__(self, profile: Profile | str, *, root: Path | None = None, show_progress: bool = False) -> None:
        self.profile = profile if isinstance(profile, Profile) else load_profile(profile, needs=self.section)
        self.root = root
        self.show_progress = show_progress
        self.device = resolve_device(self.profile.device)
        self.ledger = Ledger()

    def require_data(self) -> None:
        """Check that the images are on this machine.

        Raises:
            FileNotFoundError: they are not; the message says what to fetch, and where it belongs.
        """

    def lacks(self, table: Table) -> str | None:
        """Why this study can have no such table, in a sentence; None where it can."""
        content = self.profile.model_dump(mode="json")
        absent = [name for name in table.needs if not picked(content, [name])]
        if absent:
            sections = ", ".join(f"`{name}`" for name in absent)
            return f"profile {self.profile.name!r} has no section {sections}, which table {table.name!r} needs"
        return None

    def require(self, table: Table) -> None:
        """Check that this study can have a table.

        Raises:
            NoSuchTableError: (a ValueError) it cannot; the message says what it lacks.
        """
        if reason := self.lacks(table):
            raise NoSuchTableError(reason)

    def seconds_of(self, *names: str) -> float:
        """How long making some tables took, in all, as recorded with them."""
        recorded = [recorded_seconds(self.file_name(find_table(name)), self.profile, root=self.root) for name in names]
        return sum(seconds or 0.0 for seconds in recorded)

    def file_name(self, table: Table) -> str:
        """What a table is called in `results/<profile>/`."""
        return table.name

    def parts(self, table: Table) -> dict[str, Any]:
        """What a table depends on besides settings, code and other tables, by name: plain values.

        A part is None where it is not known on this machine, as the photographs or the weights are not there.
        """
        raise NotImplementedError

    def depends(self, name: str) -> dict[str, Any]:
        """Everything that a table depends on, by name; a part is None where it is not known on this machine."""
        table = find_table(name)
        others = tuple(module for paper, module in _SECTIONS.items() if paper != self.paper)
        code = code_of(_load(table.make), without=(*BOOKKEEPING, *others, *self.by_parts))
        content = self.profile.model_dump(mode="json")
        found = {
            "settings": picked(content, [*self.settings_of_all, *table.settings]),
            "code": project_code().digest(code),
            "modules": project_code().module_digests(code),
            "tables": {other: self._digest_of(other) for other in table.reads},
            **self.parts(table),
            **(_load(table.parts)(self) if table.parts else {}),
        }
        return json.loads(json.dumps(found))  # as it is stored: a tuple is a list there

    def freshness(self, name: str) -> Freshness:
        """Whether a table is there and still right, and if not, why not.

        Raises:
            ValueError: there is no such table, or this profile cannot have it.
        """
        table = find_table(name)
        self.require(table)
        seconds = recorded_seconds(self.file_name(table), self.profile, root=self.root)
        try:
            about = read_provenance(self.profile, self.file_name(table), root=self.root)
        except ValueError:  # not there, or not whole
            return Freshness("never run", seconds=seconds)
        return compare(about.get("depends"), self.depends(name), self.profile, seconds)

    def table(self, name: str) -> pd.DataFrame:
        """A table: the one in `results/<profile>/` if it is fresh, else made anew, with a line that says why.

        Raises:
            ValueError: there is no such table, or this profile cannot have it; the message says what can.
            FileNotFoundError: images or weights that it needs are not on this machine.
        """
        table, state = find_table(name), self.freshness(name)
        if state.state != "fresh":
            self.require_data()
            print(f"{self.profile.name}/{self.file_name(table)}: {spoken(state)}", file=sys.stderr, flush=True)
            self._make(table)
        return read_table(self.profile, self.file_name(table), root=self.root)

    def _make(self, table: Table) -> None:
        ledger, begin = self.ledger, time.perf_counter()
        ledger.open()
        frame = _load(table.make)(self)
        seconds = ledger.seconds(begin)
        more = frame.attrs.get("provenance", {})
        self.write(frame, self.file_name(table), wall_seconds=seconds, depends=self.depends(table.name), **more)

    def stored(
        self,
        store: ItemStore,
        items: Sequence[str],
        compute: Callable[[list[int]], Sequence[Mapping[str, Tensor]]],
        *,
        batch: int = 1,
        label: str = "",
        backwards: bool = False,
    ) -> list[StoredItem]:
        """Single results from a store; those that are missing are computed in batches and stored.

        Several processes may share a store.

        Args:
            store: where they lie.
            items: their names; each is computed once, also where it is asked for twice.
            compute: from the positions of some items to their tensors.
            batch: how many are computed together; a batch's time is shared by its items.
            label: what the progress bar says.
            backwards: begin with the last ones, so that a second process meets the first one in the middle.
        """
        absent = set(store.missing(items))
        missing = [index for index, item in enumerate(items) if item in absent and items.index(item) == index]
        batches = [missing[first : first + batch] for first in range(0, len(missing), batch)]
        batches = batches[::-1] if backwards else batches
        shown = self.show_progress and bool(batches)
        for rows in progress(batches, label=f"{self.profile.name}: {label}", show=shown):
            absent = set(store.missing([items[row] for row in rows]))  # another process may have done some meanwhile
            rows = [row for row in rows if items[row] in absent]
            if not rows:
                continue
            begin = time.perf_counter()
            results = compute(rows)
            seconds = time.perf_counter() - begin
            self.ledger.computed += seconds
            for row, tensors in zip(rows, results, strict=True):
                store.save(items[row], tensors, {"seconds": seconds / len(rows)})
        loaded = [store.load(item) for item in items]
        self.ledger.items |= {
            (store.key, item): stored.metadata["seconds"] for item, stored in zip(items, loaded, strict=True)
        }
        return loaded

    def store(self, folder: str, **parts: Any) -> ItemStore:
        """A store of single results in `results/<profile>/work/<folder>/`, under the key that some parts make."""
        return ItemStore.of(results_folder(self.profile, self.root) / "work" / folder, parts)

    def write(self, table: pd.DataFrame, name: str, *, wall_seconds: float | int, **more: Any) -> Path:
        """Write a table of this study to `results/<profile>/`, with its provenance."""
        more = {**self.about(table), **more}
        about = collect_provenance(self.profile, device=self.device, wall_seconds=wall_seconds, **more)
        return write_table(table, self.profile, name, about, root=self.root)

    def about(self, table: pd.DataFrame) -> dict[str, Any]:
        """What the provenance of a table of this study says besides."""
        return {}

    def _digest_of(self, name: str) -> str | None:
        """The digest of another table of this study, as it is now; None where it has not been made."""
        path = results_folder(self.profile, self.root) / f"{self.file_name(find_table(name))}.csv"
        return hashlib.sha256(path.read_bytes().replace(b"\r\n", b"\n")).hexdigest() if path.is_file() else None


class Ledger:
    """The seconds of computation behind a table: of every stored item that was asked for, whenever it was computed.

    Attributes:
        items: the seconds of each item, by the store's key and its name.
        computed: how many of these seconds were spent since the ledger was opened.
    """

    def __init__(self) -> None:
        self.open()

    def open(self) -> None:
        """Begin anew."""
        self.items: dict[tuple[str, str], float] = {}
        self.computed = 0.0

    def seconds(self, begin: float) -> float:
        """The seconds since `begin` (of `time.perf_counter`), where stored items count with the time they once took."""
        return time.perf_counter() - begin - self.computed + sum(self.items.values())


def open_studies(paper: Paper, profile: Profile | str, table: str | None = None, **options: Any) -> list[ProfileStudy]:
    """The studies in which a table of a profile is made: one, or one for each pair of a dataset and a classifier.

    Args:
        paper: the paper.
        profile: a profile, its name, or the path of its file.
        table: the table; None for all studies of the profile.
        options: of the study, such as `root`.

    Raises:
        ValueError: the profile cannot have this table; the message says what it lacks.
    """
    from helpers.results.registry import STUDIES

    return _load(STUDIES[paper])(profile, table, **options)


def digest_of_images(*pixels: Tensor) -> str:
    """One SHA-256 of some tensors of pixels or labels, with their shapes and types."""
    digest = hashlib.sha256()
    for tensor in pixels:
        digest.update(f"{tuple(tensor.shape)} {tensor.dtype}".encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _load(path: str) -> Callable[..., Any]:
    """The function that "module:function" names."""
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)
