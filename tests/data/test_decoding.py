"""Every depth, polarity and mode: files written bit by bit here, compared with the values known by construction."""

import io
import itertools
import struct
import threading
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import helpers.data.decoding as decoding
from helpers.data.decoding import SUFFIXES, decode
from helpers.data.images import load_image, to_bytes
from helpers.data.multilabel.archives import read_listed_picture
from helpers.data.picture_files import FORMATS, UnreadableImageError

WIDTH, HEIGHT = 8, 3  # whole bytes in a row, at every depth


def levels(bits, channels=1, seed=0):
    """Numbers of some bits, black and white among them."""
    values = np.random.default_rng(seed).integers(0, 2**bits, (HEIGHT, WIDTH, channels), dtype=np.uint64)
    values[0, 0], values[0, 1] = 0, 2**bits - 1
    return values


def packed(values, bits, order):
    """The rows of an image as bytes: numbers of up to 12 bits side by side, larger ones in the byte order."""
    if bits >= 16:
        return values.astype(f"{order}u{bits // 8}").tobytes()
    digits = "".join(f"{int(value):0{bits}b}" for value in values.reshape(-1))
    return int(digits, 2).to_bytes(len(digits) // 8, "big")


def tiff(data, bits, order, photometric, *, channels=1, extra=(), sample_format=1, colours=(), subfile=0):
    """An uncompressed TIFF file of one strip; the entries of its directory are those of the specification."""
    entries = {
        254: ("I", [subfile]), 256: ("I", [WIDTH]), 257: ("I", [HEIGHT]), 258: ("H", [bits] * channels),
        259: ("H", [1]), 262: ("H", [photometric]), 273: ("I", [0]), 277: ("H", [channels]), 278: ("I", [HEIGHT]),
        279: ("I", [len(data)]), 339: ("H", [sample_format] * channels),
    }  # fmt: skip
    if colours:
        entries[320] = ("H", list(colours))
    if extra:
        entries[338] = ("H", list(extra))
    start = 8 + 2 + 12 * len(entries) + 4
    tail = b""
    directory = struct.pack(order + "H", len(entries))
    for tag, (kind, numbers) in sorted(entries.items()):
        body = struct.pack(f"{order}{len(numbers)}{kind}", *numbers)
        if tag == 273:  # the strip stands at the end
            body = None
        elif len(body) > 4:
            tail, body = tail + body, struct.pack(order + "I", start + len(tail))
        directory += struct.pack(order + "HHI", tag, {"H": 3, "I": 4}[kind], len(numbers))
        directory += b"STRP" if body is None else body.ljust(4, b"\0")
    directory = directory.replace(b"STRP", struct.pack(order + "I", start + len(tail)))
    return {"<": b"II", ">": b"MM"}[order] + struct.pack(order + "HI", 42, 8) + directory + bytes(4) + tail + data


def png(values, bits, kind, *, transparent=None, colours=None):
    """A PNG file; `kind` is the colour type of the specification."""

    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    rows = b"".join(b"\0" + packed(row, bits, ">") for row in values)
    chunks = chunk(b"IHDR", struct.pack(">IIBBBBB", WIDTH, HEIGHT, bits, kind, 0, 0, 0))
    chunks += chunk(b"PLTE", colours.astype(np.uint8).tobytes()) if colours is not None else b""
    chunks += chunk(b"tRNS", transparent) if transparent is not None else b""
    return b"\x89PNG\r\n\x1a\n" + chunks + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def on_white(colours, alpha):
    return colours * alpha + 1 - alpha


def pictures():
    """(name, file, expected pixels (height, width, 1 or 3), tolerance)."""
    exact, byte = 1e-6, 1.01 / 255
    for order, bits, white_is_zero in itertools.product("<>", (1, 2, 4, 8, 12, 16, 32), (False, True)):
        values = levels(bits)
        shown = values / (2.0**bits - 1)
        data = packed(values, bits, order)
        name = f"tiff{order}grey{bits}{'inverted' if white_is_zero else ''}"
        yield name, tiff(data, bits, order, int(not white_is_zero)), 1 - shown if white_is_zero else shown, exact
    for order, white_is_zero in itertools.product("<>", (False, True)):
        shown = np.linspace(0, 1, WIDTH * HEIGHT, dtype=np.float32).reshape(HEIGHT, WIDTH, 1)
        file = tiff(shown.astype(f"{order}f4").tobytes(), 32, order, int(not white_is_zero), sample_format=3)
        yield f"tiff{order}float{white_is_zero}", file, 1 - shown if white_is_zero else shown, exact
    for order, bits, extra in itertools.product("<>", (8, 16), (None, 0, 1, 2)):
        values = levels(bits, 3 if extra is None else 4)
        shown, alpha = (values / (2.0**bits - 1)).clip(0, 1)[..., :3], (values / (2.0**bits - 1))[..., 3:]
        if extra == 1:  # colours are already multiplied by the alpha
            values[..., :3] = (shown * alpha * (2**bits - 1)).astype(np.uint64)
        file = tiff(
            packed(values, bits, order),
            bits,
            order,
            2,
            channels=values.shape[2],
            extra=() if extra is None else (extra,),
        )
        shown = on_white(shown, alpha) if extra in (1, 2) else shown
        yield f"tiff{order}colour{bits}extra{extra}", file, shown, 3 * byte if extra == 1 else 2 * byte
    for order, extra in itertools.product("<>", (0, 1, 2)):
        values = levels(8, 2)
        shown, alpha = values[..., :1] / 255, values[..., 1:] / 255
        if extra == 1:
            values[..., :1] = (shown * alpha * 255).astype(np.uint64)
        file = tiff(packed(values, 8, order), 8, order, 1, channels=2, extra=(extra,))
        yield f"tiff{order}greyalpha{extra}", file, on_white(shown, alpha) if extra else shown, 3 * byte
    for order, bits in itertools.product("<>", (1, 2, 4, 8)):
        values, table = levels(bits), np.random.default_rng(1).integers(0, 256, (2**bits, 3))
        file = tiff(packed(values, bits, order), bits, order, 3, colours=(table.T.reshape(-1) * 257).tolist())
        yield f"tiff{order}palette{bits}", file, table[values[..., 0].astype(int)] / 255, exact
    for order, bits in itertools.product("<>", (8, 16)):
        ink = levels(bits, 4)
        share = ink / (2.0**bits - 1)
        file = tiff(packed(ink, bits, order), bits, order, 5, channels=4)
        yield f"tiff{order}cmyk{bits}", file, (1 - share[..., :3]) * (1 - share[..., 3:]), 2 * byte
    for bits, kind in [*itertools.product((1, 2, 4, 8, 16), (0,)), (8, 2), (16, 2), (8, 4), (16, 4), (8, 6), (16, 6)]:
        values = levels(bits, {0: 1, 2: 3, 4: 2, 6: 4}[kind])
        shown = values / (2.0**bits - 1)
        if kind in (4, 6):
            shown = on_white(shown[..., :-1], shown[..., -1:])
        yield f"png{bits}type{kind}", png(values, bits, kind), shown, exact if kind == 0 else 2 * byte
    keyed = [*itertools.product((1, 2, 4, 8, 16), (0,)), (8, 2), (16, 2)]
    for (bits, kind), place in itertools.product(keyed, (0, 1, 2, 5)):  # one colour is transparent
        values = levels(bits, {0: 1, 2: 3}[kind])
        key = values[0, place]
        clear = (values == key).all(-1, keepdims=True)
        file = png(values, bits, kind, transparent=key.astype(">u2").tobytes())
        yield (
            f"png{bits}type{kind}key{place}",
            file,
            np.where(clear, 1, values / (2.0**bits - 1)),
            exact if kind == 0 else byte,
        )
    for bits, see_through in itertools.product((1, 2, 4, 8), (False, True)):
        random = np.random.default_rng(2)
        values, table = levels(bits), random.integers(0, 256, (2**bits, 3))
        alpha = random.integers(0, 256, 2**bits - 1, dtype=np.uint8) if see_through else None
        share = np.ones(2**bits) if alpha is None else np.append(alpha / 255, 1)
        index = values[..., 0].astype(int)
        file = png(values, bits, 3, colours=table, transparent=None if alpha is None else alpha.tobytes())
        yield f"png{bits}palette{see_through}", file, on_white(table[index] / 255, share[index][..., None]), byte
    for largest, plain in itertools.product((1, 15, 255, 1000, 4095, 65535), (False, True)):
        values = np.random.default_rng(3).integers(0, largest + 1, (HEIGHT, WIDTH, 1))
        body = (
            " ".join(map(str, values.reshape(-1))).encode()
            if plain
            else values.astype(">u2" if largest > 255 else "u1").tobytes()
        )
        file = f"P{2 if plain else 5}\n{WIDTH} {HEIGHT}\n{largest}\n".encode() + body
        yield f"pgm{largest}plain{plain}", file, values / largest, exact if largest == 65535 else byte
    for largest in (255, 1000, 65535):
        values = np.random.default_rng(3).integers(0, largest + 1, (HEIGHT, WIDTH, 3))
        file = f"P6\n{WIDTH} {HEIGHT}\n{largest}\n".encode() + values.astype(">u2" if largest > 255 else "u1").tobytes()
        yield f"ppm{largest}", file, values / largest, byte
    bits = levels(1)  # of PBM: 1 is black
    yield "pbm", f"P4\n{WIDTH} {HEIGHT}\n".encode() + packed(bits, 1, ">"), 1.0 - bits, exact
    for bits in (8, 12, 16):
        values = levels(bits)
        yield f"jp2-{bits}", jpeg2000(values, bits), values / (2.0**bits - 1), 2e-3


def jpeg2000(values, bits):
    stream = io.BytesIO()
    if bits == 8:
        Image.fromarray(values[..., 0].astype(np.uint8)).save(stream, "JPEG2000", irreversible=False)
        return stream.getvalue()
    Image.fromarray(values[..., 0].astype(np.uint16)).save(stream, "JPEG2000", irreversible=False)
    return stream.getvalue()


TABLE = {name: row for name, *row in pictures() if not name.startswith("jp2-12")}
REFUSABLE = {  # what Pillow has no decoder for
    *("tiff>grey12", "tiff<grey12inverted", "tiff>grey12inverted", "tiff>grey16inverted"),
    *("tiff>grey32", "tiff<grey32inverted", "tiff>grey32inverted"),
}


@pytest.mark.parametrize("name", sorted(TABLE))
def test_every_depth_polarity_and_mode_is_right_or_refused(name):
    file, expected, tolerance = TABLE[name]
    if name in REFUSABLE:
        with pytest.raises(UnreadableImageError, match="use JPEG, PNG"):
            load_image(file)
        return
    shown = np.broadcast_to(expected, (HEIGHT, WIDTH, 3)).transpose(2, 0, 1)
    np.testing.assert_allclose(load_image(file).numpy(), shown, atol=tolerance)


@pytest.mark.parametrize("name", sorted(TABLE.keys() - REFUSABLE))
def test_datasets_and_pillow_pictures_go_through_the_same_decoder(name, tmp_path):
    file, *_ = TABLE[name]
    loaded = load_image(file)
    (tmp_path / "listed").write_bytes(file)
    eight_bits = np.asarray(read_listed_picture(tmp_path / "listed")).transpose(2, 0, 1) / 255
    np.testing.assert_allclose(eight_bits, loaded.numpy(), atol=0.51 / 255)
    with Image.open(io.BytesIO(file)) as picture, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert torch.equal(load_image(picture), loaded)


@pytest.mark.parametrize(("bits", "number"), [(8, 2), (16, 2), (32, 2)])
@pytest.mark.parametrize("order", ["<", ">"])
def test_signed_integers_have_no_white(bits, number, order):
    with pytest.raises(UnreadableImageError, match="signed integers"):
        load_image(tiff(packed(levels(bits), bits, order), bits, order, 1, sample_format=number))


@pytest.mark.parametrize("factor", [255, -1, np.nan, np.inf])
def test_floats_outside_the_range_are_refused(factor):
    values = np.full((HEIGHT, WIDTH), factor, np.float32)
    with pytest.raises(UnreadableImageError, match=r"outside \[0, 1\]"):
        load_image(tiff(values.tobytes(), 32, "<", 1, sample_format=3))


def test_a_thumbnail_before_the_picture_is_refused():
    with pytest.raises(UnreadableImageError, match="a reduced copy"):
        load_image(tiff(packed(levels(8), 8, "<"), 8, "<", 1, subfile=1))


def test_lab_is_refused():
    with pytest.raises(UnreadableImageError, match="Lab"):
        load_image(tiff(packed(levels(8, 3), 8, "<"), 8, "<", 8, channels=3))


@pytest.mark.parametrize(
    "mode", ["1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "HSV"]
)
def test_pillow_pictures_of_every_mode(mode):
    grey = Image.new("L", (5, 4), 255)
    route = {"La": ("LA",), "RGBa": ("RGBA",), "PA": ("LA",), "HSV": ("RGB",), "YCbCr": ("RGB",), "P": ("P",)}.get(
        mode, ()
    )
    picture = grey
    for step in (*route, mode):
        picture = picture.convert(step)
    assert picture.mode == mode
    np.testing.assert_allclose(load_image(picture).numpy(), np.ones((3, 4, 5)), atol=1.01 / 255)


def test_a_picture_of_32_bit_integers_without_a_file_is_refused():
    with pytest.raises(UnreadableImageError, match="white is undefined"):
        load_image(Image.new("I", (4, 4), 100))


def test_a_pillow_picture_is_turned_and_left_as_it_was():
    stored = Image.new("RGB", (6, 4), "red")
    stored.getexif()[0x0112] = 6
    assert load_image(stored).shape == (3, 6, 4)
    assert load_image(stored, 2).shape == (3, 2, 2)
    assert stored.size == (6, 4)
    assert stored.getexif()[0x0112] == 6


# Arrays


@pytest.mark.parametrize("channels", [None, 1, 2, 3, 4])
@pytest.mark.parametrize("kind", ["u1", "<u2", ">u2", "f2", "f4", "f8", "?"])
def test_arrays_of_every_type_and_number_of_channels(kind, channels):
    share = np.random.default_rng(0).random((4, 6) if channels is None else (4, 6, channels))
    kind = np.dtype(kind)
    array = {"u": share * (np.iinfo(kind).max if kind.kind == "u" else 0), "f": share, "b": share > 0.5}[
        kind.kind
    ].astype(kind)
    stored = array.astype(np.float64) / (np.iinfo(kind).max if kind.kind == "u" else 1)
    stored = stored[..., None] if channels is None else stored
    expected = on_white(stored[..., :-1], stored[..., -1:]) if channels in (2, 4) else stored
    loaded = load_image(array)
    assert loaded.dtype == torch.float32
    np.testing.assert_allclose(loaded.numpy(), np.broadcast_to(expected, (4, 6, 3)).transpose(2, 0, 1), atol=1e-6)
    flipped = load_image(array[::-1, ::-1])  # negative strides
    np.testing.assert_array_equal(flipped.numpy(), loaded.numpy()[:, ::-1, ::-1])


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.zeros((4, 4)) + 200.0, "divide 0..255 by 255"),
        (np.zeros((4, 4)) - 1.0, r"must lie in \[0, 1\]"),
        (np.full((4, 4), np.nan), "NaN or infinity"),
        (np.zeros((4, 4), np.int64), "convert it to uint8"),
        (np.zeros((4, 4), np.int16), "convert it to uint8"),
        (np.zeros((4, 4), np.uint32), "convert it to uint8"),
        (np.zeros((4, 4), complex), "convert it to uint8"),
        (np.zeros((4, 4), object), "convert it to uint8"),
        (np.zeros((3, 8, 8), np.uint8), "put the channels last"),
        (np.zeros((2, 8, 8, 3), np.uint8), "is no picture"),
        (np.zeros((0, 8), np.uint8), "is no picture"),
        (np.zeros(8, np.uint8), "is no picture"),
    ],
    ids=str,
)  # fmt: skip
def test_other_arrays_are_refused_by_name(array, said):
    with pytest.raises(ValueError, match=said):
        load_image(array)


@pytest.mark.parametrize(
    "source", [None, 3, 2.5, ["a.png"], torch.zeros(3, 4, 4)], ids=["none", "int", "float", "list", "tensor"]
)
def test_other_sources_are_refused_by_type(source, unchecked):
    with pytest.raises(TypeError, match="load_image expects a path"):
        load_image(source)


@pytest.mark.parametrize("size", [np.int64(5), np.int32(5), np.array([5, 5]), [5, 5], (np.int64(5), 5)], ids=repr)
def test_sizes_may_be_numbers_of_numpy(size):
    assert load_image(np.zeros((9, 12), np.uint8), size).shape == (3, 5, 5)


@pytest.mark.parametrize("size", [5.0, "5", (5,), (5, 5, 5), (5, 5.5)], ids=repr)
def test_sizes_of_other_kinds_are_refused(size, unchecked):
    with pytest.raises(ValueError, match="expected a positive side"):
        load_image(np.zeros((9, 12), np.uint8), size)


def test_a_tilde_is_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    Image.new("L", (4, 4)).save(tmp_path / "a.png")
    assert load_image("~/a.png").shape == load_image(Path("~/a.png")).shape == (3, 4, 4)


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_bytes_of_every_kind(kind):
    assert load_image(kind(png(levels(8), 8, 0))).shape == (3, HEIGHT, WIDTH)


# Large pictures


def ramp(width, height, mode="RGB"):
    """Brightness that grows to the right and downwards, so that a turned or shifted copy would be seen."""
    across, down = np.linspace(0, 0.5, width), np.linspace(0, 0.5, height)
    grey = across[None, :] + down[:, None]
    if mode == "I;16":
        return Image.fromarray((grey * 65535).astype(np.uint16))
    return Image.fromarray((grey * 255).astype(np.uint8)).convert(mode)


@pytest.mark.parametrize("orientation", [1, 6, 3])
@pytest.mark.parametrize("resize", ["stretch", "crop", "pad"])
@pytest.mark.parametrize(
    ("kind", "mode"), [("JPEG", "RGB"), ("JPEG", "L"), ("PNG", "RGB"), ("PNG", "I;16"), ("TIFF", "RGB")]
)
def test_a_picture_that_is_reduced_while_decoding_looks_the_same(monkeypatch, kind, mode, resize, orientation):
    stream, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = orientation
    ramp(600, 450, mode).save(stream, kind, exif=exif)
    whole = load_image(stream.getvalue(), (40, 30), resize)
    monkeypatch.setattr(decoding, "WHOLE_PIXELS", 1000)
    decoded = decode(stream.getvalue(), lambda height, width: (40, 30))
    assert max(decoded.picture.size) < 300
    assert decoded.size == ((600, 450) if orientation == 6 else (450, 600))
    reduced = load_image(stream.getvalue(), (40, 30), resize)
    np.testing.assert_allclose(reduced.numpy(), whole.numpy(), atol=0.03)


def test_54_megapixels_as_a_phone_takes_them():
    stream = io.BytesIO()
    Image.new("RGB", (9000, 6000), (10, 200, 30)).save(stream, "JPEG")
    loaded = load_image(stream.getvalue(), 64, "crop")
    np.testing.assert_allclose(loaded.mean((1, 2)).numpy() * 255, [10, 200, 30], atol=2)


def test_beyond_pillows_own_limit(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    assert load_image(png(levels(8), 8, 0), 4).shape == (3, 4, 4)
    assert Image.MAX_IMAGE_PIXELS == 10


def test_what_the_memory_cannot_hold_is_refused_in_one_sentence(monkeypatch):
    monkeypatch.setattr(decoding, "available_memory", lambda: 500)
    monkeypatch.setattr(decoding, "_NEVER_SCARCE", 0)
    with pytest.raises(
        UnreadableImageError, match=r"claims 8 x 3 = 24 pixels, .* 0\.0 GB are free; give a smaller size"
    ):
        load_image(png(levels(8), 8, 0))


def test_threads_leave_pillow_and_warnings_as_they_were():
    limit, filters = Image.MAX_IMAGE_PIXELS, list(warnings.filters)
    files = [TABLE[name][0] for name in ("png8paletteTrue", "png16type2key2", "tiff<grey16inverted", "png8type6")] * 8
    expected = [load_image(file) for file in files]
    results = [None] * len(files)

    def work(index):
        results[index] = load_image(files[index])

    threads = [threading.Thread(target=work, args=(index,)) for index in range(len(files))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(torch.equal(a, b) for a, b in zip(results, expected, strict=True))
    assert (limit, filters) == (Image.MAX_IMAGE_PIXELS, list(warnings.filters))


def test_the_endings_are_all_that_pillow_knows_for_the_formats():
    Image.init()
    known = {suffix for suffix, kind in Image.registered_extensions().items() if kind in FORMATS}
    assert known <= set(SUFFIXES)


def test_eight_bits_of_deep_grey_are_rounded():
    picture = decode(tiff(packed(levels(16), 16, "<"), 16, "<", 1))
    assert picture.picture.mode == "F"
    assert to_bytes(picture).mode == "RGB"
