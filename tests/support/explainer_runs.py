"""Small trainings of Explainers, for tests; some run in processes of their own (see test_explainer_training)."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import safetensors.torch
import torch
from torch import nn

from helpers.data.multilabel import MultiLabelImages
from helpers.methods.explainer import ExplainerOptions, NetworkOptions
from helpers.methods.explainer.training import ExplainerModule, train_explainer
from helpers.training.fit import Fitted

CLASSES, SIZE = 3, 16
TRUNK = {"layers": [1, 1, 1, 1], "channels": [8, 8, 12, 12], "stem_width": 4}
TINY = ExplainerOptions(
    network=NetworkOptions(trunk_args=TRUNK, widths=(8, 8, 8, 8)), epochs=4, batch=8, learning_rate=5e-3,
    weight_decay=0.01, schedule="cycle", flip=True, patience=50,
)  # fmt: skip


class ColourClassifier(nn.Module):
    """Class c is there as far as colour c is: its logit is that channel's mean, less a threshold."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.full((1, 3, 1, 1), 0.5))
        self.scale = nn.Parameter(torch.tensor(40.0))
        self.dropout = nn.Dropout(0.5)  # would show if ever it were in train mode

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.scale * (self.dropout(images).mean((2, 3)) - 0.05)


def squares(count: int, seed: int = 0) -> tuple[MultiLabelImages, torch.Tensor]:
    """Images with one square for each class that they show, in that class's colour; and each class's square."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.rand(count, CLASSES, generator=generator) < 0.5
    labels[labels.sum(1) == 0, 0] = True
    truth = torch.zeros(count, CLASSES, SIZE, SIZE, dtype=torch.bool)
    for image in range(count):
        for kind in range(CLASSES):
            if labels[image, kind]:
                top, left = torch.randint(0, SIZE - 6, (2,), generator=generator).tolist()
                truth[image, kind, top : top + 6, left : left + 6] = True
    pixels = (truth * 255).to(torch.uint8)
    names = tuple(f"{seed}-{place}" for place in range(count))
    return MultiLabelImages(pixels, labels, names, ("red", "green", "blue")), truth


def train(options: ExplainerOptions, folder: Path, **more: object) -> Fitted[ExplainerModule]:
    return train_explainer(
        options, ColourClassifier(), squares(32)[0], squares(16, seed=1)[0], folder, device="cpu", show=False, **more
    )


if __name__ == "__main__":  # both processes share each batch
    torch.set_num_threads(1)
    folder = Path(sys.argv[1])
    done = train(replace(TINY, flip=False), folder, devices=2, strategy="ddp")
    if torch.distributed.get_rank() == 0:
        state = {name: value.contiguous() for name, value in done.module.network.state_dict().items()}
        safetensors.torch.save_file(state, folder / "trained.safetensors")
