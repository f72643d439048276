"""PASCAL VOC-2007, read from miniature folders in its own format."""

from __future__ import annotations

from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import torch
import torchvision.datasets.voc
from miniature_trees import odd_pictures, scene_pictures, voc_palette, write_voc
from PIL import Image
from scipy.ndimage import correlate

from helpers.data.multilabel import MissingArchiveError, load_segmented, load_split
from helpers.data.multilabel.voc_annotations import VOC_CLASSES

SIZE = 64
ODD = odd_pictures()
SPLITS = {
    "train": scene_pictures(6, size=SIZE, seed=1),
    "validation": scene_pictures(3, size=SIZE, seed=2, start=101),
    "test": [*scene_pictures(4, size=SIZE, seed=3, start=201), *ODD.values()],
}
FOLDERS = "VOCdevkit/VOC2007"


def write(root):
    return write_voc(root, train=SPLITS["train"], val=SPLITS["validation"], test=SPLITS["test"])


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return write(tmp_path_factory.mktemp("voc"))


def row_of(images, name):
    return images.names.index(ODD[name].name)


def kinds(labels):
    """The classes of an image as numbers."""
    return set(labels.nonzero().flatten().tolist())


# --- labels -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("variant", ["corrected", "published"])
def test_labels_are_the_classes_of_the_objects_that_count(tree, split, variant):
    images = load_split("voc2007", split, size=SIZE, root=tree, variant=variant)
    assert images.names == tuple(picture.name for picture in SPLITS[split])
    assert images.class_names == VOC_CLASSES
    for row, picture in enumerate(SPLITS[split]):
        counted = {thing.kind for thing in picture.things if variant == "published" or not thing.difficult}
        assert kinds(images.labels[row]) == counted


def test_difficult_objects_count_when_asked_for(tree):
    usual = load_split("voc2007", "test", size=SIZE, root=tree)
    asked = load_split("voc2007", "test", size=SIZE, root=tree, difficult=True)
    row = row_of(usual, "difficult only")
    assert kinds(usual.labels[row]) == set()
    assert kinds(asked.labels[row]) == {3}
    published = load_split("voc2007", "test", size=SIZE, root=tree, variant="published", difficult=False)
    assert torch.equal(published.labels, usual.labels)
    assert not usual.labels[row_of(usual, "nothing")].any()


def test_a_part_of_an_object_is_no_object(tree):
    # birds have heads in these annotation files, with boxes of their own
    birds = [picture for picture in SPLITS["train"] if any(VOC_CLASSES[t.kind] == "bird" for t in picture.things)]
    text = (tree / FOLDERS / "Annotations" / f"{birds[0].name}.xml").read_text()
    assert "<part>" in text
    assert text.count("<object>") == len(birds[0].things)


# --- pixels -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [SIZE, 40])
def test_pixels_are_the_stretched_photographs(tree, size):
    images = load_split("voc2007", "test", size=size, root=tree)
    for row, name in enumerate(images.names):
        with Image.open(tree / FOLDERS / "JPEGImages" / f"{name}.jpg") as photograph:
            expected = np.asarray(photograph.convert("RGB").resize((size, size), Image.Resampling.BILINEAR))
        assert np.array_equal(images.pixels[row].permute(1, 2, 0).numpy(), expected)
    grey = images.pixels[row_of(images, "grey")]
    assert torch.equal(grey[0], grey[1])
    assert grey.float().std() > 5


def test_a_draw_is_a_part_of_the_split_and_begins_with_a_smaller_one(tree):
    whole = load_split("voc2007", "train", size=SIZE, root=tree)
    small, large, other = (
        load_split("voc2007", "train", size=SIZE, root=tree, count=count, seed=seed)
        for count, seed in ((2, 5), (4, 5), (4, 6))
    )
    assert large.names[:2] == small.names
    assert other.names != large.names
    for row, name in enumerate(large.names):
        place = whole.names.index(name)
        assert torch.equal(large.pixels[row], whole.pixels[place])
        assert torch.equal(large.labels[row], whole.labels[place])
    with pytest.raises(ValueError, match="count=7: VOC-2007 train has 6 images"):
        load_split("voc2007", "train", size=SIZE, root=tree, count=7)


# --- segmentations ------------------------------------------------------------------------------------------------


def truth_of(picture):
    """Objects and counted pixels at the picture's own size, by the definition of the corrected variant."""
    number = np.zeros(picture.void.shape, int)
    for index, thing in enumerate(picture.things, start=1):
        number[thing.mask] = index
    difficult = [index for index, thing in enumerate(picture.things, start=1) if thing.difficult]
    counted = ~picture.void & ~np.isin(number, difficult)
    return (number > 0) & counted, counted


@pytest.mark.parametrize(("size", "step"), [(SIZE, 1), (SIZE // 2, 2)])
def test_corrected_truth_counts_neither_void_nor_difficult_pixels(tree, size, step):
    truth = load_segmented("voc2007", size=size, root=tree)
    assert truth.images.names == tuple(picture.name for picture in SPLITS["test"])
    square = [picture for picture in SPLITS["test"] if picture.void.shape == (SIZE, SIZE)]
    assert len(square) > 8
    for picture in square:
        row = truth.images.names.index(picture.name)
        objects, counted = truth_of(picture)
        middle = slice(step // 2, None, step)  # the nearest pixel of each new one
        assert np.array_equal(truth.objects[row].numpy(), objects[middle, middle])
        assert np.array_equal(truth.counted[row].numpy(), counted[middle, middle])
    assert set(truth.objects.unique().tolist()) == {0.0, 1.0}


def test_an_image_of_another_size_keeps_its_object_in_place(tree):
    truth = load_segmented("voc2007", size=SIZE, root=tree)
    row, picture = row_of(truth.images, "wide"), ODD["wide"]
    height, width = picture.void.shape
    rows = ((np.arange(SIZE) + 0.5) * height / SIZE).astype(int)
    columns = ((np.arange(SIZE) + 0.5) * width / SIZE).astype(int)
    assert (height, width) != (SIZE, SIZE)
    assert np.array_equal(truth.objects[row].bool().numpy(), picture.union()[np.ix_(rows, columns)])


def test_odd_images_have_the_truth_that_they_should(tree):
    truth = load_segmented("voc2007", size=SIZE, root=tree)
    easy = load_segmented("voc2007", size=SIZE, root=tree, difficult=True)
    void, difficult = row_of(truth.images, "void only"), row_of(truth.images, "difficult only")
    assert not truth.objects[void].any()
    assert torch.equal(truth.counted[void], torch.from_numpy(~ODD["void only"].void))
    assert not truth.objects[row_of(truth.images, "nothing")].any()
    assert truth.counted[row_of(truth.images, "nothing")].all()
    box = torch.from_numpy(ODD["difficult only"].things[0].mask)
    assert torch.equal(truth.counted[difficult], ~box)
    assert not truth.objects[difficult].any()
    assert torch.equal(easy.objects[difficult].bool(), box)
    assert easy.counted[difficult].all()


@pytest.mark.parametrize("variant", ["corrected", "published"])
def test_instances_are_objects_that_count(tree, variant):
    truth = load_segmented("voc2007", size=SIZE, root=tree, variant=variant)
    for row, picture in enumerate(SPLITS["test"]):
        expected = np.zeros(20, int)
        for thing in picture.things:
            expected[thing.kind] += variant == "published" or not thing.difficult
        assert truth.instances[row].tolist() == expected.tolist()
    assert torch.equal(truth.instances > 0, truth.images.labels)
    assert truth.instances.max() == 2  # one class twice


def test_published_truth_takes_void_for_object(tree):
    truth = load_segmented("voc2007", size=SIZE, root=tree, variant="published")
    assert truth.counted.all()
    for row, picture in enumerate(SPLITS["test"]):
        if picture.void.shape == (SIZE, SIZE):  # nothing to resize
            assert np.array_equal(truth.objects[row].bool().numpy(), picture.union() | picture.void)


def test_published_truth_takes_the_fringe_of_resizing_for_object(tree):
    truth = load_segmented("voc2007", size=SIZE // 2, root=tree, variant="published")
    palette = np.array(voc_palette()).reshape(256, 3)
    triangle = np.outer([1, 3, 3, 1], [1, 3, 3, 1]) / 64  # what halving with antialiasing weighs pixels with
    fringe = 0
    for row, picture in enumerate(SPLITS["test"]):
        if picture.void.shape != (SIZE, SIZE) or (picture.void.any() and not picture.things):
            continue
        classes = np.zeros((SIZE, SIZE), int)
        for thing in picture.things:
            classes[thing.mask] = thing.kind + 1
        classes[picture.void] = 255
        grey = palette[classes] @ [0.299, 0.587, 0.114]
        weighed = correlate(grey, triangle, mode="nearest", origin=0)[1::2, 1::2]
        result = truth.objects[row].bool().numpy()
        inside = (slice(1, -1), slice(1, -1))  # at the edge the weights are others
        assert result[inside][weighed[inside] > 1.5].all()
        assert not result[inside][weighed[inside] < 0.25].any()
        fringe += result.sum() - (picture.union() | picture.void)[1::2, 1::2].sum()
    assert fringe > 0


def test_a_thing_without_difficulty_in_its_file_is_not_difficult(tmp_path):
    root = write(tmp_path)
    path = root / FOLDERS / "Annotations" / f"{ODD['difficult only'].name}.xml"
    path.write_text(path.read_text().replace("<difficult>1</difficult>", ""))
    images = load_split("voc2007", "test", size=SIZE, root=root)
    assert kinds(images.labels[row_of(images, "difficult only")]) == {3}


# --- what is missing ----------------------------------------------------------------------------------------------


def test_a_missing_archive_is_named_with_its_address_size_and_place(tmp_path, monkeypatch):
    monkeypatch.setenv("XAIBOOK_DATA", str(tmp_path))
    with pytest.raises(MissingArchiveError) as caught:
        load_split("voc2007", "train", size=SIZE)
    message = str(caught.value)
    assert "http://host.robots.ox.ac.uk/pascal/VOC/voc2007/VOCtrainval_06-Nov-2007.tar (460 MB)" in message
    assert f"into {tmp_path / 'voc2007'}" in message
    assert "VOCtest" not in message
    assert "download=True" in message
    assert isinstance(caught.value, FileNotFoundError)
    write_voc(tmp_path / "voc2007", train=SPLITS["train"])
    assert len(load_split("voc2007", "train", size=SIZE)) == 6
    for load in (lambda: load_split("voc2007", "test", size=SIZE), lambda: load_segmented("voc2007", size=SIZE)):
        with pytest.raises(MissingArchiveError, match=r"VOCtest_06-Nov-2007.tar \(451 MB\)"):
            load()


def test_torchvision_downloads_only_when_asked_to(tmp_path, monkeypatch):
    asked = []

    def download(url, root, filename, md5):
        asked.append(url)
        write(Path(root))

    monkeypatch.setattr(torchvision.datasets.voc, "download_and_extract_archive", download)
    with pytest.raises(MissingArchiveError):
        load_split("voc2007", "test", size=SIZE, root=tmp_path)
    assert asked == []
    for _ in range(2):
        assert len(load_split("voc2007", "test", size=SIZE, root=tmp_path, download=True)) == len(SPLITS["test"])
    assert len(asked) == 1
    assert asked[0].endswith("VOCtest_06-Nov-2007.tar")


def test_a_download_that_fails_says_what_to_fetch_by_hand(tmp_path, monkeypatch):
    def offline(*arguments, **options):
        raise URLError("no network")

    monkeypatch.setattr(torchvision.datasets.voc, "download_and_extract_archive", offline)
    with pytest.raises(MissingArchiveError, match=r"(?s)VOCtrainval.*The download failed: .*no network"):
        load_split("voc2007", "train", size=SIZE, root=tmp_path, download=True)


@pytest.mark.parametrize(
    ("path", "load"),
    [
        ("JPEGImages/000001.jpg", lambda root: load_split("voc2007", "train", size=SIZE, root=root)),
        ("Annotations/000001.xml", lambda root: load_split("voc2007", "train", size=SIZE, root=root)),
        ("SegmentationClass/000201.png", lambda root: load_segmented("voc2007", size=SIZE, root=root)),
        ("SegmentationObject/000907.png", lambda root: load_segmented("voc2007", size=SIZE, root=root)),
    ],
)
def test_a_missing_file_is_named(tmp_path, path, load):
    root = write(tmp_path)
    (root / FOLDERS / path).unlink()
    with pytest.raises(FileNotFoundError, match=rf"{path} is listed, but there is no such file"):
        load(root)


@pytest.mark.parametrize("path", ["JPEGImages/000002.jpg", "Annotations/000002.xml"])
def test_a_damaged_file_is_named_and_nothing_is_cached(tmp_path, path):
    root = write(tmp_path)
    content = (root / FOLDERS / path).read_bytes()
    (root / FOLDERS / path).write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match=rf"{path} .*unpack the archive again"):
        load_split("voc2007", "train", size=SIZE, root=root)
    assert not list(root.glob("cache/*"))
    (root / FOLDERS / path).write_bytes(content)
    assert len(load_split("voc2007", "train", size=SIZE, root=root)) == 6


def test_a_class_that_voc_does_not_have_is_refused(tmp_path):
    root = write_voc(tmp_path, train=SPLITS["train"][:1])
    path = root / FOLDERS / "Annotations" / "000001.xml"
    path.write_text(path.read_text().replace(f"<name>{VOC_CLASSES[SPLITS['train'][0].things[0].kind]}<", "<name>axe<"))
    with pytest.raises(ValueError, match=r"000001.xml is not an annotation of VOC-2007"):
        load_split("voc2007", "train", size=SIZE, root=root)
