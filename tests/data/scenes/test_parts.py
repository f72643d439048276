"""Scenes without one of their parts: what is drawn away, and what stays."""

import pytest
import torch

from helpers.data.scenes import make_scenes
from helpers.data.scenes.parts import PARTS, draw_parts

OPTIONS = {"size": 48, "seed": 9, "shortcut_base_rate": 0.5}


@pytest.fixture(scope="module")
def parts():
    return draw_parts(12, **OPTIONS)


def test_the_whole_scenes_are_those_of_make_scenes(parts):
    scenes = make_scenes(12, **OPTIONS)
    assert torch.equal(parts.scenes.images, scenes.images)
    assert torch.equal(parts.scenes.shortcut_present, scenes.shortcut_present)
    one = draw_parts(1, start=7, **OPTIONS)
    assert torch.equal(one.without, parts.without[7:8])


def test_each_pixel_belongs_to_one_part(parts):
    assert torch.equal(parts.masks.sum(1), torch.ones_like(parts.scenes.shortcut_mask, dtype=torch.long))
    assert not parts.masks.flatten(2).any(2)[~parts.present].any()


def test_a_part_that_is_not_there_leaves_the_scene(parts):
    changed = (parts.without != parts.scenes.images[:, None]).flatten(2).any(2)
    assert (~parts.present).any()
    assert torch.equal(changed, parts.present)


def test_the_mark_alone_is_drawn_away(parts):
    """The label is antialiased: pixels at its rim belong to the background, and change too."""
    mark = PARTS.index("mark")
    changed = (parts.without[:, mark] != parts.scenes.images).any(1)
    wide = torch.nn.functional.max_pool2d(parts.masks[:, mark].float(), 3, stride=1, padding=1) > 0
    assert changed[parts.masks[:, mark]].float().mean() > 0.98
    assert not changed[~wide].any()


def test_the_last_part_drawn_away_leaves_the_ground():
    alone = draw_parts(6, size=48, seed=3, objects=(1, 1))
    assert torch.equal(alone.without[:, 0], alone.ground)


def test_what_is_in_front_stays_and_what_is_behind_appears():
    scenes = draw_parts(20, size=48, seed=4, objects=(2, 4))
    first, last = PARTS.index("object 1"), PARTS.index("object 2")
    covered = scenes.scenes.object_full_masks[:, first] & scenes.masks[:, last]  # the second lies on the first
    assert covered.any()
    inside = torch.nn.functional.max_pool2d((~scenes.masks[:, last]).float(), 3, stride=1, padding=1) == 0
    kept = (scenes.without[:, first] == scenes.scenes.images).all(1)
    assert kept[inside].all()


def test_without_the_background_objects_stay_as_they_are(parts):
    background = PARTS.index("background")
    beside = (~parts.scenes.object_masks).float().flatten(0, 1)[:, None]
    inside = (torch.nn.functional.max_pool2d(beside, 5, stride=1, padding=2) == 0).view(12, 4, 48, 48).any(1)
    same = (parts.without[:, background] == parts.scenes.images).all(1)
    assert same[inside].float().mean() > 0.99  # but for corners, whose rims reach further in
    grey = parts.without[:, background].permute(0, 2, 3, 1)[parts.masks[:, background]]
    assert (grey.amax(1) - grey.amin(1)).quantile(0.5) < 0.02  # no colour of its own
