"""Small images with one label: what is on disk arrives unchanged, splits are fair and apart, damage is named."""

from __future__ import annotations

import hashlib
import pickle

import cv2
import numpy as np
import pandas as pd
import pytest
import torch
from miniature_cifar import pictures, write_cifar10, write_lossless, write_parquet, write_png
from torchvision.datasets import CIFAR10

from helpers.data.labelled import CIFAR10_CLASSES, LOSSY, LabelledImages, load_labelled
from helpers.data.labelled.cifar import cifar10_parquet
from helpers.data.labelled.loading import require_labelled
from helpers.data.scenes import SCENE_CLASSES, make_scenes


def some_images(count=40, classes=4, seed=0):
    generator = torch.Generator().manual_seed(seed)
    pixels = torch.randint(0, 256, (count, 3, 4, 4), generator=generator, dtype=torch.uint8)
    return LabelledImages(pixels, torch.arange(count) % classes, tuple("abcd"[:classes]), "test")


def fingerprints(images):
    """Each image's bytes."""
    return {row.numpy().tobytes() for row in images.pixels}


def channels_first(pixels):
    return torch.from_numpy(pixels.transpose(0, 3, 1, 2).copy())


# --- CIFAR-10 as published ----------------------------------------------------------------------------------------


@pytest.fixture
def cifar(tmp_path, monkeypatch):
    """A folder that holds a small `cifar-10-batches-py`."""
    monkeypatch.delenv("XAIBOOK_DATA", raising=False)
    return write_cifar10(tmp_path / "somewhere", monkeypatch)


def test_the_test_images_are_those_on_disk_in_their_order(cifar):
    test = load_labelled("cifar10", "test", root=cifar)
    pixels, labels = pictures(40, 9000)
    assert torch.equal(test.pixels, channels_first(pixels))
    assert test.labels.tolist() == labels
    assert test.class_names == CIFAR10_CLASSES
    assert test.source == "CIFAR-10"
    meta = pickle.loads((cifar / CIFAR10.base_folder / "batches.meta").read_bytes())
    assert list(test.class_names) == meta["label_names"]


def test_train_and_validation_are_the_training_files_divided(cifar):
    train, validation = (load_labelled("cifar10", split, root=cifar) for split in ("train", "validation"))
    assert (len(train), len(validation)) == (170, 30)  # 15 % of 200
    parts = [pictures(40, 1000 * number) for number in range(1, 6)]
    whole = torch.cat([channels_first(pixels) for pixels, _ in parts])
    together = fingerprints(train) | fingerprints(validation)
    assert together == {row.numpy().tobytes() for row in whole}
    assert not fingerprints(train) & fingerprints(validation)
    for part in (train, validation):
        assert len(set(torch.bincount(part.labels).tolist())) == 1  # ten classes of 20 images: equal shares


def test_cifar_10_is_found_in_the_data_folder_whichever_that_is_now(cifar, tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    monkeypatch.setenv("XAIBOOK_DATA", str(tmp_path / "data"))
    with pytest.raises(FileNotFoundError, match="missing or incomplete"):
        load_labelled("cifar10", "test")
    (tmp_path / "data" / "cifar10").symlink_to(cifar)
    assert torch.equal(load_labelled("cifar10", "test").pixels, load_labelled("cifar10", "test", root=cifar).pixels)
    write_parquet(tmp_path / "one", test=40)
    write_parquet(tmp_path / "two", test=10)
    lengths = []
    for name in ("one", "two", "one"):
        monkeypatch.setenv("XAIBOOK_DATA", str(tmp_path / name))
        lengths.append(len(load_labelled("cifar10-lossy", "test")))
    assert lengths == [40, 10, 40]


@pytest.mark.parametrize("harm", ["missing", "cut", "changed"])
@pytest.mark.parametrize("name", ["data_batch_3", "test_batch", "batches.meta"])
def test_a_file_that_is_missing_or_damaged_is_never_unpickled(cifar, name, harm):
    path = cifar / CIFAR10.base_folder / name
    content = path.read_bytes()
    changed = content[:-20] + bytes([content[-20] ^ 1]) + content[-19:]
    path.unlink() if harm == "missing" else path.write_bytes(content[:-9] if harm == "cut" else changed)
    with pytest.raises(FileNotFoundError, match=r"fetch https://\S+cifar-10-python\.tar\.gz \(163 MB\).*tar -xf") as e:
        load_labelled("cifar10", "train", root=cifar)
    assert str(cifar) in str(e.value)


def test_without_a_data_folder_the_message_says_what_to_fetch(monkeypatch):
    monkeypatch.delenv("XAIBOOK_DATA", raising=False)
    with pytest.raises(FileNotFoundError, match=r"XAIBOOK_DATA is not set.*fetch https.*into \$XAIBOOK_DATA/cifar10"):
        load_labelled("cifar10", "test")
    with pytest.raises(ValueError, match="XAIBOOK_DATA is not set"):
        load_labelled("cifar10-lossy", "test")


# --- the Parquet edition ------------------------------------------------------------------------------------------


@pytest.fixture
def parquet(tmp_path):
    return write_parquet(tmp_path / "data")


def test_the_parquet_edition_gives_its_pictures_and_says_that_it_is_lossy(parquet):
    test = load_labelled("cifar10-lossy", "test", root=parquet)
    pixels, labels = pictures(40, 9000)
    assert torch.equal(test.pixels, channels_first(pixels))  # these are PNG files
    assert test.labels.tolist() == labels
    assert test.source == LOSSY
    assert "lossy" in LOSSY


def test_jpeg_pictures_arrive_nearly_as_they_were(tmp_path):
    write_parquet(tmp_path, suffix="JPEG")
    test = load_labelled("cifar10-lossy", "test", root=tmp_path)
    difference = (test.pixels.float() - channels_first(pictures(40, 9000)[0]).float()).abs()
    assert 0 < difference.mean() < 25


def damage(path, harm):
    table = pd.read_parquet(path)
    if harm == "no column":
        table = table.rename(columns={"img": "image"})
    elif harm == "no picture":
        table.at[3, "img"] = {"bytes": b"this is no picture", "path": None}
    elif harm == "no bytes":
        table["img"] = [{"path": "elsewhere.png"}] * len(table)
    elif harm == "numbers":
        table["img"] = range(len(table))
    table.to_parquet(path)
    if harm == "cut":
        path.write_bytes(path.read_bytes()[:-100])
    if harm == "no table":
        path.write_bytes(b"hello")


@pytest.mark.parametrize("harm", ["no column", "no picture", "no bytes", "numbers", "cut", "no table"])
def test_a_table_that_is_not_as_expected_is_named(parquet, harm):
    damage(parquet / "cifar10" / "test.parquet", harm)
    with pytest.raises(ValueError, match=r"(?s)test\.parquet is not CIFAR-10's Parquet edition.*columns img .* label"):
        load_labelled("cifar10-lossy", "test", root=parquet)


def test_a_missing_table_is_named_with_its_place(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"cifar10/train\.parquet is missing.*put it at"):
        load_labelled("cifar10-lossy", "train", root=tmp_path)


def test_the_real_parquet_edition(real_data):
    if not (real_data / "cifar10" / "test.parquet").is_file():
        pytest.skip("XAIBOOK_DATA has no cifar10/")
    test = load_labelled("cifar10-lossy", "test")
    assert test.pixels.shape == (10_000, 3, 32, 32)
    assert torch.bincount(test.labels).tolist() == [1000] * 10
    mean = test.floats().mean((0, 2, 3))
    torch.testing.assert_close(mean, torch.tensor([0.4914, 0.4822, 0.4465]), atol=0.01, rtol=0)  # the recipe's


# --- CIFAR-10 without loss, in Parquet and in PNG files -----------------------------------------------------------


def test_the_lossless_edition_gives_the_very_pixels_in_their_order(tmp_path):
    test = load_labelled("cifar10-lossless", "test", root=write_lossless(tmp_path))
    pixels, labels = pictures(40, 9000)
    assert torch.equal(test.pixels, channels_first(pixels))
    assert test.labels.tolist() == labels
    assert test.source == "CIFAR-10"
    training = [load_labelled("cifar10-lossless", split, root=tmp_path) for split in ("train", "validation")]
    assert [len(part) for part in training] == [170, 30]


def test_png_files_come_in_the_order_of_their_paths_digests_with_the_class_of_their_folder(tmp_path):
    places = write_png(tmp_path, {"train": 100, "test": 40})
    (tmp_path / "cifar10-png/test/README.png").write_bytes(b"not in a class")
    (tmp_path / "cifar10-png/test/zebra").mkdir()
    (tmp_path / "cifar10-png/test/zebra/one.png").write_bytes(b"no class of CIFAR-10")
    test = load_labelled("cifar10-png", "test", root=tmp_path)
    names = [name for name in places if name.startswith("test/")]
    names.sort(key=lambda name: hashlib.sha256(name.encode()).hexdigest())
    assert torch.equal(test.pixels, channels_first(np.stack([places[name] for name in names])))
    assert [CIFAR10_CLASSES[label] for label in test.labels] == [name.split("/")[1] for name in names]
    assert len(set(test.labels[:10].tolist())) > 4, "the first pictures are of one class or a few"
    training = [load_labelled("cifar10-png", split, root=tmp_path) for split in ("train", "validation")]
    assert fingerprints(training[0]) | fingerprints(training[1]) == fingerprints_of(places, "train/")


def fingerprints_of(places, start):
    return {each.transpose(2, 0, 1).copy().tobytes() for name, each in places.items() if name.startswith(start)}


def test_a_class_without_png_files_is_named_with_the_repository_that_has_them(tmp_path):
    write_png(tmp_path, {"train": 9})  # no truck
    message = r"cifar10-png/train has no PNG files of truck; .*git clone --depth 1 https://\S+ \S+cifar10-png"
    for ask in (load_labelled, require_labelled):
        with pytest.raises(FileNotFoundError, match=message):
            ask("cifar10-png", "validation", root=tmp_path)


def test_a_damaged_png_file_is_named(tmp_path):
    places = write_png(tmp_path, {"test": 40})
    path = tmp_path / "cifar10-png" / next(iter(places))
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(ValueError, match=rf"{path.name} is not an undamaged PNG file.*fetch it again"):
        load_labelled("cifar10-png", "test", root=tmp_path)


@pytest.mark.parametrize("source", ["cifar10-lossless", "cifar10-lossy"])
def test_a_missing_parquet_file_is_found_missing_before_anything_runs(tmp_path, source):
    with pytest.raises(FileNotFoundError, match=r"test\.parquet is missing.*put it at"):
        require_labelled(source, "test", tmp_path)
    (write_lossless if source == "cifar10-lossless" else write_parquet)(tmp_path)
    for split in ("train", "validation", "test"):
        require_labelled(source, split, tmp_path)


def test_the_real_lossless_edition(real_data):
    folder = real_data / "cifar10-lossless"
    if not (folder / "test.parquet").is_file():
        pytest.skip("XAIBOOK_DATA has no cifar10-lossless/")
    test = load_labelled("cifar10-lossless", "test")
    assert test.pixels.shape == (10_000, 3, 32, 32)
    assert torch.bincount(test.labels).tolist() == [1000] * 10
    parts = [load_labelled("cifar10-lossless", split) for split in ("train", "validation")]
    assert sum(map(len, parts)) == 15_000
    # each channel's mean and standard deviation over CIFAR-10, as published in many recipes
    mean, std = parts[0].floats().mean((0, 2, 3)), parts[0].floats().std((0, 2, 3))
    torch.testing.assert_close(mean, torch.tensor([0.4914, 0.4822, 0.4465]), atol=0.006, rtol=0)
    torch.testing.assert_close(std, torch.tensor([0.2471, 0.2435, 0.2616]), atol=0.004, rtol=0)


def test_rows_and_labels_of_the_real_editions_agree(real_data):
    if not all((real_data / name / "test.parquet").is_file() for name in ("cifar10", "cifar10-lossless")):
        pytest.skip("XAIBOOK_DATA does not have both editions")
    exact, lossy = (load_labelled(source, "test", count=500) for source in ("cifar10-lossless", "cifar10-lossy"))
    assert torch.equal(exact.labels, lossy.labels)
    difference = (exact.floats() - lossy.floats()).square().mean((1, 2, 3))
    assert difference.max() < 0.02
    # each lossy picture is nearest to the exact one of its own row
    distances = torch.cdist(lossy.floats().flatten(1), exact.floats().flatten(1))
    assert torch.equal(distances.argmin(1), torch.arange(500))


@pytest.mark.parametrize(
    ("file", "digest"),
    [
        ("test", "3ecea69705d3dce88d0fb72a5bf0b672a004addce020dfdc82e297c6a5c585ff"),
        ("train-first15000", "65cd217a71bde8dc15b25275ca05ca82a5b0b1b2e62be681617f0c281a44b78e"),
    ],
)
def test_the_real_pixels_are_those_of_other_files_and_of_another_decoder(real_data, file, digest):
    """The digest is of the same 250 pictures in PNG files of the repository cyizhuo/CIFAR-10-dataset, after zlib and
    with their filters undone by hand; OpenCV has a libwebp of its own."""
    path = real_data / "cifar10-lossless" / f"{file}.parquet"
    if not path.is_file():
        pytest.skip("XAIBOOK_DATA has no cifar10-lossless/")
    pixels = cifar10_parquet(path, "").pixels[:250].permute(0, 2, 3, 1).numpy()
    assert hashlib.sha256(pixels.tobytes()).hexdigest() == digest
    rows = pd.read_parquet(path)["img"][:250]
    others = [cv2.imdecode(np.frombuffer(row["bytes"], np.uint8), cv2.IMREAD_COLOR)[..., ::-1] for row in rows]
    assert np.array_equal(np.stack(others), pixels)


# --- splits -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.15, 0.5])
def test_a_split_is_stratified_disjoint_complete_and_seeded(share):
    images = some_images(80)
    first, second = images.split(share, seed=3)
    assert len(second) == round(80 * share)
    assert fingerprints(first) | fingerprints(second) == fingerprints(images)
    assert not fingerprints(first) & fingerprints(second)
    assert torch.bincount(second.labels).tolist() == [round(20 * share)] * 4
    again, other = (images.split(share, seed=seed)[1] for seed in (3, 4))
    assert torch.equal(again.pixels, second.pixels)
    assert not torch.equal(other.pixels, second.pixels)


def test_unequal_classes_keep_their_shares():
    images = some_images(100)
    labels = torch.tensor([0] * 60 + [1] * 20 + [2] * 20)
    second = LabelledImages(images.pixels, labels, ("a", "b", "c"), "test").split(0.2, 0)[1]
    assert torch.bincount(second.labels).tolist() == [12, 4, 4]


def test_labels_stay_with_their_images():
    images = some_images(40)
    where = {row.numpy().tobytes(): int(label) for row, label in zip(images.pixels, images.labels, strict=True)}
    for part in (*images.split(0.3, 1), images[5:20], images[torch.tensor([9, 2])]):
        found = [where[row.numpy().tobytes()] for row in part.pixels]
        assert found == part.labels.tolist()


@pytest.mark.parametrize("share", [0.0, 1.0, -1.0])
def test_a_share_out_of_range_is_refused(share):
    with pytest.raises(ValueError, match="must lie between 0 and 1"):
        some_images().split(share, 0)


def test_classes_with_one_image_cannot_be_split():
    with pytest.raises(ValueError, match="class"):
        some_images(4)[:4].split(0.5, 0)


# --- scenes -------------------------------------------------------------------------------------------------------


def test_scenes_are_those_of_the_scenes_themselves_at_32_pixels():
    train = load_labelled("scenes", "train", count=12, seed=2)
    drawn = make_scenes(12, size=32, seed=32_002, objects=(1, 1))
    assert torch.equal(train.pixels, (drawn.images * 255).round().byte())
    assert torch.equal(train.labels, drawn.label)
    assert train.class_names == SCENE_CLASSES
    assert train.source == "scenes of 32 px"


def test_splits_and_seeds_of_scenes_share_no_image():
    sets = [
        fingerprints(load_labelled("scenes", s, count=40, seed=n))
        for s in ("train", "validation", "test")
        for n in (0, 1)
    ]
    assert sum(map(len, sets)) == len(set().union(*sets)) == 240


def test_fewer_scenes_are_the_first_ones_of_more(monkeypatch):
    monkeypatch.setattr("helpers.data.labelled.loading._SCENES_AT_ONCE", 7)
    more, fewer = (load_labelled("scenes", "test", count=count, seed=5) for count in (20, 9))
    assert torch.equal(more.pixels[:9], fewer.pixels)
    assert torch.equal(more.labels[:9], fewer.labels)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"source": "mnist"}, "source='mnist'.*use one of scenes, cifar10"),
        ({"split": "dev"}, "split='dev'"),
        ({"count": None}, "scenes need a count"),
        ({"count": 0}, "count=0"),
        ({"seed": 1000}, "seed=1000.*share no image"),
    ],
)
def test_requests_that_make_no_sense_are_refused(options, message, unchecked):
    arguments = {"source": "scenes", "split": "train", "count": 4, **options}
    with pytest.raises(ValueError, match=message):
        load_labelled(arguments.pop("source"), arguments.pop("split"), **arguments)


@pytest.mark.parametrize("count", [0, 41])
def test_a_count_beyond_the_split_is_refused(parquet, count):
    with pytest.raises(ValueError, match="the test split has 40 images"):
        load_labelled("cifar10-lossy", "test", root=parquet, count=count)
    assert len(load_labelled("cifar10-lossy", "test", root=parquet, count=7)) == 7


# --- the container ------------------------------------------------------------------------------------------------


def test_floats_are_pixels_over_255():
    images = some_images(3)
    assert images.floats().dtype == torch.float32
    np.testing.assert_allclose(images.floats().numpy(), images.pixels.numpy() / 255, rtol=1e-6)


def test_joined_parts_follow_each_other():
    one, two = some_images(6), some_images(4, seed=1)
    joined = LabelledImages.join([one, two])
    assert torch.equal(joined.pixels, torch.cat([one.pixels, two.pixels]))
    assert joined.labels.tolist() == [*one.labels.tolist(), *two.labels.tolist()]
    with pytest.raises(ValueError, match="same classes"):
        LabelledImages.join([one, some_images(4, classes=2)])


def test_parts_that_do_not_belong_together_are_refused(unchecked):
    images = some_images(4)
    with pytest.raises(ValueError, match="4 images and 3 labels"):
        LabelledImages(images.pixels, images.labels[:3], images.class_names, "test")
    for wrong in (images.labels + 1, images.labels - 1):
        with pytest.raises(ValueError, match=r"0\.\.3"):
            LabelledImages(images.pixels, wrong, images.class_names, "test")
    with pytest.raises(TypeError, match="slice"):
        images[2]
