"""Archives: committed items are read where the work files are missing, and only if the same code made them."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace

import pytest
import torch

from helpers.papers.recartoonx.experiments.study import Study
from helpers.profiles import load_profile
from helpers.results import ItemStore
from helpers.results.code import code_digest
from helpers.results.commands import accept_tables, archive_items
from helpers.results.item_archive import ItemArchive
from helpers.results.item_store import archive_store

INPUTS = {"options": {"steps": 2}, "code": "1" * 64}


def store_in(root, **changes):
    return ItemStore.of(
        root / "work/masks", {**INPUTS, **changes}, archives=root / "items", made_by=("helpers.x:Method",)
    )


def archived(root, names, **changes):
    store = store_in(root, **changes)
    for number, name in enumerate(names):
        store.save(name, {"mask": torch.full((3, 4), number / 7).half()}, {"seconds": 1.5})
    return archive_store(store.folder, root / "items")


def on_another_machine(root):
    """The same root without its work files."""
    (root / "work").rename(root / "elsewhere")


def test_archived_items_are_read_where_the_work_files_are_missing(tmp_path):
    archive = archived(tmp_path, ["a", "b"])
    on_another_machine(tmp_path)
    store = store_in(tmp_path)
    assert store.missing(["a", "c", "b"]) == ["c"]
    tensors, metadata = store.load("b")
    assert torch.equal(tensors["mask"], torch.full((3, 4), 1 / 7).half())
    assert metadata == {"seconds": 1.5}
    assert (len(archive.names()), archive.seconds, archive.made_by) == (2, 3.0, ("helpers.x:Method",))


def test_a_second_run_adds_its_items(tmp_path):
    archived(tmp_path, ["a"])
    on_another_machine(tmp_path)
    archive = archived(tmp_path, ["b"])
    assert (len(archive.names()), archive.seconds) == (2, 3.0)
    assert archived(tmp_path, ["b"]).seconds == 3.0, "an item that was archived before is not counted twice"
    assert store_in(tmp_path).missing(["a", "b"]) == []


def test_packing_the_same_files_again_gives_the_same_bytes(tmp_path):
    """A commit after a run without new items changes nothing."""
    archive = archived(tmp_path, ["a", "b"])
    paths = [archive.path, archive.path.with_suffix(".zip")]
    before = [path.read_bytes() for path in paths]
    archive_store(store_in(tmp_path).folder, tmp_path / "items")
    assert [path.read_bytes() for path in paths] == before


def test_items_of_other_options_are_not_read(tmp_path):
    archived(tmp_path, ["a"])
    assert store_in(tmp_path, options={"steps": 3}).missing(["a"]) == ["a"]
    assert store_in(tmp_path, options={"steps": 3}).stale_archive is None


def test_items_of_other_code_are_read_once_it_is_accepted(tmp_path):
    archive = archived(tmp_path, ["a"])
    later = {"code": "2" * 64}
    store = store_in(tmp_path, **later)
    assert store.missing(["a"]) == ["a"]
    assert store.stale_archive.path == archive.path
    archive.accept("2" * 64, "only names have changed")
    store = store_in(tmp_path, **later)
    assert (store.missing(["a"]), store.stale_archive) == ([], None)
    assert ItemArchive(archive.path).about["accepted"][0]["because"] == "only names have changed"


def test_items_of_accepted_code_are_read_beside_newer_ones(tmp_path):
    """What runs after an acceptance is archived under its own code: both archives belong to one computation."""
    archived(tmp_path, ["a"]).accept("2" * 64, "only names have changed")
    on_another_machine(tmp_path)
    archived(tmp_path, ["b"], code="2" * 64)
    (tmp_path / "work").rename(tmp_path / "third machine")
    assert store_in(tmp_path, code="2" * 64).missing(["a", "b", "c"]) == ["c"]


def test_a_damaged_member_counts_as_missing_and_a_damaged_archive_is_refused(tmp_path):
    archive = archived(tmp_path, ["a", "b"])
    on_another_machine(tmp_path)
    path = archive.path.with_suffix(".zip")
    contents = {name: archive.read(name) for name in archive.names()}
    with zipfile.ZipFile(path, "w") as file:
        for name, content in contents.items():
            file.writestr(name, content[:-2] + b"\0\1" if name.startswith("a-") else content)
    assert store_in(tmp_path).missing(["a", "b"]) == ["a"]
    path.write_bytes(b"no zip")
    with pytest.raises(ValueError, match="restore it from git"):
        store_in(tmp_path).missing(["a"])
    archive.path.write_text("{}")
    with pytest.raises(ValueError, match="does not describe an archive"):
        store_in(tmp_path)


def test_every_changed_byte_of_an_archive_is_refused_or_harmless(tmp_path):
    """A changed name in the directory is no missing item."""
    archive = archived(tmp_path, ["a", "b"])
    on_another_machine(tmp_path)
    path = archive.path.with_suffix(".zip")
    good = path.read_bytes()
    said = []
    for place in range(0, len(good), 3):
        path.write_bytes(good[:place] + bytes([good[place] ^ 0x10]) + good[place + 1 :])
        try:
            missing = store_in(tmp_path).missing(["a", "b"])
        except ValueError as error:
            said.append(str(error))
        else:
            assert missing == [], f"byte {place}"
    assert all("restore it from git" in words for words in said)
    assert len(said) > len(good) / 6


@pytest.fixture
def small():
    """Two scenes, explained in two steps."""
    quick = load_profile("quick")
    return quick.model_copy(
        update={
            "images": quick.images.model_copy(update={"count": 2, "size": 64}),
            "cartoonx": replace(quick.cartoonx, steps=2, tolerance=None),
            "batch_size": 2,
        }
    )


def test_explanations_are_the_same_from_an_archive(small, tmp_path, capsys):
    """The masks are those of the method, to half precision, and nothing is computed the second time."""
    study = Study(small, root=tmp_path)
    first = study.explain("cartoonx")
    direct = study.method("cartoonx").explain(study.images.images)
    torch.testing.assert_close(first.representation_mask, direct.representation_mask, atol=5e-4, rtol=0)
    torch.testing.assert_close(first.kept, direct.kept, atol=5e-3, rtol=0)
    assert torch.equal(first.targets, direct.targets)
    archive_items(small.name, root=tmp_path)
    assert "2 items" in capsys.readouterr().out
    (tmp_path / small.name / "work").rename(tmp_path / "gone")
    again = Study(small, root=tmp_path)
    again = Study(small, root=tmp_path)
    second = again.explain("cartoonx")
    assert again.ledger.computed == 0
    for name in ("mask", "kept", "representation_mask"):
        assert torch.equal(getattr(first, name), getattr(second, name))


def test_archives_are_accepted_with_the_tables(small, tmp_path):
    study = Study(small, root=tmp_path)
    study.explain("cartoonx")
    archive_items(small.name, root=tmp_path)
    (path,) = (tmp_path / small.name / "items").glob("*.json")
    about = json.loads(path.read_text())
    (made_by,) = about["made_by"]
    present = about["inputs"]["code"]
    assert present == code_digest(made_by)
    path.write_text(json.dumps({**about, "inputs": {**about["inputs"], "code": "0" * 64}}))
    accept_tables([], small.name, "a test", root=tmp_path)
    assert ItemArchive(path).codes == ("0" * 64, present)


def test_a_profile_without_finished_items_says_what_to_do(tmp_path):
    with pytest.raises(ValueError, match="compute one of its tables first"):
        archive_items("quick", root=tmp_path)
