"""The commands as their users meet them: what is missing is said in a line, at once, whatever profile and command."""

import errno
import os
import re
import subprocess
import sys
import time

import pytest

from helpers.__main__ import main
from helpers.core.endings import CommandEnd, one_line_errors
from helpers.core.files import ROOT
from helpers.profiles import known_profiles, load_profile
from helpers.results import downloads
from helpers.results.requirements import require, require_writable
from helpers.site.pictures import picture_files

OFFLINE = {"HTTPS_PROXY": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9", "HF_HUB_OFFLINE": "1"}


@pytest.fixture
def nothing(tmp_path, monkeypatch):
    """A machine without data, network and caches."""
    monkeypatch.delenv("XAIBOOK_DATA", raising=False)
    for name, value in {**OFFLINE, "TORCH_HOME": str(tmp_path), "HF_HOME": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    for name in ("HF_HUB_CACHE", "HF_ENDPOINT", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)


READY = (
    *("benchmark", "benchmark-plain", "benchmark-scenes", "benchmark-small", "benchmark-transformer"),
    *("family-scenes", "quick", "quick-published", "scenes"),
)
NO_DATA = {
    "benchmark-animals": "real data is needed",
    "benchmark-animals-transformer": "real data is needed",
    "benchmark-coco": "real data is needed",
    "benchmark-photographs": "real data is needed",
    "cifar10": "CIFAR-10 is needed",
    "cifar10-lossless": "real data is needed",
    "coco2014": "COCO-2014 is needed",
    "family-photographs": "real data is needed",
    "gallery": "real data is needed",
    "my-images": "there is no folder my-images",
    "paper": "real data is needed",
    "photograph": "real data is needed",
    "study": "real data is needed",
    "study-as-published": "real data is needed",
    "study-mobilenetv2": "real data is needed",
    "study-mobilenetv2-published": "real data is needed",
    "study-published": "real data is needed",
    "study-published-224": "real data is needed",
    "truth-photographs": "real data is needed",
    "voc-animals": "voc-animals is needed",
    "voc2007": "PASCAL VOC-2007 is needed",
    "scenes-large": "the published weights of vgg16 have to be downloaded once",
}


class TestMissingData:
    def test_each_profile_is_in_one_of_the_lists(self):
        assert set(known_profiles()) == {*READY, *NO_DATA}

    @pytest.mark.parametrize("profile", [name for name in NO_DATA if name != "scenes-large"])
    def test_every_command_says_so_before_anything_else(self, profile, nothing, capsys):
        sections = load_profile(profile, needs=None)
        commands = [["check", "--profile", profile], ["table", "all", "--profile", profile]]
        if sections.explainer or sections.space_vae:
            commands.append(["train", "--profile", profile])
        if sections.space_vae:
            commands.append(["attributions", "--profile", profile])
        for command in commands:
            expected = "real data" if profile == "study" else NO_DATA[profile]
            with pytest.raises(CommandEnd, match=rf"\Aerror: {expected}") as end:
                main(command)
            assert end.value.code == 2
        assert capsys.readouterr().out == ""

    @pytest.mark.parametrize(("identifier", "profile"), [("recartoonx-fig3", "paper"), ("spacevae-tab1", "cifar10")])
    def test_a_figure_and_its_page(self, identifier, profile, nothing):
        for command in (
            ["figure", identifier, profile],
            ["page", f"book/figures/{identifier}.md", "-p", "profile", profile],
            ["check", "--id", identifier, "--profile", profile],
        ):
            with pytest.raises(CommandEnd, match=f"error: {NO_DATA[profile]}"):
                main(command)

    def test_weights_to_be_downloaded(self, nothing):
        with pytest.raises(CommandEnd, match=r"vgg16 have to be downloaded once, but https://download\.pytorch\.org"):
            main(["train", "--profile", "scenes-large"])

    def test_what_needs_nothing_passes(self, nothing):
        for profile in READY:
            main(["check", "--profile", profile])

    def test_it_takes_seconds_and_no_traceback(self, nothing):
        began = time.process_time(), os.times().children_user
        command = [sys.executable, "-m", "helpers", "figure", "recartoonx-fig3", "study"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert (done.returncode, done.stdout) == (2, "")
        assert re.fullmatch(r"error: .*XAIBOOK_DATA.*\n", done.stderr)
        assert os.times().children_user - began[1] < 4, "seconds of computing, also on a busy machine"

    def test_a_folder_that_is_not_there(self, tmp_path, monkeypatch):
        monkeypatch.setenv("XAIBOOK_DATA", str(tmp_path / "gone"))
        for profile in ("study", "voc2007", "cifar10", "gallery"):
            with pytest.raises(CommandEnd, match=r"XAIBOOK_DATA names .*gone, but there is no such folder"):
                main(["check", "--profile", profile])

    def test_photographs_that_the_list_names(self, tmp_path, monkeypatch):
        monkeypatch.setenv("XAIBOOK_DATA", str(tmp_path))
        (tmp_path / "imagenet-samples").mkdir()
        (tmp_path / "imagenet-samples/labels.csv").write_text(
            "file,class_index,wnid\nrest/a.jpg,1,n\nstudy/b.jpg,2,n\n"
        )
        with pytest.raises(FileNotFoundError, match=r"study/b\.jpg is missing from the data folder"):
            require("study", ["recartoonx"])


class TestHubs:
    @pytest.mark.parametrize(
        ("library", "cached"),
        [
            ("torchvision", "hub/checkpoints/net-0123abcd.pth"),
            ("timm", "hub/models--timm--net.in1k/snapshots/1/model.safetensors"),
        ],
    )
    def test_what_is_cached_needs_no_network(self, library, cached, nothing, tmp_path):
        with pytest.raises(downloads.NoNetworkError, match="net have to be downloaded once"):
            downloads.require_published("net", library)
        (tmp_path / cached).parent.mkdir(parents=True)
        (tmp_path / cached).touch()
        downloads.require_published("net", library)
        downloads.require_published("net")
        other = "timm" if library == "torchvision" else "torchvision"
        with pytest.raises(downloads.NoNetworkError):
            downloads.require_published("net", other)

    def test_a_hub_that_never_answers_is_given_up(self, monkeypatch):
        def silent(*_arguments, **_options):
            time.sleep(1)
            raise OSError("no answer")

        monkeypatch.setattr(downloads.urllib.request, "urlopen", silent)
        began = time.monotonic()
        assert not downloads.answers("https://example.org", seconds=0.2)
        assert time.monotonic() - began < 0.9


class TestNames:
    @pytest.mark.parametrize(
        ("command", "near"),
        [
            (["figure", "recartoonx-fg3"], "recartoonx-fig3"),
            (["figure", "recartoonx-fig3", "qiuck"], "quick"),
            (["check", "--profile", "studdy"], "study"),
            (["table", "curvs"], "curves"),
            (["table", "explainer-shortcut", "--classifier", "vgg19"], "vgg16"),
            (["table", "explainer-shortcut", "--dataset", "voc2008"], "voc2007"),
            (["table", "all", "--classifier", "vgg19"], "vgg16"),
            (["train", "--only", "grid-17"], "grid-16"),
            (["train", "--classifier", "resnet51"], "resnet50"),
            (["train", "--model", "scenes-cn"], "scenes-cnn"),
            (["attributions", "--method", "deeplft"], "deeplift"),
            (["page", "book/figures/recartoonx-fig3.md", "-p", "porfile", "quick"], "profile"),
            (["figure", "recartoonx-fig3", "-p", "porfile", "quick"], "profile"),
            (["tables", "--profile", "qick"], "quick"),
        ],
        ids=lambda value: " ".join(value) if isinstance(value, list) else value,
    )
    def test_a_wrong_name_is_an_error_with_the_near_one(self, command, near, capsys):
        with pytest.raises(CommandEnd, match=f"did you mean '{near}'") as end:
            main(command)
        assert end.value.code == 2
        assert capsys.readouterr().err == f"{end.value}\n"

    def test_a_profile_with_errors(self, tmp_path):
        path = tmp_path / "own.yaml"
        path.write_text(
            (ROOT / "profiles/quick.yaml").read_text().replace("name: quick", "name: own", 1) + "colour: red\n"
        )
        for command in (["table", "curves"], ["table", "all"], ["train"], ["attributions"]):
            with pytest.raises(CommandEnd, match=r"error: .*own\.yaml: colour = 'red': no such key"):
                main([*command, "--profile", str(path)])

    def test_values_have_the_type_of_the_page_s_own(self):
        with pytest.raises(CommandEnd, match="there is no page book/nothing"):
            main(["page", "book/nothing.md"])
        with pytest.raises(CommandEnd, match=r"book/notation\.md has no code to run"):
            main(["page", "book/notation.md"])


class TestEndings:
    @pytest.mark.parametrize(
        ("error", "message", "status"),
        [
            (KeyboardInterrupt(), "interrupted; .* resumes", 130),
            (ValueError("wrong"), r"error: wrong", 2),
            (
                PermissionError(errno.EACCES, "Permission denied", "/x"),
                r"error: /x: Permission denied \(a read-only",
                2,
            ),
            (OSError(errno.EROFS, "Read-only file system", "/x"), r"error: /x: Read-only file system", 2),
            (OSError(errno.ENOSPC, "No space left on device", "/x"), r"error: /x: the disk is full", 2),
            (OSError(errno.EDQUOT, "Disk quota exceeded"), r"error: the disk is full", 2),
            (RuntimeError("PytorchStreamWriter failed writing file"), r"error: the disk is full", 2),
            (ModuleNotFoundError("No module named 'timm'", name="timm"), r"error: No module named 'timm': .*python", 2),
        ],
        ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else None,
    )
    def test_one_line(self, error, message, status, capsys):
        with pytest.raises(CommandEnd) as end, one_line_errors():
            raise error
        assert end.value.code == status
        printed = capsys.readouterr().err
        assert re.fullmatch(f"{message}.*\n", printed)

    @pytest.mark.parametrize("error", [RuntimeError("a bug"), KeyError("x"), ImportError("x", name="helpers.gone")])
    def test_mistakes_of_the_program_keep_their_traceback(self, error):
        with pytest.raises(type(error)), one_line_errors():
            raise error

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
    def test_a_read_only_folder(self, tmp_path):
        tmp_path.chmod(0o500)
        with pytest.raises(PermissionError):
            require_writable(tmp_path / "results/quick")

    def test_without_a_command_there_is_help(self, capsys):
        main([])
        assert "COMMAND" in capsys.readouterr().out

    def test_an_installation_without_the_clone(self, monkeypatch, tmp_path):
        monkeypatch.setattr("helpers.core.files.ROOT", tmp_path)
        with pytest.raises(CommandEnd, match=r"the commands need a clone of the project"):
            main(["tables"])

    def test_benchmarks_have_help(self):
        command = [sys.executable, "-m", "benchmarks"]
        done = subprocess.run([*command, "--help"], cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0
        assert "synthesis" in done.stdout
        done = subprocess.run([*command, "synthesi"], cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 2
        assert "did you mean 'synthesis'?" in done.stderr


def test_pictures_of_a_notebook_are_its_own(tmp_path):
    for name in ("a-fig1-ours.png", "a-fig1-ours.svg", "a-fig10-ours.png", "a-fig1.ipynb"):
        (tmp_path / name).touch()
    assert [path.name for path in picture_files(tmp_path / "a-fig1.ipynb")] == ["a-fig1-ours.png", "a-fig1-ours.svg"]
