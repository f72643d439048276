"""Images of every number type are drawn, saved and resized as what they are, or refused by name."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from helpers.core.pixels import unit_pixels
from helpers.data.images import resize_image, to_picture
from helpers.plots import draw_image, show_images
from helpers.widgets.frames import make_frame

SHARES = torch.linspace(0, 1, 3 * 4 * 6).reshape(3, 4, 6)
RIGHT = {
    "uint8": (SHARES * 255).round().to(torch.uint8),
    "uint16": (SHARES * 65535).round().to(torch.int32).to(torch.uint16),
    "half": SHARES.half(),
    "bfloat16": SHARES.bfloat16(),
    "float32": SHARES,
    "float64": SHARES.double(),
    "a little outside": SHARES.clone().index_fill_(2, torch.tensor([0]), -0.2).index_fill_(2, torch.tensor([5]), 1.3),
    "bool": SHARES > 0.5,
    "int64 of 0 and 1": (SHARES > 0.5).long(),
}
WRONG = {
    "float32 in 0..255": SHARES * 255,
    "half in 0..255": (SHARES * 255).half(),
    "int16 in 0..255": (SHARES * 255).to(torch.int16),
    "int64 in 0..255": (SHARES * 255).to(torch.int64),
    "int32, negative": (SHARES * -3).to(torch.int32),
}


def shown(name):
    image = RIGHT[name]
    whole = image.dtype in (torch.bool, torch.int64)
    return image.double().clamp(0, 1) if whole or image.is_floating_point() else SHARES.double()


def drawn(image, **options):
    """The pixels that matplotlib got, as a share of black and white."""
    axes = Figure().subplots()
    draw_image(axes, image, **options)
    (artist,) = axes.get_images()
    values = np.asarray(artist.get_array(), dtype=float)
    low, high = artist.get_clim() if values.ndim == 2 else (0, 1)
    return torch.from_numpy((values - low) / (high - low))


@pytest.mark.parametrize("name", RIGHT)
def test_every_number_type_is_drawn_saved_and_resized_alike(name):
    image, expected = RIGHT[name], shown(name)
    saved = torch.from_numpy(np.array(to_picture(image))).permute(2, 0, 1) / 255
    torch.testing.assert_close(saved.double(), expected, rtol=0, atol=0.006)
    torch.testing.assert_close(drawn(image).permute(2, 0, 1), expected, rtol=0, atol=0.005)
    for channel in range(3):
        torch.testing.assert_close(
            drawn(image[channel : channel + 1]).clamp(0, 1), expected[channel], rtol=0, atol=0.005
        )
    resized = resize_image(image, (8, 12))
    exact = resize_image(image.double() if image.is_floating_point() else expected, (8, 12))
    torch.testing.assert_close(resized.double(), exact, rtol=0, atol=0.01)
    assert make_frame(image, "", "").picture().size == (6, 4)


USES = {
    "save": to_picture,
    "resize": lambda image: resize_image(image, 8),
    "show": lambda image: show_images([image]),
    "draw": drawn,
    "frame": lambda image: make_frame(image, "", ""),
    "check": unit_pixels,
}


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("name", WRONG)
def test_other_ranges_are_refused_by_name(name, use):
    image = WRONG[name]
    with pytest.raises(ValueError, match=r"has values of .* to .* \(torch\..*\), not in \[0, 1\]; ") as caught:
        USES[use](image)
    assert ("divide pixels in 0..255 by 255" in str(caught.value)) == image.is_floating_point()


def test_maps_on_a_scale_of_their_own_are_drawn_on_it():
    codes = torch.arange(12).reshape(1, 3, 4)
    torch.testing.assert_close(drawn(codes, limits=(0, 11)), codes[0].double() / 11)
    torch.testing.assert_close(drawn(codes, limits=None), codes[0].double() / 11)
    torch.testing.assert_close(drawn(40 * codes.float(), limits=None), codes[0].double() / 11)


@pytest.mark.parametrize("value", [0.0, 0.3, 1.0])
def test_a_constant_map_has_its_own_shade(value):
    assert drawn(torch.full((1, 4, 4), value), limits=None).unique().tolist() == pytest.approx([value])


@pytest.mark.parametrize("value", [-3.0, 7.0])
def test_a_constant_beyond_has_the_middle_shade(value):
    assert drawn(torch.full((1, 4, 4), value), limits=None).unique().tolist() == [0.5]


def test_nan_is_left_to_the_one_who_draws():
    image = SHARES.clone()
    image[0, 0, 0] = torch.nan
    assert unit_pixels(image) is image
    with pytest.raises(ValueError, match="not finite"):
        to_picture(image)
