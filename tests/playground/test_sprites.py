"""The parts of scenes as pictures: composed again, they are what the painter paints."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from helpers.data.scenes import BACKGROUNDS, SCENE_CLASSES, make_scenes
from helpers.data.scenes.painter import paint_mark
from helpers.playground.sprites import FILES, OBJECTS, SEED, SIZE, write_sprites


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    """The description, and the pictures in [0, 1] by name."""
    folder = tmp_path_factory.mktemp("scenes")
    write_sprites(folder)
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)
    assert sum(path.stat().st_size for path in folder.iterdir()) < 600_000
    pictures = {path.stem: np.asarray(Image.open(path)) / 255 for path in folder.glob("*.png")}
    return json.loads((folder / "scenes.json").read_text(encoding="utf-8")), pictures


def pasted(canvas, parts, name, left, top):
    known, pictures = parts
    x, y, width, height = known["sprites"][name]["place"]
    opacity = pictures["opacity"][y : y + height, x : x + width, None]
    colour = pictures["objects"][y : y + height, x : x + width]
    spot = (slice(top, top + height), slice(left, left + width))
    canvas = canvas.copy()
    canvas[spot] = canvas[spot] * (1 - opacity) + colour
    return canvas


def test_scenes_composed_of_their_parts_are_those_of_the_painter(parts):
    known, pictures = parts
    for scene in known["scenes"]:
        first = known["backgrounds"].index(scene["background"]) * SIZE
        canvas = pictures["backgrounds"][first : first + SIZE]
        for name, left, top in scene["objects"]:
            canvas = pasted(canvas, parts, name, left, top)
        painted = make_scenes(1, size=SIZE, seed=SEED, start=scene["number"], objects=OBJECTS).images[0]
        assert np.abs(canvas - painted.permute(1, 2, 0).numpy()).max() <= 2 / 255


def test_the_mark_is_the_painters(parts):
    known, _ = parts
    grey = torch.full((1, 3, SIZE, SIZE), 0.4)
    painted, mask = paint_mark(grey, torch.tensor([[0.0, 0.0, 0.5, 0.5]]))
    canvas = pasted(grey[0].permute(1, 2, 0).numpy(), parts, *known["mark"])
    assert np.abs(canvas - painted[0].permute(1, 2, 0).numpy()).max() <= 2 / 255
    assert mask.sum() > 1000


def test_all_classes_and_backgrounds_can_be_chosen(parts):
    known, _ = parts
    assert known["classes"] == list(SCENE_CLASSES)
    assert set(known["backgrounds"]) == set(BACKGROUNDS)
    assert {sprite["class"] for sprite in known["sprites"].values()} == {*SCENE_CLASSES, "mark"}
    assert len(known["colours"]) == 256 * 6
