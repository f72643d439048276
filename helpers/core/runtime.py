"""Where and how a computation runs: device, random numbers, progress."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch
from tqdm.auto import tqdm

Item = TypeVar("Item")


def resolve_device(name: str | torch.device = "auto") -> torch.device:
    """The device of a name: `"auto"` is the first GPU if there is one, else the CPU.

    Raises:
        ValueError: the device is unknown, or it is not on this machine.
    """
    if isinstance(name, torch.device):
        return name
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ValueError(f"device {name!r} is not known; use 'auto', 'cpu', 'cuda' or 'cuda:0'") from error
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ValueError(
            f"device {name!r} was asked for, but this machine has {torch.cuda.device_count()} CUDA device(s); "
            "use device='cpu' or 'auto'"
        )
    return device


def random_generator(seed: int, device: torch.device | str = "cpu") -> torch.Generator:
    """A new generator on `device`; nothing in this project draws from PyTorch's global one."""
    return torch.Generator(device=device).manual_seed(seed)


def progress(items: Iterable[Item], *, label: str, show: bool = True, total: int | None = None) -> Iterable[Item]:
    """The items, with a progress bar on standard error while `show` is true."""
    return tqdm(items, desc=label, disable=not show, total=total, leave=False)


@contextmanager
def gradients() -> Iterator[None]:
    """Record gradients inside the `with` block, or inside a decorated function, also under the caller's `no_grad`.

    Raises:
        RuntimeError: the caller is under `torch.inference_mode`, where nothing can be differentiated.
    """
    if torch.is_inference_mode_enabled():
        raise RuntimeError(
            "this method needs gradients, which torch.inference_mode() forbids: call it outside, or use torch.no_grad()"
        )
    with torch.enable_grad():
        yield
