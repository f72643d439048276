"""Checks of the exercises of the chapter on SpaCE-VAE."""

from helpers.teaching.checks.kinds import Choice, Exercise, Mistake, Number, Numbers

EXERCISES = (
    Exercise(
        "space-vae-extremes",
        ask='"black", "grey", "white" or "a reconstruction"',
        answer=Choice("black", ("black", "grey", "white", "a reconstruction")),
        mistakes=(
            Mistake("grey", "Which value of a pixel costs the sparsity term least, if pixels range from 0 to 1?"),
            Mistake("white", "Is brightness rewarded or penalised? Look at the sign of the third term."),
            Mistake(
                "a reconstruction", "By how much does the sparsity term darken a pixel at this α? No pixel exceeds 1."
            ),
        ),
    ),
    Exercise(
        "space-vae-black",
        ask="a dictionary with the L0 sparsity in percent of the output 'as it is', and of the 'clamped' one",
        answer=Numbers({"as it is": 0.0, "clamped": 11.34}, within=0.02, plus=0.02),
        mistakes=(
            Mistake(
                {"as it is": 11.34, "clamped": 11.34},
                "Did you count negative entries as black? L0 counts those that are exactly 0.",
            ),
            Mistake(
                {"as it is": 0.0, "clamped": 4.24},
                "L0 counts entries, one for each channel, not pixels with three black channels.",
            ),
            Mistake({"as it is": 0.0, "clamped": 0.1134}, "In percent, please."),
            Mistake(
                {"as it is": 46.97, "clamped": 48.32},
                "These are the L1 sparsities, the share of the brightness that was removed.",
            ),
        ),
    ),
    Exercise(
        "space-vae-alpha",
        ask="a dictionary with the amounts of darkening for α = 0.05: the keys 'v = 1' and 'our v'",
        answer=Numbers({"v = 1": 0.025, "our v": 0.001818}, within=0.03),
        mistakes=(
            Mistake({"v = 1": 0.05, "our v": 0.003635}, "The derivative of a square has a factor 2. Where does it go?"),
            Mistake(
                {"v = 1": 0.025, "our v": 0.344},
                "Does a larger weight of the reconstruction, 1/v, make the pixel darker or less dark?",
            ),
            Mistake(
                {"v = 1": 6.0, "our v": 0.436}, "Those are the amounts for our α. The question is about the paper's."
            ),
        ),
    ),
    Exercise(
        "space-vae-game",
        ask="the probability, between 0 and 1, that 'always yes' gets ten or more of 12",
        answer=Number(0.558, within=0.01),
        mistakes=(
            Mistake(0.2835, "That is exactly ten. Eleven and twelve count, too."),
            Mistake(0.0193, "That would be so if half of the answers were yes."),
            Mistake(0.8, "That is the share of a single card. What about ten or more of twelve?"),
            Mistake(0.2749, "That is eleven or more. Ten counts, too."),
        ),
    ),
    Exercise(
        "space-vae-train",
        ask='"agreement", "sparsity", "both" or "neither"',
        answer=Choice("agreement", ("agreement", "sparsity", "both", "neither")),
        mistakes=(
            Mistake(
                "sparsity", "Divide both rises by what the fully trained network has gained, and compare the shares."
            ),
            Mistake("both", "Print the two shares: one is more than twice the other."),
            Mistake(
                "neither", "Are the network's weights among the parameters of Adam, and does it train for 40 steps?"
            ),
        ),
    ),
)
