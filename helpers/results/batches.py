"""The batches in which stored results are computed: a fixed grid, whose batches are halved where memory is short."""

from __future__ import annotations

import gc
import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

import torch
from torch import Tensor
from tqdm.auto import tqdm

from helpers.core.memory import is_out_of_memory
from helpers.core.runtime import progress
from helpers.results.item_store import ItemStore, Ledger, StoredItem
from helpers.results.shards import visiting_order

Compute = Callable[[list[int]], Sequence[Mapping[str, Tensor]]]
"""From the positions of some items to the tensors of each."""


class NoMemoryError(MemoryError):
    """Not even one item fits into memory; the message says what to do."""

    in_words = True


class Batches:
    """The grid of batches of some items, of which only missing ones are computed.

    The last bits of a convolution depend on the number of images in its batch, though not on which they are. So the
    batches are those of an undisturbed run, whatever is stored already: items [0, size), [size, 2 size), and so on. If
    a killed run has stored a part of a batch, its other items are computed with the whole batch, and have the bits that
    they would have had.

    Args:
        count: the number of items.
        size: of a batch.
        label: the name of the computation, for messages.

    Attributes:
        size: of a batch; less than asked for once memory was short.
    """

    def __init__(self, count: int, size: int, *, label: str = "") -> None:
        self.count, self.size, self.label = count, max(1, size), label
        self._told = False

    def with_missing(self, missing: set[int], *, backwards: bool = False) -> list[list[int]]:
        """The positions of each batch that has a missing item, in the images' order or that of this process's shard."""
        starts = {position // self.size for position in missing}
        order = [at for at in visiting_order(math.ceil(self.count / self.size)) if at in starts]
        ordered = order[::-1] if backwards else order
        return [list(range(at * self.size, min((at + 1) * self.size, self.count))) for at in ordered]

    def computed(self, rows: list[int], compute: Compute) -> Iterator[tuple[list[int], Sequence[Mapping[str, Tensor]]]]:
        """A batch's results, in one part, or in several where memory was short: positions, and tensors of each.

        A batch that does not fit into memory is halved, until it fits, and later batches are as small; a message on
        standard error says so once.

        Raises:
            NoMemoryError: (a MemoryError) not even one item fits.
        """
        first = 0
        while first < len(rows):
            part = rows[first : first + self.size]
            results, error = _attempt(compute, part)
            if results is None:
                self._halve(len(part), error)
                continue
            yield part, results
            first += len(part)

    def _halve(self, failed: int, error: str) -> None:
        # out of the handler, so that the frames of the failed attempt, and their tensors, are gone
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        name = self.label or "a batch"
        if failed == 1:
            raise NoMemoryError(
                f"{name}: not even one item fits into memory ({error}); choose smaller images, a smaller "
                "classifier or fewer samples, or a machine with more memory"
            )
        self.size = failed // 2
        if not self._told:
            tqdm.write(  # beside the bar, not on its line
                f"{name}: out of memory with {failed} items at once; going on with {self.size}, or fewer where needed "
                f"(`batch_size: {self.size}` in the profile avoids the attempt)",
                file=sys.stderr,
            )
            self._told = True


def filled(
    store: ItemStore,
    items: Sequence[str],
    compute: Compute,
    batches: Batches,
    *,
    ledger: Ledger,
    backwards: bool = False,
    show_progress: bool = False,
    keep: bool = True,
) -> list[StoredItem]:
    """The results of some items from a store, in which missing and damaged ones are computed first.

    Args:
        store: the store, which other processes may fill at the same time.
        items: the items' names; repeated ones are computed once.
        compute: from the positions of some items to their tensors.
        batches: the grid of these items.
        ledger: the computing time is added to it.
        backwards: begin with the last batch.
        show_progress: show a bar that counts batches.
        keep: return the results; if not, the list is empty, and no more than a batch is in memory at a time.
    """
    positions = {items[position]: position for position in reversed(range(len(items)))}  # the first of repeated ones
    found, seconds_of = {}, {}
    for item in positions:
        if (stored := store.find(item)) is not None:
            seconds_of[item] = stored.metadata["seconds"]
            if keep:
                found[item] = stored
    missing = {position for item, position in positions.items() if item not in seconds_of}
    _say_what_is_ignored(store, missing)
    if show_progress and missing and seconds_of:
        print(f"{batches.label}: {len(seconds_of)} of {len(positions)} are stored already", file=sys.stderr, flush=True)
    grid = batches.with_missing(missing, backwards=backwards)
    for rows in progress(grid, label=batches.label, show=show_progress and bool(grid)):
        if not store.missing(items[row] for row in rows if row in missing):  # another process has stored them meanwhile
            continue
        begin, processor = time.perf_counter(), time.process_time()
        for part, results in batches.computed(rows, compute):
            seconds, worked = time.perf_counter() - begin, time.process_time() - processor
            ledger.computed += seconds
            spent = {"seconds": seconds / len(part), "processor_seconds": worked / len(part)}
            for row, tensors in zip(part, results, strict=True):
                if row in missing and store.missing([items[row]]):
                    store.save(items[row], tensors, spent)
            begin, processor = time.perf_counter(), time.process_time()
    for item in (items[row] for row in missing):
        stored = store.load(item)
        seconds_of[item] = stored.metadata["seconds"]
        if keep:
            found[item] = stored
    ledger.items |= {(store.key, item): seconds for item, seconds in seconds_of.items()}
    return [found[item] for item in items] if keep else []


def _say_what_is_ignored(store: ItemStore, missing: set[int]) -> None:
    """Print which archive is not used, and which files are damaged."""
    if missing and store.stale_archive is not None:
        print(
            f"{store.stale_archive.path} is not used, as the code that made it has changed; if its items are still "
            "right, accept it: python -m helpers accept --help",
            file=sys.stderr,
            flush=True,
        )
    if store.damaged:
        names = [path.name for path in store.damaged[:3]] + ["others"] * (len(store.damaged) > 3)
        text = f"{len(store.damaged)} stored item(s) in {store.folder} are damaged and are computed again"
        print(f"{text}: {', '.join(names)}", file=sys.stderr, flush=True)


def _attempt(compute: Compute, rows: list[int]) -> tuple[Sequence[Mapping[str, Tensor]] | None, str]:
    """The results of some items; if they do not fit into memory, None and the allocator's words."""
    try:
        return compute(rows), ""
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        return None, (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
