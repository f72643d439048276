"""What an explanation costs besides passes: arithmetic operations, and the peak of memory."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_KIB = 1024


class Operations(TorchDispatchMode):
    """Count the operations of convolutions and matrix products inside the block, by PyTorch's own formulas.

    PyTorch's `FlopCounterMode` also follows modules, and cannot do so inside Captum's gradients.

    Attributes:
        total: floating-point operations, those of backward passes included.
    """

    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run an operation and count it."""
        out = func(*args, **(kwargs or {}))
        formula = flop_registry.get(func._overloadpacket)
        if formula is not None:
            self.total += formula(*args, **(kwargs or {}), out_val=out)
        return out


class PeakMemory:
    """The peak of this process's memory inside the block, above that at its start.

    Linux alone can forget an earlier peak; elsewhere the peak is not known.

    Attributes:
        mebibytes: nan where it is not known.
    """

    mebibytes = float("nan")

    def __enter__(self) -> PeakMemory:
        with suppress(OSError, AttributeError):  # what earlier blocks freed would hide what this one takes
            ctypes.CDLL(None).malloc_trim(0)
        with suppress(OSError):
            _CLEAR.write_text("5", encoding="ascii")
            self._start = _resident("VmRSS")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError, AttributeError):
            self.mebibytes = max(0, _resident("VmHWM") - self._start) / _KIB


def operations_of(function: Callable[[], object]) -> int:
    """The operations of a call."""
    with Operations() as counter:
        function()
    return counter.total


def forward_operations(classifier: nn.Module, images: Tensor) -> float:
    """The operations of the classifier's forward pass per image: the unit in which methods are compared.

    Args:
        classifier: pixels to logits.
        images: (batch, 3, height, width).
    """
    with torch.no_grad():
        return operations_of(lambda: classifier(images)) / len(images)


def _resident(entry: str) -> int:
    """An entry of the process's memory in KiB."""
    for line in _STATUS.read_text(encoding="ascii").splitlines():
        if line.startswith(f"{entry}:"):
            return int(line.split()[1])
    raise OSError(f"{_STATUS} has no {entry}")
