"""A training of a line by `fit`, for tests; some run in processes of their own (see test_fit)."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import lightning
import torch
from torch.utils.data import Dataset

from helpers.training.fit import Fitted, fit
from helpers.training.processes import is_first_process
from helpers.training.rows import BatchDataModule

ROWS = torch.linspace(-1, 1, 16)[:, None]


class Rows(Dataset):
    """Numbers between -1 and 1."""

    def __len__(self) -> int:
        return len(ROWS)

    def __getitems__(self, rows: list[int]) -> torch.Tensor:
        return ROWS[rows]


class Line(lightning.LightningModule):
    """Learn 3 x + 1 with noise that depends on the step; the watched loss follows `losses`, where given."""

    def __init__(self, options: dict[str, Any], losses: tuple[float, ...] = ()) -> None:
        super().__init__()
        self.save_hyperparameters({"options": options})
        self.losses, self.weight = losses, torch.nn.Parameter(torch.zeros(2))
        self.rate = options["rate"]

    def training_step(self, batch: torch.Tensor, index: int) -> torch.Tensor:
        if os.environ.get("KILL") and self.current_epoch == 2 and index == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        noise = torch.randn(1, generator=torch.Generator().manual_seed(self.global_step))
        return (self.weight[0] * batch + self.weight[1] - 3 * batch - 1 - 0.1 * noise).square().mean()

    def validation_step(self, batch: torch.Tensor, index: int) -> None:
        loss = (self.weight[0] * batch + self.weight[1] - 3 * batch - 1).square().mean()
        value = torch.tensor(self.losses[self.current_epoch]) if self.losses else loss
        self.log("loss", value, batch_size=len(batch), sync_dist=True)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters(), lr=self.rate)


def train(
    folder: Path, *, epochs: int = 4, losses: tuple[float, ...] = (), rate: float = 0.1, **more: Any
) -> Fitted[Line]:
    """A training of four steps per epoch."""

    def data(_: torch.device) -> tuple[BatchDataModule, None]:
        return BatchDataModule(Rows(), Rows(), batch=4, seed=1), None

    more = {"monitor": "loss", "device": "cpu", "show": False, **more}
    return fit(Line({"rate": rate}, losses), data, folder, epochs=epochs, **more)


if __name__ == "__main__":
    torch.set_num_threads(1)
    fitted = train(Path(sys.argv[1]), **json.loads(sys.argv[2]))
    if is_first_process():
        print(json.dumps(fitted.module.weight.tolist()), flush=True)
