"""Whether published weights are at hand: in the caches of torchvision and timm, or to be had from their hubs.

Nothing of these libraries is imported, so that a missing network is noticed in seconds.
"""

from __future__ import annotations

import os
import threading
import urllib.error
import urllib.request
from pathlib import Path

TORCHVISION = "https://download.pytorch.org"
SECONDS = 3.0  # for an answer of a hub, the look-up of its address included


class NoNetworkError(OSError):
    """Weights have to be downloaded, and their hub does not answer; the message says what to do."""


def require_published(name: str, library: str | None = None) -> None:
    """Check that the published weights of a network are cached or can be downloaded.

    Args:
        name: of the network, such as `"resnet50"` or `"timm/resnet18"`.
        library: `"torchvision"` or `"timm"`; None: as the name's prefix says, or either.

    Raises:
        NoNetworkError: they are not cached, and no hub answers.
    """
    prefix, _, bare = name.rpartition("/")
    library = library or prefix or None
    patterns = []
    if library != "timm":
        patterns += [(torch_cache(), f"{bare}-*.pth")]
    if library != "torchvision":
        patterns += [(hub_cache(), f"models--*--{bare}*/snapshots/*/model.safetensors")]
    if any(next(folder.glob(pattern), None) for folder, pattern in patterns):
        return
    hubs = {"torchvision": [TORCHVISION], "timm": [timm_hub()]}.get(library or "", [TORCHVISION, timm_hub()])
    if not any(map(answers, hubs)):
        raise NoNetworkError(
            f"the published weights of {name} have to be downloaded once, but {' and '.join(hubs)} cannot be reached; "
            "connect to the network, or choose a profile with weights on this machine, such as quick"
        )


def torch_cache() -> Path:
    """The folder in which torchvision keeps its weights, as `torch.hub` finds it."""
    home = os.environ.get("TORCH_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "torch"
    return Path(home).expanduser() / "hub/checkpoints"


def hub_cache() -> Path:
    """The folder in which timm keeps its weights, as `huggingface_hub` finds it."""
    home = os.environ.get("HF_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "huggingface"
    return Path(os.environ.get("HF_HUB_CACHE") or Path(home) / "hub").expanduser()


def timm_hub() -> str:
    """The address of timm's hub."""
    return os.environ.get("HF_ENDPOINT") or "https://huggingface.co"


def answers(address: str, seconds: float = SECONDS) -> bool:
    """Whether a server answers at all, through the proxies of the environment, within some seconds."""
    if address == timm_hub() and os.environ.get("HF_HUB_OFFLINE", "0").upper() in {"1", "ON", "YES", "TRUE"}:
        return False
    found = threading.Event()

    def ask() -> None:
        try:
            urllib.request.urlopen(urllib.request.Request(address, method="HEAD"), timeout=seconds).close()
        except urllib.error.HTTPError:
            pass  # an answer, too
        except (OSError, ValueError):
            return
        found.set()

    thread = threading.Thread(target=ask, daemon=True)  # looking up an address has no time-out of its own
    thread.start()
    thread.join(seconds)
    return found.is_set()
