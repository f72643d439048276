"""Files of mask networks: the weights, with the classifier they were trained for."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from jaxtyping import Float
from torch import Tensor

from helpers.classifiers.weight_files import check_shipped, read_tensors, write_tensors
from helpers.core.files import MODELS_FOLDER
from helpers.methods.initial_masks.network import MaskNetwork, NetworkOptions
from helpers.methods.rde import CartoonX, RateDistortionExplainer

_ENTRY = "mask_network"


@dataclass(frozen=True)
class MaskFile:
    """A mask network read from a file, and its metadata.

    Attributes:
        name: of the file, without its suffix.
        network: frozen, in eval mode.
        classifier: the classifier's name.
        classifier_digest: the SHA-256 of the classifier's weights.
        normalise: whether the classifier normalised its input.
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
    """Write a network with its metadata, and its line in the `SHA256SUMS` of the folder.

    Returns:
        The file's SHA-256.
    """
    path = Path(path)
    entry = {
        "options": asdict(network.options),
        "classifier": classifier,
        "classifier_digest": classifier_digest,
        "normalise": normalise,
    }
    metadata = {_ENTRY: json.dumps(entry, sort_keys=True)}  # a single entry: safetensors does not keep their order
    return write_tensors(path, network.state_dict(), metadata)


def load_mask_network(name: str | Path) -> MaskFile:
    """Read a mask network by its name in models/ (such as "scenes-cnn-cartoonx-mask"), or by its path.

    The file's SHA-256 is verified against the `SHA256SUMS` of its folder.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is damaged, or is not a mask network's.
    """
    path = Path(name) if str(name).endswith(".safetensors") else MODELS_FOLDER / f"{name}.safetensors"
    check_shipped(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"there is no mask network {path}; there are {', '.join(mask_network_names()) or 'none'}, and "
            "python -m helpers train --model <name> makes more"
        )
    return _read(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=8)
def _read(path: Path, modified: int) -> MaskFile:
    """The network of a file; `modified`, its time of modification, invalidates the cache of an overwritten file."""
    state, metadata, digest = read_tensors(path)
    if _ENTRY not in metadata:
        raise ValueError(f"{path} is not a mask network; give a file written by save_mask_network")
    entry: dict[str, Any] = json.loads(metadata[_ENTRY])
    options = {name: tuple(v) if isinstance(v, list) else v for name, v in entry.pop("options").items()}
    network = MaskNetwork(NetworkOptions(**options))
    network.load_state_dict(state)
    return MaskFile(name=path.stem, network=network.requires_grad_(False).eval(), digest=digest, **entry)


def mask_network_names() -> tuple[str, ...]:
    """The names of the mask networks in models/."""
    return tuple(path.stem for path in sorted(MODELS_FOLDER.glob("*-mask.safetensors")))


def find_mask_network(method: RateDistortionExplainer, images: Float[Tensor, "batch 3 height width"]) -> MaskFile:
    """The network in models/ for this method: same classifier (by the digest of its weights), same representation.

    Raises:
        ValueError: there is none; the message lists the networks and says how to train one.
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
