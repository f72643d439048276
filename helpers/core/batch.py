"""Frozen dataclasses that hold a batch: sliced, moved to a device and joined as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, TypeVar

import torch
from torch import Tensor

Self = TypeVar("Self", bound="Batch")


@dataclass(frozen=True)
class Batch:
    """Base of a dataclass whose fields have one entry per item, such as one per image.

    A field is a tensor whose first dimension counts the items, a tuple of one entry per item, a dictionary of such
    tensors, another `Batch`, or None where it is not known. Fields named in `shared` belong to the batch as a whole.
    """

    shared: ClassVar[tuple[str, ...]] = ()

    def __len__(self) -> int:
        """The number of items."""
        return len(next(iter(self._entries()))[1])

    def __getitem__(self: Self, index: slice | Tensor | int) -> Self:
        """Some of the items, by a slice or by a tensor of indices or of booleans.

        Raises:
            TypeError: the index is a number, which would drop the dimension of the items.
        """
        if not isinstance(index, slice | Tensor):
            raise TypeError(f"{type(self).__name__} is indexed by a slice or a tensor of indices, such as batch[2:3]")
        return replace(self, **{name: _select(value, index) for name, value in self._entries()})

    def map(self: Self, change: Callable[[Tensor], Tensor]) -> Self:
        """The same batch with a function applied to every tensor."""
        return replace(self, **{name: _map(value, change) for name, value in self._entries()})

    def to(self: Self, device: torch.device | str) -> Self:
        """The same batch on another device."""
        return self.map(lambda values: values.to(device))

    @classmethod
    def join(cls: type[Self], batches: Sequence[Self]) -> Self:
        """Several batches as one; a field that one of them lacks (None) is None, shared fields are the first one's."""
        joined = {name: _join([getattr(batch, name) for batch in batches]) for name, _ in batches[0]._entries()}
        return replace(batches[0], **joined)

    def _entries(self) -> Iterator[tuple[str, Any]]:
        """The fields with one entry per item, by name."""
        return ((field.name, getattr(self, field.name)) for field in fields(self) if field.name not in self.shared)


def _select(value: Any, index: slice | Tensor) -> Any:
    if value is None:
        return None
    if isinstance(value, dict):
        return {name: tensor[index] for name, tensor in value.items()}
    if isinstance(value, tuple):
        chosen = range(len(value))[index] if isinstance(index, slice) else torch.arange(len(value))[index].tolist()
        return tuple(value[item] for item in chosen)
    return value[index]


def _map(value: Any, change: Callable[[Tensor], Tensor]) -> Any:
    if isinstance(value, dict):
        return {name: change(tensor) for name, tensor in value.items()}
    if isinstance(value, Batch):
        return value.map(change)
    return change(value) if isinstance(value, Tensor) else value


def _join(values: list[Any]) -> Any:
    if any(value is None for value in values):
        return None
    if isinstance(values[0], dict):
        return {name: torch.cat([value[name] for value in values]) for name in values[0]}
    if isinstance(values[0], tuple):
        return tuple(entry for value in values for entry in value)
    if isinstance(values[0], Batch):
        return type(values[0]).join(values)
    return torch.cat(values)
