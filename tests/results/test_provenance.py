"""Provenance: where a number comes from."""

from __future__ import annotations

import json
import subprocess
import sys

import torch

from helpers.profiles import load_profile
from helpers.results import collect_provenance
from helpers.results.provenance import git_state


def test_provenance_says_where_a_number_comes_from(root):
    profile = load_profile("quick")
    about = json.loads(json.dumps(collect_provenance(profile, data={"a.jpeg": "00"}, wall_seconds=1.2, variant="x")))
    assert (about["profile"], about["profile_digest"]) == ("quick", profile.digest)
    assert about["settings"]["cartoonx"]["steps"] == profile.cartoonx.steps
    assert (about["data"], about["wall_seconds"], about["variant"]) == ({"a.jpeg": "00"}, 1.2, "x")
    assert about["packages"]["torch"].split("+")[0] == torch.__version__.split("+")[0]
    assert about["machine"]["python"] == ".".join(map(str, sys.version_info[:3]))
    assert about["machine"]["threads"] == torch.get_num_threads()
    assert about["date"].endswith("+00:00")
    known = subprocess.run(["git", "-C", root, "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    assert about["code"]["commit"] == (known.stdout.strip() or None)


def test_without_git_there_is_no_commit(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert git_state(tmp_path) == {"commit": None, "changed_since": None}
    monkeypatch.setenv("PATH", "")
    assert git_state(tmp_path) == {"commit": None, "changed_since": None}


def test_a_changed_file_is_noticed_and_a_result_is_none(tmp_path):
    def git(*words):
        who = ("-c", "user.name=a", "-c", "user.email=a@b.c")
        subprocess.run(["git", "-C", tmp_path, *who, *words], check=True, capture_output=True)

    git("init")
    (tmp_path / "code.py").write_text("x = 1")
    git("add", ".")
    git("commit", "-m", "first")
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "new.csv").write_text("1")
    assert git_state(tmp_path)["changed_since"] is False
    (tmp_path / "code.py").write_text("x = 2")
    assert git_state(tmp_path)["changed_since"] is True
