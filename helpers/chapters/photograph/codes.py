"""The photograph in few numbers: its largest coefficients, the codes of a VQ-VAE, and other networks' judgement."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from helpers.chapters.photograph.album import NAME, Entry, cat_of_the_gallery
from helpers.chapters.photograph.judge import OTHERS, Judge, load_other
from helpers.chapters.wavelets.sparsity import keep_largest
from helpers.classifiers import load_classifier
from helpers.core.runtime import random_generator
from helpers.data.photographs import gallery_images
from helpers.data.scenes import make_scenes
from helpers.methods.rde import Wavelets
from helpers.methods.space_vae.files import load_space_vae

SHARES = (0.2, 0.1, 0.05, 0.02, 0.01)
MODES = ("zero", "symmetric", "periodization")
FRAME = 16  # pixels along the border
SMALL = 32  # pixels: the size of the images that the book's own networks of codes know
NETWORKS = {"vq-vae": "scenes-small-vq-vae"} | {f"beta-{beta}": f"scenes-small-beta-{beta}" for beta in (1, 10, 100)}


def wavelets_entry(judge: Judge) -> Entry:
    """The largest wavelet coefficients of the photograph, and as many pixels at random places, on black."""
    image = judge.image
    size = (image.shape[2], image.shape[3])
    wavelets, numbers, pictures = Wavelets(size), {}, {}
    coefficients = wavelets.analyse(image)
    pixels = torch.rand(1, 1, *size, generator=random_generator(0))
    for share in SHARES:
        kept = wavelets.synthesise(keep_largest(coefficients, share)).clamp(0, 1)
        dots = image * (pixels < share)
        for name, picture in (("waves", kept), ("pixels", dots)):
            found = judge(picture) | {"psnr": _psnr(image, picture)}
            numbers |= {f"{name}-{100 * share:g}-{key}": value for key, value in found.items()}
            pictures[f"{name}-{100 * share:g}"] = picture[0]
    return Entry({"coefficients": coefficients.shape[-1], **numbers}, pictures)


def borders_entry(judge: Judge, share: float = 0.01) -> Entry:
    """The largest hundredth of the coefficients under three border modes, on the frame and inside it."""
    image = judge.image
    size = (image.shape[2], image.shape[3])
    inside = torch.zeros(size, dtype=torch.bool)
    inside[FRAME:-FRAME, FRAME:-FRAME] = True
    numbers, pictures = {}, {}
    for mode in MODES:
        wavelets = Wavelets(size, mode=mode)
        coefficients = wavelets.analyse(image)
        kept = wavelets.synthesise(keep_largest(coefficients, share)).clamp(0, 1)
        numbers[f"{mode}-coefficients"] = coefficients.shape[-1]
        numbers[f"{mode}-frame-psnr"] = _psnr(image[..., ~inside], kept[..., ~inside])
        numbers[f"{mode}-inside-psnr"] = _psnr(image[..., inside], kept[..., inside])
        numbers |= {f"{mode}-{key}": value for key, value in judge(kept).items()}
        pictures[mode] = kept[0]
    return Entry(numbers, pictures)


def codes_entry() -> Entry:
    """What networks that know scenes of 32 px only make of the photograph: a classifier, a VQ-VAE, SpaCE-VAEs."""
    image = gallery_images(SMALL, names=[NAME]).images
    classifier = load_classifier("scenes-small")
    names = classifier.class_names

    @torch.no_grad()
    def classify(picture: Tensor) -> tuple[int, float]:
        found = classifier(picture).softmax(-1)[0]
        return int(found.argmax()), float(found.max())

    target, probability = classify(image)
    numbers: dict[str, float | str] = {"class": names[target], "probability": probability}
    pictures = {"image": image[0]}
    for name, file in NETWORKS.items():
        kept = load_space_vae(file, classifier).explain(image).kept
        found, confidence = classify(kept)
        numbers |= {
            f"{name}-class": names[found],
            f"{name}-confidence": confidence,
            f"{name}-brightness": float(kept.sum() / image.sum()),
            f"{name}-psnr": _psnr(image, kept),
        }
        pictures[name] = kept[0]
    scene_psnr = _scene_psnr(classifier)
    return Entry({**numbers, "scenes-psnr": scene_psnr}, pictures)


def others_entry(judge: Judge) -> Entry:
    """The explained network's and others' predictions for the photograph and for its kept parts, pictures on black."""
    cat, numbers = cat_of_the_gallery(), {}
    shown = {"image": judge.image} | {name: cat.pictures[f"{name}-kept"][None] for name in ("cartoonx", "pixel-rde")}
    judges = {"explained": judge} | {name: Judge(load_other(name), judge.image) for name in OTHERS}
    for network, other in judges.items():
        for name, picture in shown.items():
            numbers |= {f"{network}-{name}-{key}": value for key, value in other(picture).items()}
    return Entry(numbers)


def _scene_psnr(classifier: torch.nn.Module) -> float:
    """The mean PSNR of the VQ-VAE on scenes like those it was trained on, in dB."""
    images = make_scenes(100, size=SMALL, seed=1).images
    kept = load_space_vae(NETWORKS["vq-vae"], classifier).explain(images).kept
    return sum(_psnr(image, other) for image, other in zip(images, kept, strict=True)) / len(images)


def _psnr(image: Float[Tensor, "*shape"], other: Float[Tensor, "*shape"]) -> float:
    """The peak signal-to-noise ratio in dB, of pixels in [0, 1]."""
    return float(-10 * (image - other).square().mean().log10())
