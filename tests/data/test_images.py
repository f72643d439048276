"""Loading photographs: against torchvision, Pillow and known pixels; whatever the bytes, an image or a ValueError."""

import io
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torchvision.transforms import v2

import helpers.data.decoding as decoding
from helpers.data.images import image_digest, load_image, resize_image, to_picture
from helpers.data.picture_files import UnreadableImageError


def encoded(picture, kind="PNG", **options):
    """The bytes of a picture's file."""
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


def photograph(height=40, width=60, seed=0):
    """Smooth random colours, which JPEG keeps well."""
    values = np.random.default_rng(seed).integers(0, 256, (4, 6, 3), dtype=np.uint8)
    return Image.fromarray(values).resize((width, height), Image.Resampling.BICUBIC)


def pixels(picture):
    """A picture's red, green and blue, without the code under test."""
    return torch.from_numpy(np.array(picture.convert("RGB"))).permute(2, 0, 1) / 255


def corner_marked():
    """A picture of 20 x 30 whose top left corner is red, the rest white."""
    picture = Image.new("RGB", (30, 20), "white")
    picture.paste("red", (0, 0, 10, 6))
    return picture


def png_chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_of_claimed_size(width, height):
    """A small PNG whose header claims a size, with almost no data."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = (b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 100)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(kind, body) for kind, body in chunks)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM", "WEBP"])
def test_lossless_formats_give_the_exact_pixels(kind):
    picture = photograph()
    options = {"lossless": True} if kind == "WEBP" else {}
    torch.testing.assert_close(load_image(encoded(picture, kind, **options)), pixels(picture), atol=0, rtol=0)


def test_path_string_bytes_and_streams_give_the_same(tmp_path):
    path = tmp_path / "photograph.png"
    path.write_bytes(encoded(photograph()))
    expected = load_image(path)
    assert torch.equal(load_image(str(path)), expected)
    assert torch.equal(load_image(path.read_bytes()), expected)
    with path.open("rb") as stream:
        assert torch.equal(load_image(stream), expected)
        assert not stream.closed


def test_a_stream_that_cannot_seek_is_read(tmp_path):
    class Pipe(io.BytesIO):
        def seekable(self):
            return False

    content = encoded(photograph())
    assert torch.equal(load_image(Pipe(content)), load_image(content))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_exif_orientation_is_undone(kind, orientation):
    # The EXIF standard: which side of the upright picture the first row, and the first column, of the file is.
    row = ["top", "top", "bottom", "bottom", "left", "right", "right", "left"][orientation - 1]
    column = ["left", "right", "right", "left", "top", "top", "bottom", "bottom"][orientation - 1]
    upright = corner_marked()
    stored = np.array(upright)
    if row in ("left", "right"):
        stored = stored.transpose(1, 0, 2)
    stored = stored[:: -1 if row in ("bottom", "right") else 1, :: -1 if column in ("bottom", "right") else 1]
    stored = Image.fromarray(np.ascontiguousarray(stored))
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 95} if kind == "JPEG" else {"lossless": True} if kind == "WEBP" else {}
    loaded = load_image(encoded(stored, kind, exif=exif, **options))
    torch.testing.assert_close(loaded, pixels(upright), atol=0.35, rtol=0)
    assert loaded[1, 2, 2] < 0.3  # red at the top left
    assert loaded[1, -3, -3] > 0.9


def test_broken_exif_does_not_cost_the_picture():
    picture = photograph()
    loaded = load_image(encoded(picture, exif=b"Exif\0\0MM\0*\xff\xff\xff\xff" + b"\xff" * 40))
    torch.testing.assert_close(loaded, pixels(picture), atol=0, rtol=0)


def test_palette():
    picture = photograph().quantize(16)
    torch.testing.assert_close(load_image(encoded(picture)), pixels(picture), atol=0, rtol=0)


def test_palette_with_transparency_is_laid_on_white():
    picture = Image.new("P", (4, 2), 1)
    picture.putpalette([255, 0, 0, 0, 0, 255])
    picture.paste(0, (0, 0, 2, 2))
    loaded = load_image(encoded(picture, transparency=0))
    assert loaded[:, 0, 0].tolist() == [1, 1, 1]
    assert loaded[:, 0, 3].tolist() == [0, 0, 1]


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_alpha_is_laid_on_white(mode):
    channels = {"RGBA": (0, 0, 0, 51), "LA": (0, 51)}[mode]
    loaded = load_image(encoded(Image.new(mode, (3, 3), channels)))
    torch.testing.assert_close(loaded, torch.full((3, 3, 3), 0.8), atol=1e-6, rtol=0)


def test_colour_key_transparency_is_laid_on_white():
    picture = Image.new("RGB", (4, 2), (10, 20, 30))
    picture.paste((0, 0, 255), (0, 0, 2, 2))
    loaded = load_image(encoded(picture, transparency=(10, 20, 30)))
    assert loaded[:, 0, 3].tolist() == [1, 1, 1]
    assert loaded[:, 0, 0].tolist() == [0, 0, 1]


def test_grey_and_one_bit_have_three_equal_channels():
    grey = photograph().convert("L")
    torch.testing.assert_close(load_image(encoded(grey)), pixels(grey), atol=0, rtol=0)
    bits = Image.new("1", (4, 2), 1)
    bits.paste(0, (0, 0, 2, 2))
    loaded = load_image(encoded(bits))
    assert loaded[:, 0].tolist() == [[0, 0, 1, 1]] * 3


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PPM"])
def test_sixteen_bit_grey_is_scaled_not_clipped(kind):
    levels = np.linspace(0, 65535, 24, dtype=np.uint16).reshape(4, 6)
    loaded = load_image(encoded(Image.fromarray(levels), kind))
    expected = torch.from_numpy(levels.astype(np.float32) / 65535).expand(3, -1, -1)
    torch.testing.assert_close(loaded, expected, atol=1e-6, rtol=0)


def test_big_endian_sixteen_bit_tiff():
    levels = np.linspace(0, 65535, 24, dtype=np.uint16).reshape(4, 6)
    picture = Image.frombytes("I;16B", (6, 4), levels.astype(">u2").tobytes())
    loaded = load_image(encoded(picture, "TIFF"))
    torch.testing.assert_close(loaded[0], torch.from_numpy(levels.astype(np.float32) / 65535), atol=1e-6, rtol=0)


def test_floating_point_pictures():
    values = np.linspace(0, 1, 24, dtype=np.float32).reshape(4, 6)
    assert torch.equal(load_image(encoded(Image.fromarray(values), "TIFF"))[1], torch.from_numpy(values))
    for bad in (values * 300, values * np.nan):
        with pytest.raises(UnreadableImageError, match=r"outside.*scale it"):
            load_image(encoded(Image.fromarray(bad), "TIFF"))


def test_cmyk():
    ink = Image.new("CMYK", (8, 8), (255, 0, 0, 0))  # cyan only
    for kind in ("TIFF", "JPEG"):
        loaded = load_image(encoded(ink, kind))
        torch.testing.assert_close(loaded[:, 4, 4], torch.tensor([0.0, 1, 1]), atol=0.02, rtol=0)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_an_animation_gives_its_first_frame(kind):
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue", "green")]
    loaded = load_image(encoded(frames[0], kind, save_all=True, append_images=frames[1:]))
    torch.testing.assert_close(loaded[:, 4, 4], torch.tensor([1.0, 0, 0]), atol=0.02, rtol=0)


# Resizing


@pytest.mark.parametrize(("height", "width", "size"), [(40, 60, 32), (61, 37, 64), (30, 30, 30), (50, 20, 77)])
def test_stretch_is_torchvisions_resize_of_the_tensor(height, width, size):
    picture = photograph(height, width)
    expected = v2.Resize((size, size), antialias=True)(pixels(picture))
    torch.testing.assert_close(load_image(encoded(picture), size), expected, atol=2e-7, rtol=0)


@pytest.mark.parametrize(("height", "width", "size"), [(40, 60, 32), (61, 37, 64), (30, 30, 30), (50, 21, 77)])
def test_crop_is_torchvisions_resize_and_centre_crop(height, width, size):
    picture = photograph(height, width)
    expected = v2.Compose([v2.Resize(size, antialias=True), v2.CenterCrop(size)])(pixels(picture))
    torch.testing.assert_close(load_image(encoded(picture), size, "crop"), expected, atol=2e-7, rtol=0)


def test_pad_keeps_the_aspect_ratio_between_mid_grey():
    loaded = load_image(encoded(Image.new("RGB", (60, 30), "white")), 40, "pad")
    assert loaded.shape == (3, 40, 40)
    assert torch.equal(loaded[:, 10:30], torch.ones(3, 20, 40))
    assert torch.equal(loaded[:, :10], torch.full((3, 10, 40), 0.5))
    assert torch.equal(loaded[:, 30:], torch.full((3, 10, 40), 0.5))


@given(
    height=st.integers(1, 90),
    width=st.integers(1, 90),
    size=st.integers(1, 70) | st.tuples(st.integers(1, 70), st.integers(1, 70)),
    resize=st.sampled_from(["stretch", "crop", "pad"]),
)
@settings(max_examples=60)
def test_any_resize_has_the_size_and_stays_in_range(height, width, size, resize):
    image = torch.rand(3, height, width, generator=torch.Generator().manual_seed(height * 100 + width))
    result = resize_image(image, size, resize)
    assert tuple(result.shape[1:]) == ((size, size) if isinstance(size, int) else size)
    assert result.min() >= 0
    assert result.max() <= 1


@given(height=st.integers(1, 40), width=st.integers(1, 40), resize=st.sampled_from(["stretch", "crop", "pad"]))
@settings(max_examples=20)
def test_a_flat_colour_stays_flat_and_its_own_size_changes_nothing(height, width, resize):
    image = torch.full((3, height, width), 0.5)
    torch.testing.assert_close(resize_image(image, 16, resize), torch.full((3, 16, 16), 0.5))
    noise = torch.rand(3, height, width, generator=torch.Generator().manual_seed(height))
    torch.testing.assert_close(resize_image(noise, (height, width), resize), noise)


@pytest.mark.parametrize("size", [0, -3, (0, 5), 100_000])
def test_impossible_sizes_are_refused(size):
    with pytest.raises(ValueError, match="expected a positive side"):
        load_image(encoded(photograph()), size)


def test_an_elongated_image_does_not_blow_up_when_cropped():
    with pytest.raises(ValueError, match="too elongated"):
        load_image(encoded(Image.new("L", (60_000, 1))), 256, "crop")
    assert load_image(encoded(Image.new("L", (60_000, 1))), 256, "pad").shape == (3, 256, 256)


# What is no good picture


def test_missing_files_and_folders(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no file .*nowhere\.png"):
        load_image(tmp_path / "nowhere.png")
    with pytest.raises(ValueError, match="is a folder"):
        load_image(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"no picture at all", "is not a picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n", "is not a picture"),  # would start Ghostscript
        (png_of_claimed_size(0, 10), "cannot be decoded|is not a picture|at least one pixel"),
        (png_of_claimed_size(2**31 - 1, 2**31 - 1), "is too large: it claims 2147483647 x 2147483647"),
        (png_of_claimed_size(100, 100), "cannot be decoded"),
    ],
)
def test_bad_files_are_named_with_the_reason(tmp_path, content, message):
    path = tmp_path / "bad.png"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message) as caught:
        load_image(path)
    assert str(path) in str(caught.value)
    with pytest.raises(ValueError, match=message):
        load_image(content)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "GIF"])
def test_a_picture_larger_than_the_memory_is_refused_before_it_is_decoded(kind, monkeypatch):
    monkeypatch.setattr(decoding, "available_memory", lambda: 10**9)
    side = 8000
    options = {"compression": "group4"} if kind == "TIFF" else {}
    content = encoded(Image.new("1", (side, side)), kind, **options)
    assert len(content) < 100_000
    tracemalloc.start()
    with pytest.raises(UnreadableImageError, match=r"claims 8000 x 8000 = 64,000,000 pixels, .* 1\.0 GB are free"):
        load_image(content)
    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    tracemalloc.stop()


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.9])
def test_truncated_files_are_refused(tmp_path, kind, share):
    content = encoded(photograph(200, 300), kind)
    path = tmp_path / "cut"
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(UnreadableImageError, match=r"cut (cannot be decoded|is not a picture)"):
        load_image(path)


def loads_or_refuses(content):
    try:
        image = load_image(content)
    except UnreadableImageError:
        return
    assert image.shape[0] == 3
    assert 0 <= image.min() <= image.max() <= 1


@given(
    st.binary(max_size=300),
    st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"GIF89a", b"BM", b"II*\0"]),
)
@settings(max_examples=150)
def test_any_bytes_load_or_are_refused(content, start):
    loads_or_refuses(start + content)


WHOLE = {
    kind: encoded(photograph(24, 32), kind, **options)
    for kind, options in {"PNG": {}, "JPEG": {}, "GIF": {}, "TIFF": {}, "BMP": {}, "WEBP": {}}.items()
}


@given(
    kind=st.sampled_from(sorted(WHOLE)),
    flips=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 7)), max_size=8),
    keep=st.floats(0.1, 1),
)
@settings(max_examples=250)
def test_damaged_pictures_load_or_are_refused(kind, flips, keep):
    content = bytearray(WHOLE[kind])
    for place, bit in flips:
        content[int(place * len(content))] ^= 1 << bit
    loads_or_refuses(bytes(content[: int(keep * len(content))]))


# Back to pictures


def test_to_picture_is_the_inverse():
    picture = photograph()
    assert to_picture(pixels(picture)).tobytes() == picture.tobytes()
    grey = photograph().convert("L")
    back = to_picture(pixels(grey)[:1])
    assert back.mode == "L"
    assert back.tobytes() == grey.tobytes()


def test_to_picture_clamps_and_refuses():
    image = torch.tensor([-1.0, 2.0]).reshape(1, 1, 2)
    assert list(to_picture(image).tobytes()) == [0, 255]
    with pytest.raises(ValueError, match="1 or 3 channels"):
        to_picture(torch.zeros(2, 4, 4))
    with pytest.raises(ValueError, match="not finite"):
        to_picture(torch.full((3, 2, 2), torch.nan))


def test_digest_tells_values_shapes_and_types_apart():
    image = torch.rand(3, 4, 6, generator=torch.Generator().manual_seed(0))
    other = image.clone()
    other[0, 0, 0] += 1e-6
    digests = {image_digest(x) for x in (image, other, image.reshape(3, 6, 4), image.double())}
    assert len(digests) == 4
    assert image_digest(image.flip(1).flip(1)) == image_digest(image.clone())
    assert image_digest(image.transpose(1, 2)) == image_digest(image.transpose(1, 2).contiguous())
