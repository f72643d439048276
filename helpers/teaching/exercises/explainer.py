"""The exercises of the chapter on the Explainer."""

from helpers.teaching.checks.kinds import Choice, Exercise, Function, Mistake, Number, Numbers

CELLS = 200


def area_bound(value: float, share: float, least: float, most: float) -> float:
    """The penalty of a mask that has one value on a share of the image, and 0 elsewhere, added up cell by cell."""
    entries = [value] * round(share * CELLS) + [0.0] * (CELLS - round(share * CELLS))
    few, many = round(least * CELLS), round(most * CELLS)
    return (sum(1 - entry for entry in entries[:few]) + sum(entries[many:])) / CELLS


def _inputs() -> list[tuple]:
    return [(1.0, 0.02, 0.05, 0.3), (1.0, 0.1, 0.05, 0.3), (0.5, 1.0, 0.05, 0.3), (0.0, 1.0, 0.05, 0.3)]


def _marking() -> list[tuple]:
    return [(0.4, 0.03, 0.05, 0.3), (0.7, 0.5, 0.1, 0.2), (1.0, 0.95, 0.25, 0.75)]


EXERCISES = (
    Exercise(
        "explainer-two-houses",
        ask='one of `"classification"`, `"entropy"`, `"both"` and `"neither"`',
        answer=Choice("classification", ("classification", "entropy", "both", "neither")),
        mistakes=(
            Mistake("entropy", "Look at the rest of the image. Does a class stand out there?"),
            Mistake("both", "One of the two terms looks at the rest of the image. What does the rest show?"),
            Mistake("neither", "One of the two terms looks at the kept part alone. Is a house recognised there?"),
        ),
    ),
    Exercise(
        "explainer-everything",
        ask='a dictionary of three numbers, `{"area": …, "bound": …, "smoothness": …}`',
        answer=Numbers({"area": 1.0, "bound": 0.7, "smoothness": 0.0}, within=0.002, plus=0.001),
        mistakes=(
            Mistake(
                {"area": 1.0, "bound": 0.95, "smoothness": 0.0},
                "The bound has a part that is free, between the share a and the share b.",
            ),
            Mistake(
                {"area": 1.0, "bound": 0.3, "smoothness": 0.0},
                "That share may be as bright as it likes. Which entries should be 0?",
            ),
            Mistake(
                {"area": 1.0, "bound": 0.7, "smoothness": 1.0},
                "The smoothness compares each pixel with its neighbours. How much do they differ?",
            ),
        ),
        hint="Sort the entries of the mask, which are all 1, and go through the equations of the area and the bound.",
    ),
    Exercise(
        "explainer-entropy",
        ask="the probability, a number between 0 and 1",
        answer=Number(0.367879),
        mistakes=(
            Mistake(0.5, "There p log p + (1 − p) log (1 − p) is least. Here the second summand is missing."),
            Mistake(0.1, "There the softmax has its least value, since its ten probabilities sum to 1."),
            Mistake(-0.367879, "That is the least value of p log p. At which p is it reached?"),
        ),
        hint="Set the derivative of p log p to zero.",
    ),
    Exercise(
        "explainer-bound",
        ask="the function `even_bound(v, share, a, b)`",
        answer=Function(area_bound, _inputs, _marking),
        mistakes=(
            Mistake(
                lambda v, share, a, b: max(a - share, 0) + max(share - b, 0),
                "Right for masks of ones and zeros. How does it depend on the value v?",
            ),
            Mistake(
                lambda v, share, a, b: a * (1 - v) + (1 - b) * v,
                "Right if the mask is v everywhere. How does it depend on the share?",
            ),
            Mistake(
                lambda v, share, a, b: a - v * min(a, share),
                "That is the missing part. What of entries that should be 0 and are not?",
            ),
        ),
        hint="Sort the entries: first the share with the value v, then zeros. Then add up the two sums by hand.",
    ),
    Exercise(
        "explainer-hidden",
        ask='a dictionary of three numbers, `{"hidden": …, "black": …, "mean colour": …}`',
        answer=Numbers({"hidden": 0.5, "black": 0.8497, "mean colour": 0.8608}, within=0.0, plus=0.004),
        mistakes=(
            Mistake(
                {"hidden": 0.0, "black": 0.8497, "mean colour": 0.8608},
                "In the normalised image it is 0. Which value had the pixel before it was normalised?",
            ),
            Mistake(
                {"hidden": 0.5, "black": 0.2164, "mean colour": 0.2259},
                "These are means over all ten classes. Take the classes that are present.",
            ),
            Mistake(
                {"hidden": 0.5, "black": 0.8608, "mean colour": 0.8497}, "The two probabilities have changed places."
            ),
        ),
        hint="Keep the merged mask of the present classes of each scene, and average over these classes.",
    ),
    Exercise(
        "explainer-other",
        ask='one of `"the target mask"`, `"the non-target mask"`, `"both"` and `"neither"`',
        answer=Choice("the non-target mask", ("the target mask", "the non-target mask", "both", "neither")),
        mistakes=(
            Mistake("the target mask", "Which parameters does the term depend on when there is no network?"),
            Mistake("both", "Compare the two target masks number by number."),
            Mistake("neither", "What kept the masks of the absent classes small, when the term had its weight?"),
        ),
    ),
)
