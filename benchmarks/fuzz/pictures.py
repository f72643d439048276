"""Pictures: whole ones of every kind, truncated, bit-flipped and bombs, and files that are none."""

from __future__ import annotations

import io
import struct
import zlib
from functools import lru_cache
from pathlib import Path
from random import Random

import numpy as np
import torch
from PIL import Image

from benchmarks.fuzz.case import Case, Maker
from helpers.data.images import load_image
from helpers.widgets.upload import uploaded_image

WHOLE = {  # format, mode and options of a file that must be read
    "jpeg": ("JPEG", "RGB", {}),
    "jpeg-progressive": ("JPEG", "RGB", {"progressive": True}),
    "jpeg-grey": ("JPEG", "L", {}),
    "jpeg-cmyk": ("JPEG", "CMYK", {}),
    "png": ("PNG", "RGB", {}),
    "png-grey": ("PNG", "L", {}),
    "png-alpha": ("PNG", "RGBA", {}),
    "png-grey-alpha": ("PNG", "LA", {}),
    "png-16": ("PNG", "I;16", {}),
    "png-1": ("PNG", "1", {}),
    "png-palette": ("PNG", "P", {}),
    "png-palette-alpha": ("PNG", "PA", {}),
    "apng": ("PNG", "RGB", {"save_all": True, "frames": 3}),
    "webp": ("WEBP", "RGB", {}),
    "webp-alpha": ("WEBP", "RGBA", {"lossless": True}),
    "webp-animation": ("WEBP", "RGB", {"save_all": True, "frames": 3}),
    "gif": ("GIF", "P", {}),
    "gif-animation": ("GIF", "P", {"save_all": True, "frames": 4}),
    "tiff": ("TIFF", "RGB", {}),
    "tiff-deflate": ("TIFF", "RGB", {"compression": "tiff_adobe_deflate"}),
    "tiff-16": ("TIFF", "I;16", {}),
    "tiff-cmyk": ("TIFF", "CMYK", {}),
    "tiff-pages": ("TIFF", "RGB", {"save_all": True, "frames": 2}),
    "bmp": ("BMP", "RGB", {}),
    "ppm": ("PPM", "RGB", {}),
}
SHAPES = ((1, 1), (1, 7), (20_000, 1), (1, 20_000), (16, 16), (40, 33))  # width, height
LARGEST = {"WEBP": 16_383}  # sides, by the format
ORIENTED = "TIFF", "JPEG", "PNG", "WEBP"


def encoded(random: Random, name: str, size: tuple[int, int] | None = None, exif: int | None = None) -> bytes:
    """The bytes of a whole file of random pixels."""
    kind, mode, given = WHOLE[name]
    options = dict(given)
    width, height = (min(side, LARGEST.get(kind, side)) for side in size or random.choice(SHAPES))
    pictures = [_picture(random, mode, width, height) for _ in range(options.pop("frames", 1))]
    if options.get("save_all"):
        options["append_images"] = pictures[1:]
    if mode == "PA":
        options["transparency"] = random.randrange(4)
    if exif is not None:
        tags = Image.Exif()
        tags[0x0112] = exif
        options["exif"] = tags
    stream = io.BytesIO()
    pictures[0].save(stream, kind, **options)
    return stream.getvalue()


def _picture(random: Random, mode: str, width: int, height: int) -> Image.Image:
    channels = {"RGB": 3, "L": 1, "CMYK": 4, "RGBA": 4, "LA": 2, "1": 1, "P": 3, "PA": 3, "I;16": 1}[mode]
    bits = 16 if mode == "I;16" else 8
    shape = (height, width) if channels == 1 else (height, width, channels)
    pixels = np.frombuffer(random.randbytes(height * width * channels * bits // 8), f"u{bits // 8}").reshape(shape)
    if mode in ("P", "PA"):
        return Image.fromarray(pixels).quantize(16)
    if mode == "1":
        return Image.fromarray(pixels).convert("1")
    return Image.fromarray(pixels) if mode != "CMYK" else Image.frombytes("CMYK", (width, height), pixels.tobytes())


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


@lru_cache
def _filler() -> bytes:
    """200 MB of zeros, compressed."""
    return zlib.compress(b"\0" * 200_000_000, 9)


def bomb(random: Random) -> tuple[str, bytes]:
    """A small file that claims, or unpacks to, very many pixels."""
    width, height = random.choice([(65_535, 65_535), (2**31 - 1, 1), (30_000, 30_000), (2**20, 2**20)])
    kind = random.choice(["png", "gif", "bmp", "ppm", "tiff", "text", "profile"])
    if kind in ("text", "profile"):  # a compressed remark of 200 MB in a picture of one pixel
        filler = _filler()
        part = _chunk(b"zTXt", b"a\0\0" + filler) if kind == "text" else _chunk(b"iCCP", b"a\0\0" + filler)
        head, pixels = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0), _chunk(b"IDAT", zlib.compress(b"\0" * 4))
        return kind, b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + part + pixels + _chunk(b"IEND", b"")
    if kind == "png":
        head = struct.pack(">IIBBBBB", width, height, 8, random.choice([0, 2, 6]), 0, 0, 0)
        rows = zlib.compress(b"\0" * 3_000_000, 9)
        return kind, b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", rows) + _chunk(b"IEND", b"")
    if kind == "gif":
        return kind, b"GIF89a" + struct.pack("<HHBBB", 65_535, 65_535, 0, 0, 0) + b"," + struct.pack(
            "<HHHHB", 0, 0, 65_535, 65_535, 0
        ) + b"\x02\x02\x44\x01\x00;"
    if kind == "bmp":
        head = struct.pack("<IiiHHIIiiII", 40, min(width, 2**30), height, 1, 24, 0, 0, 0, 0, 0, 0)
        return kind, b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + head
    if kind == "ppm":
        return kind, b"P6 %d %d 255\n" % (width, height)
    entries = {256: width, 257: height, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: height, 279: 100}
    body = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries.items())
    return kind, b"II*\0" + struct.pack("<IH", 8, len(entries)) + body + b"\0\0\0\0"


def no_picture(random: Random) -> tuple[str, bytes]:
    """The bytes of something else."""
    return random.choice(
        [
            ("empty", b""),
            ("svg", b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>alert(1)</script></svg>'),
            ("svg entities", b'<!DOCTYPE svg [<!ENTITY a "' + b"a" * 9999 + b'">]><svg>' + b"&a;" * 999 + b"</svg>"),
            ("html", b"<!doctype html><p>404 Not Found</p>"),
            ("pdf", b"%PDF-1.7\n1 0 obj\n<< >>\nendobj\n"),
            ("eps", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"),
            ("zip", b"PK\x05\x06" + b"\0" * 18),
            ("random", random.randbytes(random.randrange(1, 400))),
            ("heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"),
            ("text", "ein Bild".encode("utf-16")),
        ]
    )


def damaged(random: Random, content: bytes) -> tuple[str, bytes]:
    """A file with one damage."""
    data, kind = bytearray(content), random.choice(["cut", "flip", "flips", "zeros", "twice", "insert", "head"])
    place = random.randrange(len(data))
    if kind == "cut":
        del data[place:]
    elif kind in ("flip", "flips"):
        for _ in range(1 if kind == "flip" else random.randrange(2, 60)):
            data[random.randrange(len(data))] ^= 1 << random.randrange(8)
    elif kind == "head":
        for _ in range(random.randrange(1, 6)):
            data[random.randrange(min(60, len(data)))] = random.choice([0, 1, 127, 128, 255])
    elif kind == "zeros":
        data[place : place + 50] = bytes(min(50, len(data) - place))
    elif kind == "twice":
        data += bytes(data)
    else:
        data[place:place] = random.randbytes(random.randrange(1, 50))
    return kind, bytes(data)


def not_an_image(image: object, size: tuple[int, int] | None) -> str | None:
    """What is wrong with a loaded image."""
    if not isinstance(image, torch.Tensor) or image.dtype != torch.float32 or image.ndim != 3 or image.shape[0] != 3:
        return f"it is no image: {type(image).__name__} {getattr(image, 'shape', '')}"
    if size is not None and tuple(image.shape[1:]) != size:
        return f"its size is {tuple(image.shape[1:])}, not {size}"
    return None if bool(((image >= 0) & (image <= 1)).all()) else "its pixels are not in [0, 1]"


def whole_picture(random: Random, folder: Path) -> Case:
    """A whole file, read at its own size or another."""
    name = random.choice(list(WHOLE))
    turned = random.randrange(1, 9) if WHOLE[name][0] in ORIENTED and random.random() < 0.4 else None
    shape = random.choice(SHAPES)
    content = encoded(random, name, shape, turned)
    width, height = (min(side, LARGEST.get(WHOLE[name][0], side)) for side in shape)
    if turned is not None and turned >= 5:
        width, height = height, width
    size = random.choice([None, 8, (5, 9)])
    resize = random.choice(["stretch", "pad"])
    wanted = (height, width) if size is None else (8, 8) if size == 8 else size
    return Case(
        f"{name} {shape} exif={turned} size={size} {resize}",
        "accept",
        lambda: load_image(content, size, resize),
        lambda image: not_an_image(image, wanted),
    )


def damaged_picture(random: Random, folder: Path) -> Case:
    """A file with a damage, which a decoder may or may not notice."""
    name = random.choice(list(WHOLE))
    kind, content = damaged(random, encoded(random, name, random.choice([(16, 16), (40, 33), (1, 7)])))
    path = folder / "picture.bin"
    path.write_bytes(content)
    return Case(f"{name} {kind}", "either", lambda: load_image(path, 8), lambda image: not_an_image(image, (8, 8)))


def bomb_picture(random: Random, folder: Path) -> Case:
    """A decompression bomb."""
    kind, content = bomb(random)
    # a header alone may be all that is wrong with a file: its pixels are missing
    due = "either" if kind in ("text", "profile") else "refuse"
    return Case(f"bomb {kind}", due, lambda: load_image(content, random.choice([None, 64])))


def strange_file(random: Random, folder: Path) -> Case:
    """Something that is no picture."""
    kind, content = no_picture(random)
    return Case(f"no picture: {kind}", "refuse", lambda: load_image(content, 8))


def strange_source(random: Random, folder: Path) -> Case:
    """An argument of `load_image` that is wrong, or an array that is."""
    array = np.zeros((4, 5, 3), np.uint8)
    sources = {
        "none": None,
        "number": 3,
        "list": [1, 2],
        "tensor": torch.zeros(3, 4, 4),
        "missing": folder / "nothing.png",
        "folder": folder,
        "float array": array.astype(float) + 7,
        "NaN array": np.full((4, 4), np.nan),
        "infinite array": np.full((4, 4), np.inf),
        "complex array": array.astype(complex),
        "signed array": array.astype(np.int32),
        "text array": np.array([["a", "b"]]),
        "channels first": np.zeros((3, 40, 40), np.uint8),
        "no pixels": np.zeros((0, 4, 3), np.uint8),
        "five axes": np.zeros((1, 1, 4, 4, 3), np.uint8),
        "closed stream": _closed(),
        "path with a zero": "a\0b.png",
    }
    sizes = (0, -3, "8", 2.5, (1, 2, 3), (8, 0), 10**9, [], np.array([4.5, 2]), True, float("nan"), (None, 3))
    if random.random() < 0.6:
        name = random.choice(list(sources))
        return Case(f"source: {name}", "refuse", lambda: load_image(sources[name], 8))
    size = random.choice(sizes)
    due = "either" if size is True else "refuse"
    return Case(f"size: {size!r}", due, lambda: load_image(array, size))


def _closed() -> io.BytesIO:
    stream = io.BytesIO(b"x")
    stream.close()
    return stream


def upload(random: Random, folder: Path) -> Case:
    """A file in an upload control of ipywidgets, in the form of version 7 or 8."""
    default = torch.zeros(3, 32, 32)
    name = random.choice(list(WHOLE))
    shape = random.choice([(16, 16), (40, 33), (1, 7), (20, 31)])
    makers = {
        "whole": ("accept", lambda: encoded(random, name, shape)),
        "damaged": ("either", lambda: damaged(random, encoded(random, name, shape))[1]),
        "bomb": ("either", lambda: bomb(random)[1]),
        "no picture": ("refuse", lambda: no_picture(random)[1]),
        "too many bytes": ("refuse", lambda: encoded(random, "bmp", (8, 8)) + bytes(60_000_000)),
    }
    kind = random.choice(
        ["whole", "damaged", "damaged", "no picture", "bomb", *["too many bytes"][: random.random() < 0.1]]
    )
    due, make = makers[kind]
    content = make()
    title = random.choice(["a.png", "", "../../etc/passwd", "ä\u202egpj.exe", "a" * 300, "<script>"])
    files = [{"name": title, "content": memoryview(content)}]
    given = files if random.random() < 0.5 else {title: {"content": content}}
    return Case(
        f"upload {kind} {name}", due, lambda: uploaded_image(given, default), lambda i: not_an_image(i, (32, 32))
    )


KINDS: dict[str, Maker] = {
    "pictures, whole": whole_picture,
    "pictures, damaged": damaged_picture,
    "decompression bombs": bomb_picture,
    "files that are no pictures": strange_file,
    "sources and sizes of pictures": strange_source,
    "uploads": upload,
}
