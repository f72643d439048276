"""Checks of the page beyond CartoonX."""

from helpers.teaching.checks.kinds import Exercise, Mistake, Number, Numbers

EXERCISES = (
    Exercise(
        "beyond-step",
        ask="the gap, a number",
        answer=Number(3.8, plus=0.001),
        mistakes=(
            Mistake(
                4.8,
                "That is the gap over the whole box, where all entries with a negative slope grow. How many may here?",
            ),
            Mistake(-3.8, "The fall of the plane counts as positive. Where does the way begin, and where does it end?"),
            Mistake(1.2, "That is how far the plane falls on the way to the mask. From where on?"),
            Mistake(5.0, "That is the plane's fall from the empty mask to the corner. Your way begins at the mask."),
        ),
        hint="Which two entries does the corner keep? The gap is the sum of slope times (mask − corner).",
    ),
    Exercise(
        "beyond-rates",
        ask='the two rates in per cent, a dictionary with the keys "wavelets" and "shearlets"',
        answer=Numbers({"wavelets": 4.883, "shearlets": 0.0996}, within=0.02),
        mistakes=(
            Mistake({"wavelets": 0.04883, "shearlets": 0.000996}, "These are shares. How many per cent are they?"),
            Mistake(
                {"wavelets": 4.883, "shearlets": 4.883},
                "Both keep 200. But of how many coefficients is a shearlet system made?",
            ),
            Mistake(
                {"wavelets": 4.883, "shearlets": 239.3},
                "A redundant system has more coefficients, so that 200 are a smaller share of them.",
            ),
        ),
    ),
    Exercise(
        "beyond-fidelity",
        ask='the two percentages, a dictionary with the keys "published" and "explained"',
        answer=Numbers({"published": 91, "explained": 4}, plus=0.01),
        mistakes=(
            Mistake(
                {"published": 70, "explained": 4},
                "70 % is the photograph's probability. The score looks at the kept part.",
            ),
            Mistake({"published": 4, "explained": 91}, "The published score takes the likeliest class. Which is it?"),
            Mistake(
                {"published": 130, "explained": 5.7},
                "These are relative to the photograph. Fidelity is the probability itself.",
            ),
        ),
    ),
    Exercise(
        "beyond-linear",
        ask='a dictionary with the keys "change" and "sum"',
        answer=Numbers({"change": 0.0, "sum": 0.7}, plus=0.005),
        mistakes=(
            Mistake(
                {"change": 0.25, "sum": 0.7},
                "That is the noise on the image. Where does the slope of a linear function depend on the image?",
            ),
            Mistake(
                {"change": 0.0, "sum": 1.1},
                "You have added both halves. With which sign does the right half enter the logit?",
            ),
            Mistake(
                {"change": 0.0, "sum": 0.35},
                "Each half's mean is over its own pixels only, so nothing is halved.",
            ),
        ),
        hint="Write the logit as a sum of weights times pixels. What is its slope, and what is its value for black?",
    ),
    Exercise(
        "beyond-ramp",
        ask='the two numbers, a dictionary with the keys "corrected" and "published"',
        answer=Numbers({"corrected": 0, "published": 62}, within=0, plus=3),
        mistakes=(
            Mistake(
                {"corrected": 62, "published": 62},
                "A steady ramp has no step. Have you passed on `variant` for both?",
            ),
            Mistake(
                {"corrected": 0, "published": 0},
                "Take the second result, the edges of the image; the first are those that an explanation invents.",
            ),
            Mistake(
                {"corrected": 62, "published": 0},
                "The overflow makes an edge, it does not remove one here. Are the two exchanged?",
            ),
        ),
    ),
)
