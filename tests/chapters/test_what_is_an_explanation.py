"""The chapter's experiments: sets of patches against rules whose smallest sets are known."""

from __future__ import annotations

from itertools import product

import pytest
import torch

from helpers.chapters.what_is_an_explanation import (
    REPLACEMENTS,
    greedy_part,
    keep_patches,
    mirrored_twice,
    questions_table,
    replace,
    search_parts,
    smallest_parts,
)
from helpers.classifiers import Classifier
from helpers.data.scenes import make_scenes

SETS = [torch.tensor(bits, dtype=torch.bool) for bits in product((False, True), repeat=9)]


def enough_if_two_corners(kept):
    """Any two of the four corners of a 3 × 3 grid."""
    return kept[:, [0, 2, 6, 8]].sum(1) >= 2


def test_smallest_sets_are_those_of_a_plain_search():
    found = smallest_parts(enough_if_two_corners, 9)
    expected = [bits for bits in SETS if bits.sum() == 2 and enough_if_two_corners(bits[None])[0]]
    assert found.size == 2
    assert {tuple(row.tolist()) for row in found.kept} == {tuple(bits.tolist()) for bits in expected}
    assert found.tried == 1 + 9 + 36


def test_nothing_may_be_enough_and_everything_may_be_too_little():
    assert smallest_parts(lambda kept: torch.ones(len(kept), dtype=torch.bool), 4).size == 0
    for search in (lambda test: smallest_parts(test, 4), lambda test: greedy_part(test, torch.arange(4))):
        with pytest.raises(ValueError, match="no set of patches is enough"):
            search(lambda kept: torch.zeros(len(kept), dtype=torch.bool))


@pytest.mark.parametrize(("order", "size"), [([0, 2, 1, 3, 4, 5, 6, 7, 8], 2), ([4, 1, 8, 3, 0, 2, 5, 6, 7], 5)])
def test_a_greedy_set_is_the_beginning_of_its_order(order, size):
    kept = greedy_part(enough_if_two_corners, torch.tensor(order))[0]
    assert kept.nonzero().flatten().tolist() == sorted(order[:size])


def test_patches_are_kept_where_they_lie():
    image = torch.rand(1, 3, 6, 6, generator=torch.Generator().manual_seed(0))
    kept = torch.zeros(1, 9, dtype=torch.bool)
    kept[0, 5] = True  # the second row, the last column
    expected = image.mean((2, 3), keepdim=True).expand_as(image).clone()
    expected[..., 2:4, 4:6] = image[..., 2:4, 4:6]
    torch.testing.assert_close(keep_patches(image, kept), expected)
    with pytest.raises(ValueError, match="n × n patches"):
        keep_patches(image, kept[:, :8])


class Brightest(torch.nn.Module):
    """Class 1 if the upper left quarter or the lower right one is bright, by up to 30 units of logit."""

    def forward(self, images):
        half = images.shape[-1] // 2
        corners = images[..., :half, :half].mean((1, 2, 3)), images[..., half:, half:].mean((1, 2, 3))
        return torch.stack([torch.full_like(corners[0], 30), 60 * torch.maximum(*corners)], 1)


@pytest.fixture
def brightest():
    return Classifier.of(Brightest(), classes=["dark", "bright"])


def test_a_search_finds_what_the_classifier_does(brightest):
    """Two bright quarters on black: either is enough, none is necessary, and each quarter's patches work together."""
    image = torch.zeros(1, 3, 8, 8)
    image[..., :4, :4] = image[..., 4:, 4:] = 1  # its mean colour is a half, at the border of both classes
    table = search_parts(brightest, image, torch.tensor([1]), grid=2)
    expected = {"smallest": 1, "parts": 2, "tried": 5, "largest_drop": 0.0}
    assert table.iloc[0][list(expected)].to_dict() == pytest.approx(expected, abs=1e-6)
    fine = search_parts(brightest, image, torch.tensor([1]), grid=4, share=0.999)
    assert (fine["smallest"][0], fine["parts"][0]) == (1, 8), "any patch of a quarter tips the balance"


def test_replacements_keep_what_is_kept():
    images = make_scenes(2, size=32, seed=3).images
    kept = torch.zeros(2, 1, 32, 32, dtype=torch.bool)
    kept[..., :16, :] = True
    for replacement in REPLACEMENTS:
        changed = replace(images, kept, replacement)
        assert torch.equal(changed[..., :16, :], images[..., :16, :])
        assert not torch.equal(changed[..., 16:, :], images[..., 16:, :])
    noise = replace(images, torch.zeros_like(kept), "noise")
    torch.testing.assert_close(noise.mean((2, 3)), images.mean((2, 3)), atol=0.05, rtol=0)
    with pytest.raises(ValueError, match="black, the mean colour, noise"):
        replace(images, kept, "blur")


def test_questions_are_counted(brightest):
    """The bright quarter of the first image is sufficient and necessary; the dark one of the second is neither."""
    images = torch.zeros(2, 3, 8, 8)
    images[0, :, :4, :4] = 1
    images[1, :, 4:, 4:] = 1
    regions = torch.zeros(2, 1, 8, 8, dtype=torch.bool)
    regions[..., :4, :4] = True
    table = questions_table(brightest, images, regions, torch.tensor([1, 1])).set_index("replacement")
    assert table.loc["black"].tolist() == [0.5, 0.5]


def test_a_copy_lies_on_the_other_side():
    image = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    region = torch.zeros(1, 1, 8, 8, dtype=torch.bool)
    region[..., 1:3, 0:2] = True
    twice, copy = mirrored_twice(image, region)
    assert copy.nonzero()[:, 3].unique().tolist() == [6, 7]
    assert torch.equal(twice[..., 1:3, 6:8], image[..., 1:3, 0:2].flip(-1))
    assert torch.equal(twice[..., :6], image[..., :6])
    with pytest.raises(ValueError, match="overlap"):
        mirrored_twice(image, torch.ones(1, 1, 8, 8, dtype=torch.bool))
