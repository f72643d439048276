"""What the page on starting masks measures and draws."""

from __future__ import annotations

import pytest
import torch

from helpers.chapters.starting_masks import (
    draw_descents,
    draw_lost,
    draw_risk,
    draw_starts,
    lost_images,
    random_binary_mask,
)
from helpers.data.scenes import make_scenes
from helpers.methods.rde import PixelRDE


class BrightCorner(torch.nn.Module):
    """Class 0 if the first pixels are bright."""

    def forward(self, images):
        """Two logits."""
        brightness = images[:, :, :4, :4].mean((1, 2, 3))
        return torch.stack([20 * (brightness - 0.6), 20 * (0.6 - brightness)], 1)


@pytest.fixture(scope="module")
def images():
    images = make_scenes(2, size=32, seed=4).images * 0.4
    images[:, :, :4, :4] = 0.9
    return images


def test_a_random_binary_mask_keeps_its_share_and_is_the_same_for_all():
    mask = random_binary_mask(torch.ones(2, 1, 4000), 0.3)
    assert set(mask.unique().tolist()) == {0.0, 1.0}
    assert float(mask.mean()) == pytest.approx(0.3, abs=0.03)
    assert torch.equal(mask[0], mask[1])
    assert not random_binary_mask(torch.ones(1, 1, 40), 0.0).any()


def test_an_image_is_lost_where_nothing_is_kept(images):
    method = PixelRDE(BrightCorner().eval(), PixelRDE.recipe("fast").with_options(steps=2, learning_rate=1e-6))
    assert not lost_images(method, images, torch.ones(2, 1, 1024)).any()
    assert lost_images(method, images, torch.zeros(2, 1, 1024)).all()
    assert not lost_images(method, images, torch.zeros(2, 1, 1024), share=1.1).any()


def test_pictures(images):
    method = PixelRDE(BrightCorner().eval())
    figure = draw_starts(method, images, {"ones": torch.ones(2, 1, 1024)})
    assert [axes.get_title() for axes in figure.axes][:2] == ["the image", "ones\n1.00"]
    assert len(draw_descents({"ones": torch.ones(2, 5), "random": torch.ones(2, 5)}).axes[0].lines) == 2
    bars = draw_lost({"a": torch.tensor([True, False]), "b": torch.tensor([True, True])}).axes[0].patches
    assert [bar.get_width() for bar in bars] == [1, 2]
    plain, risky = (line.get_ydata() for line in draw_risk().axes[0].lines)
    assert plain[-1] == pytest.approx(1)
    assert risky[-1] == pytest.approx(1 + 2.9957, abs=1e-3)  # -log 0.05
