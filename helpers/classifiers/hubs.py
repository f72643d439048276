"""Published weights from the hubs of torchvision and timm, cached by these libraries, checked at each load."""

from __future__ import annotations

import errno
import hashlib
import io
import pickle
import re
from pathlib import Path
from urllib.parse import urlparse

import safetensors.torch
import torch
import torchvision
from safetensors import SafetensorError
from torch import Tensor

from helpers.classifiers.architectures import timm_configuration
from helpers.classifiers.downloading import download
from helpers.classifiers.sums import check_digest
from helpers.core.memory import is_out_of_memory

_HASH_IN_NAME = re.compile(r"-([0-9a-f]{8,64})\.")  # mobilenet_v3_small-047dcff4.pth
_TIMM_FILE = "model.safetensors"


class WeightsUnavailableError(OSError):
    """Published weights are not on this machine and cannot be downloaded; the message says where to put them."""


def torchvision_weights(name: str, weights: str = "DEFAULT") -> torchvision.models.WeightsEnum:
    """Find weights of a torchvision network by name: `"IMAGENET1K_V1"` or `"ResNet50_Weights.IMAGENET1K_V1"`.

    Raises:
        ValueError: there are no such weights for the network.
    """
    choices = torchvision.models.get_model_weights(name)
    prefix, _, member = weights.rpartition(".")
    if prefix not in ("", choices.__name__) or member not in ("DEFAULT", *choices.__members__):
        raise ValueError(
            f"torchvision has no weights {weights!r} for {name}; use one of {', '.join(choices.__members__)}"
        )
    return choices[member] if member in choices.__members__ else choices.DEFAULT


def torchvision_state(weights: torchvision.models.WeightsEnum) -> tuple[dict[str, Tensor], str]:
    """Published weights and their SHA-256, from the cache of torch.hub, downloaded first if need be.

    The file is checked against the hash in its name each time (torch.hub does not check a cached file), and nothing
    but tensors is unpickled.

    Raises:
        WeightsUnavailableError: the file is not cached and cannot be downloaded.
        ValueError: the file does not have the hash in its name, or is no file of weights.
    """
    file_name = Path(urlparse(weights.url).path).name
    match = _HASH_IN_NAME.search(file_name)
    if match is None:
        raise ValueError(f"{file_name} has no hash in its name, so it cannot be checked; convert it to .safetensors")
    path = Path(torch.hub.get_dir()) / "checkpoints" / file_name
    if not path.is_file():
        _download(weights.url, path, match.group(1))
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    check_digest(path, digest, match.group(1))
    try:
        return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True), digest
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        if is_out_of_memory(error):
            raise
        raise ValueError(f"{path} is not a file of plain weights ({error}); delete it and get it again") from error


def _download(url: str, path: Path, hash_prefix: str) -> None:
    """Download a file, which appears at its path only once it is complete and its hash is right."""
    try:
        download(url, path, hash_prefix)
    except OSError as error:  # URLError, ConnectionError and TimeoutError are among these
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise WeightsUnavailableError(
            f"{url} is needed and could not be downloaded ({error}); try again, or download it on a machine with "
            f"internet access and put it at {path}"
        ) from error
    except ValueError as error:
        raise ValueError(
            f"the file from {url} does not have the hash in its name ({error}); it was not kept: try again later"
        ) from error


def timm_state(name: str) -> tuple[dict[str, Tensor], str]:
    """The weights of a timm network and their SHA-256, from the Hugging Face cache, downloaded first if need be.

    Only safetensors files are read. The cache names each file after its SHA-256, which is checked each time.

    Raises:
        WeightsUnavailableError: the file is not cached and cannot be downloaded, or its SHA-256 is not known.
        ValueError: the network has no safetensors weights at the hub, or the file is damaged.
    """
    repository = timm_configuration(name).hf_hub_id
    if not repository:
        raise ValueError(f"timm has no safetensors weights of {name} at its hub; use weights='random' or a file")
    path = _timm_path(name, repository)
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    check_digest(path, digest, _timm_digest(path, repository))
    try:
        return safetensors.torch.load(content), digest
    except SafetensorError as error:
        raise ValueError(f"{path} is not a whole safetensors file ({error}); delete it and get it again") from error


def _timm_path(name: str, repository: str) -> Path:
    """The file in the Hugging Face cache, downloaded if need be."""
    import huggingface_hub
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

    cached = huggingface_hub.try_to_load_from_cache(repository, _TIMM_FILE)
    if isinstance(cached, str):
        return Path(cached)
    try:
        return Path(huggingface_hub.hf_hub_download(repository, _TIMM_FILE))
    except (LocalEntryNotFoundError, OSError) as error:
        raise WeightsUnavailableError(_timm_advice(name, repository, error)) from error
    except EntryNotFoundError as error:
        raise ValueError(f"{repository} at the Hugging Face hub has no {_TIMM_FILE}; use other weights") from error


def _timm_digest(path: Path, repository: str) -> str:
    """The SHA-256 of a cached file according to the hub: the name of the blob that the cache links to."""
    import huggingface_hub

    blob = path.resolve().name
    if re.fullmatch(r"[0-9a-f]{64}", blob):
        return blob
    try:  # without symbolic links (Windows) the cache does not keep the digest
        tag = huggingface_hub.get_hf_file_metadata(huggingface_hub.hf_hub_url(repository, _TIMM_FILE)).etag or ""
        if re.fullmatch(r"[0-9a-f]{64}", tag):
            return tag
        raise OSError(f"the hub gives {tag!r}, which is no SHA-256")
    except OSError as error:
        raise WeightsUnavailableError(
            f"{path} cannot be checked: the cache does not record its SHA-256, and the hub does not give it ({error}); "
            f"pass weights={str(path)!r} to load it as a file of your own"
        ) from error


def _timm_advice(name: str, repository: str, error: Exception) -> str:
    """An error message: the file that is needed, and where to put it."""
    import huggingface_hub

    url = huggingface_hub.hf_hub_url(repository, _TIMM_FILE)
    return (
        f"{url} is needed and could not be downloaded ({error}); download it on a machine with internet access, put it "
        f"into the folder models/ of the data folder (XAIBOOK_DATA) as {name}.safetensors and leave out weights=, or "
        "pass its path as weights="
    )
