"""Training stops at the first loss, gradient or monitored metric that is not finite, before anything keeps it."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Callback
from torch import Tensor


class NonFiniteTrainingError(FloatingPointError, ValueError):
    """A training has reached NaN or infinity; the message names the step, and nothing of that step was kept.

    As a ValueError it is one line on the command line, as all that a user can mend.
    """


class StopAtNonFinite(Callback):
    """Raise an error before the optimiser's step if the loss or a gradient is not finite.

    Parameters are then those before the step, and buffers (the statistics of batch normalisation, a codebook), which
    the forward pass changes, are set back. Half precision with a scaled loss has infinite gradients now and then, and
    skips such steps by itself; there the loss alone is checked.

    Args:
        monitor: the logged metric that must be finite at the end of each epoch; None: there is none.
    """

    def __init__(self, monitor: str | None) -> None:
        self.monitor = monitor
        self._loss = torch.zeros(())
        self._buffers: list[Tensor] = []
        self._before: list[Tensor] = []

    def on_fit_start(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Make room for a copy of the buffers."""
        self._buffers = list(pl_module.buffers())
        self._before = [buffer.clone() for buffer in self._buffers]

    @torch.no_grad()
    def on_train_batch_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Copy the buffers."""
        _copy(self._buffers, self._before)

    def on_before_backward(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, loss: Tensor
    ) -> None:
        """Keep the loss for the check."""
        self._loss = loss.detach()

    @torch.no_grad()
    def on_before_optimizer_step(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule, optimizer: torch.optim.Optimizer
    ) -> None:
        """Check the loss and the gradients: one question to the device per step."""
        named = [(name, p.grad) for name, p in pl_module.named_parameters() if p.grad is not None]
        finite = self._loss.isfinite().all()
        if trainer.precision != "16-mixed" and named:
            finite = finite & torch.stack(torch._foreach_norm([gradient for _, gradient in named])).isfinite().all()
        if trainer.world_size > 1:  # all processes stop, or none
            shared = finite.int()
            torch.distributed.all_reduce(shared, torch.distributed.ReduceOp.MIN)
            finite = shared.bool()
        if bool(finite):
            return
        _copy(self._before, self._buffers)
        if not bool(self._loss.isfinite().all()):
            problem = f"the loss is {float(self._loss.sum())}"
        else:
            broken = [name for name, gradient in named if not bool(gradient.isfinite().all())]
            problem = f"the gradient of {broken[0] if broken else 'a parameter'} is not finite"
        raise NonFiniteTrainingError(
            f"training stopped at step {trainer.global_step + 1} (epoch {trainer.current_epoch + 1}): {problem}; "
            "weights and buffers are those before this step. Look for NaN in the images and in what the classifier "
            "returns, or lower the learning rate"
        )

    def on_train_epoch_end(self, trainer: lightning.Trainer, pl_module: lightning.LightningModule) -> None:
        """Check the monitored metric, which validation has logged by now, before a checkpoint is chosen by it."""
        value = float(trainer.callback_metrics[self.monitor]) if self.monitor else 0.0
        if not math.isfinite(value):
            raise NonFiniteTrainingError(
                f"training stopped at step {trainer.global_step} (the end of epoch {trainer.current_epoch + 1}): "
                f"{self.monitor} is {value}. Look for NaN in the validation images and in what the classifier returns"
            )


def _copy(sources: list[Tensor], targets: list[Tensor]) -> None:
    """Copy tensors, those of one type at once: few calls, however many buffers there are."""
    groups: dict[tuple[torch.dtype, torch.device], tuple[list[Tensor], list[Tensor]]] = defaultdict(lambda: ([], []))
    for source, target in zip(sources, targets, strict=True):
        group = groups[source.dtype, source.device]
        group[0].append(source)
        group[1].append(target)
    for source_group, target_group in groups.values():
        torch._foreach_copy_(target_group, source_group)
