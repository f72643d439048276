"""Images with several classes: the types, scenes, and the one door to all sources."""

from __future__ import annotations

import pytest
import torch

from helpers.data.multilabel import MultiLabelImages, class_truth, load_segmented, load_split, scene_truth
from helpers.data.multilabel.loading import SCENE_SERIES
from helpers.data.scenes import SCENE_CLASSES, make_scenes
from helpers.training.options import TEST_SERIES, TRAINING_SERIES, VALIDATION_SERIES


def few(count=4):
    generator = torch.Generator().manual_seed(1)
    pixels = torch.randint(0, 256, (count, 3, 6, 5), generator=generator).byte()
    labels = torch.rand(count, 2, generator=generator) < 0.5
    return MultiLabelImages(pixels, labels, tuple("abcdefgh"[:count]), ("cat", "dog"))


# --- the types ----------------------------------------------------------------------------------------------------


def test_parts_that_do_not_belong_together_are_named(unchecked):
    good = few()
    with pytest.raises(ValueError, match="4 images, 3 labels and 4 names"):
        MultiLabelImages(good.pixels, good.labels[:3], good.names, good.class_names)
    with pytest.raises(ValueError, match="2 columns for 1 class"):
        MultiLabelImages(good.pixels, good.labels, good.names, ("cat",))
    with pytest.raises(TypeError, match="indexed by a slice"):
        good[1]


def test_batches_and_selections_hold_the_same_rows():
    images = few()
    pieces = list(images.batches(3))
    assert [len(part) for part, _ in pieces] == [3, 1]
    torch.testing.assert_close(torch.cat([part for part, _ in pieces]), images.pixels.double().div(255).float())
    assert torch.equal(torch.cat([labels for _, labels in pieces]), images.labels)
    chosen = images.select([3, 1])
    assert chosen.names == ("d", "b")
    assert torch.equal(chosen.pixels, images.pixels[[3, 1]])
    assert images[2:].names == ("c", "d")


# --- scenes -------------------------------------------------------------------------------------------------------


def test_a_split_of_scenes_is_the_series_of_its_number():
    drawn = {split: load_split("scenes", split, size=32, count=5, seed=7, objects=(2, 3)) for split in SCENE_SERIES}
    for split, images in drawn.items():
        scenes = make_scenes(5, size=32, seed=SCENE_SERIES[split] + 7, objects=(2, 3))
        assert torch.equal(images.images(), scenes.images)
        assert torch.equal(images.labels, scenes.labels)
    assert len({name for images in drawn.values() for name in images.names}) == 15


def test_the_series_are_those_of_all_trainings():
    assert (SCENE_SERIES["train"], SCENE_SERIES["validation"], SCENE_SERIES["test"]) == (
        TRAINING_SERIES,
        VALIDATION_SERIES,
        TEST_SERIES,
    )


def test_segmented_scenes_do_not_depend_on_the_shards(monkeypatch):
    whole = load_segmented("scenes", size=32, count=7, seed=2, objects=(1, 4))
    monkeypatch.setattr("helpers.data.multilabel.loading._AT_ONCE", 3)
    parts = load_segmented("scenes", size=32, count=7, seed=2, objects=(1, 4), variant="published")
    for name in ("objects", "counted", "instances"):
        assert torch.equal(getattr(whole, name), getattr(parts, name))
    assert torch.equal(whole.images.pixels, parts.images.pixels)
    assert whole.images.names == parts.images.names
    assert (len(whole), len(whole[2:4])) == (7, 2)


def test_truth_of_scenes_is_what_is_seen_of_their_objects():
    scenes = make_scenes(12, size=32, seed=5, objects=(1, 4), shortcut_base_rate=0.5)
    truth, classes = scene_truth(scenes), class_truth(scenes)
    assert truth.counted.all()
    for row in range(12):
        seen = torch.zeros(32, 32, dtype=torch.bool)
        for slot, kind in enumerate(scenes.object_classes[row].tolist()):
            mask = scenes.object_masks[row, slot]
            seen |= mask
            if kind >= 0:
                assert torch.equal(classes[row, kind], mask)
                assert truth.instances[row, kind] == int(mask.any())
        assert torch.equal(truth.objects[row].bool(), seen)
    assert torch.equal(classes.any(1), truth.objects.bool())
    assert torch.equal(truth.instances > 0, scenes.labels)
    assert not (classes & scenes.shortcut_mask[:, None]).any()


# --- arguments ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "split", "options", "message"),
    [
        ("voc2012", "test", {}, "source='voc2012'"),
        ("voc2007", "val", {}, "split='val'"),
        ("voc2007", "test", {"variant": "original"}, "variant='original'"),
        ("voc2007", "test", {"objects": (1, 2)}, "objects: options of scenes"),
        ("scenes", "test", {}, "count=None: scenes need a count"),
        ("scenes", "test", {"count": 0}, "count=0: scenes need a count"),
        ("coco2014", "test", {"download": True}, "for 'voc2007' only"),
    ],
)
def test_arguments_that_do_not_fit_are_named(source, split, options, message, unchecked):
    with pytest.raises(ValueError, match=message):
        load_split(source, split, size=32, **options)
    if split == "test":
        with pytest.raises(ValueError, match=message):
            load_segmented(source, size=32, **options)


@pytest.mark.parametrize("source", ["voc2007", "coco2014"])
def test_a_data_folder_that_is_not_known_is_asked_for(source, monkeypatch):
    monkeypatch.delenv("XAIBOOK_DATA", raising=False)
    with pytest.raises(ValueError, match=rf"XAIBOOK_DATA is not set.*{source}/, or pass root="):
        load_split(source, "train", size=32)


def test_the_names_of_scenes_classes_come_with_them():
    assert load_split("scenes", "test", size=32, count=1).class_names == SCENE_CLASSES
