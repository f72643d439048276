"""Types of options that several modules share."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

Variant = Literal["corrected", "published"]
"""Whether a method does as its paper says (defects of the published code mended), or as the published code does."""

Split = Literal["train", "validation", "test"]
"""The three disjoint sets of a data set's images."""

Precision = Literal["32-true", "16-mixed", "bf16-mixed"]
"""The number format of training, by its name in Lightning."""

Count = Annotated[int, Field(ge=1)]
"""A positive whole number."""
