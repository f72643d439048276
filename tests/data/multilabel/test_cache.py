"""Decoded photographs are kept whole or not at all, whoever is killed, and whoever else is at it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from miniature_trees import scene_pictures, write_voc

import helpers.data.multilabel.voc
from helpers.data.multilabel import load_segmented, load_split

SIZE = 48
PICTURES = scene_pictures(6, size=64, seed=1)


@pytest.fixture
def tree(tmp_path):
    return write_voc(tmp_path / "voc", train=PICTURES, test=PICTURES)


def load(root, **options):
    return load_split("voc2007", "train", size=SIZE, root=root, **options)


def files(root, pattern="*"):
    return sorted(path for path in (root / "cache").glob(pattern))


def forbid_decoding(monkeypatch):
    def decode(path):
        raise AssertionError(f"{path} was decoded again")

    monkeypatch.setattr(helpers.data.multilabel.voc, "read_listed_picture", decode)


def same(first, second):
    return torch.equal(first.pixels, second.pixels) and torch.equal(first.labels, second.labels)


def test_images_are_decoded_once(tree, monkeypatch):
    first = load(tree)
    assert sorted(path.suffix for path in files(tree)) == [".json", ".u8"]
    assert files(tree, "*.u8")[0].stat().st_size == first.pixels.numel()
    forbid_decoding(monkeypatch)
    assert same(first, load(tree))
    assert same(first, load(tree, variant="published"))  # the same pixels, whatever labels are made of
    with pytest.raises(AssertionError, match="decoded again"):
        load(tree, count=2)


def test_what_is_written_into_pixels_does_not_reach_the_file(tree):
    first = load(tree)
    kept = first.pixels.clone()
    first.pixels.zero_()
    assert torch.equal(load(tree).pixels, kept)


@pytest.mark.parametrize(
    "other",
    [
        lambda root: load_split("voc2007", "train", size=SIZE + 1, root=root),
        lambda root: load_split("voc2007", "test", size=SIZE, root=root),
        lambda root: load(root, count=3),
        lambda root: load_segmented("voc2007", size=SIZE, root=root),
    ],
)
def test_other_images_have_a_cache_of_their_own(tree, other):
    first = load(tree)
    other(tree)
    assert len(files(tree)) == 4
    assert same(first, load(tree))


def test_other_annotations_are_seen(tree):
    path = tree / "VOCdevkit" / "VOC2007" / "Annotations" / "000001.xml"
    first = load(tree)
    path.write_text(path.read_text().replace("<difficult>0<", "<difficult>1<"))
    changed = load(tree)
    assert first.labels[0].any()
    assert not changed.labels[0].any()
    assert torch.equal(first.labels[1:], changed.labels[1:])


@pytest.mark.parametrize("suffix", [".u8", ".json"])
def test_a_torn_file_is_made_again(tree, suffix):
    first = load(tree)
    kept = first.pixels.clone()
    path = files(tree, f"*{suffix}")[0]
    content = path.read_bytes()
    path.unlink()  # the first load may still map the old file
    path.write_bytes(content[: len(content) // 2])
    assert torch.equal(load(tree).pixels, kept)
    assert path.read_bytes() == content


@pytest.mark.parametrize("suffix", [".u8", ".json"])
def test_a_lost_file_is_made_again(tree, suffix):
    kept = load(tree).pixels.clone()
    files(tree, f"*{suffix}")[0].unlink()
    assert torch.equal(load(tree).pixels, kept)


KILLED = """
import os, signal, sys
import helpers.data.multilabel.voc as voc
from helpers.data.multilabel import load_split
decode = voc.read_listed_picture
def fatal(path):
    if path.stem == "000004":
        os.kill(os.getpid(), signal.SIGKILL)
    return decode(path)
voc.read_listed_picture = fatal
load_split("voc2007", "train", size=48, root=sys.argv[1])
"""


def test_a_killed_caching_starts_anew_and_its_remains_are_removed_in_time(tree, root):
    run = subprocess.run([sys.executable, "-c", KILLED, str(tree)], cwd=root, check=False)
    assert run.returncode == -signal.SIGKILL
    (part,) = files(tree, ".*")
    assert not files(tree)[1:]
    assert len(load(tree)) == 6
    assert part.exists()  # its writer might still be at it
    os.utime(part, (time.time() - 7200, time.time() - 7200))
    load(tree, count=2)
    assert not part.exists()
    assert len(files(tree)) == 4


def test_several_at_once_find_whole_files(tree):
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: load(tree), range(4)))
    assert all(same(found[0], other) for other in found[1:])
    assert sorted(path.suffix for path in files(tree)) == [".json", ".u8"]


def test_a_folder_that_cannot_be_written_asks_for_another(tree, tmp_path, monkeypatch):
    (tree / "cache").write_text("a file is where the folder should be")
    with pytest.raises(PermissionError, match=r"is not writable .*pass cache="):
        load(tree)
    first = load(tree, cache=tmp_path / "elsewhere" / "deep")
    assert len(list((tmp_path / "elsewhere" / "deep").iterdir())) == 2
    forbid_decoding(monkeypatch)
    assert same(first, load(tree, cache=tmp_path / "elsewhere" / "deep"))


def test_a_cache_that_cannot_be_written_can_be_read(tree, monkeypatch):
    first = load(tree)
    monkeypatch.setattr("helpers.data.multilabel.cache._check_writable", None)
    for path in files(tree):
        path.chmod(0o444)
    assert same(first, load(tree))
