"""Checks of the page on WaveletX."""

from helpers.teaching.checks.kinds import Exercise, Mistake, Number, Numbers

EXERCISES = (
    Exercise(
        "waveletx-cat",
        ask='a dictionary with the keys "everything" and "the cat"',
        answer=Numbers({"everything": 0.5, "the cat": 0.0}, plus=0.01),
        mistakes=(
            Mistake(
                {"everything": 0.5, "the cat": 0.5},
                "The cat is half of the pixels, but the penalty charges their brightness. How bright is the cat?",
            ),
            Mistake(
                {"everything": 1.0, "the cat": 0.5},
                "That is the share of the pixels that are shown. The penalty charges their mean brightness.",
            ),
            Mistake(
                {"everything": 0.5, "the cat": 1.0},
                "Where nothing is kept, the picture is black, not white.",
            ),
        ),
        hint="Paint the two pictures with ones for white and zeros for black, and take their means.",
    ),
    Exercise(
        "waveletx-counts",
        ask='the two scores, a dictionary with the keys "A" and "B"',
        answer=Numbers({"A": 0.25, "B": 0.05}),
        mistakes=(
            Mistake(
                {"A": 0.5, "B": 0.5},
                "That is the invented share of the edges that are shown. The score divides by other edges.",
            ),
            Mistake(
                {"A": 0.5, "B": 0.1},
                "These are all shown edges, per edge of the image. Which of them does the score count?",
            ),
            Mistake({"A": 50, "B": 10}, "These are the invented edges. By what does the score divide them?"),
        ),
    ),
    Exercise(
        "cartoonx-scores",
        ask="the quotient of the two CP scores of (c), pixels over entropy, a number",
        answer=Number(2.0, within=0.02),
        mistakes=(
            Mistake(
                1,
                "The remaining probability is the same in both scores, but is the remaining information? Which of the "
                "two measures of information notices that all pixels have halved?",
            ),
            Mistake(0.5, "That is the entropy's score over that of the pixels."),
            Mistake(4, "Information in pixels is the sum of the pixels, not of their squares."),
        ),
        hint="Write down the remaining information of (c) for each of the two measures, and divide.",
    ),
    Exercise(
        "waveletx-empty",
        ask="the CP score, a number",
        answer=Number(10.0, within=0.005),
        mistakes=(
            Mistake(0.1, "That is the remaining share of the probability. Divide it by that of the information."),
            Mistake(0.001, "You have multiplied the two shares. The score divides them."),
            Mistake(100, "The classifier was sure before. Which share of its probability remains?"),
        ),
    ),
    Exercise(
        "waveletx-detector",
        ask="a tuple of three shares between 0 and 1, for a standard deviation of 1, 2 and 3 pixels",
        answer=Numbers((0.83, 0.67, 0.45), within=0, plus=0.06),
        mistakes=(
            Mistake((0.47, 0.43, 0.40), "That is how far WaveletX lowers the score. What does dimming alone do?"),
            Mistake((0.17, 0.33, 0.55), "That is the share of the score that remains. Which share is gone?"),
            Mistake(
                (0.83, 0.83, 0.83),
                "The detector should change with the standard deviation: pass it to `hallucination_score`.",
            ),
        ),
        hint="Take the means over the twelve scenes first, of the dimmed pictures and of CartoonX's, and then compare.",
    ),
)
