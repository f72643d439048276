"""Checks of the page with the gallery of photographs."""

from helpers.teaching.checks.kinds import Choice, Exercise, Mistake, Number, Numbers

EXERCISES = (
    Exercise(
        "gallery-order",
        ask='one of "chelsea", "coffee", "rocket", "astronaut", "camera", "clock"',
        answer=Choice("camera", ("chelsea", "coffee", "rocket", "astronaut", "camera", "clock")),
        mistakes=(
            Mistake("clock", "That one keeps most in the end. What does the bound depend on?"),
            Mistake("astronaut", "A low confidence lowers the bound."),
            Mistake("chelsea", "Others are predicted with a larger probability."),
        ),
        hint="The bound grows with p. Compare the percentages in the table.",
    ),
    Exercise(
        "gallery-worse",
        ask='a dictionary with the keys "objective" and "rate", the rate as a share between 0 and 1',
        answer=Numbers({"objective": 0.34, "rate": 0.085}),
        mistakes=(
            Mistake({"objective": 0.10, "rate": 0.085}, "The objective weighs the rate with λk."),
            Mistake({"objective": 0.34, "rate": 0.09}, "At that rate, the distortion costs something on top."),
            Mistake({"objective": 0.34, "rate": 0.145}, "The empty mask costs p squared, not p."),
        ),
    ),
    Exercise(
        "gallery-last",
        ask="the λk, a number",
        answer=Number(37, within=0.02),
        mistakes=(
            Mistake(86, "The empty mask costs p squared, not p."),
            Mistake(0.37, "Which share of all coefficients is 0.5 %?"),
            Mistake(64, "That is a stop of the slider. The λk that you look for lies between two stops."),
        ),
    ),
    Exercise(
        "gallery-camera",
        ask='the mean of the pixel mask at both places, a dictionary with the keys "coat" and "sky"',
        answer=Numbers({"coat": 0.41, "sky": 0.30}, within=0, plus=0.02),
        mistakes=(
            Mistake({"coat": 0.08, "sky": 0.01}, "That is the published picture. Read the mask."),
            Mistake({"coat": 0.09, "sky": 0.82}, "That is the photograph. Read the mask."),
            Mistake({"coat": 0.30, "sky": 0.41}, "Rows come first in an array, then columns."),
        ),
    ),
    Exercise(
        "gallery-gain",
        ask='two numbers of photographs, a dictionary with the keys "CartoonX" and "Pixel RDE"',
        answer=Numbers({"CartoonX": 3, "Pixel RDE": 0}),
        mistakes=(
            Mistake({"CartoonX": 3, "Pixel RDE": 2}, "These keep their class. How much of its probability remains?"),
            Mistake(
                {"CartoonX": 1, "Pixel RDE": 0},
                "Compare with half of the photograph's *own* probability, not with one half.",
            ),
            Mistake({"CartoonX": 5, "Pixel RDE": 5}, "That is where anything is kept at all."),
        ),
        hint="Divide the last column of the table by the probability in the second.",
    ),
)
