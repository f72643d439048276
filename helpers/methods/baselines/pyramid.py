"""Images that are blurred the more, the less a mask keeps."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from helpers.core.blur import gaussian_blur


class BlurPyramid:
    """An image at several widths of blur, and in between by linear interpolation (Fong et al., ICCV 2019, section 4).

    Args:
        images: pixels in [0, 1].
        sigma: of the strongest blur, in pixels, where a mask is 0; where it is 1 the image is sharp.
        levels: how many widths there are, evenly spaced, at least 2.
    """

    def __init__(self, images: Float[Tensor, "images 3 height width"], sigma: float | int, levels: int = 8) -> None:
        if levels < 2:
            raise ValueError(f"levels={levels} must be at least 2: the blurred and the sharp image")
        self.size, self.steps = images.shape[-2:], levels - 1
        widths = [sigma * (1 - level / self.steps) for level in range(levels)]
        stack = torch.stack([gaussian_blur(images, width) for width in widths], 1)
        # a row for each image, interval between two levels, and pixel: colour, and how it changes to the next level
        pair = torch.cat([stack[:, :-1], stack.diff(dim=1)], 2)
        self._table = pair.permute(0, 1, 3, 4, 2).reshape(-1, 6)

    def __call__(
        self, masks: Float[Tensor, "masks height width"], places: Int[Tensor, " masks"]
    ) -> Float[Tensor, "masks 3 height width"]:
        """Image number `places[i]` seen through mask i; gradients flow to the masks. Channels are last in memory."""
        height, width = self.size
        heights = masks * self.steps
        level = heights.detach().floor().clamp_(0, self.steps - 1)
        pixels = torch.arange(height * width, device=masks.device).view(height, width)
        rows = (places[:, None, None] * self.steps + level.long()) * (height * width) + pixels
        found = self._table.index_select(0, rows.flatten()).view(*masks.shape, 6)
        seen = torch.addcmul(found[..., :3], found[..., 3:], (heights - level)[..., None])
        return seen.permute(0, 3, 1, 2)
