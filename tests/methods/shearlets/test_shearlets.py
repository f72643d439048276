"""The shearlet transform against its definition, written out in loops, and against what a frame must do."""

from __future__ import annotations

import cmath
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.methods.shearlets import ShearletTransform
from helpers.methods.shearlets.filters import system_filters

SIZES = ((64, 64), (37, 50), (50, 37), (5, 8), (2, 3), (1, 1))


def random(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def step(x: float) -> float:
    """Meyer's polynomial, in the form of his book."""
    x = min(max(x, 0.0), 1.0)
    return 35 * x**4 - 84 * x**5 + 70 * x**6 - 20 * x**7


def low(frequency: float, level: int) -> float:
    return math.cos(math.pi / 2 * step(3 * 2 ** (level - 1) * frequency - 1))


def window(row: float, column: float, level: int, angle: float, scales: int) -> float:
    """The window of a direction at one frequency, from the angle of its edges."""
    longer, shorter = max(abs(row), abs(column)), min(abs(row), abs(column))
    outer = 1.0 if level == 1 else low(longer, level - 1)
    ring = math.sqrt(max(outer**2 - low(longer, level) ** 2, 0.0))
    if not ring:
        return 0.0
    count = 2 * 2 ** ((scales - level) // 2)
    slope = shorter / longer * math.copysign(1, row * column)
    if abs(row) >= abs(column):  # edges nearer to horizontal, whose normal is nearer to vertical
        centre = math.tan(math.radians(angle)) if angle <= 45.1 or angle >= 134.9 else math.inf
    else:
        centre = 1 / math.tan(math.radians(angle)) if 44.9 <= angle <= 135.1 else math.inf
    return ring * math.cos(math.pi / 2 * step(abs(slope - centre) * count))


def restated_filter(size: tuple[int, int], scales: int, level: int, angle: float | None) -> dict:
    """The filter at each frequency; at the highest of an even side, the root mean square over its two signs."""
    values = {}
    for k in range(size[0]):
        for j in range(size[1]):
            rows, columns = ({2 * i / n, 2 * (i - n) / n} for i, n in ((k, size[0]), (j, size[1])))
            at = [(r, c) for r in rows for c in columns if max(abs(r), abs(c)) <= 1]
            if angle is None:
                squares = [low(max(abs(r), abs(c)), scales) ** 2 for r, c in at]
            else:
                squares = [window(r, c, level, angle, scales) ** 2 for r, c in at]
            values[k, j] = math.sqrt(sum(squares) / len(squares))
    return values


@pytest.mark.parametrize(("size", "scales"), [((6, 5), 2), ((4, 6), 1), ((7, 8), 3)])
def test_coefficients_are_inner_products_with_shifted_shearlets(size, scales):
    transform = ShearletTransform(scales, size=size)
    image = random(*size)
    ours = transform.analyse(image[None, None])[0, 0].unflatten(0, (len(transform.bands), *size))
    grid = [(r, c) for r in range(size[0]) for c in range(size[1])]
    for index in range(0, len(transform.bands), 3):
        band = transform.bands[index]
        values = restated_filter(size, scales, band.level, band.angle)
        shearlet = {
            (r, c): sum(
                v * cmath.exp(2j * math.pi * (k * r / size[0] + j * c / size[1])) for (k, j), v in values.items()
            )
            / math.prod(size)
            for r, c in grid
        }
        assert max(abs(value.imag) for value in shearlet.values()) < 1e-12
        for u, v in grid[:: max(1, len(grid) // 9)]:
            product = sum(image[r, c].item() * shearlet[(r - u) % size[0], (c - v) % size[1]].real for r, c in grid)
            assert ours[index, u, v].item() == pytest.approx(product, abs=1e-12)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scales", [1, 4])
def test_a_parseval_frame_at_any_size(size, scales):
    transform = ShearletTransform(scales, size=size)
    images = random(2, 3, *size)
    coefficients = transform.analyse(images)
    assert coefficients.shape == (2, 3, transform.coefficients)
    squares = transform.filters(images).square().sum(0)
    torch.testing.assert_close(squares, torch.ones_like(squares))
    torch.testing.assert_close(transform.synthesise(coefficients), images)
    torch.testing.assert_close(coefficients.square().sum(-1), images.square().sum((-2, -1)))


@settings(max_examples=25, deadline=None)
@given(st.tuples(st.integers(1, 40), st.integers(1, 40)), st.integers(1, 5), st.integers(0, 2**20))
def test_reconstruction_in_float32(size, scales, seed):
    transform = ShearletTransform(scales, size=size)
    images = random(1, 2, *size, seed=seed, dtype=torch.float32)
    assert (transform.synthesise(transform.analyse(images)) - images).abs().max() < 1e-5


@pytest.mark.parametrize("size", SIZES[:4])
def test_synthesis_is_the_transpose_of_analysis(size):
    transform = ShearletTransform(3, size=size)
    images, coefficients = random(2, 1, *size), random(2, 1, transform.coefficients, seed=1)
    left = (transform.analyse(images) * coefficients).sum()
    torch.testing.assert_close(left, (images * transform.synthesise(coefficients)).sum())


@pytest.mark.parametrize("size", [(4, 5)])
def test_gradients(size):
    transform = ShearletTransform(2, size=size)
    images = random(1, 2, *size).requires_grad_()
    coefficients = random(1, 1, transform.coefficients, seed=1).requires_grad_()
    for function, leaf in ((transform.analyse, images), (transform.synthesise, coefficients)):
        assert torch.autograd.gradcheck(function, leaf)
        assert torch.autograd.gradgradcheck(lambda x, function=function: function(x).square(), leaf)


def test_filters_from_inference_mode_serve_in_training():
    system_filters.cache_clear()
    transform = ShearletTransform(2, size=9)
    with torch.inference_mode():
        transform.analyse(torch.rand(1, 1, 9, 9))
    images = torch.rand(1, 1, 9, 9, requires_grad=True)
    transform.synthesise(transform.analyse(images)).sum().backward()
    torch.testing.assert_close(images.grad, torch.ones_like(images))
    assert transform.filters(images) is transform.filters(images)


def test_a_batch_is_its_images_one_by_one():
    transform = ShearletTransform(size=(21, 32))
    images = random(3, 2, 21, 32)
    coefficients = transform.analyse(images)
    for i in range(3):
        for c in range(2):
            alone = transform.analyse(images[i : i + 1, c : c + 1])
            torch.testing.assert_close(alone[0, 0], coefficients[i, c])
            torch.testing.assert_close(transform.synthesise(alone)[0, 0], images[i, c])
    assert transform.analyse(images[:0]).shape == (0, 2, transform.coefficients)


def test_bands_and_their_names():
    transform = ShearletTransform(4, size=16)
    assert [sum(b.level == level for b in transform.bands[1:]) for level in (4, 3, 2, 1)] == [8, 8, 16, 16]
    assert len(transform.slices) == len(transform.bands) == 49
    angles = [band.angle for band in transform.bands if band.level == 1]
    assert angles == sorted(angles)
    assert [angle for angle in angles if angle % 45 == 0] == [0, 45, 90, 135]


def edge(size: int, angle: float) -> torch.Tensor:
    """A soft straight edge at this angle, anticlockwise from horizontal as a viewer sees it, fading to the border."""
    row, column = torch.meshgrid(*(torch.arange(size, dtype=torch.float64) - size / 2,) * 2, indexing="ij")
    across = column * math.sin(math.radians(angle)) + row * math.cos(math.radians(angle))  # rows grow downwards
    return (across * 4).sigmoid().sub(0.5) * torch.exp(-(row**2 + column**2) / (2 * (size / 8) ** 2))


def test_a_straight_edge_stands_in_the_band_of_its_angle():
    transform = ShearletTransform(4, size=96)
    for level in (1, 2):
        bands = [band for band in transform.bands if band.level == level]
        energies = torch.stack(
            [
                torch.stack([coefficients[transform.slices[band.name]].square().sum() for band in bands])
                for coefficients in transform.analyse(
                    torch.stack([edge(96, band.angle) for band in bands]).unsqueeze(1)
                ).squeeze(1)
            ]
        )
        share = energies.diagonal() / energies.sum(1)
        assert energies.argmax(1).tolist() == list(range(16))
        assert share.min() > 0.5


def test_shearlets_are_real_waves_longer_than_wide_without_a_mean():
    transform = ShearletTransform(4, size=128)
    for name, level in (("0°-1", 1), ("90°-2", 2)):
        bands = torch.zeros(len(transform.bands), 128, 128, dtype=torch.float64)
        bands[list(transform.slices).index(name), 64, 64] = 1
        wave = transform.synthesise(bands.flatten()[None, None])[0, 0]
        assert wave.sum().abs() < 1e-10
        weight = wave.square() / wave.square().sum()
        spread = [(weight.sum(axis) * (torch.arange(128) - 64).square()).sum().sqrt() for axis in (1, 0)]
        down, along = spread if name.startswith("0") else spread[::-1]
        assert along > 1.5 * down
        assert weight[64 - 24 : 64 + 25, 64 - 24 : 64 + 25].sum() > 0.99, level


@pytest.mark.parametrize("dtype", [torch.uint8, torch.bool, torch.float16, torch.bfloat16, torch.int64])
def test_whole_numbers_and_half_precision_give_floats(dtype):
    transform = ShearletTransform(2, size=8)
    images = (torch.rand(1, 1, 8, 8) * 4).to(dtype)
    result = transform.synthesise(transform.analyse(images))
    assert result.dtype == (torch.float64 if dtype == torch.int64 else torch.float32)
    torch.testing.assert_close(result, images.to(result.dtype), atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ShearletTransform(0, size=8), "at least 1"),
        (lambda: ShearletTransform(True, size=8), "at least 1"),
        (lambda: ShearletTransform(size=(8, 0)), "size must be"),
        (lambda: ShearletTransform(size=8).analyse(torch.zeros(1, 3, 8, 9)), r"resize them"),
        (lambda: ShearletTransform(size=8).synthesise(torch.zeros(1, 3, 64)), r"as its analyse returns"),
    ],
)
def test_mistakes_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
