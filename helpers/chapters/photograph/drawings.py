"""One picture of the photograph for each chapter, drawn from the stored album: no weights and no computing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from matplotlib.figure import Figure
from torch import Tensor

from helpers.chapters.photograph.album import PHOTOGRAPH, Entry, cat_of_the_gallery, read_entries
from helpers.chapters.photograph.family import TABLE as FAMILY
from helpers.chapters.photograph.orders import ORDERS, draw_orders
from helpers.chapters.photograph.taken_away import read_taken_away
from helpers.core.names import known_names
from helpers.plots import MASK_COLOURS, METHOD_COLOURS, show_images
from helpers.plots.figures import panels

CREDIT = f"Photograph: {PHOTOGRAPH.credit} ({PHOTOGRAPH.licence})"
Album = dict[str, Entry]


def read_photograph(root: Path | None = None) -> Album:
    """All experiments with the photograph by name, those of the gallery with their pictures.

    Raises:
        ValueError: a table or a picture is missing or was changed; the message says how to make it.
    """
    album, cat = read_entries("photograph", root), cat_of_the_gallery(root)
    for method in ("cartoonx", "pixel-rde"):
        own = {
            name.removeprefix(f"{method}-"): picture
            for name, picture in cat.pictures.items()
            if name.startswith(f"{method}-")
        }
        album[method] = Entry(album[method].numbers, own)
    return album


def draw_photograph(chapter: str, *, root: Path | None = None) -> Figure:
    """The chapter's methods on the photograph.

    Args:
        chapter: the name of its page, such as "pixel-rde".
        root: another folder than the project's `results/`.

    Raises:
        ValueError: there is no picture for a chapter of this name, or the album is not complete.
    """
    if chapter not in DRAWINGS:
        raise ValueError(f"there is no picture for {chapter!r}{known_names(chapter, DRAWINGS, 'the chapters are')}")
    return DRAWINGS[chapter](read_photograph(root))


def _show(pictures: dict[str, Tensor], *, columns: int | None = None, width: float | int = 8) -> Figure:
    return show_images(
        list(pictures.values()),
        list(pictures),
        columns=columns or len(pictures),
        colours=MASK_COLOURS,
        caption=CREDIT,
        width=width,
    )


def _first(album: Album) -> dict[str, Tensor]:
    """The photograph under its prediction."""
    return {_said(album["photograph"], ""): album["photograph"].pictures["image"]}


def _said(entry: Entry, prefix: str) -> str:
    """A predicted class with the probability of the photograph's class, such as “Egyptian cat, 43 %”."""
    numbers = {name.removeprefix(prefix): value for name, value in entry.numbers.items() if name.startswith(prefix)}
    percent = 100 * float(numbers["probability"])
    return f"“{numbers['class']}”\n{'under 1' if percent < 0.5 else f'{percent:.0f}'} % Egyptian cat"


def _what_is(album: Album) -> Figure:
    """Occlusion's map, and the photograph without the map's brightest tenth and with nothing else."""
    occlusion, image = album["occlusion"], album["photograph"].pictures["image"]
    mask = occlusion.pictures["mask"]
    first = mask >= mask.flatten().quantile(0.9)  # (1, height, width)
    pictures = {**_first(album), "occlusion: the drop of\nthe probability": mask}
    for part, words, shown in (("removed", "without its first tenth:", ~first), ("kept", "its first tenth:", first)):
        pictures[f"{words}\n{_said(occlusion, f'{part}-10-')}"] = image * shown
    return _show(pictures)


def _wavelets(album: Album) -> Figure:
    entry, pictures = album["wavelets"], _first(album)
    for share in (5, 2):
        pictures[f"{share} % of the coefficients:\n{_said(entry, f'waves-{share}-')}"] = entry.pictures[
            f"waves-{share}"
        ]
    pictures[f"5 % of the pixels:\n{_said(entry, 'pixels-5-')}"] = entry.pictures["pixels-5"]
    return _show(pictures)


def _borders(album: Album) -> Figure:
    entry = album["wavelet-borders"]
    pictures = {f"{mode}:\n{_said(entry, f'{mode}-')}": picture for mode, picture in entry.pictures.items()}
    return _show({**_first(album), **pictures})


def _kept(album: Album, method: str, unit: str) -> dict[str, Tensor]:
    entry = album[method]
    share = f"{100 * float(entry.numbers['rate']):.1f} % of the {unit}"
    return {share: entry.pictures["mask"], f"kept, on black:\n{_said(entry, 'kept-')}": entry.pictures["kept"]}


def _pixel_rde(album: Album) -> Figure:
    return _show({**_first(album), **_kept(album, "pixel-rde", "pixels")}, width=6)


def _cartoonx(album: Album) -> Figure:
    kept = _kept(album, "cartoonx", "coefficients")
    return _show({**_first(album), **kept, "as published": album["cartoonx"].pictures["cartoon"].expand(3, -1, -1)})


def _waveletx(album: Album) -> Figure:
    pictures = _first(album)
    for name, words in (("cartoonx", "CartoonX"), ("waveletx", "WaveletX")):
        entry = album[name]
        bright = f"{words}: {100 * float(entry.numbers['brightness']):.0f} % as bright"
        pictures[f"{bright}\n{_said(entry, 'kept-')}"] = entry.pictures["kept"]
    return _show(pictures, width=7)


MAPS = {
    "occlusion": "occlusion",
    "grad-cam": "Grad-CAM",
    "rise": "RISE",
    "extremal-perturbation": "Extremal Perturbation",
}


def _peers(album: Album) -> Figure:
    return _show({**_first(album), **{words: album[name].pictures["mask"] for name, words in MAPS.items()}}, width=9)


def _judging(album: Album) -> Figure:
    """The photograph, and the areas of the insertion and the deletion curve of each map."""
    names = {**MAPS, **ORDERS}
    colours = [METHOD_COLOURS["neutral" if name == "random-map" else "other"] for name in names]
    with panels(1, 3, size=(10, 2.6), width_ratios=[1.25, 1.6, 1.6]) as (figure, (left, *axes)):
        left.imshow(album["photograph"].pictures["image"].permute(1, 2, 0).numpy())
        left.set(title=_said(album["photograph"], ""), xlabel=CREDIT, xticks=[], yticks=[])
        for panel, key, title in zip(
            axes, ("insert", "delete"), ("insertion, higher is better", "deletion, lower is better"), strict=True
        ):
            values = [float(album[name].numbers[key]) for name in names]
            panel.barh(list(names.values()), values, color=colours)
            panel.set(title=title, xlabel="area under the curve, on black", xlim=(0, 0.45))
            panel.invert_yaxis()
        axes[1].set_yticklabels([])
    return figure


def _vit_rollout(album: Album) -> Figure:
    shown = album["vit-rollout"].pictures
    pictures = {_said(album["vit-rollout"], ""): shown["image"], "rollout": shown["rollout-mask"]}
    return _show({**pictures, "gradient rollout": shown["gradient-mask"]}, width=5.4)


def _explainer(album: Album) -> Figure:
    """The photograph under each Explainer's mask of the cat, and without it."""
    entry, image = album["explainer"], album["explainer"].pictures["image"]
    pictures = {"the photograph,\n128 px": image}
    for name, words in (("squeezenet", "SqueezeNet"), ("mobilenet", "MobileNetV3")):
        mask = entry.pictures[f"{name}-cat-mask"]
        for part, weights in (("kept", mask), ("removed", 1 - mask)):
            percent = 100 * float(entry.numbers[f"{name}-{part}"])
            pictures[f"{words}, {part}:\ncat {percent:.0f} %"] = image * weights
    return _show(pictures, width=9)


def _vq_vae(album: Album) -> Figure:
    shown = album["codes"].pictures
    return _show({"the cat, 32 px": shown["image"], "from its codes": shown["vq-vae"]}, width=3.6)


def _space_vae(album: Album) -> Figure:
    entry = album["codes"]
    pictures = {f"the cat, 32 px:\n“{entry.numbers['class']}”": entry.pictures["image"]}
    for beta in (1, 10, 100):
        pictures[f"β = {beta}:\n“{entry.numbers[f'beta-{beta}-class']}”"] = entry.pictures[f"beta-{beta}"]
    return _show(pictures, width=6.6)


OTHERS = {
    "tf_mobilenetv3_small_100": "MobileNetV3",
    "squeezenet1_1": "SqueezeNet",
    "deit_tiny_patch16_224": "DeiT-tiny",
    "vit_tiny_patch16_224": "ViT-tiny",
}
"""The networks that judge the kept parts without having been explained."""


def _kept_image(album: Album) -> Figure:
    """The photograph, the part that CartoonX keeps, and five networks' probabilities of a domestic cat for both."""
    judged = album["others"].numbers
    names = {"explained": "explained:\nMobileNetV2", **OTHERS}
    whole = [album["photograph"].numbers["cats"], *(judged[f"{name}-image-cats"] for name in OTHERS)]
    kept = [judged["explained-cartoonx-cats"], *(judged[f"{name}-cartoonx-cats"] for name in OTHERS)]
    pictures = album["photograph"].pictures["image"], album["cartoonx"].pictures["kept"]
    with panels(1, 3, size=(9.6, 2.5), width_ratios=[1, 1, 2.9]) as (figure, (*left, axes)):
        for panel, picture, title in zip(left, pictures, ("the photograph", "CartoonX's kept part"), strict=True):
            panel.imshow(picture.permute(1, 2, 0).clamp(0, 1).numpy())
            panel.set_title(title)
            panel.axis("off")
        places = range(len(names))
        for offset, values, words, colour in (
            (-0.2, whole, "the photograph", METHOD_COLOURS["neutral"]),
            (0.2, kept, "CartoonX's kept part", METHOD_COLOURS["CartoonX"]),
        ):
            axes.bar([place + offset for place in places], values, 0.38, label=words, color=colour)
        axes.set(ylabel="probability of a cat", ylim=(0, 1.05), xticks=list(places))
        axes.set_xticklabels(names.values())
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2)
        figure.supxlabel(CREDIT, fontsize=11)
    return figure


def _starting_masks(album: Album) -> Figure:
    entry, found = album["starting-masks"], album["cartoonx"]
    predicted = f"predicted in one pass:\n{100 * float(entry.numbers['predicted-rate']):.0f} % kept"
    searched = f"found by a search:\n{100 * float(found.numbers['rate']):.1f} % kept"
    kept = {predicted: entry.pictures["predicted-kept"], searched: found.pictures["kept"]}
    return _show(_first(album) | kept, width=7)


def _convergence(album: Album) -> Figure:
    """The objective and the upper estimate of the gap, every hundred steps."""
    numbers = album["convergence"].numbers
    steps = [int(name.rpartition("-")[2]) for name in numbers if name.startswith("objective-")]
    gaps = [float(numbers[f"gap-{step}"]) + float(numbers[f"gap-uncertainty-{step}"]) for step in steps]
    with panels(size=(6, 2.6)) as (figure, axes):
        objectives = [float(numbers[f"objective-{step}"]) for step in steps]
        axes.plot(steps, objectives, "o-", label="objective", color=METHOD_COLOURS["neutral"])
        axes.plot(steps, gaps, "s--", label="gap, upper estimate", color=METHOD_COLOURS["CartoonX"])
        axes.set(xlabel="step", ylabel="units of the objective", xticks=steps, ylim=(0, None))
        axes.legend()
    return figure


def _own_price(album: Album) -> Figure:
    entry, weights = album["own-price"], (2, 8, 32)
    shares = {weight: 100 * float(entry.numbers[f"rate-{weight}"]) for weight in weights}
    pictures = {f"λk = {weight}: {share:.1f} %": entry.pictures[f"kept-{weight}"] for weight, share in shares.items()}
    return _show({**_first(album), **pictures})


def _which_method(album: Album) -> Figure:
    maps = {words: album[name].pictures["mask"] for name, words in MAPS.items()}
    kept = {"Pixel RDE": album["pixel-rde"].pictures["kept"], "CartoonX": album["cartoonx"].pictures["kept"]}
    rollout = {"rollout (DeiT-tiny)": album["vit-rollout"].pictures["gradient-mask"]}
    explainer = {"Explainer (SqueezeNet)": album["explainer"].pictures["squeezenet-cat-mask"]}
    return _show({**maps, **kept, **rollout, **explainer}, columns=4)


def _gallery(album: Album) -> Figure:
    taken, pictures = read_taken_away(), {}
    for row in taken.steps("relevance").itertuples():
        if row.share in (0.1, 0.02, taken.last_cat("relevance"), 0.005):
            words = f"{100 * row.share:.1f} % kept:\n“{row._4}”, {100 * row.probability:.0f} %"
            pictures[words] = taken.pictures[row.share]
    return _show(pictures)


def _beyond_cartoonx(album: Album) -> Figure:
    album = album | read_entries(FAMILY)
    names = {"a price": "cartoonx", "a rate": "cartoonx-rate", "largest": "largest", "WAM, path": "wam-path"}
    parts = {words: album[name] for words, name in (names | {"shearlets": "shearlets"}).items()}
    kept = {f"{words}:\n{_said(part, 'kept-')}": part.pictures["kept"] for words, part in parts.items()}
    return _show({**_first(album), **kept}, columns=3, width=7)


DRAWINGS: dict[str, Callable[[Album], Figure]] = {
    "what-is-an-explanation": _what_is,
    "wavelets": _wavelets,
    "wavelet-borders": _borders,
    "pixel-rde": _pixel_rde,
    "cartoonx": _cartoonx,
    "judging": _judging,
    "vit-rollout": _vit_rollout,
    "peers": _peers,
    "explainer": _explainer,
    "vq-vae": _vq_vae,
    "space-vae": _space_vae,
    "kept-image": _kept_image,
    "gallery": _gallery,
    "which-method": _which_method,
    "waveletx": _waveletx,
    "starting-masks": _starting_masks,
    "convergence": _convergence,
    "own-price": _own_price,
    "beyond-cartoonx": _beyond_cartoonx,
    "which-number": lambda album: draw_orders(album, {**MAPS, **ORDERS}),
}
"""The drawings by the names of the chapters' pages."""
