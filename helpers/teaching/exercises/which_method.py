"""Checks of the page on choosing a method."""

from helpers.teaching.checks.kinds import Exercise, Mistake, Number, Numbers

EXERCISES = (
    Exercise(
        "which-service",
        ask="the cost of one explanation with each method that you can use, added up, in dollars",
        answer=Number(81.72, within=0, plus=0.02),
        mistakes=(
            Mistake(80.01, "There is another method that needs nothing but probabilities."),
            Mistake(81.77, "Does a web service let you see a layer, or take a gradient?"),
            Mistake(8172, "That is in cents."),
        ),
        hint="Which rows of the first table need probabilities only? What does each send through the network?",
    ),
    Exercise(
        "which-classes",
        ask="the number of methods, an integer",
        answer=Number(4),
        mistakes=(
            Mistake(
                2, "Two take the probabilities of all classes from the same passes. Is a trained network left out?"
            ),
            Mistake(3, "A map that is the same for every class costs nothing for a second one, either."),
            Mistake(5, "A gradient belongs to one class: for the next class it must be computed again."),
        ),
    ),
    Exercise(
        "which-pays",
        ask='the two numbers of images, a dictionary with the keys "RISE" and "CartoonX"',
        answer=Numbers({"RISE": 25, "CartoonX": 1}),
        mistakes=(
            Mistake({"RISE": 13, "CartoonX": 1}, "Each of the two passes goes forward *and* back."),
            Mistake({"RISE": 3, "CartoonX": 1}, "How many epochs does the training take?"),
            Mistake(
                {"RISE": 25, "CartoonX": 0.78},
                "Images are whole. From which image on has the training paid?",
            ),
        ),
    ),
    Exercise(
        "which-step",
        ask="the number of masks, an integer",
        answer=Number(4, plus=0.001),
        mistakes=(
            Mistake(8, "You have added the passes forward and back. Each step sends a mask both ways."),
            Mistake(3200, "These are all passes back. How many are they in each step?"),
            Mistake(4.0075, "Some passes forward are made before the first step. Count those back."),
        ),
    ),
    Exercise(
        "which-own",
        ask="the factor, a number",
        answer=Number(160, within=0.02),
        mistakes=(
            Mistake(5, "That is the quotient of the steps. The noise images per step differ as well."),
            Mistake(32, "That is the quotient of the noise images per step. The steps differ as well."),
            Mistake(320, "You have compared forward passes with passes of both kinds."),
        ),
    ),
)
