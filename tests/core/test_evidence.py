"""Evidence bundles are read whole or refused, and read without this package too."""

import hashlib
import json
import zipfile

import pytest
import torch
from safetensors.torch import load
from tiny import TinyClassifier, smooth_images

from helpers.core.evidence import EvidenceError, read_evidence
from helpers.core.explanation import Explanation
from helpers.methods.rde import CartoonX

SETTINGS = {"method": "cartoonx", "options": {"sparsity_weight": 20.0}}


@pytest.fixture(scope="module")
def images():
    return smooth_images(2, 32)


@pytest.fixture(scope="module")
def explanation(images):
    return CartoonX(TinyClassifier(), levels=2, steps=4, tolerance=0.05, check_every=2).explain(images)


@pytest.fixture
def bundle(explanation, images, tmp_path):
    path = tmp_path / "one.zip"
    explanation.save(path, images=images, settings=SETTINGS)
    return path


def rewrite(bundle, change):
    """The bundle with its entries changed, and whatever its manifest said."""
    with zipfile.ZipFile(bundle) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    change(entries)
    with zipfile.ZipFile(bundle, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)


def test_explanations_come_back_bit_for_bit(bundle, explanation, images):
    again = Explanation.load(bundle)
    assert torch.equal(again.mask, explanation.mask)
    assert torch.equal(again.representation_mask, explanation.representation_mask)
    assert torch.equal(again.targets, explanation.targets)
    assert again.history.keys() == explanation.history.keys()
    assert torch.equal(again.convergence.steps, explanation.convergence.steps)
    assert torch.equal(again.convergence.converged, explanation.convergence.converged)
    evidence = read_evidence(bundle)
    assert torch.equal(evidence.tensors["images"], images)
    assert evidence.settings == SETTINGS
    assert evidence.versions["torch"].partition("+")[0] == torch.__version__.partition("+")[0]


def test_other_programs_can_read_it_and_the_manifest_is_last(bundle, explanation):
    with zipfile.ZipFile(bundle) as archive:
        names = archive.namelist()
        manifest = json.loads(archive.read("manifest.json"))
        contents = {name: archive.read(name) for name in names[:-1]}
    assert names[-1] == "manifest.json"
    assert manifest["files"].keys() == contents.keys()
    for name, content in contents.items():
        assert manifest["files"][name] == {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    assert torch.equal(load(contents["explanation.safetensors"])["mask"], explanation.mask)


def drop_the_manifest(entries):
    del entries["manifest.json"]


def change_a_file(entries):
    entries["settings.json"] = b"{}"


def add_a_file(entries):
    entries["pictures/extra.png"] = b"no picture"


def remove_a_file(entries):
    del entries["versions.json"]


def make_it_newer(entries):
    entries["manifest.json"] = entries["manifest.json"].replace(b'"version": 1', b'"version": 2')


def break_the_manifest(entries):
    entries["manifest.json"] = b"[1, 2]"


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (drop_the_manifest, "has no manifest"),
        (change_a_file, r"holds changed settings\.json"),
        (add_a_file, r"holds unlisted pictures/extra\.png"),
        (remove_a_file, r"lacks versions\.json"),
        (make_it_newer, "version 2; this version of the book reads"),
        (break_the_manifest, "cannot be read"),
    ],
)
def test_damaged_bundles_are_refused_in_words(bundle, damage, message):
    rewrite(bundle, damage)
    with pytest.raises(EvidenceError, match=message):
        Explanation.load(bundle)


def test_bundles_that_were_cut_off_and_other_files_are_refused(bundle, explanation, tmp_path):
    content = bundle.read_bytes()
    bundle.write_bytes(content[: len(content) // 2])
    with pytest.raises(EvidenceError, match="is no evidence bundle, or was cut off"):
        Explanation.load(bundle)
    with pytest.raises(FileNotFoundError):
        Explanation.load(tmp_path / "missing.zip")
    with pytest.raises(ValueError, match=r"go into an evidence bundle, a file NAME\.zip"):
        explanation.save(tmp_path / "one.pt", settings=SETTINGS)
