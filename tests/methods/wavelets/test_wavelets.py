"""The wavelet transform against PyWavelets, pytorch-wavelets, finite differences and its own definition."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import pywt
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import helpers.methods.wavelets.transform
from helpers.methods.wavelets import WaveletTransform
from helpers.methods.wavelets.bands import MODES, one_level_matrices
from helpers.methods.wavelets.tiles import Tiling, join_level, split_level

WAVELETS = ("haar", "db3", "sym4", "bior2.2")
SIZES = ((32, 32), (128, 128), (37, 50), (115, 67))
NUMBER_TYPES = (
    *(torch.bool, torch.uint8, torch.int16, torch.int32, torch.int64),
    *(torch.float16, torch.bfloat16, torch.float32, torch.float64),
)
CASES = [(wavelet, mode, size) for wavelet in WAVELETS for mode in MODES for size in SIZES]


def random(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def flat_from_pywt(levels: list) -> np.ndarray:
    """PyWavelets' nested lists in the order of our flat axis."""
    bands = [levels[0], *(band for level in levels[1:] for band in level)]
    return np.concatenate([band.reshape(*band.shape[:2], -1) for band in bands], axis=-1)


def pywt_from_flat(transform: WaveletTransform, flat: torch.Tensor) -> list:
    """Our flat axis as PyWavelets' nested lists."""
    bands = {name: flat[..., transform.slices[name]].unflatten(-1, shape) for name, shape in transform.shapes.items()}
    bands = {name: band.numpy() for name, band in bands.items()}
    names = [
        [f"{o}-{level}" for o in ("horizontal", "vertical", "diagonal")] for level in range(1, transform.levels + 1)
    ]
    return [bands["approximation"], *(tuple(bands[name] for name in level) for level in reversed(names))]


def pywt_analyse(images: torch.Tensor, wavelet: str, mode: str, levels: int) -> np.ndarray:
    with warnings.catch_warnings():  # PyWavelets warns where the border reaches every coefficient
        warnings.filterwarnings("ignore", message="Level value")
        return flat_from_pywt(pywt.wavedec2(images.numpy(), wavelet, mode, levels))


def pywt_synthesise(transform: WaveletTransform, flat: torch.Tensor) -> np.ndarray:
    height, width = transform.size
    nested = pywt_from_flat(transform, flat)
    return pywt.waverec2(nested, transform.wavelet, transform.mode)[..., :height, :width]  # odd sizes: one too many


def synthesis_gradient(transform: WaveletTransform, coefficients: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """The gradient of the weighted sum of the synthesised image."""
    leaf = coefficients.clone().requires_grad_()
    return torch.autograd.grad(transform.synthesise(leaf), leaf, weights)[0]


@pytest.mark.parametrize(("wavelet", "mode", "size"), CASES)
def test_both_directions_agree_with_pywavelets(wavelet, mode, size):
    transform = WaveletTransform(wavelet, 3, mode, size=size)
    images = random(2, 3, *size)
    coefficients = random(2, 3, transform.coefficients, seed=1)
    np.testing.assert_allclose(transform.analyse(images), pywt_analyse(images, wavelet, mode, 3), atol=1e-10)
    np.testing.assert_allclose(transform.synthesise(coefficients), pywt_synthesise(transform, coefficients), atol=1e-10)


@pytest.mark.parametrize("mode", MODES)
def test_float32_of_the_papers_setting_agrees_with_pywavelets(mode):
    transform = WaveletTransform("db3", 5, mode, size=(256, 256))
    images = random(1, 3, 256, 256)
    ours = transform.analyse(images.float())
    assert ours.dtype == torch.float32
    np.testing.assert_allclose(ours, pywt_analyse(images, "db3", mode, 5), atol=1e-5)
    coefficients = random(1, 3, transform.coefficients, seed=1)
    image = transform.synthesise(coefficients.float())
    np.testing.assert_allclose(image, pywt_synthesise(transform, coefficients), atol=1e-5)


def test_the_papers_setting_has_the_papers_number_of_coefficients():
    assert WaveletTransform("db3", 5, "zero", size=(256, 256)).coefficients == 69_831
    assert WaveletTransform("db3", 5, "zero", size=(224, 224)).coefficients == 53_959


@settings(max_examples=30)
@given(
    wavelet=st.sampled_from((*WAVELETS, "coif1", "rbio3.1", "db10")),
    mode=st.sampled_from(MODES),
    levels=st.integers(1, 3),
    height=st.integers(60, 90),
    width=st.integers(60, 140),
    seed=st.integers(0, 2**16),
)
def test_any_size_is_reconstructed_and_agrees_with_pywavelets(wavelet, mode, levels, height, width, seed):
    transform = WaveletTransform(wavelet, levels, mode, size=(height, width))
    images = random(1, 2, height, width, seed=seed)
    coefficients = transform.analyse(images)
    np.testing.assert_allclose(coefficients, pywt_analyse(images, wavelet, mode, levels), atol=1e-9)
    torch.testing.assert_close(transform.synthesise(coefficients), images, atol=1e-8, rtol=0)


@settings(max_examples=30)
@given(
    wavelet=st.sampled_from((*WAVELETS, "db8")),
    mode=st.sampled_from(MODES),
    height=st.integers(24, 140),
    width=st.integers(24, 80),
    seed=st.integers(0, 2**16),
)
def test_the_gradient_is_the_adjoint(wavelet, mode, height, width, seed):
    """<S c, x> = <c, S^T x> for the synthesis, and <A x, c> = <x, A^T c> for the analysis."""
    transform = WaveletTransform(wavelet, 1, mode, size=(height, width))
    images = random(1, 1, height, width, seed=seed)
    coefficients = random(1, 1, transform.coefficients, seed=seed + 1)
    back = synthesis_gradient(transform, torch.zeros_like(coefficients), images)
    torch.testing.assert_close((transform.synthesise(coefficients) * images).sum(), (coefficients * back).sum())
    leaf = torch.zeros_like(images, requires_grad=True)
    (back,) = torch.autograd.grad(transform.analyse(leaf), leaf, coefficients)
    torch.testing.assert_close((transform.analyse(images) * coefficients).sum(), (images * back).sum())


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("wavelet", ["haar", "db3", "bior2.2"])
def test_gradients_agree_with_finite_differences(wavelet, mode):
    transform = WaveletTransform(wavelet, 2, mode, size=(9, 10))
    images = random(1, 1, 9, 10).requires_grad_()
    coefficients = random(1, 1, transform.coefficients).requires_grad_()
    assert torch.autograd.gradcheck(transform.analyse, images)
    assert torch.autograd.gradcheck(transform.synthesise, coefficients)
    assert torch.autograd.gradgradcheck(transform.synthesise, coefficients, fast_mode=True)


def test_gradients_agree_with_finite_differences_where_the_synthesis_has_many_tiles():
    transform = WaveletTransform("db3", 1, "zero", size=(75, 100))
    coefficients = random(1, 1, transform.coefficients).requires_grad_()
    assert torch.autograd.gradcheck(transform.synthesise, coefficients, fast_mode=True)


@pytest.mark.parametrize(("length", "filter_length"), [(256, 6), (130, 6), (83, 6), (101, 2), (99, 20), (300, 102)])
def test_tiles_make_up_the_whole_synthesis_matrix(length, filter_length):
    """Block by block, the tiles are the matrix that PyWavelets gives."""
    filters = {2: "haar", 6: "db3", 20: "db10", 102: "coif17"}[filter_length]
    _, matrix = one_level_matrices(length, pywt.Wavelet(filters), "zero")
    half = matrix.shape[1] // 2
    tiling = Tiling.of(length, half, filter_length, repeats=True)
    block, rebuilt = tiling.block(matrix), torch.zeros(tiling.tiles * tiling.tile, 2, tiling.reach, dtype=torch.float64)
    for i in range(tiling.tiles):
        rows = slice(i * tiling.tile, (i + 1) * tiling.tile)
        window = slice(i * tiling.step, i * tiling.step + tiling.window)
        rebuilt[rows, :, window] = block.unflatten(1, (2, tiling.window))
    torch.testing.assert_close(rebuilt[:length, :, :half].flatten(1), matrix)
    assert tiling.tiles > 1


@pytest.mark.parametrize("size", [(75, 50), (175, 50), (50, 175), (175, 130)])  # axes of one tile, and of several
def test_a_level_is_the_product_with_two_matrices(size):
    filters = pywt.Wavelet("db3")
    matrices = [one_level_matrices(length, filters, "zero")[1] for length in size]
    halves = [matrix.shape[1] // 2 for matrix in matrices]
    tilings = tuple(Tiling.of(n, half, 6, repeats=True) for n, half in zip(size, halves, strict=True))
    blocks = tuple(tiling.block(matrix) for tiling, matrix in zip(tilings, matrices, strict=True))
    square = random(2, 2 * halves[0], 2 * halves[1])
    (approximation, vertical), (horizontal, diagonal) = (
        part.split(halves[1], -1) for part in square.split(halves[0], -2)
    )
    image = join_level((approximation, horizontal, vertical, diagonal), blocks, tilings)
    torch.testing.assert_close(image, matrices[0] @ square @ matrices[1].mT)
    approximation, horizontal, vertical, diagonal = split_level(image, blocks, tilings)
    back = torch.cat([torch.cat([approximation, vertical], -1), torch.cat([horizontal, diagonal], -1)], -2)
    torch.testing.assert_close(back, matrices[0].mT @ image @ matrices[1])


@pytest.mark.parametrize("mode", ["zero", "periodization"])  # its gradients are wrong in the others
def test_values_and_gradients_agree_with_pytorch_wavelets(mode):
    reference = pytest.importorskip("pytorch_wavelets", reason="pytorch-wavelets is not installed")
    transform = WaveletTransform("db3", 3, mode, size=(64, 96))
    images = random(2, 3, 64, 96, dtype=torch.float32).requires_grad_()
    low, high = reference.DWTForward(J=3, wave="db3", mode=mode)(images)
    theirs = torch.cat([low.flatten(2), *(band.flatten(2) for band in reversed(high))], dim=-1)
    weights = random(2, 3, transform.coefficients, seed=1, dtype=torch.float32)
    torch.testing.assert_close(transform.analyse(images), theirs, atol=1e-5, rtol=0)
    (expected,) = torch.autograd.grad(theirs, images, weights)
    (ours,) = torch.autograd.grad(transform.analyse(images), images, weights)
    torch.testing.assert_close(ours, expected, atol=1e-5, rtol=0)

    bands = [low.detach().requires_grad_(), *(band.detach().requires_grad_() for band in high)]
    composed = reference.DWTInverse(wave="db3", mode=mode)((bands[0], bands[1:]))
    torch.testing.assert_close(transform.synthesise(theirs.detach()), composed, atol=1e-5, rtol=0)
    weights = random(2, 3, 64, 96, seed=2, dtype=torch.float32)
    expected = torch.autograd.grad(composed, bands, weights)
    expected = torch.cat([g.flatten(2) for g in (expected[0], *reversed(expected[1:]))], dim=-1)
    torch.testing.assert_close(synthesis_gradient(transform, theirs.detach(), weights), expected, atol=1e-5, rtol=0)


def test_an_orthogonal_wavelet_keeps_the_energy_when_the_ends_are_joined():
    transform = WaveletTransform("sym4", 2, "periodization", size=(64, 32))
    images = random(3, 2, 64, 32)
    torch.testing.assert_close(transform.analyse(images).square().sum(), images.square().sum())


def test_a_batch_gives_what_single_images_give(monkeypatch):
    """Also where a batch is worked on in portions: here 5 channels at once, of 14."""
    monkeypatch.setattr(helpers.methods.wavelets.transform, "VALUES_AT_ONCE", 5 * 64 * 64)
    transform = WaveletTransform("db3", 2, size=64)
    coefficients = random(7, 2, transform.coefficients, dtype=torch.float32)
    weights = random(7, 2, 64, 64, seed=1, dtype=torch.float32)
    together = transform.synthesise(coefficients)
    gradient = synthesis_gradient(transform, coefficients, weights)
    analysed = transform.analyse(weights)
    for i in range(7):
        some = slice(i, i + 1)
        torch.testing.assert_close(together[some], transform.synthesise(coefficients[some]))
        torch.testing.assert_close(analysed[some], transform.analyse(weights[some]))
        torch.testing.assert_close(gradient[some], synthesis_gradient(transform, coefficients[some], weights[some]))


def test_slices_name_the_bands_coarsest_first():
    transform = WaveletTransform("haar", 2, "zero", size=(8, 12))
    assert list(transform.slices) == [
        "approximation",
        *(f"{orientation}-{level}" for level in (2, 1) for orientation in ("horizontal", "vertical", "diagonal")),
    ]
    assert transform.shapes["approximation"] == transform.shapes["diagonal-2"] == (2, 3)
    assert transform.shapes["horizontal-1"] == (4, 6)
    assert transform.slices["horizontal-1"] == slice(24, 48)
    assert transform.coefficients == 96


def test_horizontal_details_see_horizontal_edges():
    image = torch.zeros(1, 1, 16, 16)
    image[..., 7:, :] = 1  # bright below row 7, an edge inside one of Haar's pairs
    transform = WaveletTransform("haar", 1, size=16)
    energy = {name: float(transform.analyse(image)[..., s].square().sum()) for name, s in transform.slices.items()}
    assert energy["horizontal-1"] > 1
    assert energy["vertical-1"] == pytest.approx(0, abs=1e-12)
    assert energy["diagonal-1"] == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_and_autocast_are_computed_in_float32(dtype):
    transform = WaveletTransform("db3", 3, size=64)
    images = random(1, 3, 64, 64, dtype=torch.float32)
    coefficients = transform.analyse(images)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(transform.analyse(images), coefficients)
        assert torch.equal(transform.synthesise(coefficients), transform.synthesise(coefficients.clone()))
        assert transform.synthesise(coefficients).dtype == torch.float32
    rounded = coefficients.to(dtype)
    assert torch.equal(transform.synthesise(rounded), transform.synthesise(rounded.float()))


@pytest.mark.parametrize("mode", ["zero", "reflect"])
@pytest.mark.parametrize("dtype", NUMBER_TYPES, ids=str)
def test_every_number_type_gives_what_float64_gives(dtype, mode):
    transform = WaveletTransform("db2", 3, mode, size=(64, 48))
    images = torch.randint(
        0, 2 if dtype == torch.bool else 200, (2, 3, 64, 48), generator=torch.Generator().manual_seed(0)
    ).to(dtype)
    coefficients = transform.analyse(images)
    assert coefficients.dtype in (torch.float32, torch.float64)
    torch.testing.assert_close(coefficients.double(), transform.analyse(images.double()), rtol=1e-5, atol=2e-4)
    numbers = images.flatten(2)[:, :, : transform.coefficients].repeat(1, 1, 2)[:, :, : transform.coefficients]
    expected = transform.synthesise(numbers.double())
    torch.testing.assert_close(transform.synthesise(numbers).double(), expected, rtol=1e-5, atol=2e-4)


def test_a_byte_may_be_the_only_one_that_is_white():
    """255 at one pixel: the coefficients are 255 times those of a 1 there, although no byte holds them."""
    transform = WaveletTransform("db3", 2, size=64)
    images = torch.zeros(1, 1, 64, 64, dtype=torch.uint8)
    images[0, 0, 20, 30] = 255
    torch.testing.assert_close(transform.analyse(images), 255 * transform.analyse(images.bool()), rtol=1e-5, atol=1e-4)


def test_gradients_under_autocast_are_those_without():
    transform = WaveletTransform("db3", 2, size=64)
    coefficients, weights = random(1, 1, transform.coefficients).float(), random(1, 1, 64, 64).float()
    expected = synthesis_gradient(transform, coefficients, weights)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(synthesis_gradient(transform, coefficients, weights), expected)


@pytest.mark.parametrize("move", [lambda m: m.float(), lambda m: m.double(), lambda m: m.half(), lambda m: m.to("cpu")])
def test_the_module_may_be_cast_and_keeps_its_precision(move):
    images = random(1, 1, 32, 32)
    transform = move(WaveletTransform("db3", 2, size=32))
    torch.testing.assert_close(transform.synthesise(transform.analyse(images)), images, atol=1e-10, rtol=0)
    assert not transform.state_dict()  # everything is built anew from the arguments


def test_the_matrices_move_with_the_module():
    transform = WaveletTransform("db3", 2, size=32).to("meta")
    assert {buffer.device.type for buffer in transform.buffers()} == {"meta"}


@pytest.mark.parametrize("backend", ["aot_eager"])  # everything of the compiler but the code generation
def test_both_directions_compile_into_one_graph(backend, unchecked):
    transform = WaveletTransform("db3", 2, size=(75, 64))
    coefficients = random(2, 3, transform.coefficients, dtype=torch.float32).requires_grad_()
    images = transform.synthesise(coefficients)
    weights = random(2, 3, 75, 64, dtype=torch.float32)
    compiled = torch.compile(transform.synthesise, fullgraph=True, backend=backend)(coefficients)
    torch.testing.assert_close(compiled, images)
    (expected,) = torch.autograd.grad(images, coefficients, weights)
    torch.testing.assert_close(torch.autograd.grad(compiled, coefficients, weights)[0], expected)
    analyse = torch.compile(transform.analyse, fullgraph=True, backend=backend)
    torch.testing.assert_close(analyse(images.detach()), transform.analyse(images.detach()))


def test_an_empty_batch_and_strided_inputs_work():
    transform = WaveletTransform("db3", 2, size=32)
    assert transform.synthesise(torch.zeros(0, 3, transform.coefficients)).shape == (0, 3, 32, 32)
    assert transform.analyse(torch.zeros(0, 3, 32, 32)).shape == (0, 3, transform.coefficients)
    coefficients = random(3, 2, transform.coefficients).transpose(0, 1)
    torch.testing.assert_close(transform.synthesise(coefficients), transform.synthesise(coefficients.contiguous()))
    one = torch.ones((), dtype=torch.float64).expand(2, 3, 32, 32)  # what the gradient of a sum looks like
    gradient = synthesis_gradient(transform, coefficients, one)
    torch.testing.assert_close(gradient, synthesis_gradient(transform, coefficients, one.contiguous()))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"wavelet": "db99"}, "wavelet 'db99' is not a discrete wavelet"),
        ({"wavelet": "morl"}, "wavelet 'morl' is not a discrete wavelet"),
        ({"mode": "mirror"}, "mode 'mirror' is not known; use one of zero, symmetric"),
        ({"levels": 0}, "levels must be a whole number of at least 1, not 0"),
        ({"levels": 7}, "too small for 7 levels of 'db3'.*use levels <= 5"),
        ({"wavelet": "db20"}, "too small"),
        ({"size": (0, 32)}, "size must be"),
        ({"size": (32, 32, 3)}, "size must be"),
    ],
)
def test_impossible_transforms_say_what_to_do(arguments, message, unchecked):
    with pytest.raises(ValueError, match=message):
        WaveletTransform(**({"wavelet": "db3", "levels": 3, "size": (33, 32)} | arguments))


def test_wrong_shapes_say_what_is_expected():
    transform = WaveletTransform("db3", 2, size=(32, 40))
    with pytest.raises(ValueError, match=r"expects \(batch, channels, 32, 40\)"):
        transform.analyse(torch.zeros(1, 3, 40, 32))
    with pytest.raises(ValueError, match=rf"expects \(batch, channels, {transform.coefficients}\)"):
        transform.synthesise(torch.zeros(1, 3, 7))
