"""Mask networks as files: weights with what they were trained for."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import safetensors.torch
from jaxtyping import Float
from torch import Tensor

from helpers.classifiers.weight_files import check_digest, expected_digest, write_tensors
from helpers.core.files import MODELS_FOLDER
from helpers.methods.initial_masks.network import MaskNetwork, NetworkOptions
from helpers.methods.rde import CartoonX, RateDistortionExplainer


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
    metadata = {"mask_network": json.dumps(about, sort_keys=True)}  # one entry: safetensors keeps no order of several
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
            "python -m helpers.methods.initial_masks train <recipe> makes more"
        )
    return _read(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=8)
def _read(path: Path, changed: int) -> MaskFile:
    """A file's network; `changed` tells a file from one that was written over it."""
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    check_digest(path, digest, expected_digest(path))
    text = _metadata(content).get("mask_network")
    if text is None:
        raise ValueError(f"{path} is not a mask network; give a file that save_mask_network has written")
    about: dict[str, Any] = json.loads(text)
    options: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in about["options"].items()}
    network = MaskNetwork(NetworkOptions(**options))
    network.load_state_dict(safetensors.torch.load(content))
    return MaskFile(
        name=path.stem,
        network=network.requires_grad_(False).eval(),
        classifier=about["classifier"],
        classifier_digest=about["classifier_digest"],
        normalise=about["normalise"],
        digest=digest,
    )


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
        found = load_mask_network(name)
        same = (found.classifier_digest, found.normalise) == (digest, normalise)
        if same and fits(found.network.options, method):
            return found
    raise ValueError(
        f"no mask network of models/ was trained for {type(method).__name__} of this classifier "
        f"({getattr(method.classifier, 'name', 'unnamed')}, normalise={normalise}); there are "
        f"{', '.join(mask_network_names()) or 'none'}; give network=, or train one: python -m helpers.methods.initial_masks train"
    )


def fits(options: NetworkOptions, method: RateDistortionExplainer) -> bool:
    """Whether a network predicts masks on the method's representation."""
    if not isinstance(method, CartoonX):
        return options.representation == "pixels"
    transform = (method.wavelet, method.levels, method.mode)
    return options.representation == "wavelets" and (options.wavelet, options.levels, options.mode) == transform


def _metadata(content: bytes) -> dict[str, str]:
    """What a safetensors file says of itself."""
    length = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + length]).get("__metadata__", {})
