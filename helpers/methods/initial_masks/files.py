"""Mask networks as files: weights with what they were trained for."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from jaxtyping import Float
from torch import Tensor

from helpers.classifiers.weight_files import read_tensors, write_tensors
from helpers.core.files import MODELS_FOLDER
from helpers.methods.initial_masks.network import MaskNetwork, NetworkOptions
from helpers.methods.rde import CartoonX, RateDistortionExplainer

_ENTRY = "mask_network"


@dataclass(frozen=True)
class MaskFile:
    """A mask network that was read, and what it was trained for.

    Attributes:
        name: the file's name without its ending.
        network: frozen, in eval mode.
        classifier: the classifier's name.
        classifier_digest: the SHA-256 of the classifier's weights.
        normalise: whether the classifier applied its normaliser.
        digest: the SHA-256 of the network's file.
    """

    name: str
    network: MaskNetwork
    classifier: str
    classifier_digest: str
    normalise: bool
    digest: str


def save_mask_network(
    path: str | Path, network: MaskNetwork, *, classifier: str, classifier_digest: str, normalise: bool = True
) -> str:
    """Write a network, with what it was trained for, and its line in the `SHA256SUMS` beside it.

    Returns:
        The file's SHA-256.
    """
    path = Path(path)
    about = {
        "options": asdict(network.options),
        "classifier": classifier,
        "classifier_digest": classifier_digest,
        "normalise": normalise,
    }
    metadata = {_ENTRY: json.dumps(about, sort_keys=True)}  # one entry: safetensors keeps no order of several
    return write_tensors(path, network.state_dict(), metadata)


def load_mask_network(name: str | Path) -> MaskFile:
    """Read a mask network by its name in models/ (such as "scenes-cnn-cartoonx-mask"), or by its path.

    The file's SHA-256 is checked against the `SHA256SUMS` beside it.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is damaged, or is not a mask network's.
    """
    path = Path(name) if str(name).endswith(".safetensors") else MODELS_FOLDER / f"{name}.safetensors"
    if not path.is_file():
        raise FileNotFoundError(
            f"there is no mask network {path}; there are {', '.join(mask_network_names()) or 'none'}, and "
            "python -m helpers train --model <name> makes more"
        )
    return _read(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=8)
def _read(path: Path, changed: int) -> MaskFile:
    """The network of a file; `changed` tells a file from one that was written over it."""
    state, metadata, digest = read_tensors(path)
    if _ENTRY not in metadata:
        raise ValueError(f"{path} is not a mask network; give a file that save_mask_network has written")
    about: dict[str, Any] = json.loads(metadata[_ENTRY])
    options = {name: tuple(v) if isinstance(v, list) else v for name, v in about.pop("options").items()}
    network = MaskNetwork(NetworkOptions(**options))
    network.load_state_dict(state)
    return MaskFile(name=path.stem, network=network.requires_grad_(False).eval(), digest=digest, **about)


def mask_network_names() -> tuple[str, ...]:
    """The mask networks of models/, by name."""
    return tuple(path.stem for path in sorted(MODELS_FOLDER.glob("*-mask.safetensors")))


def find_mask_network(method: RateDistortionExplainer, images: Float[Tensor, "batch 3 height width"]) -> MaskFile:
    """The network of models/ for this method: same classifier (by the digest of its weights), same representation.

    Raises:
        ValueError: none fits; says which there are and how to train one.
    """
    digest, normalise = getattr(method.classifier, "digest", None), getattr(method.classifier, "normalise", True)
    for name in mask_network_names():
        file = load_mask_network(name)
        same = (file.classifier_digest, file.normalise) == (digest, normalise)
        if same and fits(file.network.options, method):
            return file
    raise ValueError(
        f"no mask network of models/ was trained for {type(method).__name__} of this classifier "
        f"({getattr(method.classifier, 'name', 'unnamed')}, normalise={normalise}); there are "
        f"{', '.join(mask_network_names()) or 'none'}; give network=, or train one: "
        "python -m helpers train --model <name>"
    )


def fits(options: NetworkOptions, method: RateDistortionExplainer) -> bool:
    """Whether a network predicts masks on the method's representation."""
    if not isinstance(method, CartoonX):
        return options.representation == "pixels"
    transform = (method.wavelet, method.levels, method.mode)
    return options.representation == "wavelets" and (options.wavelet, options.levels, options.mode) == transform
