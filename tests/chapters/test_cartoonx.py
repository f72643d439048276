"""The table that compares CartoonX with WaveletX."""

from __future__ import annotations

import pandas as pd
import pytest
import torch
from tiny import TinyClassifier, smooth_images

from helpers.chapters.cartoonx import MEASURES, invented_share, sharpness, sharpness_summary
from helpers.core.explanation import Explanation
from helpers.methods.rde import Wavelets

SIZE = 32


def test_an_explanation_that_keeps_all():
    images, classifier = smooth_images(3, SIZE), TinyClassifier()
    representation = Wavelets((SIZE, SIZE), levels=2)
    everything = torch.ones_like(representation.analyse(images)[:, :1])
    explanation = Explanation(
        mask=torch.ones(3, 1, SIZE, SIZE),
        kept=images,
        targets=classifier(images).argmax(1),
        representation_mask=everything,
    )
    table = sharpness(classifier, images, explanation, representation)
    assert list(table.columns) == list(MEASURES)
    expected = dict.fromkeys(("rate", "brightness", "probability"), 100.0)
    expected |= dict.fromkeys(("cp_pixels", "cp_coefficients", "cp_entropy"), 1.0)
    expected |= {"hallucination": 0.0, "invented": 0.0}
    for name, value in expected.items():
        assert table[name].tolist() == pytest.approx([value] * 3, abs=1e-3), name


def test_the_share_of_invented_edges_does_not_fall_when_less_is_shown():
    images, kept = torch.zeros(2, 3, SIZE, SIZE), torch.zeros(2, 3, SIZE, SIZE)
    images[..., 4:12, 4:12] = 1
    kept[0, :, 20:28, 20:28] = 1  # all that is shown is invented
    assert invented_share(images, kept)[0] == 1
    assert invented_share(images, kept)[1].isnan()  # nothing is shown
    kept[1, :, 4:12, 4:12] = 0.5
    assert invented_share(images, kept)[1] == 0


def test_the_difference_is_paired():
    first = pd.DataFrame({name: [1.0, 2.0, 4.0] for name in MEASURES})
    table = sharpness_summary({"a": first, "b": first + 1})
    assert list(table["measure"]) == list(MEASURES.values())
    assert set(table["difference"]) == {"1.00 [1.00, 1.00]"}
    assert table["a"].str.startswith("2.33 [").all()
    with pytest.raises(ValueError, match="needs two tables, not 1"):
        sharpness_summary({"a": first})
