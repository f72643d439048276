"""The exercises of the chapter on judging explanations."""

from helpers.teaching.checks.kinds import Choice, Exercise, Mistake, Number, Numbers

EXERCISES = (
    Exercise(
        "judge-segmentation",
        ask='a dictionary with the two numbers, `{"mass": …, "correlation": …}`',
        answer=Numbers({"mass": 1.0, "correlation": 1.0}),
        mistakes=(
            Mistake(
                {"mass": 1.0, "correlation": 0.0},
                "The mass is right. Which part of the method would notice that the network's weights are others?",
            ),
            Mistake(
                {"mass": 0.5, "correlation": 1.0},
                "The correlation is right. How much of the map's mass lies outside the object?",
            ),
            Mistake(
                {"mass": 0.0, "correlation": 0.0},
                "The relevance mass compares the map with the object. It does not ask the network.",
            ),
        ),
        hint="Follow the method: what does it look at, and where is its map bright?",
    ),
    Exercise(
        "judge-chance",
        ask="the probability, a number between 0 and 1",
        answer=Number(0.00672),
        mistakes=(
            Mistake(0.0064, "That is the probability of exactly four hits. Which other outcome counts?"),
            Mistake(0.0016, "That is the probability that four given images are hit. Which image may be missed?"),
            Mistake(0.00032, "That is the probability of five hits. Four are enough."),
        ),
        hint="The number of hits has a binomial distribution. Add up the probabilities of the outcomes that count.",
    ),
    Exercise(
        "judge-five",
        ask='a dictionary, `{"five": …, "least": …}`: a probability, and a number of images',
        answer=Numbers({"five": 0.0625, "least": 6}, within=0.001),
        mistakes=(
            Mistake(
                {"five": 0.03125, "least": 5},
                "That is the probability of five positive differences. Five negative ones would be as remarkable.",
            ),
            Mistake({"five": 0.0625, "least": 5}, "The probability is right. Is it below 0.05?"),
            Mistake(
                {"five": 0.0625, "least": 7},
                "The probability is right, and so many images are enough. Are they the fewest?",
            ),
        ),
        hint="Each sign has the probability ½. In how many ways can all signs be equal?",
    ),
    Exercise(
        "judge-insertion",
        ask='a word: `"occlusion"`, `"gradient"`, `"brightness"` or `"none"`',
        answer=Choice("none", ("occlusion", "gradient", "brightness", "none")),
        mistakes=(
            Mistake(
                "occlusion", "It has the smallest area for deletion on black. Is its insertion area so much larger?"
            ),
            Mistake("gradient", "Print the two mean areas. How far are they apart?"),
            Mistake("brightness", "Is a small area good or bad when pixels are shown instead of hidden?"),
        ),
    ),
    Exercise(
        "judge-blur",
        ask="the mean relevance mass of the blurred maps, a number between 0 and 1",
        answer=Number(0.3988, within=0.0, plus=0.006),
        mistakes=(
            Mistake(0.4176, "That is the relevance mass of the maps as they are. Blur each one before you score it."),
            Mistake(0.736, "That is the pointing game, which asks only for the largest value."),
            Mistake(0.621, "That is the relevance rank accuracy, for which only the order of the values counts."),
        ),
        hint="Blur `maps['gradient']` with a standard deviation of 4 pixels, and take the mean over all scenes.",
    ),
)
