"""The checks of the exercises of the chapter on borders."""

from __future__ import annotations

from helpers.teaching.checks.kinds import Choice, Exercise, Mistake, Number, Numbers

_CASES = ("this book, zero", "this book, symmetric", "the library, zero", "the library, symmetric")

EXERCISES = (
    Exercise(
        "borders-count",
        ask="three integers, a tuple: `db3` with *zero*, `haar` with *zero*, `db3` with *periodization*",
        answer=Numbers((260, 256, 256), within=0),
        mistakes=(
            Mistake((130, 128, 128), "These are the low values alone. There are as many high ones."),
            Mistake(
                (256, 256, 256),
                "With zeros, a window of six that touches the image with a single pixel counts, too. "
                "How many such windows hang over the border?",
            ),
            Mistake((522, 514, 512), "The windows move by two pixels, not by one."),
        ),
    ),
    Exercise(
        "borders-mirror",
        ask="six numbers, a tuple: the right gradient of the three pixels, then the library's",
        answer=Numbers((0.5, 1.0, 1.5, 1.0, 1.0, 1.0), within=0.01),
        mistakes=(
            Mistake(
                (1.0, 1.0, 1.0, 0.5, 1.0, 1.5),
                "The other way round: in how many outputs does the first pixel appear, and in how many the last?",
            ),
            Mistake(
                (0.5, 1.0, 1.0, 1.0, 1.0, 1.0), "The last output uses the last pixel twice. Sum the columns again."
            ),
            Mistake(
                (0.5, 1.0, 1.5, 0.5, 1.0, 1.5),
                "The library does not use the matrix. It averages the gradient of the sum with its neighbour.",
            ),
        ),
    ),
    Exercise(
        "borders-mean",
        ask="the decibels that remain, a number",
        answer=Number(0.5, plus=0.1),
        mistakes=(
            Mistake(7.8, "That is the difference with the mean in place. Subtract it before the transform."),
            Mistake(32.3, "Add the mean colour again before you compare the result with the scene."),
            Mistake(-7.3, "That compares *zero* with itself. How far is it from *symmetric* without the mean?"),
        ),
    ),
    Exercise(
        "borders-black",
        ask="`everywhere`, `at the border of the image`, `at the edge of the frame` or `nowhere`",
        answer=Choice("nowhere", ("everywhere", "at the border of the image", "at the edge of the frame", "nowhere")),
        mistakes=(
            Mistake(
                "at the border of the image", "That is where it differed before. What is the mirror image of black?"
            ),
            Mistake(
                "at the edge of the frame",
                "The mirror stands at the border of the image. Does the filter know of frames?",
            ),
            Mistake(
                "everywhere", "The two matrices are equal inside. Where do they differ, and what do they meet there?"
            ),
        ),
    ),
    Exercise(
        "borders-gradcheck",
        ask="the case that fails: " + ", ".join(f"`{case}`" for case in _CASES),
        answer=Choice(_CASES[3], _CASES),
        mistakes=(
            Mistake(_CASES[2], "In this mode the analysis is the transpose of the synthesis. Run it once more."),
            Mistake(_CASES[1], "The chapter's bars show this slope. Is it the truth?"),
            Mistake(_CASES[0], "The chapter's bars show this slope. Is it the truth? Is your image in float64?"),
        ),
    ),
)
