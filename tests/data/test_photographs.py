"""Sets of images: the gallery, ImageNet samples (a made-up data folder, and the real one), folders, scenes."""

import hashlib
from pathlib import PurePosixPath

import pytest
import torch
from PIL import Image

from helpers.core.files import DATA_VARIABLE, data_file, data_folder, file_digest
from helpers.data.decoding import SUFFIXES
from helpers.data.imagenet import imagenet_class_names
from helpers.data.images import image_digest, load_image
from helpers.data.photographs import (
    GALLERY,
    GALLERY_NAMES,
    ImageSet,
    folder_images,
    gallery_images,
    imagenet_samples,
    imagenet_validation,
    scene_images,
)
from helpers.data.scenes import make_scenes


def write_picture(path, level, size=(40, 30)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", size, level).save(path)
    return path


@pytest.fixture
def data(tmp_path):
    """A data folder of twelve tiny pictures, whose grey level tells them apart."""
    rows = ["file,class_index,wnid"]
    for number in range(12):
        file = f"{'study' if number % 2 else 'rest'}/n{number:08d}_thing.png"
        write_picture(tmp_path / "imagenet-samples" / file, number * 20)
        rows.append(f"{file},{number * 10},n{number:08d}")
    (tmp_path / "imagenet-samples" / "labels.csv").write_text("\n".join(rows) + "\n")
    return tmp_path


# Data files


def test_the_data_folder_comes_from_the_argument_or_the_environment(tmp_path, monkeypatch):
    monkeypatch.delenv(DATA_VARIABLE, raising=False)
    with pytest.raises(ValueError, match="XAIBOOK_DATA is not set; set it to the folder"):
        data_folder()
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path))
    assert data_folder() == tmp_path
    assert data_folder(tmp_path.parent) == tmp_path.parent
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path / "gone"))
    with pytest.raises(FileNotFoundError, match=r"XAIBOOK_DATA names .*gone"):
        data_folder()


def test_a_missing_file_is_named_with_its_place(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"models/a\.bin is missing .* put it at .*models/a\.bin"):
        data_file("models/a.bin", tmp_path)


def test_file_digest_is_sha256(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"x" * 3_000_000)
    assert file_digest(path) == hashlib.sha256(b"x" * 3_000_000).hexdigest()


def test_imagenet_has_a_thousand_names_in_torchvisions_order():
    names = imagenet_class_names()
    assert len(names) == 1000
    assert (names[0], names[281], names[967]) == ("tench", "tabby", "espresso")


# The gallery


def test_gallery_photographs_are_in_the_wheel_and_carry_their_credit():
    photographs = gallery_images(64, names=tuple(GALLERY))
    assert photographs.names == tuple(GALLERY)
    assert photographs.images.shape == (len(GALLERY), 3, 64, 64)
    assert (photographs.labels == -1).all()
    assert all(photograph.credit in photographs.licence for photograph in GALLERY.values())
    assert photographs.images.std(dim=(1, 2, 3)).min() > 0.05


def test_gallery_digests_are_those_of_scikit_images_registry():
    from skimage.data._registry import registry

    photographs = gallery_images(32)
    expected = tuple(registry[f"data/{GALLERY[name].file}"] for name in GALLERY_NAMES)
    assert photographs.digests == expected


def test_an_unknown_gallery_photograph_is_refused():
    with pytest.raises(ValueError, match=r"no gallery photograph 'dog'; there are chelsea"):
        gallery_images(names=("dog",))


# ImageNet samples


def test_samples_come_in_the_files_order_with_their_labels(data):
    samples = imagenet_samples(data, size=16)
    assert samples.names == tuple(f"n{number:08d}_thing" for number in (1, 3, 5, 7, 9, 11))
    assert samples.labels.tolist() == [10, 30, 50, 70, 90, 110]
    torch.testing.assert_close(samples.images.mean(dim=(1, 2, 3)), samples.labels * 2 / 255.0)
    path = data / "imagenet-samples" / "study" / "n00000001_thing.png"
    assert samples.digests[0] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert "research" in samples.licence
    assert imagenet_samples(data, subset="rest", size=16).labels.tolist() == [0, 20, 40, 60, 80, 100]


def test_the_environment_names_the_folder(data, monkeypatch):
    monkeypatch.setenv(DATA_VARIABLE, str(data))
    assert len(imagenet_samples(size=16)) == 6


def test_a_larger_count_begins_with_a_smaller_one(data):
    for seed in (None, 3):
        whole = imagenet_samples(data, size=16, seed=seed)
        part = imagenet_samples(data, size=16, count=4, seed=seed)
        assert part.names == whole.names[:4]
        assert torch.equal(part.images, whole.images[:4])
    shuffled = imagenet_samples(data, size=16, seed=3)
    assert shuffled.names != imagenet_samples(data, size=16).names
    torch.testing.assert_close(shuffled.images.mean(dim=(1, 2, 3)), shuffled.labels * 2 / 255.0)


def test_an_image_that_is_in_both_folders_of_the_validation_set_counts_twice(tmp_path):
    rows = ["file,class_index,wnid,width,height,boxes_xmin_ymin_xmax_ymax"]
    for folder, level in (("full", 40), ("squares", 80)):
        write_picture(tmp_path / "imagenet-val" / folder / "val_1.png", level)
        rows.append(f"{folder}/val_1.png,{level},n1,40,30,")
    (tmp_path / "imagenet-val" / "labels.csv").write_text("\n".join(rows) + "\n")
    images = imagenet_validation(tmp_path, size=16)
    assert images.names == ("full-val_1", "squares-val_1")
    assert images.labels.tolist() == [40, 80]
    torch.testing.assert_close(images.images.mean(dim=(1, 2, 3)), images.labels / 255.0)


def test_wrong_requests_for_samples(data):
    with pytest.raises(ValueError, match="count=7: subset 'study' has 6 images"):
        imagenet_samples(data, count=7)
    with pytest.raises(ValueError, match=r"no subset 'train' .* rest, study"):
        imagenet_samples(data, subset="train")
    (data / "imagenet-samples" / "study" / "n00000003_thing.png").unlink()
    with pytest.raises(FileNotFoundError, match=r"study/n00000003_thing\.png is missing"):
        imagenet_samples(data)
    (data / "imagenet-samples" / "labels.csv").write_text("file,label\nstudy/a.png,3\n")
    with pytest.raises(ValueError, match="columns file,class_index,wnid"):
        imagenet_samples(data)


def test_the_real_samples(real_data):
    samples = imagenet_samples(real_data, size=32)
    assert len(samples) == 100
    assert len(set(samples.labels.tolist())) == 100
    names = imagenet_class_names()
    matches = [
        name.split("_", 1)[1].replace("_", " ").lower() == names[label].lower()
        for name, label in zip(samples.names, samples.labels.tolist(), strict=True)
    ]
    assert sum(matches) > 90  # a few are spelt differently
    assert len(imagenet_samples(real_data, subset="rest", size=32, count=5)) == 5


# A reader's folder


def test_a_folder_in_the_order_of_its_names(tmp_path):
    for name, level in {"b.PNG": 20, "a.jpg": 10, "c.png": 30, "a.png": 40}.items():
        write_picture(tmp_path / name, level)
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / ".hidden.png").write_text("no picture")
    (tmp_path / "inner.png").mkdir()
    photographs = folder_images(tmp_path, 16)
    assert photographs.names == ("a.jpg", "a.png", "b", "c")
    assert photographs.labels.tolist() == [-1] * 4
    assert torch.equal(photographs.images[2], load_image(tmp_path / "b.PNG", 16, "crop"))
    assert folder_images(tmp_path, 16, count=2).names == ("a.jpg", "a.png")


@pytest.mark.parametrize(
    "files",
    [
        ["cat.png", "cat.jpg"],
        ["cat.png", "cat.png.jpg", "cat.jpg"],
        ["cat.png", "Cat.PNG", "CAT.jpg"],
        ["a.b.png", "a.b.jpg", "a.png", "a.jfif"],
        ["a.png.png", "a.png", "a"],
        *([f"a{suffix}", f"b{suffix.upper()}"] for suffix in SUFFIXES if suffix not in (".pfm", ".avifs")),
    ],
    ids=str,
)
def test_no_file_is_lost_whatever_its_name(tmp_path, files):
    for number, name in enumerate(files):
        path = write_picture(tmp_path / "drawn.png", 10 * number)
        path.rename(tmp_path / name)
    photographs = folder_images(tmp_path, 16)
    assert len(photographs) == len(files)
    levels = (photographs.images.mean((1, 2, 3)) * 25.5).round().int().tolist()
    assert levels == [files.index(name) for name in sorted(files)]
    for name, file in zip(photographs.names, sorted(files), strict=True):
        assert name in (file, str(PurePosixPath(file).with_suffix("")))
    assert folder_images(tmp_path, 16, count=1).names == photographs.names[:1]


def test_what_looks_like_a_picture_and_is_none_is_named(tmp_path):
    write_picture(tmp_path / "a.png", 10)
    for name in ("b.heic", "c.nef", "d.svg", "labels.csv", "notes.txt", "e.json"):
        (tmp_path / name).write_text("no picture")
    with pytest.warns(UserWarning, match=r"left out b\.heic, c\.nef, d\.svg, which") as caught:
        assert folder_images(tmp_path, 16).names == ("a",)
    assert len(caught) == 1


def test_a_broken_link_is_not_passed_over(tmp_path):
    write_picture(tmp_path / "a.png", 10)
    (tmp_path / "b.png").symlink_to(tmp_path / "gone.png")
    with pytest.raises(FileNotFoundError, match=r"b\.png"):
        folder_images(tmp_path, 16)


def test_folders_of_classes_are_named(tmp_path):
    write_picture(tmp_path / "cats" / "a.png", 10)
    with pytest.raises(ValueError, match="subfolders are not searched: name one of cats"):
        folder_images(tmp_path, 16)


def test_samples_of_one_name_in_several_folders_stay_apart(data):
    folder = data / "imagenet-samples"
    rows = ["file,class_index,wnid"]
    for number, file in enumerate(("study/a.png", "study/a.jpg", "study/in/a.png", "rest/a.png")):
        write_picture(folder / file, number * 10)
        rows.append(f"{file},{number},n{number:08d}")
    (folder / "labels.csv").write_text("\n".join(rows) + "\n")
    samples = imagenet_samples(data, size=16)
    assert samples.names == ("a.png", "a.jpg", "in-a")
    assert samples.labels.tolist() == [0, 1, 2]
    (folder / "labels.csv").write_text("\n".join([*rows, rows[1]]) + "\n")
    with pytest.raises(ValueError, match=r"lists study/a\.png more than once"):
        imagenet_samples(data, size=16)


def test_folders_without_photographs(tmp_path):
    with pytest.raises(ValueError, match="no photographs in"):
        folder_images(tmp_path)
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        folder_images(tmp_path / "gone")
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8 not really")
    with pytest.raises(ValueError, match=r"broken\.jpg"):
        folder_images(tmp_path)


# Scenes


def test_scenes_as_a_set():
    scenes = scene_images(3, size=32, seed=5, objects=(1, 2))
    drawn = make_scenes(3, size=32, seed=5, objects=(1, 2))
    assert torch.equal(scenes.images, drawn.images)
    assert torch.equal(scenes.labels, drawn.label)
    assert scenes.digests == tuple(image_digest(image) for image in drawn.images)


def test_a_scene_keeps_its_name_in_any_shard():
    whole, part = scene_images(4, size=32, seed=1), scene_images(2, size=32, seed=1, start=2)
    assert part.names == whole.names[2:]
    assert part.digests == whole.digests[2:]


# The set itself


@pytest.fixture
def pair():
    return ImageSet(("x", "y"), torch.arange(96).reshape(2, 3, 4, 4) / 96, torch.tensor([3, 4]), ("d", "e"), "free")


def test_slices_and_selections(pair):
    assert len(pair) == 2
    assert pair[1:].names == ("y",)
    chosen = pair.select("y", "x")
    assert chosen.labels.tolist() == [4, 3]
    assert chosen.digests == ("e", "d")
    assert torch.equal(chosen.images, pair.images.flip(0))
    with pytest.raises(ValueError, match="no image 'z'; there are x, y"):
        pair.select("z")


def test_parts_that_do_not_belong_together(pair):
    with pytest.raises(ValueError, match="all different"):
        ImageSet(("x", "x"), pair.images, pair.labels, pair.digests, "free")
    with pytest.raises(ValueError, match="1 names, 2 images"):
        ImageSet(("x",), pair.images, pair.labels, pair.digests, "free")
