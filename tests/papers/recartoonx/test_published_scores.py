"""The published scores of ShearletX and WAM: columns by hand, and effects in plain loops."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from tiny import TinyClassifier, WindowClassifier, smooth_images

from helpers.chapters.measures import published_scores as measures
from helpers.core.explanation import Explanation
from helpers.methods.baselines import WAM
from helpers.methods.rde import CartoonX, Pixels, Wavelets
from helpers.papers.recartoonx.experiments import published_scores as table

SIDE = 32
WINDOW = (slice(8, 24), slice(8, 24))


def explained(images, mask, targets):
    """The explanation of a mask of pixels."""
    return Explanation(mask, images * mask, targets, representation_mask=mask.flatten(2))


class TestPictures:
    def test_a_window_that_is_all_the_classifier_sees(self):
        images, mask = torch.full((2, 3, SIDE, SIDE), 0.5), torch.zeros(2, 1, SIDE, SIDE)
        mask[0][(..., *WINDOW)] = 1  # a quarter of the pixels keeps class 0; black is class 1, as surely
        explanation = explained(images, mask, torch.tensor([0, 0]))
        scores = table.picture_scores(WindowClassifier(WINDOW), images, explanation, Pixels((SIDE, SIDE)))
        sure = float(torch.tensor(3.0).sigmoid())
        assert scores["other_class"].tolist() == [0, 1]
        assert scores["fidelity"].tolist() == pytest.approx([sure, 1 - sure], rel=1e-4)
        assert scores["fidelity_published"].tolist() == pytest.approx([sure, sure], rel=1e-4)
        assert scores["information_pixels"].tolist() == [0.25, 0]
        for name in ("cp", "cp_own", "cp_published"):  # one currency for pixels
            assert float(scores[name][0]) == pytest.approx(4, rel=1e-4)
            assert scores[name][1].isnan()

    def test_two_currencies_for_one_picture(self):
        images, classifier = smooth_images(2, SIDE), TinyClassifier()
        representation = CartoonX(classifier, levels=2).representation((SIDE, SIDE))
        coefficients = representation.analyse(images)
        mask = torch.zeros_like(coefficients[:, :1])
        mask[..., representation.bands["approximation"]] = 0.8
        targets = classifier(images).argmax(1)
        kept = representation.synthesise(mask * coefficients).clamp(0, 1)
        explanation = Explanation(torch.ones(2, 1, SIDE, SIDE), kept, targets, representation_mask=mask)
        scores = table.picture_scores(classifier, images, explanation, representation)
        coarse = coefficients[..., representation.bands["approximation"]].abs().sum((1, 2))
        torch.testing.assert_close(scores["information_own"], 0.8 * coarse / coefficients.abs().sum((1, 2)))
        torch.testing.assert_close(scores["information_pixels"], kept.sum((1, 2, 3)) / images.sum((1, 2, 3)))
        both = scores["cp"] * scores["information_pixels"], scores["cp_own"] * scores["information_own"]
        torch.testing.assert_close(*both)  # the probability, whatever the currency
        assert (scores["cp_published"] >= scores["cp_own"]).all()

    def test_a_darkened_ramp(self):
        ramp = torch.linspace(0, 1, 128).expand(1, 3, SIDE, 128).clone()
        ramp[..., 8:16, 20:28] = 0.9  # an edge
        mask = torch.full((1, 1, SIDE, 128), 0.7)
        explanation = explained(ramp, mask, torch.tensor([0]))
        scores = table.picture_scores(TinyClassifier(), ramp, explanation, Pixels((SIDE, 128)))
        assert scores["hallucination"] == scores["hallucination_stretched"] == 0
        assert scores["hallucination_overflow"] > 0.3


def test_pixels_have_one_domain_only():
    images, classifier = smooth_images(2, SIDE), TinyClassifier()
    targets = classifier(images).argmax(1)
    heatmap = torch.rand(2, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    found = table.area_scores(
        classifier, images, targets, heatmap.flatten(2), Pixels((SIDE, SIDE)), heatmap, steps=5, seed=1
    )
    assert len(found) == 8
    for name in ("insertion", "deletion"):
        torch.testing.assert_close(found[f"{name}_own"], found[f"{name}_pixels"])
        assert (found[f"{name}_published"] >= found[f"{name}_stretched"] - 0.05).all()  # no maximum is above 1


class TestNeighbours:
    def test_an_image_alone_has_none(self):
        wam = WAM(TinyClassifier(), samples=2)
        assert table.neighbour_scores(wam, smooth_images(1, SIDE), torch.tensor([1]))["neighbours"].tolist() == [0]

    def test_bands_of_equal_images_are_scaled_alike(self):
        images = smooth_images(1, SIDE).expand(3, -1, -1, -1)
        found = table.neighbour_scores(WAM(TinyClassifier(), samples=2), images, torch.full((3,), 1))["neighbours"]
        assert found.tolist() == [0, 0, 0]

    def test_others_move_the_bands_against_each_other(self):
        generator = torch.Generator().manual_seed(3)
        images = torch.cat([smooth_images(1, SIDE), torch.rand(1, 3, SIDE, SIDE, generator=generator)])
        found = table.neighbour_scores(WAM(TinyClassifier(), samples=2), images, torch.tensor([1, 3]))["neighbours"]
        assert found.max() > 0.05
        assert found.min() >= 0


class TestClamp:
    def test_pixels_and_flat_images_lose_nothing(self):
        images = smooth_images(2, SIDE)
        assert table.clamp_scores(Pixels((SIDE, SIDE)), images)["clamped"].tolist() == [0, 0]

    def test_one_haar_level_by_hand(self):
        images = torch.zeros(1, 3, 2, 2)
        images[..., 0] = 0.4  # columns 0.4 and 0: approximation 0.4, vertical detail 0.4, both kept
        haar = Wavelets((2, 2), wavelet="haar", levels=1)
        assert float(table.clamp_scores(haar, images)["clamped"]) == pytest.approx(0, abs=1e-6)
        mirrored = table.clamp_scores(haar, images.flip(3))["clamped"]  # the detail is -0.4: all contrast is lost
        assert float(mirrored) == pytest.approx(1)


def test_coarse_bands_come_first():
    wavelets = WAM(TinyClassifier(), levels=2).representation((SIDE, SIDE))
    order = table.coarse_first(wavelets)[0, 0]
    names = list(wavelets.bands)
    assert names == ["approximation", "details-2", "details-1"]
    means = [float(order[wavelets.bands[name]].mean()) for name in names]
    assert means == sorted(means, reverse=True)
    assert all(order[band].std() == 0 for band in wavelets.bands.values())


ROWS = pd.DataFrame(
    [
        ("a", "cartoonx", 0.9, 0.5, 1.0),
        ("a", "pixel-rde", 0.7, 0.6, 0.0),
        ("a", "wam-path", 0.1, 0.1, 0.0),
        ("a", "random", 1.0, 0.0, 1.0),
        ("b", "cartoonx", 0.8, 0.8, 0.0),
        ("b", "pixel-rde", 0.4, 0.2, 0.0),
        ("b", "wam-path", 0.3, 0.2, 0.0),
        ("b", "random", 1.0, 0.0, 1.0),
    ],
    columns=["image", "method", "published", "corrected", "flipped"],
)


class TestEffects:
    def test_the_mean_over_methods_whose_explanation_is_a_picture(self):
        effect = measures.mean_of(ROWS, "flipped")
        assert (effect.value, effect.count) == (0.25, 2)  # images: 0.5 and 0; WAM and orders do not count

    def test_a_difference_of_scores(self):
        assert measures.difference(ROWS, "published", "corrected").value == pytest.approx(np.mean([0.25, 0.1]))
        assert measures.difference(ROWS, "published", "corrected", "wam-path").value == pytest.approx(0.05)

    def test_a_change_whichever_is_larger(self):
        # image a: 0.4 and 0.1; image b: 0 and 0.2
        assert measures.change(ROWS, "published", "corrected").value == pytest.approx(np.mean([0.25, 0.1]))
        assert measures.change(ROWS, "corrected", "published", "cartoonx").value == pytest.approx(0.2)

    def test_a_method_against_another(self):
        effect = measures.against_order(ROWS, "corrected", "wam-path", "random")
        assert (effect.value, effect.count) == (pytest.approx(0.15), 2)

    def test_exchanged_pairs(self):
        # image a: published prefers CartoonX, corrected Pixel RDE; image b: both prefer CartoonX
        assert measures.exchanged_pairs(ROWS, "published", "corrected").value == pytest.approx(0.5)
        tied = ROWS.assign(corrected=0.5)
        assert measures.exchanged_pairs(tied, "published", "corrected").value == pytest.approx(0.5)
        assert measures.exchanged_pairs(ROWS, "published", "published").value == 0
