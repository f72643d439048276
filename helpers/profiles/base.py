"""Building blocks of the sections of a profile: types, validators and the base class."""

from __future__ import annotations

import os
import re
from typing import Annotated, Literal

import pywt
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from helpers.core.files import UnknownDataFolderError

Start = Literal["ones", "random", "constant", "foreground", "learned"]  # as in helpers.methods.initial_masks
Size = Annotated[int, Field(ge=32, le=1024)]  # height and width, pixels
Fraction = Annotated[float, Field(ge=0, le=1)]
Weight = Annotated[float, Field(ge=0)]


def _matching(pattern: str, allowed: str) -> AfterValidator:
    """A validator of strings that match a pattern, whose error describes the allowed strings."""

    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(f"should be {allowed}")
        return text

    return AfterValidator(check)


def check_wavelet(name: str) -> str:
    """Return the name if PyWavelets has a discrete wavelet of this name.

    Raises:
        ValueError: PyWavelets has no such wavelet.
    """
    if name not in pywt.wavelist(kind="discrete"):
        families = ", ".join(pywt.families(short=True))
        raise ValueError(
            f"should be a discrete wavelet of PyWavelets, such as haar, db3 or sym4 (families: {families})"
        )
    return name


Name = Annotated[str, _matching(r"[a-z0-9][a-z0-9-]*", "small letters, digits and hyphens, the first no hyphen")]
Device = Annotated[str, _matching(r"auto|cpu|mps|cuda(:[0-9]+)?", "auto, cpu, cuda, cuda:0 (or another number) or mps")]


class Section(BaseModel):
    """A section of a profile: read-only, and without unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def expand_data_path(text: str) -> str:
    """`text` with a leading $XAIBOOK_DATA replaced by the value of this environment variable.

    Raises:
        ValueError: the variable is needed and not set.
    """
    if not text.startswith("$XAIBOOK_DATA"):
        return text
    root = os.environ.get("XAIBOOK_DATA")
    if not root:
        raise UnknownDataFolderError(
            f"{text!r} needs the environment variable XAIBOOK_DATA: set it to the folder with the real photographs "
            "and weights, or use the profile 'quick', which needs neither"
        )
    return root.rstrip("/") + text.removeprefix("$XAIBOOK_DATA")
