"""COCO-2014, read from miniature folders in its own format, and from real annotations where they are at hand."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from miniature_trees import CATEGORY_IDS, odd_pictures, scene_pictures, write_coco
from PIL import Image, ImageDraw
from scipy.ndimage import binary_fill_holes

from helpers.data.multilabel import MissingArchiveError, load_segmented, load_split

SIZE = 64
ODD = odd_pictures()
TRAIN = scene_pictures(30, size=SIZE, seed=1)
VAL = [*scene_pictures(4, size=SIZE, seed=3, start=201), *ODD.values()]


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return write_coco(tmp_path_factory.mktemp("coco"), train=TRAIN, val=VAL)


def file_name(picture, split="val"):
    return f"COCO_{split}2014_{int(picture.name):012d}"


def by_name(split="val"):
    return {file_name(picture, split): picture for picture in (VAL if split == "val" else TRAIN)}


# --- labels and splits --------------------------------------------------------------------------------------------


def test_labels_are_the_categories_of_all_objects_crowds_included(tree):
    images = load_split("coco2014", "test", size=SIZE, root=tree)
    assert images.class_names == tuple(f"kind {number}" for number in CATEGORY_IDS)
    assert len(images) == len(VAL)
    for name, labels in zip(images.names, images.labels, strict=True):
        assert set(labels.nonzero().flatten().tolist()) == {thing.kind for thing in by_name()[name].things}
    crowd_only = images.names.index(file_name(ODD["crowd only"]))
    assert images.labels[crowd_only].any()
    assert not images.labels[images.names.index(file_name(ODD["nothing"]))].any()


def test_published_labels_have_a_column_for_every_number(tree):
    usual = load_split("coco2014", "test", size=SIZE, root=tree)
    raw = load_split("coco2014", "test", size=SIZE, root=tree, variant="published")
    assert raw.labels.shape == (len(VAL), 91)  # numbers 0 to 90, as in the real files
    assert torch.equal(raw.labels[:, list(CATEGORY_IDS)], usual.labels)
    assert raw.labels.sum() == usual.labels.sum()
    assert raw.class_names[90] == "kind 90"
    assert raw.class_names[12] == "unused 12"


def test_train2014_is_divided_ninety_to_ten_always_in_the_same_way(tree):
    train, validation = (load_split("coco2014", split, size=SIZE, root=tree) for split in ("train", "validation"))
    assert (len(train), len(validation)) == (27, 3)
    assert set(train.names) | set(validation.names) == set(by_name("train"))
    other = load_split("coco2014", "validation", size=SIZE, root=tree, seed=9, variant="published")
    assert other.names == validation.names
    assert torch.equal(other.pixels, validation.pixels)


def test_pixels_are_the_stretched_photographs(tree):
    images = load_split("coco2014", "test", size=40, root=tree)
    for row, name in enumerate(images.names):
        with Image.open(tree / "val2014" / f"{name}.jpg") as photograph:
            expected = np.asarray(photograph.convert("RGB").resize((40, 40), Image.Resampling.BILINEAR))
        assert np.array_equal(images.pixels[row].permute(1, 2, 0).numpy(), expected)


def test_a_draw_of_training_images_stays_among_them(tree):
    train = load_split("coco2014", "train", size=SIZE, root=tree)
    drawn = load_split("coco2014", "train", size=SIZE, root=tree, count=8, seed=4)
    assert set(drawn.names) < set(train.names)
    rows = [train.names.index(name) for name in drawn.names]
    assert torch.equal(drawn.pixels, train.pixels[rows])
    assert torch.equal(drawn.labels, train.labels[rows])


# --- segmentations ------------------------------------------------------------------------------------------------


def overlap(first, second):
    return (first & second).sum() / max(1, (first | second).sum())


def test_corrected_truth_has_single_objects_and_does_not_count_crowds(tree):
    truth = load_segmented("coco2014", size=SIZE, root=tree)
    assert len(truth) == len([one for one in VAL if any(not thing.crowd for thing in one.things)])
    for row, name in enumerate(truth.images.names):
        picture = by_name()[name]
        if picture.void.shape != (SIZE, SIZE):
            continue
        objects, counted = truth.objects[row].bool().numpy(), truth.counted[row].numpy()
        crowd = picture.union(lambda thing: thing.crowd)
        # outlines fill holes and cut the corners of pixels
        single = np.logical_or.reduce([binary_fill_holes(thing.mask) for thing in picture.things if not thing.crowd])
        assert overlap(objects, single) > 0.9, name
        if name == file_name(ODD["crowd"]):  # whose outlines are rectangles, on the pixels' edges
            assert np.array_equal(objects, single)
            assert np.array_equal(counted, ~crowd | single)
            assert not counted.all()
        else:
            assert counted.all()
    assert set(truth.objects.unique().tolist()) == {0.0, 1.0}


def test_published_truth_has_crowds_and_grey_borders(tree):
    at_size, half = (load_segmented("coco2014", size=s, root=tree, variant="published") for s in (SIZE, SIZE // 2))
    assert at_size.counted.all()
    row = at_size.images.names.index(file_name(ODD["crowd"]))
    assert np.array_equal(at_size.objects[row].numpy(), ODD["crowd"].union().astype(np.float32))
    assert half.objects.max() == 1
    assert ((half.objects > 0.1) & (half.objects < 0.9)).any()
    # resizing keeps the share of the area, whatever it does to the border
    inside = [r for r, name in enumerate(half.images.names) if by_name()[name].void.shape == (SIZE, SIZE)]
    torch.testing.assert_close(
        half.objects[inside].mean((1, 2)), at_size.objects[inside].mean((1, 2)), rtol=0, atol=0.02
    )


def test_instances_are_annotations(tree):
    truth = load_segmented("coco2014", size=SIZE, root=tree)
    for row, name in enumerate(truth.images.names):
        expected = np.zeros(len(CATEGORY_IDS), int)
        for thing in by_name()[name].things:
            expected[thing.kind] += 1
        assert truth.instances[row].tolist() == expected.tolist()
    assert torch.equal(truth.instances > 0, truth.images.labels)


def test_an_image_of_another_size_keeps_its_object_in_place(tree):
    truth = load_segmented("coco2014", size=SIZE, root=tree)
    row, picture = truth.images.names.index(file_name(ODD["wide"])), ODD["wide"]
    height, width = picture.void.shape
    rows = ((np.arange(SIZE) + 0.5) * height / SIZE).astype(int)
    columns = ((np.arange(SIZE) + 0.5) * width / SIZE).astype(int)
    assert np.array_equal(truth.objects[row].bool().numpy(), picture.union()[np.ix_(rows, columns)])


def test_segmented_images_are_drawn_by_the_seed(tree):
    first, again, other = (load_segmented("coco2014", size=SIZE, root=tree, count=4, seed=s) for s in (1, 1, 2))
    assert first.images.names == again.images.names != other.images.names
    assert torch.equal(first.objects, again.objects)
    variant = load_segmented("coco2014", size=SIZE, root=tree, count=4, seed=1, variant="published")
    assert variant.images.names == first.images.names


# --- what is missing ----------------------------------------------------------------------------------------------


def test_missing_archives_are_named_with_their_addresses_sizes_and_places(tmp_path, monkeypatch):
    monkeypatch.setenv("XAIBOOK_DATA", str(tmp_path))
    with pytest.raises(MissingArchiveError) as caught:
        load_split("coco2014", "validation", size=SIZE)
    message = str(caught.value)
    assert "http://images.cocodataset.org/zips/train2014.zip (13 GB)" in message
    assert "http://images.cocodataset.org/annotations/annotations_trainval2014.zip (241 MB)" in message
    assert str(tmp_path / "coco2014") in message
    assert "val2014.zip" not in message.replace("trainval2014.zip", "")
    write_coco(tmp_path / "coco2014", train=TRAIN)
    assert len(load_split("coco2014", "validation", size=SIZE)) == 3
    with pytest.raises(MissingArchiveError, match=r"zips/val2014.zip \(6 GB\)") as caught:
        load_segmented("coco2014", size=SIZE)
    assert "annotations_trainval2014.zip" not in str(caught.value)
    (tmp_path / "coco2014" / "val2014").mkdir()
    with pytest.raises(FileNotFoundError, match=r"instances_val2014.json; unpack annotations_trainval2014.zip again"):
        load_split("coco2014", "test", size=SIZE)


def test_missing_and_damaged_files_are_named(tmp_path):
    root = write_coco(tmp_path, val=VAL[:3])
    path = root / "val2014" / f"{file_name(VAL[1])}.jpg"
    content = path.read_bytes()
    path.write_bytes(content[:300])
    with pytest.raises(ValueError, match=rf"{path.name} cannot be decoded"):
        load_split("coco2014", "test", size=SIZE, root=root)
    path.unlink()
    with pytest.raises(FileNotFoundError, match=rf"{path.name} is listed, but there is no such file"):
        load_split("coco2014", "test", size=SIZE, root=root)
    annotations = root / "annotations" / "instances_val2014.json"
    annotations.write_text(annotations.read_text()[:-40])
    with pytest.raises(ValueError, match=r"instances_val2014.json is not an annotation file of COCO"):
        load_split("coco2014", "test", size=SIZE, root=root)


def test_annotations_are_not_parsed_again_once_images_are_cached(tree, monkeypatch, capfd):
    first = load_split("coco2014", "test", size=SIZE, root=tree)
    monkeypatch.setattr("helpers.data.multilabel.coco.read_annotations", None)
    again = load_split("coco2014", "test", size=SIZE, root=tree)
    assert torch.equal(first.labels, again.labels)
    assert capfd.readouterr() == ("", "")  # pycocotools is kept quiet


# --- real annotations ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def real(real_data, tmp_path_factory):
    """The data folder's 50 COCO-2017 validation images as if they were val2014."""
    root, given = tmp_path_factory.mktemp("coco-tiny"), real_data / "coco-tiny"
    (root / "annotations").mkdir()
    (root / "annotations" / "instances_val2014.json").symlink_to(given / "annotations" / "instances_val2017.json")
    (root / "val2014").symlink_to(given / "val2017")
    return root, json.loads((given / "annotations" / "instances_val2017.json").read_text())


def test_real_labels_are_those_of_the_file(real):
    root, content = real
    images = load_split("coco2014", "test", size=SIZE, root=root)
    assert len(images.class_names) == 80
    assert images.class_names[:2] == ("person", "bicycle")
    numbers = [category["id"] for category in content["categories"]]
    names = {image["id"]: image["file_name"].removesuffix(".jpg") for image in content["images"]}
    expected = torch.zeros(len(images), 80, dtype=torch.bool)
    for one in content["annotations"]:
        expected[images.names.index(names[one["image_id"]]), numbers.index(one["category_id"])] = True
    assert torch.equal(images.labels, expected)
    assert load_split("coco2014", "test", size=SIZE, root=root, variant="published").labels.shape[1] == 91


def test_real_truth_covers_the_polygons(real):
    root, content = real
    truth = load_segmented("coco2014", size=256, root=root)
    named = {image["file_name"].removesuffix(".jpg"): image for image in content["images"]}
    crowds = {one["image_id"] for one in content["annotations"] if one["iscrowd"]}
    assert len(crowds) > 2
    for row, name in enumerate(truth.images.names):
        image = named[name]
        drawn = Image.new("1", (image["width"], image["height"]))
        for one in content["annotations"]:
            if one["image_id"] == image["id"] and not one["iscrowd"]:
                for polygon in one["segmentation"]:
                    ImageDraw.Draw(drawn).polygon(polygon, fill=1)
        expected = np.array(drawn.resize((256, 256), Image.Resampling.NEAREST))
        share = abs(truth.objects[row].numpy() - expected).mean()
        assert share < 0.02, name  # two ways to fill polygons differ at their borders
        assert truth.counted[row].all() == (image["id"] not in crowds), name
