"""Checks of the page on a sparsity weight for each image."""

from helpers.teaching.checks.kinds import Exercise, Mistake, Number, Numbers

EXERCISES = (
    Exercise(
        "own-price-budget",
        ask='the two largest λk, a dictionary with the keys "unsure" and "sure"',
        answer=Numbers({"unsure": 25.6, "sure": 220.6}, within=0.02),
        mistakes=(
            Mistake({"unsure": 82.5, "sure": 232.5}, "The empty mask costs the *square* of p here."),
            Mistake(
                {"unsure": 30.6, "sure": 225.6},
                "The mask does not remove all of the distortion. How much is left?",
            ),
            Mistake({"unsure": 0.256, "sure": 2.206}, "Which share of all coefficients is 0.4 %?"),
        ),
    ),
    Exercise(
        "own-price-sure",
        ask="the λk, a number",
        answer=Number(50, within=0.01),
        mistakes=(
            Mistake(0.5, "Which share of all coefficients is 2 %?"),
            Mistake(49, "The mask that keeps 2 % restores the class completely. What is its distortion?"),
            Mistake(64, "That is the λk of the page. At which λk do the two masks cost the same?"),
        ),
        hint="Write down the objectives of the empty mask and of the mask that keeps 2 %, and set them equal.",
    ),
    Exercise(
        "own-price-left",
        ask='the shares that are left, a dictionary with the keys "each draw" and "other half"',
        answer=Numbers({"each draw": 0.5, "other half": 0.293}, within=0, plus=0.01),
        mistakes=(
            Mistake(
                {"each draw": 0.75, "other half": 0.5},
                "The relative distortion is a mean *square*: take roots before you subtract.",
            ),
            Mistake(
                {"each draw": 0.5, "other half": 0.5},
                "If half of the draws lose nothing, the others must make up for it in the mean of the squares.",
            ),
            Mistake({"each draw": 0.5, "other half": 0.707}, "The second share is lost. Which share is left?"),
        ),
    ),
    Exercise(
        "own-price-l2",
        ask="the smallest norm, a number",
        answer=Number(0.316, within=0, plus=0.002),
        mistakes=(
            Mistake(0.1, "That is a single probability, or the sum of their squares. Take the norm of all ten."),
            Mistake(1.0, "That is the largest norm: the classifier is certain. When is it smallest?"),
            Mistake(0.0, "For that, all probabilities would have to be 0. What do they add up to?"),
        ),
    ),
    Exercise(
        "own-price-rounds",
        ask='a dictionary with the keys "factor" and "runs"',
        answer=Numbers({"factor": 1.10, "runs": 3.5}, within=0, plus=0.01),
        mistakes=(
            Mistake(
                {"factor": 6.25, "runs": 3.5},
                "Each round halves the interval on a *logarithmic* scale: what happens to the quotient of its ends?",
            ),
            Mistake({"factor": 1.10, "runs": 10}, "How many steps does a round have, compared with a plain run?"),
            Mistake({"factor": 1.10, "runs": 2.5}, "A first run, at the smallest λk, precedes the rounds."),
        ),
    ),
    Exercise(
        "own-price-target",
        ask='a dictionary with the keys "weight" and "cost"',
        answer=Numbers({"weight": 46.4, "cost": 1.22}, within=0.15),
        mistakes=(
            Mistake({"weight": 228, "cost": 1.22}, "That is the λk for the relative distortion."),
            Mistake(
                {"weight": 103, "cost": 1.22},
                "The weight is multiplied by p once. Look at the equation again.",
            ),
            Mistake(
                {"weight": 46.4, "cost": 0.90},
                "That is the objective of the mask. Divide by the empty mask's, in the same units.",
            ),
        ),
        hint="Use `explain_at` with `distortion=0.2`, `relative=True` and 60 steps, and take the second image.",
    ),
)
