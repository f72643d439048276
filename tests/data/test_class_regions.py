"""The mapping from VOC's and COCO's classes to ImageNet's, and the regions of photographs, restated slowly."""

from __future__ import annotations

import csv
import json
import os

import numpy as np
import pytest
import torch
from PIL import Image

from helpers.core.files import data_file
from helpers.data.class_regions import SMALLEST_SHARE, ClassRegions, box_region, load_class_regions
from helpers.data.imagenet import imagenet_class_names
from helpers.data.imagenet_descendants import DESCENDANTS, POORLY_COVERED, descendants
from helpers.data.multilabel.voc_annotations import VOC_CLASSES, as_palette

SIZE = 40
with_data = pytest.mark.skipif(not os.environ.get("XAIBOOK_DATA"), reason="needs the ImageNet ids of XAIBOOK_DATA")


class TestMapping:
    def test_no_class_of_imagenet_is_a_kind_of_two(self):
        every = [index for indices in DESCENDANTS.values() for index in indices]
        assert len(every) == len(set(every))
        assert all(0 <= index < 1000 for index in every)
        assert all(list(indices) == sorted(indices) for indices in DESCENDANTS.values())

    def test_names_speak_for_their_class(self):
        """Where a name of ImageNet contains that of the class, it is a kind of it, or a thing that only sounds so."""
        names = imagenet_class_names()
        only_sound_so = {
            *("tiger beetle", "bison", "dogsled", "hot pot", "car mirror", "car wheel", "passenger car", "freight car"),
            *("mousetrap", "bottlecap", "horizontal bar", "bearskin", "bear"),
        }
        for word in ("dog", "cat", "elephant", "zebra", "umbrella", "laptop", "backpack", "banana", "bottle", "clock"):
            kinds = {names[index] for index in descendants(word)}
            found = {name for name in names if word in name.lower().split() or word in name.lower().split("-")}
            lacking = found - kinds - only_sound_so
            assert lacking <= {"African hunting dog", "Madagascar cat", "native bear", "polecat", "black-footed ferret"}

    def test_118_dogs_59_birds_and_few_farm_animals(self):
        """Counts that are well known: Khosla et al. (2011) list 120 breeds, two of which ImageNet-1k left out."""
        assert {name: len(descendants(name)) for name in ("dog", "bird", "cat")} == {"dog": 118, "bird": 59, "cat": 5}
        names = imagenet_class_names()
        assert [names[index] for index in descendants("horse")] == ["sorrel"]
        assert [names[index] for index in descendants("cow")] == ["ox"]
        assert [names[index] for index in descendants("sheep")] == ["ram", "bighorn"]
        assert all(len(descendants(name)) <= 2 for name in POORLY_COVERED)
        assert descendants("giraffe") == descendants("person") == ()

    @with_data
    def test_indices_belong_to_the_wordnet_ids_of_the_data_folder(self):
        """Dogs are one span of WordNet ids, n02085620 to n02113978; index and id run in the same order."""
        with data_file("imagenet-samples/labels.csv").open(newline="") as stream:
            ids = {int(row["class_index"]): row["wnid"] for row in csv.DictReader(stream)}
        assert len(ids) == 1000
        assert [ids[index] for index in range(1000)] == sorted(ids.values())
        assert (ids[descendants("dog")[0]], ids[descendants("dog")[-1]]) == ("n02085620", "n02113978")
        single = {"horse": "n02389026", "cow": "n02403003", "zebra": "n02391049", "broccoli": "n07714990"}
        assert {name: ids[descendants(name)[0]] for name in single} == single
        assert [ids[index] for index in descendants("sheep")] == ["n02412080", "n02415577"]
        birds = [ids[index] for index in descendants("bird")]
        assert all("n01514668" <= wnid <= "n02058221" for wnid in birds)

    @with_data
    def test_names_of_files_agree(self):
        """The names in the data folder's files, which come from another list, are those of torchvision."""
        names = imagenet_class_names()
        with data_file("imagenet-samples/labels.csv").open(newline="") as stream:
            files = {int(row["class_index"]): row["file"] for row in csv.DictReader(stream)}
        for name in ("dog", "cat", "bird", "bear", "bottle", "car"):
            for index in descendants(name):
                first = names[index].lower().replace("-", " ").split()[0].strip("'")
                assert first in files[index].lower().replace("_", " ").replace("-", " "), (name, index)


class TestBoxes:
    def test_pixels_whose_centre_lies_in_a_box(self):
        boxes, shape = [(3, 5, 9, 11), (20, 0, 24, 3)], (30, 50)
        region = box_region(boxes, shape, SIZE)
        for row in range(SIZE):
            for column in range(SIZE):
                y, x = (row + 0.5) * 30 / SIZE, (column + 0.5) * 50 / SIZE
                inside = any(left <= x < right + 1 and top <= y < bottom + 1 for left, top, right, bottom in boxes)
                assert bool(region[row, column]) == inside

    def test_the_whole_photograph(self):
        assert bool(box_region([(0, 0, 49, 29)], (30, 50), SIZE).all())


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A data folder with one photograph of each source: a cow before void, two bicycles and a crowd, a boxed fish."""
    rng = np.random.default_rng(0)

    def picture(path, mode="RGB"):
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 255, (20, 40, 3), dtype=np.uint8)).save(path)

    voc = tmp_path / "voc-animals"
    numbers = np.zeros((20, 40), np.uint8)
    numbers[5:15, 10:30] = VOC_CLASSES.index("cow") + 1
    numbers[4, 10:30] = 255
    numbers[0, 0] = VOC_CLASSES.index("dog") + 1  # one pixel: too small for a row
    for name in (f"p{index:03d}" for index in range(20)):  # classes of fewer test photographs do not count
        picture(voc / f"JPEGImages/{name}.jpg")
        (voc / "SegmentationClass").mkdir(exist_ok=True)
        as_palette(numbers).save(voc / f"SegmentationClass/{name}.png")
    (voc / "ImageSets").mkdir()
    (voc / "ImageSets/test2007.txt").write_text("".join(f"p{index:03d}\n" for index in range(20)))
    for empty in ("test2012", "train", "val"):
        (voc / f"ImageSets/{empty}.txt").write_text("")
    shown = ",".join("1" if name in ("cow", "dog", "cat", "horse", "sheep") else "0" for name in VOC_CLASSES)
    rows = "".join(f"p{index:03d},test2007,VOC,40,20,{shown}\n" for index in range(20))
    (voc / "labels.csv").write_text(f"id,split,masks,width,height,{','.join(VOC_CLASSES)}\n{rows}")

    square = [[2, 2, 12, 2, 12, 12, 2, 12]]
    crowd = {"counts": [0, 20 * 10, 20 * 30], "size": [20, 40]}
    objects = [(1, square, 0), (1, crowd, 1), (2, square, 0)]
    for split in ("train", "val"):
        coco = {
            "images": [{"id": 1, "file_name": f"{split}.jpg", "height": 20, "width": 40}],
            "categories": [{"id": 1, "name": "bicycle"}, {"id": 2, "name": "giraffe"}],
            "annotations": [
                {"id": i, "image_id": 1, "category_id": kind, "segmentation": outline, "iscrowd": is_crowd}
                for i, (kind, outline, is_crowd) in enumerate(objects, 1)
            ],
        }
        path = tmp_path / f"coco-tiny/annotations/instances_{split}2017.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(coco))
        picture(tmp_path / f"coco-tiny/{split}2017/{split}.jpg")

    picture(tmp_path / "imagenet-val/full/fish.JPEG")
    lines = "full/fish.JPEG,1,n01443537,40,20,10 5 29 14\nfull/none.JPEG,2,n0,40,20,\n"
    (tmp_path / "imagenet-val/labels.csv").write_text(
        f"file,class_index,wnid,width,height,boxes_xmin_ymin_xmax_ymax\n{lines}"
    )
    monkeypatch.setenv("XAIBOOK_DATA", str(tmp_path))
    return tmp_path


class TestSources:
    def test_a_cow_without_its_void_border(self, folder):
        found = load_class_regions("voc-animals", size=SIZE)
        assert set(found.classes) == {"cow"}, "the other animals cover less than a hundredth"
        assert len(found) == 20
        assert found.kinds[0] == descendants("cow")
        assert found.regions[0].sum() == 20 * 20, "10 × 20 pixels, twice as high when stretched"
        assert (~found.counted[0]).sum() == 2 * 20

    def test_a_bicycle_beside_its_crowd(self, folder):
        found = load_class_regions("coco-tiny", size=SIZE)
        assert found.names == ("train", "val")
        assert set(found.classes) == {"bicycle"}, "no class of ImageNet is a giraffe"
        assert bool((found.regions & ~found.counted).sum() == 0), "what a single object covers counts"
        crowd_only = torch.zeros(SIZE, SIZE, dtype=torch.bool)
        crowd_only[:, :10] = True  # the crowd's first ten columns of 40
        assert torch.equal(~found.counted[0], crowd_only & ~found.regions[0])

    def test_a_box_is_a_region(self, folder):
        found = load_class_regions("imagenet-val", size=SIZE)
        assert found.names == ("fish",)
        assert found.classes == ("goldfish",)
        assert found.kinds == ((1,),)
        assert found.regions[0].sum() == 20 * 20

    def test_a_missing_file_is_named(self, folder):
        (folder / "coco-tiny/annotations/instances_val2017.json").unlink()
        with pytest.raises(FileNotFoundError, match="instances_val2017"):
            load_class_regions("coco-tiny", size=SIZE)


class TestOrder:
    def regions(self, names):
        count = len(names)
        inside, counted = torch.zeros(2, count, 4, 4, dtype=torch.bool)
        pixels = torch.arange(count, dtype=torch.uint8)[:, None, None, None].expand(-1, 3, 4, 4)
        return ClassRegions(tuple(names), ("cat",) * count, ((1,),) * count, pixels, inside, counted)

    def test_a_smaller_count_is_the_beginning_of_a_larger_one(self):
        regions = self.regions(["a", "b", "b", "c", "d", "a"])
        for seed in range(3):
            whole = regions.photographs(None, seed)
            assert sorted(whole.names) == ["a", "a", "b", "b", "c", "d"]
            for count in range(1, 5):
                some = regions.photographs(count, seed)
                assert len(set(some.names)) == count
                assert some.names == whole.names[: len(some)]

    def test_all_classes_of_a_photograph_stay_together(self):
        assert self.regions(["a", "b", "a"]).photographs(2, 0).pixels[:, 0, 0, 0].sort().values.tolist() == [0, 1, 2]

    def test_a_photograph_has_the_class_of_its_largest_region(self):
        regions = self.regions(["a", "b", "a", "c"])
        regions.regions[2, :2], regions.counted[2] = True, True
        regions.regions[0, :3], regions.counted[0, 0] = True, True  # the larger one, but for void pixels
        largest = regions.largest()
        assert largest.names == ("a", "b", "c")
        assert largest.pixels[:, 0, 0, 0].tolist() == [2, 1, 3]
        assert largest.image_set().labels.tolist() == [-1, -1, -1]


def test_the_smallest_region_is_that_of_its_docstring():
    side = (SMALLEST_SHARE * 224**2) ** 0.5
    assert side == pytest.approx(22, abs=0.5)
