"""Networks, images and yardsticks for the tests of signed attributions."""

import torch
from torch import nn

from helpers.classifiers import Classifier
from helpers.classifiers.architectures import Preprocessing
from helpers.classifiers.vgg import SmallImageVGG


class LinearClassifier(nn.Module):
    """Logits that are weighted sums of the entries: every method has a closed form."""

    def __init__(self, scale=1.0, first=0.0):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(5, 3, 6, 6, generator=torch.Generator().manual_seed(7)) * scale)
        self.register_buffer("offset", torch.tensor([first, 0, 0, 0, 0]))
        self.requires_grad_(False)

    def forward(self, images):
        return images.flatten(1) @ self.weight.flatten(1).T + self.offset


class SharedReLU(nn.Module):
    """One module, which works in place, is called twice; `separate` says the same with two."""

    def __init__(self, separate=False):
        super().__init__()
        generator = torch.Generator().manual_seed(5)
        self.layers = nn.ModuleList([nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1), nn.Linear(64, 5)])
        for parameter in self.parameters():
            parameter.data = torch.randn(parameter.shape, generator=generator)
        self.relu = nn.ReLU(inplace=not separate)
        self.other = nn.ReLU() if separate else self.relu
        self.pool = nn.MaxPool2d(2)

    def forward(self, images):
        first = self.pool(self.relu(self.layers[0](images)))
        return self.layers[2](self.other(self.layers[1](first)).flatten(1))


class Failing(nn.Module):
    """A network that breaks in the middle of its n-th pass."""

    def __init__(self, passes):
        super().__init__()
        self.network, self.passes = SharedReLU(), torch.tensor(passes)

    def forward(self, images):
        self.passes -= 1
        if self.passes < 0:
            raise RuntimeError("broken on purpose")
        return self.network(images)


def small_vgg(normalise=True, width=0.05):
    """A narrow VGG whose batch normalisations do something; they are folded into the convolutions."""
    generator = torch.Generator().manual_seed(2)
    network = SmallImageVGG(5, width=width, hidden=12)
    for parameter in network.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator) * parameter[0].numel() ** -0.5
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.weight.data = torch.rand(module.weight.shape, generator=generator) + 0.5
            module.running_mean = torch.randn(module.running_mean.shape, generator=generator) * 0.3
            module.running_var = torch.rand(module.running_var.shape, generator=generator) + 0.2
    about = Preprocessing(mean=(0.5, 0.4, 0.6), std=(0.25, 0.2, 0.3), input_size=32)
    names = ["a", "b", "c", "d", "e"]
    return Classifier(
        network.eval(), name="small", class_names=names, preprocessing=about, digest="", source="", normalise=normalise
    )


def noise(count=2, height=6, width=None, seed=1):
    return torch.rand(count, 3, height, width or height, generator=torch.Generator().manual_seed(seed))


def gained(classifier, images, targets, score):
    """s(x) - s(0) of each image."""
    with torch.no_grad():
        logits = torch.stack([classifier(images), classifier(torch.zeros_like(images))]).double()
    scores = logits.softmax(2) if score == "confidence" else logits
    return (scores[0] - scores[1]).gather(1, targets[:, None])[:, 0]


def traces(model):
    """What a method could leave behind in a network."""
    kinds = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    modules = [
        (name, id(module), module.training, sorted(vars(module)), getattr(module, "inplace", None))
        for name, module in model.named_modules()
    ]
    hooks = sum(len(getattr(module, kind)) for module in model.modules() for kind in kinds)
    return modules, hooks, [(name, each.requires_grad, each.grad is None) for name, each in model.named_parameters()]
