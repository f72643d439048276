"""Images as one tensor, in memory or in a file."""

from __future__ import annotations

import errno
import os
import tempfile

import pytest
import torch

from helpers.data import stacks
from helpers.data.photographs import scene_images
from helpers.data.stacks import stack_images


@pytest.fixture(params=["memory", "file"])
def place(request, monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    if request.param == "file":
        monkeypatch.setattr(stacks, "IN_MEMORY", 0)
    return tmp_path


def test_the_tensor_is_that_of_torch(place):
    images = torch.rand(5, 3, 6, 4)
    stacked = stack_images(iter(images), 5)
    assert torch.equal(stacked, torch.stack(list(images)))
    assert torch.equal(stacked[1:3].clone(), images[1:3])
    assert not list(place.iterdir()), "the file has no name any more, so that a killed process leaves none"


def test_images_of_two_sizes_and_a_wrong_count(place):
    with pytest.raises(ValueError, match=r"image 1 is \(3, 4, 5\): give all images one size"):
        stack_images([torch.zeros(3, 4, 4), torch.zeros(3, 4, 5)], 2)
    with pytest.raises(ValueError, match="expected 2 images, but there are 1"):
        stack_images([torch.zeros(3, 4, 4)], 2)
    with pytest.raises(ValueError, match="expected 1 images of"):
        stack_images([torch.zeros(3, 4, 4)] * 2, 1)
    assert not list(place.iterdir())


def test_a_full_disk_is_said_before_the_first_pixel(monkeypatch, tmp_path):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(stacks, "IN_MEMORY", 0)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    with pytest.raises(OSError, match="TMPDIR names another folder"):
        stack_images([torch.zeros(3, 4, 4)], 1)
    assert not list(tmp_path.iterdir())


def test_scenes_in_pieces_are_those_of_one_piece(monkeypatch):
    whole = scene_images(5, size=32, seed=3, start=2, objects=(1, 2))
    monkeypatch.setattr("helpers.data.photographs._PIXELS_AT_ONCE", 2 * 32**2)
    pieces = scene_images(5, size=32, seed=3, start=2, objects=(1, 2))
    assert torch.equal(pieces.images, whole.images)
    assert torch.equal(pieces.labels, whole.labels)
    assert (pieces.names, pieces.digests) == (whole.names, whole.digests)
