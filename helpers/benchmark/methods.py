"""The registry of methods, controls among them: each is one class with one line."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from helpers.benchmark.case import Case
from helpers.benchmark.constructors import (
    GridCAM,
    cartoonx,
    from_prediction,
    has_file,
    is_convolutional,
    is_small,
    is_transformer,
    pixel_rde,
    shearletx,
    space_vae,
    trained,
    waveletx,
)
from helpers.benchmark.maps import controls, maps_by, random_maps
from helpers.classifiers import Classifier
from helpers.core.explanation import Explanation
from helpers.core.names import known_names
from helpers.methods.baselines import (
    LIME,
    RISE,
    WAM,
    DeepLIFT,
    ExtremalPerturbation,
    FeatureAblation,
    IGOSPlusPlus,
    IntegratedGradients,
    KernelSHAP,
    OcclusionMaps,
    SmoothGrad,
)
from helpers.methods.rde import CartoonX, PixelRDE
from helpers.methods.rollout import AttentionRollout

Maps = Float[Tensor, "batch height width"]


@dataclass(frozen=True)
class Contestant:
    """A method's line in the registry.

    Attributes:
        name: of the method, in tables.
        make: from a classifier, and settings by name, to an object with `explain(images, targets)`, as the book's
            methods have it, or with `attribute(images, targets)`, as Captum's.
        control: whether it knows nothing of the classifier.
        trials: the settings among which one is chosen on images of their own: three of them, or none for a method
            without a setting that a user would try.
        slow: whether it explains fewer images than the others.
        fits: whether it can explain a classifier.
    """

    name: str
    make: Callable[..., Any]
    control: bool = False
    trials: tuple[Mapping[str, Any], ...] = ()
    slow: bool = False
    fits: Callable[[Classifier], bool] = lambda classifier: True


class Control:
    """A control as a method: each image's map depends on this image only, also that of `random` (`random_maps`).

    Args:
        name: of the control, as in `helpers.benchmark.controls`.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def explain(self, images: Float[Tensor, "batch 3 height width"], targets: Int[Tensor, " batch"]) -> Explanation:
        """The control's maps, whatever the classifier and the classes."""
        if self.name == "random":
            mask = random_maps(images).unsqueeze(1)
        else:
            mask = controls(Case(torch.nn.Identity(), images, targets))[self.name].unsqueeze(1)
        return Explanation(mask, images * mask, targets)


def _tried(name: str, *values: Any) -> tuple[dict[str, Any], ...]:
    """The trials of one setting."""
    return tuple({name: value} for value in values)


_PRICES = {
    "pixel-rde": _tried("sparsity_weight", 2.0, 6.0, 18.0),
    "cartoonx": _tried("sparsity_weight", 10.0, 30.0, 90.0),
    "waveletx": _tried("sparsity_weight", 1.0, 4.0, 16.0),
    "shearletx": _tried("sparsity_weight", 4.0, 12.0, 36.0),
}
_DISCARDED = _tried("discard_ratio", 0.0, 0.5, 0.9)
_CELLS = _tried("cells", 4, 8, 16)
_AREAS = _tried("areas", (0.02, 0.05, 0.1), (0.05, 0.1, 0.2, 0.3), (0.1, 0.2, 0.4))
_CONTROLS = ("random", "centre", "edges", "brightness", "everything")


def _with_mask_network(kind: str) -> dict[str, Any]:
    return {"trials": _PRICES[kind], "fits": has_file(f"-{kind}-mask")}


_LIST = (
    # the book's methods
    Contestant("pixel-rde", pixel_rde, trials=_PRICES["pixel-rde"], slow=True),
    Contestant("pixel-rde-rate", pixel_rde, trials=_tried("keep", 0.02, 0.06, 0.18), slow=True),
    Contestant("cartoonx", cartoonx, trials=_PRICES["cartoonx"], slow=True),
    Contestant("cartoonx-rate", cartoonx, trials=_tried("keep", 0.005, 0.02, 0.08), slow=True),
    Contestant("waveletx", waveletx, trials=_PRICES["waveletx"], slow=True),
    Contestant("shearletx", shearletx, trials=_PRICES["shearletx"], slow=True),
    Contestant("pixel-rde-learned", from_prediction(PixelRDE), **_with_mask_network("pixel-rde")),
    Contestant("cartoonx-learned", from_prediction(CartoonX), **_with_mask_network("cartoonx")),
    Contestant("cartoonx-predicted", from_prediction(CartoonX, steps=0), **_with_mask_network("cartoonx")),
    Contestant("explainer", trained("explainer"), fits=has_file("-explainer")),
    Contestant("space-vae", space_vae, trials=_tried("beta", 1, 10, 100), fits=has_file("-beta-10")),
    Contestant("rollout", AttentionRollout, trials=_DISCARDED, fits=is_transformer),
    Contestant("gradient-rollout", partial(AttentionRollout, gradient=True), trials=_DISCARDED, fits=is_transformer),
    # peers
    Contestant("wam-gradient", WAM, trials=_tried("noise", 0.1, 0.25, 0.5)),
    Contestant("wam-path", partial(WAM, path=True)),
    Contestant("grad-cam", GridCAM, trials=_tried("stride", 8, 16, 32), fits=is_convolutional),
    Contestant("rise", partial(RISE, masks=1000), trials=_tried("cells", 5, 7, 10), slow=True),
    Contestant("extremal-perturbation", partial(ExtremalPerturbation, steps=200), trials=_AREAS, slow=True),
    Contestant("igos++", IGOSPlusPlus, trials=_tried("mean_weight", 0.1, 1.0, 10.0), slow=True),
    Contestant("rtis", trained("rtis"), fits=has_file("-rtis")),
    Contestant("occlusion", partial(OcclusionMaps, stride=0.125), trials=_tried("window", 0.125, 0.25, 0.375)),
    Contestant("deeplift", partial(DeepLIFT, score="logit"), fits=is_convolutional),
    Contestant("integrated-gradients", partial(IntegratedGradients, score="logit")),
    Contestant("smooth-grad", SmoothGrad, trials=_tried("noise", 0.05, 0.15, 0.3)),
    Contestant("feature-ablation", partial(FeatureAblation, score="logit"), slow=True, fits=is_small),
    Contestant("lime", LIME, trials=_CELLS, slow=True),
    Contestant("kernel-shap", KernelSHAP, trials=_CELLS, slow=True),
    *(Contestant(name, lambda classifier, name=name: Control(name), control=True) for name in _CONTROLS),
)

CONTESTANTS: dict[str, Contestant] = {each.name: each for each in _LIST}
"""The methods and controls by name."""


def contestants_for(classifier: Classifier) -> list[Contestant]:
    """The methods and controls that can explain a classifier."""
    return [each for each in CONTESTANTS.values() if each.fits(classifier)]


def find_contestant(name: str) -> Contestant:
    """The method or control of that name.

    Raises:
        ValueError: there is none; the message lists those that exist.
    """
    if name not in CONTESTANTS:
        raise ValueError(f"there is no method {name!r}{known_names(name, CONTESTANTS, 'the methods are')}")
    return CONTESTANTS[name]


def maps_of(contestant: Contestant, case: Case, **setting: Any) -> Maps:
    """The maps of a method for the images of a case, as `maps_by` takes them.

    Args:
        contestant: the method.
        case: the images and classes.
        setting: of the method, such as one of its trials.
    """
    return maps_by(contestant.make(case.classifier, **setting), case, contestant.name)


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
