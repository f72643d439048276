"""Curves in a representation against the pixel curve, a plain loop with PyWavelets, and known ends."""

from __future__ import annotations

import numpy as np
import pytest
import pywt
import torch
from tiny import TinyClassifier, WindowClassifier, smooth_images

from helpers.methods.rde import Pixels, Wavelets
from helpers.metrics import coefficient_curve, curve_area, pixel_curve

SIDE = 16
TARGETS = torch.tensor([1, 4])


def relevance(k):
    return torch.randn(2, 1, k, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize("direction", ["delete", "insert"])
def test_in_pixels_it_is_the_pixel_curve_with_black_behind(direction):
    model, images, values = TinyClassifier(), smooth_images(2, SIDE), relevance(SIDE * SIDE)
    options = {"direction": direction, "steps": 9}
    found = coefficient_curve(model, images, values, TARGETS, Pixels((SIDE, SIDE)), **options)
    wanted = pixel_curve(model, images, values.view(2, 1, SIDE, SIDE), TARGETS, torch.zeros_like(images), **options)
    torch.testing.assert_close(found, wanted)


@pytest.mark.parametrize("variant", ["corrected", "published"])
@pytest.mark.parametrize("direction", ["delete", "insert"])
def test_haar_against_a_plain_loop(direction, variant):
    model, images, steps = TinyClassifier(), smooth_images(2, SIDE), 6
    wavelets = Wavelets((SIDE, SIDE), wavelet="haar", levels=2, mode="reflect")
    values = relevance(SIDE * SIDE)
    options = {"direction": direction, "steps": steps, "variant": variant}
    found = coefficient_curve(model, images, values, TARGETS, wavelets, **options)
    for row, image in enumerate(images.double().numpy()):
        order = values[row, 0].argsort(descending=True).tolist()
        for step in range(steps + 1):
            chosen = np.zeros(SIDE * SIDE, dtype=bool)
            chosen[order[: SIDE * SIDE * step // steps]] = True
            shown = chosen if direction == "insert" else ~chosen
            bands, start = [], 0
            for band in pywt.wavedec2(image, "haar", level=2, mode="reflect"):
                parts = [band] if isinstance(band, np.ndarray) else list(band)
                for place, part in enumerate(parts):
                    size = part[0].size
                    parts[place] = part * shown[start : start + size].reshape(part[0].shape)
                    start += size
                bands.append(parts[0] if isinstance(band, np.ndarray) else tuple(parts))
            picture = pywt.waverec2(bands, "haar", mode="reflect")
            if variant == "published" and picture.max() > picture.min():
                picture = (picture - picture.min()) / (picture.max() - picture.min())
                picture = (255 * picture).astype(np.uint8) / 255
            inputs = torch.from_numpy(picture.clip(0, 1)).float()[None]
            wanted = model(inputs).softmax(1)[0, TARGETS[row]]
            tolerance = 1e-5 if variant == "corrected" else 2e-2  # a level of 256 may round the other way
            assert float(found[row, step]) == pytest.approx(float(wanted), abs=tolerance)


def test_stretching_gives_a_nearly_black_rest_the_images_own_score():
    window = (slice(4, 8), slice(4, 8))
    model, images = WindowClassifier(window), torch.zeros(1, 3, SIDE, SIDE)
    images[(..., *window)] = 0.02  # far below the score's threshold
    pixels, target = Pixels((SIDE, SIDE)), torch.tensor([0])
    flat = torch.zeros(1, 1, SIDE * SIDE)
    corrected, published = (
        coefficient_curve(model, images, flat, target, pixels, steps=4, variant=variant)[0, 0]
        for variant in ("corrected", "published")
    )
    assert float(corrected) < 0.1
    assert float(published) > 0.99


def test_the_published_area_is_relative_to_the_curves_own_maximum(unchecked):
    curves = torch.tensor([[0.0, 0.5, 1.0], [0.0, 0.005, 0.01]])
    assert curve_area(curves).tolist() == pytest.approx([0.5, 0.005])
    assert curve_area(curves, "published").tolist() == pytest.approx([0.5, 0.5])
    with pytest.raises(ValueError, match="variant 'own' is not known"):
        curve_area(curves, "own")


def test_wrong_calls_are_named(unchecked):
    model, images, pixels = TinyClassifier(), smooth_images(2, SIDE), Pixels((SIDE, SIDE))
    arguments = (model, images, relevance(SIDE * SIDE), TARGETS, pixels)
    for options, words in (
        ({"direction": "keep"}, "use 'delete' or 'insert'"),
        ({"variant": "own"}, "variant 'own' is not known"),
        ({"steps": 0}, "steps=0 must lie between 1 and 256"),
    ):
        with pytest.raises(ValueError, match=words):
            coefficient_curve(*arguments, **options)
    with pytest.raises(ValueError, match=r"relevance must be \(2, 1, 256\)"):
        coefficient_curve(model, images, relevance(9), TARGETS, pixels)
