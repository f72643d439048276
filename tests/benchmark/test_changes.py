"""Changes of maps: what moves, and what stays."""

import pytest
import torch

from helpers.benchmark.changes import LEVELS, LUNCHES, permute_cells, threshold

MAPS = torch.rand(3, 64, 64, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("share", LEVELS)
def test_a_share_of_the_cells_changes_places(share):
    changed = permute_cells(MAPS, share, seed=1)
    torch.testing.assert_close(changed.flatten(1).sort(1).values, MAPS.flatten(1).sort(1).values, rtol=0, atol=0)
    moved = (changed != MAPS).unfold(1, 4, 4).unfold(2, 4, 4).flatten(3)  # maps, rows, columns, pixels of a cell
    assert torch.equal(moved.any(3), moved.all(3))
    assert moved.any(3).flatten(1).sum(1).tolist() == [round(share * 256)] * 3


def test_more_moves_are_the_same_and_others():
    few, many = ((permute_cells(MAPS, share, seed=1) != MAPS) for share in (0.25, 0.5))
    assert (many | ~few).all()
    assert torch.equal(permute_cells(MAPS.flip(1), 0.25, seed=1) != MAPS.flip(1), few)  # whatever the map
    assert not torch.equal(few[0], few[1])  # in each image others


def test_wrong_sizes_and_shares_are_refused():
    with pytest.raises(ValueError, match="side that 16 divides"):
        permute_cells(torch.rand(1, 60, 64), 0.5)
    with pytest.raises(ValueError, match="share in"):
        permute_cells(MAPS, 1.5)


@pytest.mark.parametrize("name", LUNCHES)
def test_maps_stay_maps(name):
    changed = LUNCHES[name](MAPS)
    assert changed.shape == MAPS.shape
    assert 0 <= changed.min() <= changed.max() <= 1
    assert not torch.equal(changed, MAPS)


def test_the_threshold_keeps_the_area_and_the_largest_values():
    binary = threshold(MAPS)
    assert binary.unique().tolist() == [0, 1]
    torch.testing.assert_close(binary.sum((1, 2)), MAPS.sum((1, 2)).round())
    for mask, values in zip(binary.bool(), MAPS, strict=True):
        assert values[mask].min() >= values[~mask].max()
    assert threshold(torch.zeros(1, 64, 64)).sum() == 1  # never nothing
