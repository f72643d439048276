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
from helpers.benchmark.maps import CHEAP, controls, maps_by
from helpers.classifiers import Classifier
from helpers.core.explanation import Explanation
from helpers.core.names import known_names
from helpers.methods.baselines import (
    RISE,
    WAM,
    DeepLIFT,
    FeatureAblation,
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


_STEPS = 200  # of the searches, as in profile quick

CONTESTANTS: dict[str, Contestant] = {
    each.name: each
    for each in (
        Contestant("grad-cam", CHEAP["grad-cam"]),
        Contestant("occlusion", CHEAP["occlusion"]),
        Contestant("rise", lambda classifier: RISE(classifier, masks=1000)),
        Contestant("integrated-gradients", CHEAP["integrated-gradients"]),
        Contestant("deeplift", lambda classifier: DeepLIFT(classifier, score="logit")),
        Contestant("feature-ablation", lambda classifier: FeatureAblation(classifier, score="logit")),
        Contestant("explainer", CHEAP["explainer"]),
        Contestant("rtis", lambda classifier: load_explainer(f"{classifier.name}-rtis", classifier)),
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
    """The maps of a method for the images of a case, as `maps_by` takes them."""
    return maps_by(contestant.make(case.classifier), case, contestant.name)


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
