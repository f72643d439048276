"""Checks of the exercises of the chapter on the VQ-VAE."""

from helpers.teaching.checks.kinds import Choice, Exercise, Mistake, Number, Numbers

EXERCISES = (
    Exercise(
        "vq-noise",
        ask="the bits at σ = 1, 1.9 and 2.5, three numbers in this order",
        answer=Numbers((1.0, 0.074, 0.0), within=0.01, plus=0.006),
        mistakes=(
            Mistake((2.0, 0.148, 0.0), "All your bits are too many by one factor. What stands before the logarithm?"),
            Mistake(
                (1.0, 0.074, -0.322), "Can a direction have fewer than no bits? Compare its variance with the noise."
            ),
            Mistake((0.693, 0.051, 0.0), "These are nats: a bit belongs to the logarithm with base 2."),
            Mistake((2.0, 1.074, 0.678), "Is the noise's σ or its variance σ² compared with the variance?"),
        ),
    ),
    Exercise(
        "vq-quantise",
        ask="a dictionary with the mean squared distance, and the coordinates of e₁ after the step: "
        "the keys 'distance', 'x' and 'y'",
        answer=Numbers({"distance": 0.25, "x": 5 / 3, "y": 4 / 15}, plus=0.002),
        mistakes=(
            Mistake(
                {"distance": 0.5, "x": 5 / 3, "y": 4 / 15}, "The mean is over entries, and a vector has two of them."
            ),
            Mistake(
                {"distance": 0.25, "x": 1.5, "y": 0.4},
                "This is the mean of the new points alone. What is left of the old code?",
            ),
            Mistake(
                {"distance": 0.25, "x": 1.75, "y": 0.2}, "Two points chose the code in this step; each of them counts."
            ),
            Mistake({"distance": 0.25, "x": 2.5, "y": 0.4}, "This is the running sum. By what is it divided?"),
        ),
    ),
    Exercise(
        "vq-bits",
        ask="a dictionary with two numbers: 'power', the n of the 2ⁿ codes, and 'bits', those of the 16 × 16 grid",
        answer=Numbers({"power": 36, "bits": 768}),
        mistakes=(
            Mistake({"power": 18, "bits": 768}, "How many positions has a 4 × 4 grid, compared with an 8 × 8 grid?"),
            Mistake(
                {"power": 11, "bits": 768},
                "Four times as many codes add two bits to a position. How many bits are wanted?",
            ),
            Mistake(
                {"power": 36, "bits": 2048}, "One of 8 codes is not 8 bits: how many yes-or-no questions single it out?"
            ),
            Mistake({"power": 36, "bits": 48}, "How many positions has a grid of 16 × 16?"),
        ),
    ),
    Exercise(
        "vq-reach",
        ask="the number of pixels that change by more than 1/255 in at least one channel, an integer",
        answer=Number(309, within=0.03),
        mistakes=(
            Mistake(
                16, "These are the pixels for which the position stands. Did you decode both grids and compare them?"
            ),
            Mistake(680, "These are entries: a pixel has three of them, one for each channel."),
            Mistake(764, "A change below 1/255 cannot be seen on a screen. Count those above."),
            Mistake(92, "That is the corner of the grid. Exchange the code in row 4, column 4."),
        ),
    ),
    Exercise(
        "vq-memory",
        ask='"at least twice as many", "a few more", "as many" or "fewer"',
        answer=Choice("at least twice as many", ("at least twice as many", "a few more", "as many", "fewer")),
        mistakes=(
            Mistake(
                "a few more",
                "The direction is right. Count the codes of all test scenes, after 100 steps of each training.",
            ),
            Mistake("as many", "Was `decay=0.9` passed to the network, and the same seed set before?"),
            Mistake("fewer", "A short memory forgets old points sooner. Is that bad while the encoder still changes?"),
        ),
    ),
)
