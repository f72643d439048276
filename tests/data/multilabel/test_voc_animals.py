"""VOC's animals, against an independent reading of their lists, labels and segmentations."""

from __future__ import annotations

import csv

import numpy as np
import pytest
import torch
from miniature_trees import voc_palette
from PIL import Image

from helpers.data.multilabel import MissingArchiveError, load_segmented, load_split, require_dataset
from helpers.data.multilabel.cache import Selection
from helpers.data.multilabel.voc_animals import LEAST_TEST_IMAGES, animal_segmented

SOURCE, SIZE = "voc-animals", 31
CLASSES = [
    *("aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable", "dog"),
    *("horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor"),
]
CAT, CAR, DOG = (CLASSES.index(name) + 1 for name in ("cat", "car", "dog"))


def write(root, *, test_images=LEAST_TEST_IMAGES):
    """A folder like `voc-animals/`: every test image shows a cat, all but two a dog, and one a car."""
    generator = np.random.default_rng(0)
    for folder in ("JPEGImages", "SegmentationClass", "ImageSets"):
        (root / folder).mkdir(parents=True)
    splits = {"train": 3, "val": 2, "test2007": 4, "test2012": test_images - 4}
    rows, number = [], 0
    for split, count in splits.items():
        names = [f"{split}_{index:03d}" for index in range(count)]
        (root / "ImageSets" / f"{split}.txt").write_text("\n".join(names) + "\n")
        for name in names:
            height, width = 40 + number % 7, 53 - number % 5
            mask = np.zeros((height, width), np.uint8)
            mask[5:20, 8:30], mask[18:36, 25:48] = CAT, DOG
            mask[20:22] = 255
            if split.startswith("test") and name.endswith("_000"):
                mask[mask == DOG] = CAR if split == "test2007" else 0
            picture = Image.fromarray(mask)
            picture.putpalette(voc_palette())
            picture.save(root / "SegmentationClass" / f"{name}.png")
            pixels = generator.integers(0, 256, (height, width, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(root / "JPEGImages" / f"{name}.jpg")
            shown = {CLASSES[k - 1] for k in np.unique(mask) if 0 < k < 255}
            rows.append([name, split, "VOC", width, height, *(int(each in shown) for each in CLASSES)])
            number += 1
    with (root / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["id", "split", "masks", "width", "height", *CLASSES], *rows])
    return root


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return write(tmp_path_factory.mktemp("animals") / SOURCE, test_images=LEAST_TEST_IMAGES + 2)


def rows_of(root):
    with (root / "labels.csv").open(newline="") as file:
        return {row["id"]: row for row in csv.DictReader(file)}


def names_of(root, *lists):
    return [line for name in lists for line in (root / "ImageSets" / f"{name}.txt").read_text().splitlines()]


def stretched(path, size):
    """The numbers of a segmentation at the pixels nearest to the centres of a grid of `size` x `size` cells.

    Also whether one pixel only is nearest: a centre on the border of two has no nearest one.
    """
    with Image.open(path) as picture:
        numbers = np.array(picture)
    centres = [(2 * np.arange(size) + 1) * length for length in numbers.shape]  # in units of 1 / (2 size) pixels
    rows, columns = (each // (2 * size) for each in centres)
    clear = np.logical_and.outer(*(each % (2 * size) > 0 for each in centres))
    return numbers[np.ix_(rows, columns)], clear


def check_against_files(root, truth, names, size):
    """Labels, regions, objects and counted pixels as the files say, read anew."""
    rows = rows_of(root)
    tests = [row for row in rows.values() if row["split"] in ("test2007", "test2012")]
    classes = tuple(name for name in CLASSES if sum(int(row[name]) for row in tests) >= LEAST_TEST_IMAGES)
    assert truth.images.class_names == classes
    assert truth.images.names == tuple(names)
    expected = np.array([[rows[name][each] == "1" for each in classes] for name in names])
    assert np.array_equal(truth.images.labels.numpy(), expected)
    assert np.array_equal(truth.instances.numpy(), expected.astype(int))
    compared = []
    for index, name in enumerate(names):
        numbers, clear = stretched(root / "SegmentationClass" / f"{name}.png", size)
        compared.append(clear.mean())
        chosen = [CLASSES.index(each) + 1 for each in classes]
        regions = np.stack([numbers == k for k in chosen])
        assert np.array_equal(truth.regions[index].numpy()[:, clear], regions[:, clear]), name
        assert np.array_equal(truth.objects[index].numpy()[clear] == 1, np.isin(numbers, chosen)[clear]), name
        assert np.array_equal(truth.counted[index].numpy()[clear], (numbers != 255)[clear]), name
    assert np.mean(compared) > 0.9


def test_regions_are_those_of_the_files_and_rare_classes_are_background(tree):
    truth = load_segmented(SOURCE, size=SIZE, root=tree)
    assert truth.images.class_names == ("cat", "dog")  # one image shows a car
    check_against_files(tree, truth, names_of(tree, "test2007", "test2012"), SIZE)
    assert not truth.counted.all()
    car = truth.images.names.index("test2007_000")
    assert truth.objects[car].sum() == truth.regions[car, 0].sum() > 0


@pytest.mark.parametrize(("split", "lists"), [("train", ["train"]), ("validation", ["val"])])
def test_other_splits_have_the_classes_of_the_test_images(tree, split, lists):
    names = names_of(tree, *lists)
    assert load_split(SOURCE, split, size=SIZE, root=tree).names == tuple(names)
    check_against_files(tree, animal_segmented(Selection(SIZE, tree), published=False, split=split), names, SIZE)


def test_pixels_are_stretched_photographs_and_nothing_is_written(tree):
    before = sorted(tree.rglob("*"))
    images = load_split(SOURCE, "test", size=SIZE, root=tree, count=5, seed=3)
    for name, pixels in zip(images.names, images.pixels, strict=True):
        with Image.open(tree / "JPEGImages" / f"{name}.jpg") as picture:
            expected = np.asarray(picture.convert("RGB").resize((SIZE, SIZE), Image.Resampling.BILINEAR))
        assert np.array_equal(pixels.permute(1, 2, 0).numpy(), expected)
    assert sorted(tree.rglob("*")) == before


def test_as_published_the_void_border_and_every_class_belong_to_the_objects(tree):
    corrected, published = (load_segmented(SOURCE, size=SIZE, root=tree, variant=v) for v in ("corrected", "published"))
    assert published.counted.all()
    assert (published.objects >= corrected.objects).all()
    car = published.images.names.index("test2007_000")
    numbers, clear = stretched(tree / "SegmentationClass" / "test2007_000.png", SIZE)
    assert (published.objects[car].numpy()[clear & ((numbers == CAR) | (numbers == 255))] == 1).all()
    assert torch.equal(published.regions, corrected.regions)


def test_what_is_missing_or_wrong_is_named(tmp_path):
    with pytest.raises(MissingArchiveError, match=r"no labels\.csv"):
        require_dataset(SOURCE, tmp_path)
    root = write(tmp_path / SOURCE)
    with pytest.raises(ValueError, match="does not tell difficult objects"):
        load_split(SOURCE, "test", size=SIZE, root=root, difficult=False)
    (root / "ImageSets" / "val.txt").write_text("unlabelled\n")
    with pytest.raises(ValueError, match="no row of unlabelled"):
        load_split(SOURCE, "validation", size=SIZE, root=root)
    Image.new("RGB", (9, 9)).save(root / "JPEGImages" / "test2007_001.jpg")
    with pytest.raises(ValueError, match="has 9 x 9 pixels"):
        load_segmented(SOURCE, size=SIZE, root=root)
    text = (root / "labels.csv").read_text()
    (root / "labels.csv").write_text(text.replace("sofa", "couch"))
    with pytest.raises(ValueError, match="0 or 1 for each of VOC's classes"):
        load_split(SOURCE, "test", size=SIZE, root=root)


def test_the_real_folder(real_data):
    root = real_data / SOURCE
    if not root.is_dir():
        pytest.skip("XAIBOOK_DATA has no voc-animals/")
    truth = load_segmented(SOURCE, size=47)
    names = names_of(root, "test2007", "test2012")
    assert len(names) == 530
    check_against_files(root, truth, names, 47)
    # a class that is labelled has pixels in nearly every segmentation, before it is made smaller
    assert (truth.regions.flatten(2).any(2) == truth.images.labels).float().mean() > 0.98
