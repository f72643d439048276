"""The live parts in the built book: every file with its hash, and as a script for pages opened from disk."""

import base64
import hashlib
import json
import re

import pytest

from helpers.playground import bundles
from helpers.playground.bundles import RegistryError, ScriptError, build_bundles, check_scripts, install_packages
from helpers.playground.publish import DamagedExportError, publish_playground

NETWORK = b"\x00\xffnetwork"
MANIFEST = {"models": [{"name": "a", "file": "a.onnx", "sha256": hashlib.sha256(NETWORK).hexdigest()}]}
FILES = {
    "models/a.onnx": NETWORK,
    "models/manifest.json": json.dumps(MANIFEST).encode(),
    "runtime/worker.js": b"self.x=1",
}


@pytest.fixture
def clone(tmp_path):
    """A clone whose scripts and networks are built."""
    for name, content in FILES.items():
        folder = tmp_path / ("_build/web" if name.startswith("runtime") else "_build/playground")
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    (tmp_path / "_build/web/live.js").write_text("0")
    (tmp_path / "_build/web/.complete").touch()
    return tmp_path


def test_each_file_has_its_hash_and_a_script_for_disk(clone):
    folder = publish_playground(clone / "html", clone)
    index = json.loads((folder / "files.json").read_text())
    assert index == {
        name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()} for name, content in FILES.items()
    }
    for name, content in {**FILES, "files.json": (folder / "files.json").read_bytes()}.items():
        assert (folder / name).read_bytes() == content
        script = (folder / f"disk/{name}.js").read_text(encoding="ascii")
        path, text = re.fullmatch(r'keepWhatMattersFile\("(.+)","(.+)"\)\n', script).groups()
        assert path == name
        assert base64.b64decode(text) == content
    assert (folder / "live.js").read_text() == "0"
    assert not (folder / ".complete").exists()


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("a.onnx", NETWORK[:-1] + b"K", "a.onnx is not the file of its manifest; .* playground --only a"),
        ("a.onnx", NETWORK[:-1], "a.onnx is not the file of its manifest"),
        ("a.onnx", None, "a.onnx is missing; .* --only a"),
        ("manifest.json", json.dumps({"models": [{**MANIFEST["models"][0], "sha256": "0"}]}).encode(), "a.onnx is not"),
        ("manifest.json", b'{"models": [', "manifest.json is not a manifest of networks"),
        ("manifest.json", b'{"networks": []}', "manifest.json is not a manifest of networks"),
    ],
    ids=["a changed byte", "cut off", "missing", "another hash", "a cut manifest", "another manifest"],
)
def test_a_damaged_export_is_not_published(clone, file, content, said):
    path = clone / "_build/playground/models" / file
    path.write_bytes(content) if content is not None else path.unlink()
    with pytest.raises(DamagedExportError, match=said):
        publish_playground(clone / "html", clone)
    assert not (clone / "html").exists()


def test_a_book_without_scripts_has_no_live_parts(clone):
    (clone / "_build/web/live.js").unlink()
    assert publish_playground(clone / "html", clone) is None
    assert not (clone / "html").exists()


def test_a_book_without_networks_has_no_live_parts(clone):
    (clone / "_build/playground/models/manifest.json").unlink()
    assert publish_playground(clone / "html", clone) is None


@pytest.fixture
def offline(root, tmp_path, monkeypatch):
    """A clone without packages, where nothing answers at the registry's address."""
    (tmp_path / "web").mkdir()
    for name in ("package.json", "package-lock.json"):
        (tmp_path / "web" / name).write_bytes((root / "web" / name).read_bytes())
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9")
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "cache"))
    return tmp_path


def test_without_the_registry_the_book_is_built_without_live_parts(offline, monkeypatch, capsys):
    monkeypatch.delenv("CI", raising=False)
    assert build_bundles(offline) is None
    assert capsys.readouterr().err.count("\n") == 1
    monkeypatch.setenv("CI", "true")
    with pytest.raises(ScriptError, match="registry cannot be reached"):
        build_bundles(offline)
    assert "not checked" in check_scripts(offline)


def test_node_trusts_what_the_system_trusts(root, monkeypatch):
    monkeypatch.delenv("NODE_USE_SYSTEM_CA", raising=False)
    assert bundles._run("node", ["--print", "process.env.NODE_USE_SYSTEM_CA"], root).strip() == "1"


def test_a_registry_with_an_untrusted_certificate_counts_as_out_of_reach(offline, monkeypatch):
    def untrusted(*arguments):
        raise ScriptError("npm error code SELF_SIGNED_CERT_IN_CHAIN")

    monkeypatch.setattr(bundles, "_run", untrusted)
    with pytest.raises(RegistryError, match="registry cannot be reached"):
        install_packages(offline)


def test_the_scripts_are_in_order(root):
    if not (root / "web/node_modules/.installed").is_file():
        pytest.skip("the packages of web/ are not installed: `make book` does it where npm's registry can be reached")
    assert "in order" in check_scripts(root)
