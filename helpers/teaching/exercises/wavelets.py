"""The checks of the exercises of the chapter on wavelets."""

from __future__ import annotations

from typing import Any

from helpers.teaching.checks.kinds import Choice, Exercise, Function, Mistake, Number, Numbers


def _haar_back(approximation: Any, horizontal: Any, vertical: Any, diagonal: Any) -> Any:
    """The image (1, 1, 2 h, 2 w) of the four bands (1, 1, h, w) of one Haar level, by the book's transform."""
    import torch

    from helpers.methods.wavelets import WaveletTransform

    height, width = approximation.shape[-2:]
    bands = [band.flatten(2) for band in (approximation, horizontal, vertical, diagonal)]
    transform = WaveletTransform("haar", levels=1, size=(2 * height, 2 * width))
    return transform.synthesise(torch.cat(bands, dim=-1))


def _weave(low: Any, high: Any, factor: float = 2**-0.5, sign: int = 1) -> Any:
    """One Haar level back along the width, with a mistake if asked for."""
    import torch

    return factor * torch.stack([low + sign * high, low - sign * high], dim=-1).flatten(-2)


def _back(bands: tuple[Any, ...], factor: float = 2**-0.5, sign: int = 1) -> Any:
    """The image of four bands by hand, with a mistake if asked for."""
    left, right = (_weave(low.mT, high.mT, factor, sign) for low, high in (bands[:2], bands[2:]))
    return _weave(left.mT, right.mT, factor, sign)


def _bands(height: int, width: int, seed: int) -> tuple[Any, ...]:
    """Four random bands (1, 1, height, width)."""
    import torch

    from helpers.core.runtime import random_generator

    return tuple(torch.randn(4, 1, 1, height, width, generator=random_generator(seed)))


EXERCISES = (
    Exercise(
        "wavelets-jump",
        ask="eight numbers, each 0 or 1: levels 1 to 4 for the jump at pixel 12, then levels 1 to 4 for that at 7",
        answer=Numbers((0, 0, 1, 1, 1, 1, 1, 1), within=0),
        mistakes=(
            Mistake(
                (1, 1, 1, 1, 1, 1, 1, 1),
                "Is every jump inside a block at each level? See which pixels form a pair with pixel 12.",
            ),
            Mistake((1, 1, 0, 0, 1, 1, 1, 1), "Level 1 is the finest, with pairs of pixels; level 4 is the coarsest."),
            Mistake(
                (0, 0, 1, 1, 0, 0, 0, 1),
                "The second one is the jump at pixel 8. With a jump at pixel 7, which value has pixel 7 itself?",
            ),
        ),
    ),
    Exercise(
        "wavelets-energy",
        ask="the two factors, a tuple: of the averages' energy, then of the differences' energy",
        answer=Numbers((0.5, 2.0), within=0.01),
        mistakes=(
            Mistake((2**-0.5, 2**0.5), "That is by how much the values change. Energy is a sum of squares."),
            Mistake((2.0, 0.5), "Compare (a + b)/2 with (a + b)/√2: which of the two is smaller?"),
            Mistake((0.25, 4.0), "From dividing by √2 to dividing by 2 (or by 1) it is one factor √2, then squared."),
        ),
    ),
    Exercise(
        "wavelets-inverse",
        ask="your function, from the four bands of one level to the image",
        answer=Function(
            _haar_back,
            inputs=lambda: [_bands(4, 4, 0), _bands(3, 5, 1)],
            marking=lambda: [_bands(1, 1, 2), _bands(16, 8, 3)],
        ),
        mistakes=(
            Mistake(
                lambda a, h, v, d: _back((a, v, h, d)),
                "Horizontal and vertical details are exchanged: which band is high along the height?",
            ),
            Mistake(
                lambda a, h, v, d: _back((a, h, v, d), factor=0.5),
                "The image is too dark. Which factor keeps the energy in each direction?",
            ),
            Mistake(
                lambda a, h, v, d: _back((a, h, v, d), sign=-1),
                "Both pixels of each pair are exchanged: which of them is low + high?",
            ),
        ),
    ),
    Exercise(
        "wavelets-haar-zero",
        ask="`always`, `only for whole bands`, `in general not` or `never`",
        answer=Choice("always", ("always", "only for whole bands", "in general not", "never")),
        mistakes=(
            Mistake("in general not", "That is so for db3. How many of Haar's windows cross the border here?"),
            Mistake(
                "only for whole bands", "Count coefficients and pixels. What is a left inverse of a square matrix?"
            ),
            Mistake("never", "A mask of ones changes nothing, so it is at least one example."),
        ),
    ),
    Exercise(
        "wavelets-edges",
        ask="how many times as many coefficients the slanted square needs as the upright one, a number",
        answer=Number(2.4, plus=0.3),
        mistakes=(
            Mistake(1.0, "The edges are equally long. But do they lie along rows and columns, as the filters do?"),
            Mistake(0.4, "You divided the other way round."),
            Mistake(
                1.8, "Is that the circle? Its coefficients are fewer than the slanted square's. Compare the squares."
            ),
        ),
    ),
    Exercise(
        "wavelets-denoise",
        ask="the gain in decibels, a number",
        answer=Number(6.2, plus=0.3),
        mistakes=(
            Mistake(26.2, "That is the quality of the result. By how much is it better than that of the noisy image?"),
            Mistake(
                4.7, "Too much is lost. Keep coefficients of 0.3 and more as they are, without making them smaller."
            ),
            Mistake(0.0, "Hardly anything changed for the better. Compare the *magnitude* of a coefficient with 0.3."),
            Mistake(-2.7, "It became worse: do you set all details to zero?"),
        ),
    ),
    Exercise(
        "wavelets-others",
        ask="the name of the wavelet",
        answer=Choice("bior2.2", ("haar", "db3", "sym4", "bior2.2", "db10")),
        mistakes=(
            Mistake("db10", "It has the most vanishing moments. But how many of its patterns meet an edge?"),
            Mistake("haar", "Its blocks fit an edge, but not a slope. Compare the decibels."),
            Mistake("db3", "It is within one decibel of the best. Print one more digit."),
            Mistake("sym4", "It is within one decibel of the best. Print one more digit."),
        ),
    ),
)
