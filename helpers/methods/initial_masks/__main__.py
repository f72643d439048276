"""Train a mask network of the book: `python -m helpers.methods.initial_masks scenes-cnn-cartoonx-mask`."""

from __future__ import annotations

import sys

from helpers.methods.initial_masks.publish import train
from helpers.training.processes import exit_on_error

if __name__ == "__main__":
    with exit_on_error():
        print(train(sys.argv[1] if len(sys.argv) > 1 else "", again=True))
