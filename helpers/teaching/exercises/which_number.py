"""Checks of the page on which number to believe."""

from helpers.teaching.checks.kinds import Choice, Exercise, Mistake, Number, Numbers

EXERCISES = (
    Exercise(
        "which-number-equals",
        ask="the probability in per cent, a number",
        answer=Number(5),
        mistakes=(
            Mistake(0.05, "That is a share. How many per cent is it?"),
            Mistake(0.25, "That is the probability that one *given* method is first twice. Any of them may be."),
            Mistake(100, "If all are equally good, what decides which one is first?"),
            Mistake(50, "That would be so with two methods."),
        ),
        hint="Fix the method that was first. What does the second study pick from?",
    ),
    Exercise(
        "which-number-orders",
        ask="the correlation, a number",
        answer=Number(0.8),
        mistakes=(
            Mistake(-0.8, "For deletion lower is better. Have you turned it?"),
            Mistake(0.8995, "That is Pearson's correlation of the areas. Take their ranks first."),
            Mistake(-0.8995, "That is Pearson's correlation. Take ranks, and turn deletion: lower is better."),
        ),
        hint="Write the two ranks below each other. With n methods, ρ = 1 − 6 Σ d² / (n (n² − 1)).",
    ),
    Exercise(
        "which-number-pairs",
        ask='a dictionary with the keys `"pairs"` and `"p"`',
        answer=Numbers({"pairs": 153, "p": 0.05 / 153}, within=0.02),
        mistakes=(
            Mistake({"pairs": 306, "p": 0.05 / 306}, "You have counted A with B and B with A. One test decides both."),
            Mistake({"pairs": 18, "p": 0.05 / 18}, "That is the number of methods. How many pairs do they make?"),
            Mistake({"pairs": 153, "p": 0.05}, "The pairs are right. By what is the 5 % divided for the smallest p?"),
            Mistake(
                {"pairs": 324, "p": 0.05 / 324}, "No method is compared with itself, and one test decides both orders."
            ),
        ),
    ),
    Exercise(
        "which-number-pair",
        ask="the probability in per cent, a number",
        answer=Number(84.13),
        mistakes=(
            Mistake(0.8413, "That is a share. How many per cent is it?"),
            Mistake(92.14, "You have taken the noise of one method. Both means are noisy."),
            Mistake(54.0, "That is nearly the chance on a few images. Divide the variance by the number of images."),
            Mistake(71.0, "That is the chance on 60 images."),
            Mistake(97.7, "What is the standard deviation of the difference on one image, if the two are independent?"),
        ),
        hint="The variance of a difference of independent values is the sum of theirs. Divide it by 200.",
    ),
    Exercise(
        "which-number-images",
        ask="the number of images, an integer",
        answer=Number(2000),
        mistakes=(
            Mistake(200, "With 200 images the best is not first in more than a third of the studies."),
            Mistake(500, "It is first in about three of four studies."),
            Mistake(1000, "It is first in about 87 of 100 studies."),
            Mistake(5000, "So many are enough. Are they the fewest of the five?"),
        ),
        hint="`(simulated_places(20, images)[:, 0] == 1).mean()` is the share of studies in which the best is first.",
    ),
    Exercise(
        "which-number-beat",
        ask="the control's name, a word",
        answer=Choice("everything", ("random", "centre", "edges", "brightness", "everything")),
        mistakes=(
            Mistake("edges", "Its map follows the image's edges. But multiplied with the image it makes new ones."),
            Mistake("random", "A random map makes more edges than any other."),
            Mistake("centre", "Near, but a blob has a border. Which map adds no edge at all?"),
            Mistake("brightness", "It changes the contrast of all edges. Which map leaves the picture as it is?"),
        ),
    ),
)
