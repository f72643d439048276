"""The hallucination score and the conciseness-preciseness score: closed forms, brute force, defined edges."""

from __future__ import annotations

import math

import pytest
import torch
from tiny import TinyClassifier, WindowClassifier, smooth_images

from helpers.methods.rde import Wavelets
from helpers.metrics import (
    CannyEdges,
    conciseness_preciseness,
    fidelity,
    hallucinated_edges,
    hallucination_score,
    information,
    preciseness,
)

SIZE = 32


def bright(pictures, contrast):
    """A detector that can be done by hand: an edge is a pixel above half of the contrast."""
    return pictures > 0.5 * contrast[:, None, None, None]


def blank(count=1):
    return torch.zeros(count, 3, SIZE, SIZE)


@pytest.fixture
def box():
    """A bright square on black: its edges are its outline."""
    images = blank()
    images[..., 8:24, 8:24] = 0.8
    return images


class TestHallucination:
    def test_the_image_itself_invents_nothing(self):
        images = torch.cat([smooth_images(3, SIZE), smooth_images(1, SIZE).flip(3)])
        assert hallucination_score(images, images).tolist() == [0, 0, 0, 0]

    def test_invented_edges_are_counted_exactly(self):
        images, kept = blank(), blank()
        images[..., 4, 5:15] = 1  # ten edge pixels, by `bright`
        kept[..., 5, 5:15] = 1  # beside them: not invented
        kept[..., 20, 3:9] = 1  # six that are
        kept[..., 6, 2] = 1  # two rows and three columns off: one more
        assert hallucination_score(images, kept, detector=bright).tolist() == pytest.approx([7 / 10])
        invented, true = hallucinated_edges(images, kept, detector=bright)
        assert (int(invented.sum()), int(true.sum())) == (7, 10)
        assert invented[0, 0, 20, 3:9].all()
        assert invented[0, 0, 6, 2]

    @pytest.mark.parametrize("seed", range(3))
    def test_by_the_definition(self, seed):
        generator = torch.Generator().manual_seed(seed)
        images, kept = ((torch.rand(2, 3, 9, 7, generator=generator) > 0.8).float() for _ in range(2))
        found = hallucination_score(images, kept, detector=lambda pictures, contrast: pictures > 0)
        for place in range(2):
            true = [(r, c) for r in range(9) for c in range(7) if images[place, :, r, c].sum() > 0]
            shown = [(r, c) for r in range(9) for c in range(7) if kept[place, :, r, c].sum() > 0]
            far = [p for p in shown if all(max(abs(p[0] - t[0]), abs(p[1] - t[1])) > 1 for t in true)]
            assert float(found[place]) == pytest.approx(len(far) / len(true))

    def test_a_new_box_is_invented_by_canny_too(self, box):
        twice = box.clone()
        twice[..., 2:6, 26:30] = 0.8
        invented, true = hallucinated_edges(box, twice)
        rows, columns = invented[0, 0].nonzero().unbind(1)
        assert 0 <= int(rows.max()) < 8
        assert int(columns.min()) > 23
        assert float(hallucination_score(box, twice)) == pytest.approx(len(rows) / int(true.sum()))

    def test_a_part_of_the_image_with_its_border_on_an_edge_invents_nothing(self, box):
        assert float(hallucination_score(box + 0.1, 0.9 * box)) == 0

    def test_black_invents_nothing_and_a_flat_image_has_no_score(self, box):
        assert float(hallucination_score(box, blank())) == 0
        assert hallucination_score(torch.full_like(box, 0.3), box).isnan().all()

    def test_an_image_is_scored_alone(self, box):
        images = torch.cat([box, smooth_images(1, SIZE), torch.full_like(box, 0.5)])
        kept = images.roll(5, 3) * 0.7
        together = hallucination_score(images, kept)
        alone = torch.cat([hallucination_score(images[i : i + 1], kept[i : i + 1]) for i in range(3)])
        torch.testing.assert_close(together, alone, equal_nan=True)


def ramp(low=0.0, high=1.0):
    """Brightness that grows evenly from left to right, too slowly for an edge anywhere."""
    return torch.linspace(low, high, 4 * SIZE).expand(1, 3, SIZE, 4 * SIZE).clone()


class TestOverflow:
    def test_a_ramp_has_an_edge_where_it_crosses_mid_grey(self):
        images = ramp()
        corrected, published = (hallucinated_edges(images, images, variant=v)[1] for v in ("corrected", "published"))
        assert not corrected.any()
        crossing = int((255 * images[0, 0, 0] < 128).sum())  # the first column from 128 on
        columns = published[0, 0].nonzero()[:, 1]
        assert published[0, 0, 2:-2].any(1).all()  # from top to bottom
        assert set(columns.tolist()) <= {crossing - 1, crossing}

    @pytest.mark.parametrize(("low", "high"), [(0.0, 0.5), (0.51, 1.0)])
    def test_a_ramp_on_one_side_of_mid_grey_has_none(self, low, high):
        images = ramp(low, high)
        assert not hallucinated_edges(images, images, variant="published")[1].any()

    def test_a_darkened_picture_invents_the_line_that_moved(self):
        images = ramp()
        images[..., :8, :8] = 1  # a true edge, so that there is a score
        assert float(hallucination_score(images, 0.7 * images)) == 0
        assert float(hallucination_score(images, 0.7 * images, variant="published")) > 0.3
        invented, _ = hallucinated_edges(images, 0.7 * images, variant="published")
        crossing = int((0.7 * 255 * ramp()[0, 0, 0] < 128).sum())
        assert set(invented[0, 0, :, 16:].nonzero()[:, 1].tolist()) <= {crossing - 17, crossing - 16}

    def test_white_becomes_nearly_black_so_that_a_true_edge_is_lost(self, box):
        black_and_white = (box > 0).float()
        assert hallucinated_edges(black_and_white, box)[1].any()
        assert not hallucinated_edges(black_and_white, box, variant="published")[1].any()

    def test_a_constant_picture_is_never_worse_than_the_image(self, box):
        for variant in ("corrected", "published"):
            for value in (0.0, 0.3, 0.8):
                assert float(hallucination_score(box, torch.full_like(box, value), variant=variant)) == 0
            assert float(hallucination_score(box, box, variant=variant)) == 0

    def test_shifted_edges_are_invented_from_two_pixels_on(self, box):
        shifted = {step: float(hallucination_score(box, box.roll(step, 3))) for step in (1, 4)}
        assert shifted[1] == 0
        assert shifted[4] == pytest.approx(0.5, abs=0.15)  # of the four sides, the two upright ones

    @pytest.mark.parametrize("variant", ["corrected", "published"])
    def test_the_values_are_those_of_signed_bytes(self, variant, unchecked):
        pictures = smooth_images(1, SIZE)
        seen = []
        hallucinated_edges(pictures, pictures, detector=lambda x, c: seen.append(x) or x > 0, variant=variant)
        grey = pictures.mean(1, keepdim=True)
        signed = torch.from_numpy((255 * grey).numpy().astype("uint8")).view(torch.int8) / 255
        torch.testing.assert_close(seen[0], grey if variant == "corrected" else signed)
        with pytest.raises(ValueError, match="variant 'signed' is not known"):
            hallucinated_edges(pictures, pictures, variant="signed")


class TestCanny:
    def test_the_threshold_is_the_height_of_a_step(self):
        step = torch.zeros(4, 1, SIZE, SIZE)
        for place, height in enumerate((0.04, 0.09, 0.11, 0.5)):
            step[place, ..., SIZE // 2 :] = height
        edges = CannyEdges(low=0.05, high=0.1)(step, torch.ones(4))
        assert edges.flatten(1).any(1).tolist() == [False, False, True, True]
        assert set(edges[3, 0].nonzero()[:, 1].tolist()) <= {SIZE // 2 - 1, SIZE // 2}  # at the step and nowhere else

    def test_it_is_relative_to_the_contrast(self, box):
        grey, detector = box[:, :1], CannyEdges()
        edges = detector(grey, torch.tensor([0.8]))
        assert torch.equal(edges, detector(grey / 20, torch.tensor([0.04])))
        assert edges.any()
        assert not detector(grey / 20, torch.tensor([0.8])).any()

    @pytest.mark.parametrize("changes", [{"low": 0.2, "high": 0.1}, {"low": 0.0}, {"sigma": 0.0}])
    def test_bad_thresholds(self, changes):
        with pytest.raises(ValueError, match="expected 0 < low <= high and sigma > 0"):
            CannyEdges(**changes)


class TestInformation:
    representation = Wavelets((SIZE, SIZE), wavelet="haar", levels=2, mode="periodization")

    def test_by_the_definition(self):
        images = smooth_images(2, SIZE)
        for image, pixels, coefficients, entropy in zip(
            images,
            information(images, "pixels"),
            information(images, "coefficients", self.representation),
            information(images, "entropy", self.representation),
            strict=True,
        ):
            values = self.representation.analyse(image[None]).flatten().tolist()
            energies = [value**2 for value in values]
            shares = [energy / sum(energies) for energy in energies]
            assert float(pixels) == pytest.approx(sum(abs(v) for v in image.flatten().tolist()), rel=1e-4)
            assert float(coefficients) == pytest.approx(sum(abs(v) for v in values), rel=1e-4)
            assert float(entropy) == pytest.approx(-sum(q * math.log(q) for q in shares if q > 0), rel=1e-4)

    def test_equal_coefficients_have_the_entropy_of_their_number(self):
        # an image of one value has only approximation coefficients: (32 / 4)² for each of 3 channels, all equal
        flat = torch.full((1, 3, SIZE, SIZE), 0.4)
        assert float(information(flat, "entropy", self.representation)) == pytest.approx(math.log(3 * 8 * 8), rel=1e-4)

    @pytest.mark.parametrize("kind", ["pixels", "coefficients", "entropy"])
    def test_black_has_none(self, kind):
        assert float(information(blank(), kind, self.representation)) == 0

    def test_what_cannot_be_measured(self, unchecked):
        with pytest.raises(ValueError, match="needs a representation"):
            information(blank(), "entropy")
        with pytest.raises(ValueError, match="information 'bits' is not known"):
            information(blank(), "bits")


class TestConcisenessPreciseness:
    @pytest.mark.parametrize("kind", ["pixels", "coefficients", "entropy"])
    def test_the_image_itself_scores_one(self, kind):
        images, classifier = smooth_images(2, SIZE), TinyClassifier()
        targets = classifier(images).argmax(1)
        scores = conciseness_preciseness(
            classifier, images, images, targets, measure=kind, representation=Wavelets((SIZE, SIZE), levels=2)
        )
        torch.testing.assert_close(scores, torch.ones(2))

    def test_the_true_window_keeps_the_probability_for_its_share_of_the_pixels(self):
        window = (slice(8, 24), slice(8, 24))
        images = torch.full((1, 3, SIZE, SIZE), 0.5)
        kept = blank()
        kept[(..., *window)] = 0.5
        score = conciseness_preciseness(WindowClassifier(window), images, kept, torch.tensor([0]))
        assert float(score) == pytest.approx(SIZE**2 / 16**2)

    def test_a_black_explanation_has_no_score(self):
        images, classifier = smooth_images(2, SIZE), TinyClassifier()
        kept = torch.cat([images[:1], blank()])
        scores = conciseness_preciseness(classifier, images, kept, torch.tensor([0, 0]))
        assert scores.isnan().tolist() == [False, True]

    def test_any_class_is_at_least_the_explained_one(self):
        window = (slice(8, 24), slice(8, 24))
        classifier = WindowClassifier(window)
        images = torch.full((1, 3, SIZE, SIZE), 0.5)  # class 0 with a logit of 3
        arguments = (classifier, images, blank(), torch.tensor([0]))  # black: class 1 with a logit of 3
        sure, unsure = 1 / (1 + math.exp(-3)), 1 / (1 + math.exp(3))
        assert float(preciseness(*arguments)) == pytest.approx(unsure / sure, rel=1e-4)
        assert float(preciseness(*arguments, of="any")) == pytest.approx(1, rel=1e-4)

    def test_fidelity_is_of_the_explained_class_or_of_any(self, unchecked):
        classifier = WindowClassifier((slice(8, 24), slice(8, 24)))
        kept = torch.cat([torch.full((1, 3, SIZE, SIZE), 0.5), blank()])  # logits of class 0: 3 and -3
        sure, unsure = 1 / (1 + math.exp(-3)), 1 / (1 + math.exp(3))
        targets = torch.tensor([0, 0])
        assert fidelity(classifier, kept, targets).tolist() == pytest.approx([sure, unsure], rel=1e-4)
        # black flips the decision, and scores as high as the image
        assert fidelity(classifier, kept, targets, "published").tolist() == pytest.approx([sure, sure], rel=1e-4)
        with pytest.raises(ValueError, match="variant 'any' is not known"):
            fidelity(classifier, kept, targets, "any")

    def test_an_unknown_class_is_refused(self, unchecked):
        with pytest.raises(ValueError, match="of='best' is not known"):
            preciseness(TinyClassifier(), blank(), blank(), torch.tensor([0]), of="best")
