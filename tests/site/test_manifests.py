"""The files whose change makes targets of a build stale: when they are computed, and when they are written."""

import os
from pathlib import Path

import pytest

from helpers.core.files import ROOT
from helpers.site.dependencies import page_inputs
from helpers.site.manifests import FOLDER, RECORD, Manifests, project_files, project_state

CHANGES = {
    "an edit": lambda root: (root / "book/one.md").write_text("two"),
    "an edit that keeps size and time": lambda root: rewritten(root / "book/one.md", "ONE"),
    "a new file": lambda root: (root / "models/new.safetensors").write_text("new"),
    "a removed file": lambda root: (root / "results/study/table.csv").unlink(),
    "another name": lambda root: (root / "book/one.md").rename(root / "book/two.md"),
}
BUILT = ("_build/pages/one.ipynb", "results/quick/table.csv", "results/study/work/item", "book/__pycache__/x", ".git/x")


def rewritten(path: Path, text: str) -> None:
    before = path.stat()
    path.write_text(text)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def write(root: Path, name: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text("one")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("book/one.md", "models/a.safetensors", "results/study/table.csv"):
        write(tmp_path, name)
    return tmp_path


class Count:
    """A function that returns a text and counts its calls."""

    def __init__(self, text: str = "inputs\n") -> None:
        self.text, self.calls = text, 0

    def __call__(self) -> str:
        self.calls += 1
        return self.text


class TestManifests:
    def test_one_is_computed_once_for_each_state(self, root):
        compute = Count()
        for _ in range(3):
            path = root / Manifests(root).path("quick/fig-1", compute)
        assert compute.calls == 1
        assert path == root / FOLDER / "quick/fig-1.txt"
        assert path.read_text() == "inputs\n"

    @pytest.mark.parametrize("change", CHANGES)
    def test_whatever_changes_makes_it_computed_again(self, root, change):
        Manifests(root).path("page", Count())
        CHANGES[change](root)
        path = root / Manifests(root).path("page", Count("others\n"))
        assert path.read_text() == "others\n"

    def test_what_a_build_writes_does_not(self, root):
        before = project_state(root)
        for name in BUILT:
            write(root, name)
        assert project_state(root) == before

    def test_an_equal_one_keeps_its_time(self, root):
        path = root / Manifests(root).path("page", Count())
        os.utime(path, (1, 1))
        write(root, "book/new.md")
        compute = Count()
        Manifests(root).path("page", compute)
        assert (compute.calls, path.stat().st_mtime) == (1, 1)

    @pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_text("edited")])
    def test_a_lost_or_edited_one_is_computed_again(self, root, damage):
        path = root / Manifests(root).path("page", Count())
        damage(path)
        Manifests(root).path("page", Count())
        assert path.read_text() == "inputs\n"

    def test_an_edit_that_is_undone_by_content_only(self, root):
        """Times count: the state differs, but the manifest, made of contents, does not."""
        Manifests(root).path("page", Count())
        (root / "book/one.md").write_text("one")
        compute = Count()
        Manifests(root).path("page", compute)
        assert compute.calls == 1
        assert len((root / RECORD).read_text().splitlines()) == 1, "former states are forgotten"

    def test_a_job_of_a_build_writes_nothing(self, root):
        assert Manifests(root, write=False).path("page", Count()) == f"{FOLDER}/page.txt"
        assert not (root / FOLDER).exists()

    def test_folders_of_the_top_may_be_links(self, root, tmp_path_factory):
        other = tmp_path_factory.mktemp("disk")
        (root / "data").symlink_to(other)
        before = project_state(root)
        write(other, "weights")
        (root / "book/loop").symlink_to(root)
        assert project_state(root) != before

    def test_every_input_of_a_real_page_counts(self):
        """Whatever a page depends on is among the files whose change is noticed."""
        noticed = {ROOT / name for name, _ in project_files(ROOT)}
        pages = ("book/figures/recartoonx-fig6.md", "book/cartoonx.md")
        assert all(page_inputs(page).paths() <= noticed for page in pages)
