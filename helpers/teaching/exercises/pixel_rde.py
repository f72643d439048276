"""The checks of the exercises of the chapter on Pixel RDE."""

from __future__ import annotations

from helpers.teaching.checks.kinds import Choice, Exercise, Mistake, Number, Numbers

_ORDERS = (
    "none, uniform, gaussian",
    "gaussian, uniform, none",
    "none, gaussian, uniform",
    "uniform, gaussian, none",
)

EXERCISES = (
    Exercise(
        "pixel-rde-extremes",
        ask="the two bounds, a tuple of numbers between 0 and 1: at λk = 4, then at λk = 20",
        answer=Numbers((0.9604 / 4, 0.9604 / 20), within=0.01),
        mistakes=(
            Mistake((0.98 / 4, 0.98 / 20), "The distortion is a *squared* change of the probability."),
            Mistake((24.0, 4.8), "A rate is a share between 0 and 1. Yours are percentages."),
            Mistake((0.02**2 / 4, 0.02**2 / 20), "Which probability does pure noise give to the class: p, or about 0?"),
            Mistake(
                (0.9604 * 4, 0.9604 * 20), "The larger λk, the less can the mask keep. Solve the inequality again."
            ),
        ),
    ),
    Exercise(
        "pixel-rde-surer",
        ask='the two distortions of the obfuscation, a tuple: by `"label"`, then by `"maximise"`',
        answer=Numbers((0.09, 0.01), within=0.01),
        mistakes=(
            Mistake((0.0, 0.01), "`label` does not only punish a loss. What does the square do with the sign?"),
            Mistake((0.3, 0.1), "Square the differences."),
            Mistake((0.09, 0.16), "0.16 is what `maximise` gives to the image itself. What does it give to 0.9?"),
        ),
    ),
    Exercise(
        "pixel-rde-steps",
        ask="the smallest learning rate, a number",
        answer=Number(1 / 30, within=0.02),
        mistakes=(
            Mistake(0.1, "This one works. A smaller one does, too: how far does it have to move, in how many steps?"),
            Mistake(30, "A learning rate of 30 leaves [0, 1] in one step. The distance is 1, in 30 steps."),
            Mistake(0.001, "At the published learning rate, 30 steps move an entry by 0.03."),
        ),
    ),
    Exercise(
        "pixel-rde-antithetic",
        ask="the mean of your three ratios, a number",
        answer=Number(0.85, plus=0.3),
        mistakes=(
            Mistake(0.0, "That would mean that a pair has no variance at all. Are the 40 pairs drawn anew?"),
            Mistake(0.43, "Did you divide by the variance with *one* draw? A pair takes two classifications."),
            Mistake(2.0, "A pair would be as bad as one draw. Is each variance that of the *mean* over the two draws?"),
        ),
    ),
    Exercise(
        "pixel-rde-seeds",
        ask="the share of the average mask's mass on the object, a number between 0 and 1",
        answer=Number(0.35, plus=0.02),
        mistakes=(
            Mistake(1.05, "A share is at most 1. Average the masks, do not add the shares."),
            Mistake(0.108, "That is the object's share of the image, which a constant mask would score."),
            Mistake(0.394, "That is the mean of the mask on the object. Divide by its sum over the whole image."),
        ),
    ),
    Exercise(
        "pixel-rde-uniform",
        ask="the three replacements, the sparsest mask first: " + ", ".join(f"`{order}`" for order in _ORDERS),
        answer=Choice(_ORDERS[0], _ORDERS),
        mistakes=(
            Mistake(_ORDERS[1], "The rate is the share that is *kept*: a sparse mask has a small one."),
            Mistake(_ORDERS[2], "Compare the two noises again: with which of them is less of the image kept?"),
            Mistake(
                _ORDERS[3], "What has this classifier seen in its training: objects on black, or in uniform noise?"
            ),
        ),
    ),
)
