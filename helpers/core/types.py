"""Option types shared by several modules."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

Variant = Literal["corrected", "published"]
"""The method as its paper describes it (with defects of the published code corrected), or as the published code."""

Split = Literal["train", "validation", "test"]
"""The three disjoint subsets of a dataset."""

Precision = Literal["32-true", "16-mixed", "bf16-mixed"]
"""The number format of training, as Lightning names it."""

Count = Annotated[int, Field(ge=1)]
"""A positive whole number."""
