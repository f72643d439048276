"""Maps depend on the image, the profile and the seed, and on nothing else but, in the last bits, the batch's size."""

from __future__ import annotations

import pytest

from benchmarks.determinism import SAME, differences, methods
from helpers.benchmark.methods import CONTESTANTS

QUICKEST = ("cartoonx",)
SMOOTH = ("explainer", "rtis", "space-vae", "smooth-grad", "integrated-gradients", "occlusion", "grad-cam")
"""Methods that do not make much of the last bits, as searches by signs of gradients do."""

LARGEST = 1e-4
"""The largest difference of their maps in [0, 1] by the size of the batch or two threads; measured: 7e-6."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in QUICKEST else pytest.mark.slow) for name in CONTESTANTS]
)
def test_a_map_has_the_same_bits_whatever_the_order_and_the_company(name):
    classifier, explain = next((classifier, explain) for found, classifier, explain in methods() if found == name)
    found = differences(classifier, explain, 3)
    assert {key: found[key] for key in SAME} == dict.fromkeys(SAME, 0.0)
    assert name not in SMOOTH or max(found.values()) <= LARGEST
