"""Small classifiers and their weights files, for tests."""

from pathlib import Path

import timm
import torch

from helpers.classifiers import save_weights
from helpers.classifiers.weight_files import write_weights

MEAN, STD = (0.4, 0.5, 0.6), (0.2, 0.25, 0.3)
CLASSES = [f"thing {index}" for index in range(5)]


def pictures(count=2, side=64, seed=0):
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(seed))


def randomise(network, seed=0):
    """Weights and statistics that make all logits differ."""
    generator = torch.Generator().manual_seed(seed)
    for value in network.state_dict().values():
        if value.is_floating_point():
            value.copy_(value + 0.05 * torch.rand(value.shape, generator=generator))
    return network.eval()


def normalised(images, mean=MEAN, std=STD):
    return (images - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None]


def save(path, network, *, checked=True, **changes):
    """A weights file of `network`, test_resnet of timm unless changed; unchecked, it may be wrong."""
    options = {"architecture": "test_resnet", "model_args": {"num_classes": 5}, "mean": MEAN, "std": STD}
    options |= {"input_size": 64, "classes": CLASSES}
    return (save_weights if checked else write_weights)(path, network.state_dict(), **(options | changes))


def small_network(seed=0, **options):
    return randomise(timm.create_model("test_resnet", **({"num_classes": 5} | options)), seed)


def flip_one_bit(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


class Bomb:
    """A pickle of this runs code."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)
