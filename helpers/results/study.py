"""The study of a profile: its stored results, its tables, and the dependencies of each table.

The studies of the three papers add their images, classifiers and methods.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from torch import Tensor

from helpers.core.runtime import resolve_device
from helpers.profiles import Needs, Profile, load_profile
from helpers.results.batches import Batches, Compute, filled
from helpers.results.code import code_digest, code_of, definition_of, project_code
from helpers.results.freshness import Freshness, compare, describe, select_settings
from helpers.results.item_store import ItemStore, Ledger, StoredItem
from helpers.results.provenance import collect_provenance
from helpers.results.registry import Paper, Table, find_table
from helpers.results.tables import (
    archives_folder,
    read_provenance,
    read_table,
    recorded_seconds,
    results_folder,
    table_exists,
    write_table,
)

BOOKKEEPING = (
    "helpers.core.files",
    "helpers.profiles.messages",
    "helpers.profiles.strict_yaml",
    "helpers.results",
)
"""Packages whose code affects no result: finding files, storing results, reading profiles (whose values count)."""

_SECTIONS: dict[Paper, str] = {"explainer": "helpers.profiles.explainer_sections"}
_SECTIONS |= {"spacevae": "helpers.profiles.space_vae_sections"}


class NoSuchTableError(ValueError):
    """A profile cannot have a table; the message names the missing requirement."""


class ProfileStudy:
    """The study of a profile.

    Single results, such as the mask of an image, are stored as soon as they are finished, under a key of all their
    dependencies, so that a rerun, or a run resumed after a kill, computes only missing ones. Tables are read from
    `results/<profile>/` if they are fresh, else computed again.

    Args:
        profile: a profile, its name, or the path of its file.
        root: another folder than the project's `results/`.
        show_progress: show progress bars.

    Raises:
        ValueError: there is no such profile, or it lacks the section that this study needs.
    """

    paper: ClassVar[Paper]
    section: ClassVar[Needs]
    common_settings: ClassVar[tuple[str, ...]]
    """The dotted names of the settings on which every table depends."""
    excluded_code: ClassVar[tuple[str, ...]] = ()
    """Modules whose code counts only where `inputs` includes it."""

    def __init__(self, profile: Profile | str, *, root: Path | None = None, show_progress: bool = False) -> None:
        self.profile = profile if isinstance(profile, Profile) else load_profile(profile, needs=self.section)
        self.root = root
        self.show_progress = show_progress
        self.device = resolve_device(self.profile.device)
        self.ledger = Ledger()

    def require_data(self) -> None:
        """Check that the images are on this machine.

        Raises:
            FileNotFoundError: they are not; the message says what to download, and where to put it.
        """

    def missing_requirement(self, table: Table) -> str | None:
        """The reason why this study cannot have a table, as a sentence; None if it can."""
        settings = self.profile.model_dump(mode="json")
        absent = [name for name in table.needs if not select_settings(settings, [name])]
        if absent:
            sections = ", ".join(f"`{name}`" for name in absent)
            return f"profile {self.profile.name!r} has no section {sections}, which table {table.name!r} needs"
        return None

    def require(self, table: Table) -> None:
        """Check that this study can have a table.

        Raises:
            NoSuchTableError: (a ValueError) it cannot; the message names the missing requirement.
        """
        if reason := self.missing_requirement(table):
            raise NoSuchTableError(reason)

    def seconds_of(self, *names: str) -> float:
        """The total recorded seconds of computation of some tables."""
        recorded = [recorded_seconds(self.file_name(find_table(name)), self.profile, root=self.root) for name in names]
        return sum(seconds or 0.0 for seconds in recorded)

    def file_name(self, table: Table) -> str:
        """The name of a table's files in `results/<profile>/`, without suffix."""
        return table.name

    def inputs(self, table: Table) -> dict[str, Any]:
        """The dependencies of a table besides settings, code and other tables, as JSON values by name.

        A value is None if it is not known on this machine, since photographs or weights are missing.
        """
        raise NotImplementedError

    def dependencies(self, name: str) -> dict[str, Any]:
        """All dependencies of a table, by name; None for those that are not known on this machine."""
        table = find_table(name)
        others = tuple(module for paper, module in _SECTIONS.items() if paper != self.paper)
        code = code_of(_load(table.make), without=(*BOOKKEEPING, *others, *self.excluded_code))
        settings = self.profile.model_dump(mode="json")
        common = self.common_settings if table.common is None else table.common
        dependencies = {
            "settings": select_settings(settings, [*common, *table.settings]),
            "code": project_code().digest(code),
            "modules": project_code().module_digests(code),
            "tables": {other: self._digest_of(other) for other in table.reads},
            **self.inputs(table),
            **(_load(table.inputs)(self) if table.inputs else {}),
        }
        return json.loads(json.dumps(dependencies))  # as stored, with lists instead of tuples

    def freshness(self, name: str) -> Freshness:
        """The freshness of a table, with the reasons if it is stale.

        Raises:
            ValueError: there is no such table, or this profile cannot have it.
        """
        table = find_table(name)
        self.require(table)
        seconds = recorded_seconds(self.file_name(table), self.profile, root=self.root)
        try:
            provenance = read_provenance(self.profile, self.file_name(table), root=self.root)
        except ValueError as error:
            damaged = table_exists(self.profile, self.file_name(table), root=self.root)
            reason = str(error).split("; run the notebook")[0]  # which is what follows now
            return Freshness("damaged", (reason,)) if damaged else Freshness("never run", seconds=seconds)
        return compare(provenance.get("depends"), self.dependencies(name), self.profile, seconds)

    def table(self, name: str) -> pd.DataFrame:
        """A table: the one in `results/<profile>/` if it is fresh, else computed again, with a message why.

        Raises:
            ValueError: there is no such table, or this profile cannot have it; the message says what it can have.
            FileNotFoundError: images or weights that it needs are not on this machine.
        """
        table, freshness = find_table(name), self.freshness(name)
        if freshness.state != "fresh":
            self.require_data()
            print(f"{self.profile.name}/{self.file_name(table)}: {describe(freshness)}", file=sys.stderr, flush=True)
            self._make(table)
        return read_table(self.profile, self.file_name(table), root=self.root)

    def fill(self, name: str) -> None:
        """Compute and store the single results of a table that is not fresh, and leave the table to another process.

        Raises:
            ValueError: there is no such table, or this profile cannot have it.
            FileNotFoundError: images or weights that it needs are not on this machine.
        """
        if self.freshness(name).state != "fresh":
            self.require_data()
            _load(find_table(name).make)(self)

    def _make(self, table: Table) -> None:
        ledger, begin = self.ledger, time.perf_counter()
        ledger.open()
        frame = _load(table.make)(self)
        seconds = ledger.seconds(begin)
        more = frame.attrs.get("provenance", {})
        depends = self.dependencies(table.name)
        self.write(frame, self.file_name(table), wall_seconds=seconds, depends=depends, **more)

    def stored(
        self,
        store: ItemStore,
        items: Sequence[str],
        compute: Compute,
        *,
        batch: int = 1,
        label: str = "",
        backwards: bool = False,
        keep: bool = True,
    ) -> list[StoredItem]:
        """Single results from a store; missing ones are computed in batches and stored.

        Several processes may share a store. Batches that do not fit into memory are halved (see `Batches`).

        Args:
            store: the store.
            items: the items' names; repeated ones are computed once.
            compute: from the positions of some items to their tensors.
            batch: number of items computed together, among which their time is divided.
            label: text of the progress bar.
            backwards: begin with the last items, so that a second process meets the first one in the middle.
            keep: return the results; if not, they are only stored, and the list is empty.

        Raises:
            MemoryError: not even one item fits into memory.
        """
        title = f"{self.profile.name}: {label}"
        batches = Batches(len(items), batch, label=title)
        more = {"ledger": self.ledger, "show_progress": self.show_progress}
        return filled(store, items, compute, batches, backwards=backwards, keep=keep, **more)  # type: ignore[arg-type]

    def store(self, folder: str, *, made_by: Sequence[Callable[..., object] | type] = (), **inputs: Any) -> ItemStore:
        """A store of single results, in a folder of the profile's work files, whose key is that of some inputs.

        Args:
            folder: the folder's name.
            made_by: the functions and classes that compute the results: the digest of their code is the input `code`.
                Such stores can be archived (`helpers archive`).
            inputs: all other inputs.
        """
        if made_by:
            inputs = {**inputs, "code": code_digest(*made_by)}
        return ItemStore.of(
            results_folder(self.profile, self.root) / "work" / folder,
            inputs,
            archives=archives_folder(self.profile, self.root),
            made_by=tuple(":".join(definition_of(root)) for root in made_by),
        )

    def write(self, table: pd.DataFrame, name: str, *, wall_seconds: float | int, **more: Any) -> Path:
        """Write a table of this study to `results/<profile>/`, with its provenance."""
        more = {**self.extra_provenance(table), **more}
        provenance = collect_provenance(self.profile, device=self.device, wall_seconds=wall_seconds, **more)
        return write_table(table, self.profile, name, provenance, root=self.root)

    def extra_provenance(self, table: pd.DataFrame) -> dict[str, Any]:
        """Further entries for the provenance of a table of this study."""
        return {}

    def _digest_of(self, name: str) -> str | None:
        """The digest of another table of this study as it is on disk; None if it has not been computed."""
        path = results_folder(self.profile, self.root) / f"{self.file_name(find_table(name))}.csv"
        return hashlib.sha256(path.read_bytes().replace(b"\r\n", b"\n")).hexdigest() if path.is_file() else None


def open_studies(paper: Paper, profile: Profile | str, table: str | None = None, **options: Any) -> list[ProfileStudy]:
    """The studies of a profile that compute a table: one, or one for each pair of a dataset and a classifier.

    Args:
        paper: the paper.
        profile: a profile, its name, or the path of its file.
        table: the table; None for all studies of the profile.
        options: options of the study, such as `root`.

    Raises:
        ValueError: the profile cannot have this table; the message names the missing requirement.
    """
    from helpers.results.registry import STUDIES

    return _load(STUDIES[paper])(profile, table, **options)


def digest_of_images(*pixels: Tensor) -> str:
    """The SHA-256 of some tensors of pixels or labels, with their shapes and dtypes."""
    digest = hashlib.sha256()
    for tensor in pixels:
        digest.update(f"{tuple(tensor.shape)} {tensor.dtype}".encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().reshape(-1).view(np.uint8).data)  # without a copy
    return digest.hexdigest()


def _load(path: str) -> Callable[..., Any]:
    """The function named by "module:function"."""
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)
