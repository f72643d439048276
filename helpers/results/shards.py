"""Shards: several processes, or jobs of a cluster, that compute the stored results of one table together.

Each begins with its own share of the images. What the others have not finished when it is through, it computes too, so
that none waits for another, and a shard that was killed or never started leaves no gap. The table itself is written by
a last process, which finds all results in the store.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

BY_IMAGE = frozenset(
    {
        *("explanations", "curves", "sweep", "objectives", "convergence", "initial-masks", "initial-mask-ends"),
        *("transformer", "transformer-curves", "transformer-sweep", "truth", "truth-curves"),
        *("family-tuning", "family", "published-scores"),
        *("explainer-segmentation", "explainer-several-classes", "explainer-comparison"),
        *("explainer-class-truth", "explainer-shortcut", "space-vae-sparsity", "space-vae-cross-method"),
        *("benchmark-tuning", "benchmark"),
    }
)
"""The tables whose time goes into results that are stored by image (`ProfileStudy.stored`), which shards can share."""

_shard: tuple[int, int] | None = None  # of this process


@contextmanager
def computing_shard(part: int, parts: int) -> Iterator[None]:
    """Let this process be one of several that share the stored results which are computed within the block.

    Args:
        part: the number of the shard, from 1.
        parts: the number of shards.

    Raises:
        ValueError: there is no such shard.
    """
    global _shard
    if not 1 <= part <= parts:
        raise ValueError(f"there is no shard {part} of {parts}: shards are counted from 1 to their number")
    before, _shard = _shard, (part, parts)
    try:
        yield
    finally:
        _shard = before


def visiting_order(batches: int) -> list[int]:
    """The order in which this process computes the batches of a store: 0, 1, 2 …, or that of its shard.

    A shard's own share is a row of whole batches, so that batches are the same as in one process. Those of others
    follow in an order of the shard's own: two processes that help a third seldom take the same batch.

    Args:
        batches: the number of batches.
    """
    if _shard is None:
        return list(range(batches))
    part, parts = _shard
    own = range(batches * (part - 1) // parts, batches * part // parts)
    others = [batch for batch in range(batches) if batch not in own]
    random.Random(part).shuffle(others)
    return [*own, *others]
