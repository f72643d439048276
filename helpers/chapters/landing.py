"""The landing page: the photograph that loses all that does not matter, and the map of the chapters."""

from __future__ import annotations

import base64
from collections.abc import Callable
from html import escape
from pathlib import Path

import torch
from IPython.display import HTML
from jaxtyping import Float
from matplotlib import colormaps
from PIL import Image
from torch import Tensor
from torch.nn import functional

from helpers.chapters.gallery import read_gallery
from helpers.chapters.photograph.album import Entry, read_entries
from helpers.chapters.photograph.drawings import read_photograph
from helpers.chapters.photograph.taken_away import TakenAway
from helpers.chapters.which_number.gallery import read_gallery as read_maps
from helpers.core.files import ROOT
from helpers.data.images import to_picture
from helpers.plots import MASK_COLOURS
from helpers.site.chapters import PARTS, load_chapters
from helpers.site.html import toc_parts
from helpers.site.source import page_title
from helpers.widgets import StaticFrames, frame_slider
from helpers.widgets.frames import encode_webp

THUMBNAIL = 208
"""The side of a thumbnail in pixels: twice its displayed size on a phone."""

Album = dict[str, Entry]


def take_away(taken: TakenAway) -> StaticFrames:
    """A slider from the whole photograph to a thousandth of its coefficients, with the classifier's prediction.

    Args:
        taken: the stored steps.
    """
    rows = {float(row["share"]): row for row in taken.steps("relevance").to_dict("records")}

    def say(share: float) -> str:
        row = rows[share]
        return f"{100 * share:g} % left: “{row['class']}”, {100 * row['confidence']:.0f} %"

    return frame_slider(
        lambda share: taken.pictures[share],
        list(rows),
        "Take away",
        show_value=say,
        describe=lambda share: f"The cat with {say(share)}",
        start=max(rows),
    )


def chapter_map(root: Path = ROOT) -> HTML:
    """A card for each chapter, in the order of `_toc.yml`: a thumbnail, number and title, minutes, what it needs.

    Raises:
        ValueError: a chapter has no thumbnail, or the stored album is not complete.
    """
    chapters, album = load_chapters(root), read_photograph()
    if missing := [page for page in chapters if Path(page).stem not in THUMBNAILS]:
        raise ValueError(f"there is no thumbnail for {', '.join(missing)}; add it to THUMBNAILS")
    numbers = {page: number for number, page in enumerate(chapters, start=1)}
    html = ""
    for caption, pages in toc_parts(root):
        if caption in PARTS:
            cards = "".join(
                _card(
                    root / page,
                    numbers[page],
                    chapters[page].minutes,
                    [numbers[n] for n in chapters[page].needs],
                    album,
                )
                for page in pages
            )
            html += f'<p class="chapter-part">{escape(caption)}</p><ol class="chapter-map">{cards}</ol>'
    return HTML(html)


def _card(page: Path, number: int, minutes: int, needs: list[int], album: Album) -> str:
    picture = _thumbnail(THUMBNAILS[page.stem](album))
    source = base64.b64encode(encode_webp(picture, quality=80)).decode()
    needed = f"after {', '.join(map(str, needs))}" if needs else "needs no other"
    return (
        f'<li><a class="chapter-card" href="{page.stem}.html">'
        f'<img class="dark-light" src="data:image/webp;base64,{source}" alt="" width="{picture.width // 2}" '
        f'height="{picture.height // 2}" loading="lazy"/>'
        f'<span class="chapter-name">{number}. {escape(page_title(page))}</span>'
        f'<span class="chapter-needs">{minutes} minutes, {needed}</span></a></li>'
    )


def _thumbnail(picture: Float[Tensor, "channels height width"]) -> Image.Image:
    """A square of `THUMBNAIL` pixels; a mask in the book's colours, a small picture with its pixels as squares."""
    if picture.shape[0] == 1:
        coloured = colormaps[MASK_COLOURS](picture[0].clamp(0, 1).numpy())[..., :3]
        picture = torch.from_numpy(coloured).permute(2, 0, 1).float()
    mode = "nearest" if picture.shape[-1] < THUMBNAIL // 2 else "bilinear"
    smooth = {} if mode == "nearest" else {"antialias": True}
    square = functional.interpolate(picture[None], (THUMBNAIL, THUMBNAIL), mode=mode, **smooth)[0]
    return to_picture(square.clamp(0, 1)).convert("RGB")


def _of(entry: str, name: str) -> Callable[[Album], Tensor]:
    return lambda album: album[entry].pictures[name]


def _halves(left: Callable[[Album], Tensor], right: Callable[[Album], Tensor]) -> Callable[[Album], Tensor]:
    """The left half of one picture and the right half of another."""

    def draw(album: Album) -> Tensor:
        first, second = left(album), right(album)
        half = first.shape[-1] // 2
        return torch.cat([first[..., :half], second[..., half:]], dim=-1)

    return draw


def _without_the_brightest(album: Album) -> Tensor:
    """The photograph without the three tenths of its pixels that Grad-CAM ranks first."""
    mask = album["grad-cam"].pictures["mask"]
    return album["photograph"].pictures["image"] * (mask < mask.quantile(0.7))


def _four(album: Album) -> Tensor:
    """Four methods' quarters of the same photograph."""
    shown = [
        album["pixel-rde"].pictures["kept"],
        album["grad-cam"].pictures["mask"].expand(3, -1, -1),
        album["occlusion"].pictures["mask"].expand(3, -1, -1),
        album["cartoonx"].pictures["kept"],
    ]
    half = shown[0].shape[-1] // 2
    top = torch.cat([shown[0][:, :half, :half], shown[1][:, :half, half:]], dim=2)
    return torch.cat([top, torch.cat([shown[2][:, half:, :half], shown[3][:, half:, half:]], dim=2)], dim=1)


def _family(album: Album) -> Tensor:
    """The left half of the part that shearlets keep, and the right half of that of WAM's path."""
    return _halves(_of("shearlets", "kept"), _of("wam-path", "kept"))(read_entries("photograph-family"))


def _maps_of_one_scene(album: Album) -> Tensor:
    """Four methods' maps of one scene, a quarter each, in the colours of masks."""
    maps = read_maps()[0].maps
    quarters = [maps[name] for name in ("grad-cam", "occlusion", "explainer", "wam-path")]  # each 1, height, width
    rows = [torch.cat(quarters[:2], dim=2), torch.cat(quarters[2:], dim=2)]
    return torch.cat(rows, dim=1)


def _coffee(album: Album) -> Tensor:
    return next(entry for entry in read_gallery() if entry.name == "coffee").pictures["cartoonx-kept"]


THUMBNAILS: dict[str, Callable[[Album], Tensor]] = {
    "what-is-an-explanation": _of("photograph", "image"),
    "wavelets": _halves(_of("wavelets", "pixels-5"), _of("wavelets", "waves-5")),
    "pixel-rde": _of("pixel-rde", "kept"),
    "cartoonx": _of("cartoonx", "kept"),
    "judging": _without_the_brightest,
    "vit-rollout": _of("vit-rollout", "gradient-mask"),
    "peers": _of("grad-cam", "mask"),
    "explainer": _of("explainer", "squeezenet-cat-mask"),
    "vq-vae": _halves(_of("codes", "image"), _of("codes", "vq-vae")),
    "space-vae": _of("codes", "beta-1"),
    "kept-image": _halves(_of("photograph", "image"), _of("cartoonx", "kept")),
    "gallery": _coffee,
    "which-method": _four,
    "wavelet-borders": _of("wavelet-borders", "zero"),
    "waveletx": lambda album: album["cartoonx"].pictures["cartoon"].expand(3, -1, -1),
    "starting-masks": _of("starting-masks", "predicted-kept"),
    "convergence": _of("cartoonx", "mask"),
    "own-price": _halves(_of("own-price", "kept-2"), _of("own-price", "kept-32")),
    "beyond-cartoonx": _family,
    "which-number": _maps_of_one_scene,
}
"""A picture for each chapter, made from the photograph; of one or three channels in [0, 1]."""
