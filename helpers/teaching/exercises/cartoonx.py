"""The checks of the exercises of the chapter on CartoonX."""

from __future__ import annotations

from helpers.teaching.checks.kinds import Exercise, Mistake, Number, Numbers

EXERCISES = (
    Exercise(
        "cartoonx-black",
        ask="four numbers, a tuple: the cat in the published picture with a mask of ones and of zeros, then the same "
        "in the pixel mask",
        answer=Numbers((0, 0, 1, 0), plus=1e-3),
        mistakes=(
            Mistake((1, 0, 1, 0), "The published picture shows brightness. How bright is the cat?"),
            Mistake((0, 0, 0, 0), "The pixel mask shows the kept *share* of the magnitudes. Which share do ones keep?"),
            Mistake((0, 0.5, 1, 0), "A mask of zeros keeps no wave at all, of the wall neither. What is their sum?"),
        ),
    ),
    Exercise(
        "cartoonx-haar",
        ask="the share of Haar's pixel mask on the window, a number between 0 and 1",
        answer=Number(0.436, plus=0.03),
        mistakes=(
            Mistake(0.266, 'That is the share with db3. Pass wavelet="haar".'),
            Mistake(0.098, "That is the window's share of the image, which a constant mask would score."),
            Mistake(0.595, "That is the mean of the mask on the window. Divide its sum there by its sum everywhere."),
        ),
    ),
    Exercise(
        "cartoonx-count",
        ask="the number of coefficients, an integer",
        answer=Number(69_831, within=0),
        mistakes=(
            Mistake(50_700, "That is the finest level alone. Which other levels are there?"),
            Mistake(69_687, "The last level has an approximation, too."),
            Mistake(65_536, "That is the number of pixels; the borders add coefficients."),
        ),
    ),
    Exercise(
        "cartoonx-weight",
        ask="the λk at 128 pixels with the same weight per coefficient, a number",
        answer=Number(20 * 18_631 / 69_831, within=0.02),
        mistakes=(
            Mistake(20.0, "With the same λk, the same *share* costs the same. What does one coefficient cost?"),
            Mistake(20 * 69_831 / 18_631, "One coefficient costs λ = λk / k. Does λk grow or shrink with k?"),
            Mistake(
                5.0, "That is the ratio of the pixels. The borders add coefficients, relatively more to small images."
            ),
        ),
    ),
    Exercise(
        "cartoonx-largest",
        ask="the number of coefficients, an integer",
        answer=Number(872, plus=1, within=0),
        mistakes=(
            Mistake(1745, "The distortion is a *squared* change of the probability."),
            Mistake(3491, "That would be for p = 1. What is the distortion of the empty mask here?"),
            Mistake(0.0125, "That is the rate. How many of the coefficients is it?"),
        ),
    ),
    Exercise(
        "cartoonx-explicit-target",
        ask='the two rates, a dict with the keys `"label"` and `"maximise"`',
        answer=Numbers({"label": 0.00013, "maximise": 0.0146}, within=0.2, plus=0.0004),
        mistakes=(
            Mistake(
                {"label": 0.0035, "maximise": 0.0038},
                "These are the rates of the predicted class. Pass the other class to `explain`.",
            ),
            Mistake(
                {"label": 0.038, "maximise": 0.448},
                "These are the means of the pixel masks. The rate is the mean of the mask of the coefficients.",
            ),
            Mistake(
                {"label": 0.0146, "maximise": 0.00013},
                "Exchanged? With `label`, a probability near 0 shall stay near 0.",
            ),
        ),
    ),
)
