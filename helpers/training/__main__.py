"""Train the classifiers of scenes that come with the book: `python -m helpers.training scenes-cnn`."""

from __future__ import annotations

import sys

from helpers.training.processes import exit_on_error
from helpers.training.recipes.shipped import train

if __name__ == "__main__":
    with exit_on_error():
        print(train(sys.argv[1] if len(sys.argv) > 1 else "", again=True))
