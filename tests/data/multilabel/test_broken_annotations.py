"""Annotation files with every field missing, null or odd in turn: a right answer, or an error that names the entry."""

from __future__ import annotations

import contextlib
import copy
import io
import json
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from miniature_trees import box, odd_pictures, scene_pictures, voc_palette, write_coco, write_voc
from PIL import Image
from pycocotools import mask as runs
from pycocotools.coco import COCO

from helpers.data.multilabel import load_segmented, load_split
from helpers.data.multilabel.coco_annotations import read_annotations
from helpers.data.multilabel.voc_annotations import VOC_CLASSES, read_numbers, read_objects, voc_colours

# --- COCO ---------------------------------------------------------------------------------------------------------

MASKS = [box((12, 16), 2, 3, 9, 11), box((12, 16), 0, 0, 4, 16), box((10, 8), 1, 1, 7, 5), box((10, 8), 5, 0, 10, 8)]


def run_lengths(mask):
    flat = mask.flatten(order="F").astype(int)
    edges = np.flatnonzero(np.diff(flat)) + 1
    lengths = np.diff([0, *edges, len(flat)]).tolist()
    return [0, *lengths] if flat[0] else lengths


def segmentation(kind, mask):
    if kind == "runs":
        return {"size": list(mask.shape), "counts": run_lengths(mask)}
    if kind == "text":
        packed = runs.encode(np.asfortranarray(mask.astype(np.uint8)))
        return {"size": list(mask.shape), "counts": packed["counts"].decode()}
    rows, columns = np.nonzero(mask)
    left, top, right, bottom = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
    return [[float(value) for value in (left, top, right, top, right, bottom, left, bottom)]]


def valid():
    """Two images, four objects (polygons, run lengths, run lengths as text, a crowd) and two categories."""
    kinds = ("polygons", "text", "runs", "runs")
    return {
        "info": {"year": 2014},
        "images": [
            {"id": 7, "file_name": "a.jpg", "height": 12, "width": 16, "license": 1},
            {"id": 9, "file_name": "b.jpg", "height": 10, "width": 8},
        ],
        "annotations": [
            {
                **{"id": 21 + i, "image_id": 7 if i < 2 else 9, "category_id": 1 if i % 2 else 3, "area": 3.5},
                **{"bbox": [1, 2, 3, 4], "iscrowd": int(i == 3), "segmentation": segmentation(kind, MASKS[i])},
            }
            for i, kind in enumerate(kinds)
        ],
        "categories": [{"id": 1, "name": "cat"}, {"id": 3, "name": "dog", "supercategory": "animal"}],
    }


def places(value, place=()):
    """The places of all fields and entries of a nested value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    if isinstance(value, list) and not isinstance(value[0], dict):
        items = list(items)[:2]  # of many coordinates and lengths
    for key, inner in items:
        yield (*place, key)
        yield from places(inner, (*place, key))


MISSING = object()
ODD = (
    *(MISSING, None, "", "text", "7", "/etc/a.jpg", -1, 0, 1, 1.5, float("nan"), True, [], {}),
    *([[]], [1, 2], {"a": 1}, 10**30),
)


def changed(content, place, value):
    result = copy.deepcopy(content)
    inner = result
    for key in place[:-1]:
        inner = inner[key]
    if value is MISSING:
        del inner[place[-1]]
    else:
        inner[place[-1]] = value
    return result


def broken():
    content = valid()
    for place in places(content):
        for value in ODD:
            yield place, changed(content, place, value)
    for name in ("images", "annotations", "categories"):
        for entry in content[name]:  # an entry twice
            yield (name, content[name].index(entry)), {**content, name: [*content[name], entry]}
    for value in (None, [], 3, "text"):
        yield (), value


def holds(monkeypatch, content):
    """Let every file have this content: writing thousands would take most of the time."""
    monkeypatch.setattr(Path, "read_bytes", lambda self: content)


def by_pycocotools(content):
    """Classes and outlines of each image, read by the reference implementation."""
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = content
        coco.createIndex()
    entries = {number: coco.loadAnns(coco.getAnnIds(number)) for number in coco.imgs}
    objects = {n: [(one["category_id"], bool(one.get("iscrowd"))) for one in all_] for n, all_ in entries.items()}
    outlines = {n: [coco.annToMask(one) > 0 for one in all_] for n, all_ in entries.items()}
    return objects, outlines


def by_us(path):
    read = read_annotations(path)
    objects = {n: [(item.category, item.crowd) for item in read.objects.get(n, [])] for n in read.images}
    return objects, {n: [read.outline(n, item) for item in read.objects.get(n, [])] for n in read.images}


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_coco_files_with_every_field_wrong_in_turn(monkeypatch):
    """About 1,400 files."""
    path = Path("instances_val2014.json")
    right = refused = 0
    for place, content in broken():
        holds(monkeypatch, json.dumps(content).encode())
        try:
            objects, outlines = by_us(path)
        except ValueError as error:
            message = str(error)
            assert str(path) in message
            assert re.search(r": (annotation|image|category) \d+ |: the file ", message), message
            if len(place) > 2 and place[0] == "annotations":  # by its number, or its place where the number is wrong
                named = rf": annotation ({21 + place[1]} |{place[1] + 1} in the order)"
                assert re.search(named, message) or place[-1] == "id", (place, message)
            refused += 1
            continue
        right += 1
        expected_objects, expected_outlines = by_pycocotools(content)
        assert objects == expected_objects, place
        for number, masks in outlines.items():
            for ours, theirs in zip(masks, expected_outlines[number], strict=True):
                assert np.array_equal(ours, theirs), place
    assert right > 200
    assert refused > 500


def test_run_lengths_as_text_are_pycocotools(tmp_path):
    random = np.random.default_rng(0)
    for _ in range(60):
        height, width = random.integers(1, 90, 2).tolist()
        mask = random.random((height, width)) < random.random()
        content = valid()
        content["images"][0] |= {"height": height, "width": width}
        content["annotations"] = [content["annotations"][0] | {"segmentation": segmentation("text", mask)}]
        path = tmp_path / "a.json"
        path.write_text(json.dumps(content))
        assert np.array_equal(by_us(path)[1][7][0], mask)


def test_boxes_alone_give_labels_but_no_masks(tmp_path):
    root = write_coco(tmp_path, val=scene_pictures(3, size=64, seed=3, start=201))
    path = root / "annotations" / "instances_val2014.json"
    content = json.loads(path.read_text())
    before = load_split("coco2014", "test", size=32, root=root, cache=tmp_path / "one").labels
    for one in content["annotations"]:
        del one["segmentation"], one["iscrowd"]
    path.write_text(json.dumps(content))
    assert (load_split("coco2014", "test", size=32, root=root, cache=tmp_path / "two").labels == before).all()
    with pytest.raises(ValueError, match=r"instances_val2014.json .*: annotation \d has no segmentation"):
        load_segmented("coco2014", size=32, root=root)


def test_a_photograph_of_another_size_than_its_annotation_is_refused(tmp_path):
    pictures = scene_pictures(1, size=64, seed=3, start=201)
    for load, root in (
        ("voc2007", write_voc(tmp_path / "voc", test=pictures)),
        ("coco2014", write_coco(tmp_path / "coco", val=pictures)),
    ):
        (photograph,) = root.rglob("*.jpg")
        Image.new("RGB", (60, 64)).save(photograph)
        with pytest.raises(ValueError, match=rf"{photograph.name} has 64 x 60 pixels, but its annotation, .* 64 x 64"):
            load_segmented(load, size=32, root=root)


# --- VOC ----------------------------------------------------------------------------------------------------------

TEXTS = ("", " ", "null", "0", "1", "-1", "2", "1.5", "yes", "true", "Cat", "cat", " dog ", "catt", "é", "person\n")


def voc_file(tmp_path):
    root = write_voc(tmp_path, test=[odd_pictures()["one difficult"]])
    (path,) = root.rglob("*.xml")
    return path


def broken_trees(text):
    """(what was changed, the tree): each element deleted, doubled, renamed, emptied, or with another text."""
    count = len(list(ElementTree.fromstring(text).iter()))
    for index in range(count):
        for change in ("deleted", "doubled", "renamed", "filled", *TEXTS):
            tree = ElementTree.fromstring(text)
            element = list(tree.iter())[index]
            parents = {child: parent for parent in tree.iter() for child in parent}
            if change in ("deleted", "doubled") and element is tree:
                continue
            if change == "deleted":
                parents[element].remove(element)
            elif change == "doubled":
                parents[element].append(copy.deepcopy(element))
            elif change == "renamed":
                element.tag = "other"
            elif change == "filled":
                ElementTree.SubElement(element, "inner").text = "cat"
            else:
                element.text = change
            yield (element.tag, change), tree


def test_voc_files_with_every_element_wrong_in_turn(tmp_path, monkeypatch):
    """About 600 files, compared with a reading by hand."""
    path = voc_file(tmp_path)
    text = path.read_text()
    right = refused = 0
    for place, tree in broken_trees(text):
        holds(monkeypatch, ElementTree.tostring(tree))
        entries = [
            [
                [(e.text or "").strip() if not len(e) else None for e in one.findall(name)]
                for name in ("name", "difficult")
            ]
            for one in tree.findall("object")
        ]
        expected = []
        for names, difficult in entries:
            known = len(names) == 1 and names[0] in VOC_CLASSES and difficult in ([], ["0"], ["1"])
            expected.append((VOC_CLASSES.index(names[0]), difficult == ["1"]) if known else None)
        if tree.tag != "annotation" or None in expected:
            with pytest.raises(ValueError, match="is not an annotation of VOC-2007") as caught:
                read_objects(path)
            assert str(path) in str(caught.value)
            if tree.tag == "annotation":
                assert f"object {expected.index(None) + 1} has" in str(caught.value), place
            refused += 1
        else:
            assert read_objects(path) == tuple(expected), place
            right += 1
    assert right > 200
    assert refused > 80


@pytest.mark.parametrize(
    "content",
    [b"", b"<a", b"\xff\xfe", b"<?xml version='1.0' encoding='klingon'?><a/>", b"<annotation>\0</annotation>"],
)
def test_what_is_no_xml_is_named(tmp_path, content):
    (tmp_path / "a.xml").write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.xml is not an annotation of VOC-2007: it is no XML"):
        read_objects(tmp_path / "a.xml")


NUMBERS = np.array([[0, 1, 2, 20], [255, 15, 0, 7]], np.uint8).repeat(8, 0).repeat(8, 1)


def in_palette():
    picture = Image.fromarray(NUMBERS)
    picture.putpalette(voc_palette())
    return picture


def renumbered():
    """The same colours in another order of the palette, as programs that shrink PNG files leave them."""
    used, places_ = np.unique(NUMBERS, return_inverse=True)
    picture = Image.fromarray((len(used) - 1 - places_.reshape(NUMBERS.shape)).astype(np.uint8))
    picture.putpalette(voc_colours()[used[::-1]].flatten().tolist())
    return picture


SAME = {
    "palette": in_palette,
    "renumbered palette": renumbered,
    "RGB": lambda: in_palette().convert("RGB"),
    "RGBA": lambda: in_palette().convert("RGBA"),
    "grey numbers": lambda: Image.fromarray(NUMBERS),
}


def test_the_palette_is_vocs():
    assert voc_colours().flatten().tolist() == voc_palette()


@pytest.mark.parametrize("kind", SAME)
def test_masks_saved_in_any_way_are_read_alike(tmp_path, kind):
    SAME[kind]().save(tmp_path / "a.png")
    assert np.array_equal(read_numbers(tmp_path / "a.png", 20), NUMBERS)


def as_jpeg():
    stream = io.BytesIO()
    in_palette().convert("RGB").save(stream, "JPEG")
    return Image.open(stream)


OTHER = {
    "blurred by JPEG": (as_jpeg, "the colour"),
    "grey of the colours": (lambda: in_palette().convert("L"), "the number"),
    "black and white": (lambda: Image.fromarray((NUMBERS > 0).astype(np.uint8) * 255), "0 and 255 only"),
    "one bit": (lambda: Image.fromarray(NUMBERS > 0), "mode 1"),
    "sixteen bits": (lambda: Image.fromarray(NUMBERS.astype(np.uint16)), "mode I;16"),
    "grey and alpha": (lambda: Image.fromarray(NUMBERS).convert("LA"), "mode LA"),
    "other colours": (lambda: Image.new("RGB", (4, 4), (1, 2, 3)), r"the colour \(1, 2, 3\)"),
    "other palette": (lambda: Image.new("RGB", (4, 4), (1, 2, 3)).quantize(4), r"the colour \(1, 2, 3\)"),
    "a class too many": (lambda: Image.fromarray(np.full((4, 4), 21, np.uint8)), "the number 21; expected 0 to 20"),
}


@pytest.mark.parametrize("kind", OTHER)
def test_masks_of_other_meaning_are_refused_by_name(tmp_path, kind):
    make, said = OTHER[kind]
    make().save(tmp_path / "a.png")
    with pytest.raises(ValueError, match=rf"a\.png is not an annotation of VOC-2007: it .*{said}"):
        read_numbers(tmp_path / "a.png", 20)


@pytest.mark.parametrize("variant", ["corrected", "published"])
def test_truth_from_colours_is_that_from_the_palette(tmp_path, variant):
    pictures = [odd_pictures()["one difficult"], *scene_pictures(2, size=64, seed=3, start=201)]
    root = write_voc(tmp_path, test=pictures)
    before = load_segmented("voc2007", size=32, root=root, variant=variant)
    for path in root.rglob("Segmentation*/*.png"):
        Image.open(path).convert("RGB").save(path)
    after = load_segmented("voc2007", size=32, root=root, variant=variant)
    assert (before.objects == after.objects).all()
    assert (before.counted == after.counted).all()


def test_a_segmentation_that_the_main_list_lacks_is_named(tmp_path):
    root = write_voc(tmp_path, test=scene_pictures(2, size=64, seed=3, start=201))
    (root / "VOCdevkit/VOC2007/ImageSets/Main/test.txt").write_text("000201\n")
    with pytest.raises(ValueError, match=r"lists 000202, but ImageSets/Main/test\.txt does not"):
        load_segmented("voc2007", size=32, root=root)
