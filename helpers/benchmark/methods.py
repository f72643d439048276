"""The registry of methods, controls among them: each is one class with one line."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from helpers.benchmark.case import Case
from helpers.benchmark.maps import controls
from helpers.classifiers import Classifier
from helpers.core.explanation import Explanation
from helpers.core.names import known_names
from helpers.methods.baselines import (
    RISE,
    WAM,
    DeepLIFT,
    FeatureAblation,
    GradCAM,
    IntegratedGradients,
    OcclusionMaps,
)
from helpers.methods.explainer import load_explainer
from helpers.methods.rde import CartoonX, PixelRDE, WaveletX

Maps = Float[Tensor, "batch height width"]


@dataclass(frozen=True)
class Contestant:
    """A method's line in the registry.

    Attributes:
        name: of the method, in tables.
        make: from a classifier to an object with `explain(images, targets)`, as the book's methods have it, or with
            `attribute(images, targets)`, as Captum's.
        control: whether it knows nothing of the classifier.
    """

    name: str
    make: Callable[[Classifier], Any]
    control: bool = False


class Control:
    """A control as a method.

    Args:
        name: of the control, as in `helpers.benchmark.controls`.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def explain(self, images: Float[Tensor, "batch 3 height width"], targets: Int[Tensor, " batch"]) -> Explanation:
        """The control's maps, whatever the classifier and the classes."""
        case = Case(torch.nn.Identity(), images, targets)
        mask = controls(case)[self.name].unsqueeze(1)
        return Explanation(mask, images * mask, targets)


def _trained(objective: str) -> Callable[[Classifier], Any]:
    """The trained Explainer of a classifier of models/."""
    return lambda classifier: load_explainer(f"{classifier.name}-{objective}", classifier)


_STEPS = 200  # of the searches, as in profile quick

CONTESTANTS: dict[str, Contestant] = {
    each.name: each
    for each in (
        Contestant("grad-cam", lambda classifier: GradCAM(classifier, layer="network.layer3")),
        Contestant("occlusion", lambda classifier: OcclusionMaps(classifier, stride=0.125)),
        Contestant("rise", lambda classifier: RISE(classifier, masks=1000)),
        Contestant("integrated-gradients", lambda classifier: IntegratedGradients(classifier, score="logit")),
        Contestant("deeplift", lambda classifier: DeepLIFT(classifier, score="logit")),
        Contestant("feature-ablation", lambda classifier: FeatureAblation(classifier, score="logit")),
        Contestant("explainer", _trained("explainer")),
        Contestant("rtis", _trained("rtis")),
        Contestant("pixel-rde", lambda classifier: PixelRDE(classifier, steps=_STEPS)),
        Contestant("cartoonx", lambda classifier: CartoonX(classifier, steps=_STEPS)),
        Contestant("waveletx", lambda classifier: WaveletX(classifier, steps=_STEPS)),
        Contestant("wam-gradient", lambda classifier: WAM(classifier)),
        Contestant("wam-path", lambda classifier: WAM(classifier, path=True)),
        Contestant("random", lambda classifier: Control("random"), control=True),
        Contestant("centre", lambda classifier: Control("centre"), control=True),
        Contestant("edges", lambda classifier: Control("edges"), control=True),
        Contestant("brightness", lambda classifier: Control("brightness"), control=True),
        Contestant("everything", lambda classifier: Control("everything"), control=True),
    )
}
"""The methods and controls by name."""


def maps_of(contestant: Contestant, case: Case) -> Maps:
    """The maps of a method for the images of a case, in [0, 1] where they are finite.

    Masks of an `Explanation` are taken as they are. Attributions, one number per pixel or one per channel, become the
    size of their sum over channels, divided by the image's largest.

    Raises:
        TypeError: the method has neither `explain` nor `attribute`, or returns no tensor.
        ValueError: its maps are not of the images' size.
    """
    method = contestant.make(case.classifier)
    answer = getattr(method, "explain", None) or getattr(method, "attribute", None)
    if answer is None:
        raise TypeError(f"{contestant.name} has neither explain(images, targets) nor attribute(images, targets)")
    found = answer(case.images, case.targets)
    if isinstance(found, Explanation):
        return found.heatmaps
    if not isinstance(found, Tensor):
        raise TypeError(f"{contestant.name} must return an Explanation or a tensor, not {type(found).__name__}")
    found = found.detach().to(case.images)
    maps = found.sum(1).abs() if found.ndim == 4 else found.abs()
    if maps.shape != case.images[:, 0].shape:
        raise ValueError(f"{contestant.name} must return {tuple(case.images[:, 0].shape)}, not {tuple(found.shape)}")
    return maps / maps.amax((1, 2), keepdim=True).clamp_min(torch.finfo(maps.dtype).tiny)


def load_contestant(spec: str) -> Contestant:
    """A method of the reader's own, whose class takes a classifier.

    Args:
        spec: its file and class, such as "mine.py:Mine".

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the text does not name a file and a class, the file has no such class, or the book has a method of
            this name.
    """
    file, _, name = spec.rpartition(":")
    path = Path(file)
    if not file or not name:
        raise ValueError(f"a method is named by its file and its class, such as mine.py:Mine, not by {spec!r}")
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}, which {spec!r} names")
    found = importlib.util.spec_from_file_location(path.stem, path)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    classes = [each for each, value in vars(module).items() if isinstance(value, type)]
    if name not in classes:
        raise ValueError(f"{path} has no class {name!r}{known_names(name, classes, 'its classes are')}")
    if name in CONTESTANTS:
        raise ValueError(f"the book has a method {name!r}; call yours by another name")
    return Contestant(name, getattr(module, name))
