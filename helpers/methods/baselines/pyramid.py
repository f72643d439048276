"""Images blurred in proportion to 1 - mask."""

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
        levels: number of blur widths, evenly spaced, at least 2.

    At the border the image is mirrored. TorchRay, the published code, continues it by 0 instead: by the mean colour, as
    its images are normalised, towards which its blurred images fade within four sigma of the border.
    """

    def __init__(self, images: Float[Tensor, "images 3 height width"], sigma: float | int, levels: int = 8) -> None:
        if levels < 2:
            raise ValueError(f"levels={levels} must be at least 2: the blurred and the sharp image")
        self.size, self.steps = images.shape[-2:], levels - 1
        widths = [sigma * (1 - level / self.steps) for level in range(levels)]
        stack = torch.stack([gaussian_blur(images, width) for width in widths], 1)
        # one row per image, interval between two levels, and pixel: the colour, and its difference to the next level
        pair = torch.cat([stack[:, :-1], stack.diff(dim=1)], 2)
        self._table = pair.permute(0, 1, 3, 4, 2).reshape(-1, 6)

    def __call__(
        self, masks: Float[Tensor, "masks height width"], image_index: Int[Tensor, " masks"]
    ) -> Float[Tensor, "masks 3 height width"]:
        """Image `image_index[i]`, blurred by mask i, with gradients to the masks; channels are last in memory."""
        height, width = self.size
        heights = masks * self.steps
        level = heights.detach().floor().clamp_(0, self.steps - 1)
        pixels = torch.arange(height * width, device=masks.device).view(height, width)
        rows = (image_index[:, None, None] * self.steps + level.long()) * (height * width) + pixels
        entries = self._table.index_select(0, rows.flatten()).view(*masks.shape, 6)
        blurred = torch.addcmul(entries[..., :3], entries[..., 3:], (heights - level)[..., None])
        return blurred.permute(0, 3, 1, 2)
