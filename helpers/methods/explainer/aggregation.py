"""From one mask a class to the two masks of the loss."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor


def target_and_other_masks(
    logits: Float[Tensor, "batch classes height width"], labels: Bool[Tensor, "batch classes"]
) -> tuple[Float[Tensor, "batch 1 height width"], Float[Tensor, "batch 1 height width"]]:
    """The target mask m and the non-target mask n (the paper, section 3 and Figure 2).

    m is the pixelwise maximum over the masks of the classes that the image shows, n that over all others; 0 where there
    are none. The maximum is taken over the logits: the sigmoid does not change which one is largest.

    Args:
        logits: of the class masks; their sigmoid is the masks.
        labels: which classes each image shows.
    """
    lowest = torch.finfo(logits.dtype).min
    present = labels[..., None, None]
    target = logits.masked_fill(~present, lowest).amax(1, keepdim=True).sigmoid()
    other = logits.masked_fill(present, lowest).amax(1, keepdim=True).sigmoid()
    return target, other
