"""What the chapter on wavelets computes and draws."""

from __future__ import annotations

import pytest
import torch
from matplotlib.figure import Figure

from helpers.chapters.wavelets.borders import at_border, border_table, library_gradient
from helpers.chapters.wavelets.drawings import (
    details_inside,
    draw_borders,
    draw_decay,
    draw_details_of_signals,
    draw_gradient_test,
    draw_ladder,
    draw_row,
    pattern,
    pyramid_picture,
)
from helpers.chapters.wavelets.pyramid import wavelet_pyramid
from helpers.chapters.wavelets.sparsity import (
    decibels,
    discarded_energy,
    keep_largest,
    share_needed,
    there_and_back,
    three_images,
)
from helpers.methods.wavelets import WaveletTransform


def test_keep_largest_keeps_the_places_with_most_energy_over_the_channels():
    coefficients = torch.tensor([[[3.0, 0.0, 1.0, 2.0], [0.0, 2.5, 1.0, 2.0]]])  # energies 9, 6.25, 2, 8
    expected = torch.tensor([[[3.0, 0.0, 0.0, 2.0], [0.0, 0.0, 0.0, 2.0]]])
    assert torch.equal(keep_largest(coefficients, 0.5), expected)
    assert torch.equal(keep_largest(coefficients, 0.26), expected)  # rounded up
    assert torch.equal(keep_largest(coefficients, 1), coefficients)
    assert not keep_largest(coefficients, 0).any()


def test_keep_largest_refuses_other_shares():
    with pytest.raises(ValueError, match=r"share must be in \[0, 1\]"):
        keep_largest(torch.zeros(1, 1, 4), 5)


def test_energy_left_out_is_the_squared_error_of_an_orthogonal_transform():
    images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    transform = WaveletTransform("db3", 2, "periodization", size=32)
    coefficients = transform.analyse(images)
    shares = [0, 0.1, 0.5, 1]
    left = discarded_energy(coefficients, shares)
    for column, share in enumerate(shares):
        error = (transform.synthesise(keep_largest(coefficients, share)) - images).square().sum((1, 2, 3))
        torch.testing.assert_close(left[:, column], error / images.square().sum((1, 2, 3)), atol=1e-9, rtol=0)


def test_share_needed_is_the_least_that_holds_the_energy():
    coefficients = torch.tensor([[[3.0, 0.0, 0.0, 1.0]], [[1.0, 1.0, 1.0, 1.0]]])  # 9 + 1, and 1 + 1 + 1 + 1
    torch.testing.assert_close(share_needed(coefficients, 0.9), torch.tensor([0.25, 1.0]), check_dtype=False)
    torch.testing.assert_close(share_needed(coefficients, 0.75), torch.tensor([0.25, 0.75]), check_dtype=False)


def test_a_pyramid_of_exact_halves_fills_its_square_and_shows_each_coefficient_once():
    transform = WaveletTransform("db3", 3, "periodization", size=32)
    values = torch.arange(float(transform.coefficients))
    picture = wavelet_pyramid(transform, values, gap=0)
    assert picture.shape == (1, 32, 32)
    assert torch.equal(picture.flatten().sort().values, values)
    assert torch.equal(picture[0, :4, :4].flatten(), values[transform.slices["approximation"]])
    assert torch.equal(picture[0, :16, 16:].flatten(), values[transform.slices["horizontal-1"]])
    assert torch.equal(picture[0, 8:16, :8].flatten(), values[transform.slices["vertical-2"]])


@pytest.mark.parametrize(("mode", "size"), [("zero", (64, 48)), ("symmetric", (37, 51))])
def test_a_pyramid_of_other_bands_still_shows_each_coefficient_once(mode, size):
    transform = WaveletTransform("db3", 2, mode, size=size)
    values = torch.arange(1.0, transform.coefficients + 1)
    picture = wavelet_pyramid(transform, values, gap_value=0)
    shown = picture[picture > 0]
    assert torch.equal(shown.sort().values, values)


def test_a_pyramid_picture_lies_in_the_unit_interval():
    transform = WaveletTransform("db3", 2, size=32)
    picture = pyramid_picture(transform, transform.analyse(torch.rand(1, 1, 32, 32))[0, 0])
    assert 0 <= picture.min() < picture.max() <= 1


def test_the_pattern_of_a_haar_coefficient_is_its_block_in_the_middle():
    expected = torch.zeros(1, 16, 16)
    expected[0, 6:10, 6:8], expected[0, 6:10, 8:10] = 1, -1  # high along the width: a vertical edge
    torch.testing.assert_close(pattern(WaveletTransform("haar", 2, size=16), "vertical-2"), expected)


def test_decibels_are_ten_for_a_tenth_of_the_squared_error():
    original = torch.zeros(2, 3, 4, 4)
    images = torch.stack([torch.full((3, 4, 4), 0.1), torch.zeros(3, 4, 4)])
    assert decibels(images, original) == pytest.approx([20, 100], abs=1e-4)


def test_the_drawings_are_figures():
    row = torch.linspace(0, 1, 32)
    steps = [row, row[::2], row[::4]]
    figures = [
        draw_row(row.expand(1, 32, 32), 3),
        draw_ladder(steps, [row[::2], row[::4]]),
        draw_details_of_signals({"a line": row}, ["haar", "db3"]),
        draw_borders(row, beyond=8),
        draw_decay([0.1, 1.0], {"scene, Fourier": torch.tensor([0.5, 0.0])}),
        draw_gradient_test({"ours": {"zero": 1.0}, "theirs": {"zero": 1.0, "periodic": 2.0}}, "the truth"),
    ]
    assert all(isinstance(figure, Figure) and figure.axes for figure in figures)


def test_details_inside_leave_out_the_border_of_a_slope():
    line = torch.arange(16.0)
    assert abs(details_inside(line, "db3")).max() < 1e-5  # three vanishing moments
    assert details_inside(line, "haar") == pytest.approx([-(0.5**0.5)] * 8)


@pytest.mark.parametrize(("wavelet", "mode", "square"), [("db3", "zero", False), ("db3", "periodization", True)])
def test_masked_coefficients_survive_there_and_back_only_in_a_square_transform(wavelet, mode, square):
    transform = WaveletTransform(wavelet, 2, mode, size=32)
    generator = torch.Generator().manual_seed(0)
    coefficients = transform.analyse(torch.rand(1, 3, 32, 32, generator=generator, dtype=torch.float64))
    assert there_and_back(transform, coefficients) < 1e-6
    mask = torch.rand(transform.coefficients, generator=generator) < 0.5
    assert bool(there_and_back(transform, coefficients * mask) < 1e-6) == square


def test_coefficients_at_the_border_are_those_that_an_extension_changes():
    one, other = (WaveletTransform("db3", 1, mode, size=24) for mode in ("zero", "symmetric"))
    image = 1 + torch.rand(1, 1, 24, 24, generator=torch.Generator().manual_seed(0))
    changed = (one.analyse(image) - other.analyse(image))[0, 0].abs() > 1e-4
    assert torch.equal(changed, at_border(one))
    assert at_border(one, reach=0).sum() == 0


def test_zeros_spend_coefficients_on_the_border_of_a_bright_image():
    bright = torch.full((2, 3, 160, 160), 0.9)
    table = border_table(bright, ["first", "second"], share=0.02).set_index("mode")
    assert table["coefficients"]["periodization"] == 160**2
    assert table["energy"][["zero", "periodization"]].tolist() == pytest.approx([1, 1], abs=1e-4)
    assert table["first, kept at the border"]["zero"] > 0.7
    assert table["second, dB"]["symmetric"] > table["second, dB"]["zero"] + 20


@pytest.mark.filterwarnings("ignore")  # it imports a module that is going away
def test_the_librarys_gradient_is_in_our_order():
    library = pytest.importorskip("pytorch_wavelets", reason="pytorch-wavelets is not installed")
    image = torch.rand(1, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    transform = WaveletTransform("db3", 2, "zero", size=32)
    found = library_gradient(
        library.DWTForward(J=2, wave="db3", mode="zero"), library.DWTInverse(wave="db3", mode="zero"), image
    )
    torch.testing.assert_close(found, transform.analyse(image), atol=1e-5, rtol=0)  # of half the energy, an isometry


def test_three_images_of_one_size():
    images, names = three_images(torch.rand(1, 3, 64, 64))
    assert images.shape == (3, 3, 64, 64)
    assert names == ["scene", "photograph", "noise"]
    assert 0 <= images.min() < images.max() <= 1
