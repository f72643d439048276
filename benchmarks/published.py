"""A plain re-statement of the published CartoonX loop: the yardstick of the benchmarks, and an oracle of the tests.

Written from the papers and from a description of the original code, as slow as it is: one image at a time,
pytorch-wavelets' inverse transform, a classifier that is not frozen, whose parameters' gradients are accumulated
unused, and every logged value fetched from the device at every step.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from pytorch_wavelets import DWTForward, DWTInverse


def published_cartoonx(
    classifier,
    image,
    *,
    sparsity_weight=20.0,
    steps=2000,
    samples=64,
    learning_rate=1e-3,
    wavelet="db3",
    levels=5,
    noise: Callable[[torch.Size], torch.Tensor] = torch.randn,
):
    """Explain one image (1, 3, height, width) by the published recipe.

    Returns:
        The mask as the two parts of pytorch-wavelets' coefficients, the logged values, and the seconds of each step.
    """
    forward, inverse = DWTForward(J=levels, wave=wavelet, mode="zero"), DWTInverse(wave=wavelet, mode="zero")
    forward, inverse = forward.to(image.device), inverse.to(image.device)
    low, high = forward(image)
    bands = [low, *high]
    means = [band.mean() for band in bands]
    deviations = [band.std() for band in bands]
    masks = [torch.ones_like(low[:, 0])] + [torch.ones_like(band[:, 0]) for band in high]
    for mask in masks:
        mask.requires_grad_()
    entries = sum(mask.numel() for mask in masks)
    with torch.no_grad():
        probabilities = classifier(image).softmax(1)
    target = probabilities.argmax(1).item()
    probability = probabilities[0, target]
    optimiser = torch.optim.Adam(masks, lr=learning_rate)
    log, seconds = [], []
    for _ in range(steps):
        begin = time.perf_counter()
        obfuscated_bands = []
        for band, mask, mean, deviation in zip(bands, masks, means, deviations, strict=True):
            drawn = noise((samples, *band.shape[1:])) * deviation + mean
            obfuscated_bands.append(mask.unsqueeze(1) * band + (1 - mask.unsqueeze(1)) * drawn)
        obfuscations = inverse((obfuscated_bands[0], obfuscated_bands[1:])).clamp(0, 1)
        obfuscated = classifier(obfuscations).softmax(1)[:, target]
        distortion = (probability - obfuscated).pow(2).mean()
        sparsity = sum(mask.abs().sum() for mask in masks) / entries
        loss = distortion + sparsity_weight * sparsity
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        with torch.no_grad():
            for mask in masks:
                mask.clamp_(0, 1)
        log.append((loss.item(), distortion.item(), sparsity.item(), obfuscated.mean().item(), probability.item()))
        seconds.append(time.perf_counter() - begin)
    return [mask.detach() for mask in masks], log, seconds


def flat_mask(masks, transform):
    """The re-statement's mask in the flat order of `helpers.methods.wavelets.WaveletTransform`: (1, 1, k)."""
    low, high = masks[0], masks[1:]
    flat = low.new_empty(1, 1, transform.coefficients)
    flat[..., transform.slices["approximation"]] = low.flatten(1)
    for level, band in enumerate(high, start=1):
        # pytorch-wavelets' order is PyWavelets' (cH, cV, cD); its finest scale comes first
        for index, orientation in enumerate(("horizontal", "vertical", "diagonal")):
            flat[..., transform.slices[f"{orientation}-{level}"]] = band[:, index].flatten(1)
    return flat
