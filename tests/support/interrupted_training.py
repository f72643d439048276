"""Stop a training in the middle of an epoch, in the test's own process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def stopped_in_epoch(module: type, epoch: int) -> Iterator[None]:
    """Inside, a training of this module is interrupted at the second step of an epoch, as is expected."""
    step = module.training_step

    def stop(self: object, batch: object, index: int) -> object:
        if self.current_epoch == epoch and index == 1:
            raise InterruptedError
        return step(self, batch, index)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(InterruptedError):  # noqa: PT012
        patch.setattr(module, "training_step", stop)
        yield
