"""How many images pass through a classifier, forward and backward."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook


@dataclass
class Passes:
    """The passes of images through a classifier.

    Attributes:
        forward: images, or versions of images, for which the classifier's last layer was computed.
        backward: those of them for which a gradient came back to it.
    """

    forward: int = 0
    backward: int = 0


@contextmanager
def count_passes(classifier: nn.Module) -> Iterator[Passes]:
    """Count the passes through a classifier, and through replicas of it, inside the `with` statement.

    They are counted at the last linear layer, whose replicas have weights of the same shape, so that a method which
    computes only some of the earlier layers again counts in full.

    Raises:
        ValueError: the classifier has no linear layer.
    """
    heads = [module for module in classifier.modules() if isinstance(module, nn.Linear)]
    if not heads:
        raise ValueError("the classifier has no linear layer, at which passes are counted")
    shape, found = heads[-1].weight.shape, Passes()

    def listen(module: nn.Module, inputs: Any, output: Any) -> None:
        if not (isinstance(module, nn.Linear) and module.weight.shape == shape):
            return
        found.forward += len(output)
        if output.requires_grad:
            output.register_hook(back)

    def back(gradient: Tensor) -> None:
        found.backward += len(gradient)

    hook = register_module_forward_hook(listen)
    try:
        yield found
    finally:
        hook.remove()
