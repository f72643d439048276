"""What no file of the project may do: open pickles, run texts, wait for ever, serve to others, trust a download."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers.core.files import ROOT

FOLDERS = ("helpers", "benchmarks", "tests")
FILES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
# one line of a file, with the reason why it is there
ALLOWED = {
    ("helpers/core/clones.py", "exec"): "another clone's own file, whose pages a user runs there",
    ("helpers/site/kernel.py", "shell=True"): "the command line of a page of the book, as in Jupyter",
}
# tests run pages' and pickles' code on purpose, in their own process
TESTED = {"exec", "eval", "pickle.loads", "pickle.dumps", "torch.load", "import pickle"}
PARSERS = {"ElementTree.parse", "ElementTree.fromstring", "minidom.parse", "minidom.parseString"}


def name_of(function: ast.expr) -> str:
    """A called function as it is written: `torch.load`, `yaml.load`."""
    return ast.unparse(function)


def unsafe_calls(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a file that may do harm, and what they do."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            for name in names:
                if name.split(".")[0] in {"dill", "joblib", "shelve", "marshal", "cloudpickle", "telnetlib", "ftplib"}:
                    yield node.lineno, f"import {name}"
        if not isinstance(node, ast.Call):
            continue
        called, given = name_of(node.func), {each.arg: each.value for each in node.keywords}
        literal = {name: getattr(value, "value", None) for name, value in given.items()}
        last = called.rpartition(".")[2]
        if called in {"eval", "exec"} or called in {"os.system", "os.popen"}:
            yield node.lineno, called
        if re.fullmatch(r"(pickle|cPickle|_pickle)\.(loads?|dumps?|Unpickler)", called):
            yield node.lineno, called
        if (
            called in {"torch.load", "torch.hub.load", "load_state_dict_from_url"}
            and literal.get("weights_only") is not True
        ):
            yield node.lineno, called
        if called in {"np.load", "numpy.load"} and literal.get("allow_pickle") not in (None, False):
            yield node.lineno, called
        if called in {"pd.read_pickle", "pandas.read_pickle"}:
            yield node.lineno, called
        if called in {"yaml.unsafe_load", "yaml.full_load", "yaml.load_all"} or (
            called == "yaml.load" and not _is_safe(given.get("Loader"))
        ):
            yield node.lineno, called
        if literal.get("shell") is True:
            yield node.lineno, "shell=True"
        asks = last == "urlopen" or re.match(r"(requests|httpx)\.(get|post|head|request|put)$", called)
        if asks and "timeout" not in given:
            yield node.lineno, f"{called} without timeout"
        if last == "urlretrieve":
            yield node.lineno, called
        if last in {"HTTPServer", "ThreadingHTTPServer", "TCPServer", "bind"} and node.args:
            host = node.args[0].elts[0] if isinstance(node.args[0], ast.Tuple) and node.args[0].elts else None
            if isinstance(host, ast.Constant) and host.value not in {"127.0.0.1", "localhost", "::1"}:
                yield node.lineno, f"{called} for other machines"
        if last == "extractall" and "zip" not in called.lower() and "filter" not in given:
            yield node.lineno, f"{called} without filter"
        if literal.get("verify") is False or last == "_create_unverified_context":
            yield node.lineno, "a connection whose certificate is not checked"


def _is_safe(loader: ast.expr | None) -> bool:
    """Whether a loader of PyYAML makes nothing but plain values."""
    return loader is not None and re.search(r"Safe|Strict", ast.unparse(loader)) is not None


def test_no_file_does_what_is_unsafe():
    found = {}
    for path in FILES:
        relative = path.relative_to(ROOT).as_posix()
        for line, what in unsafe_calls(path):
            if (relative, what) not in ALLOWED and not (relative.startswith("tests/") and what in TESTED):
                found[f"{relative}:{line}"] = what
    assert found == {}


def test_every_exception_is_still_needed():
    there = {(path.relative_to(ROOT).as_posix(), what) for path in FILES for _, what in unsafe_calls(path)}
    assert set(ALLOWED) <= there


@pytest.mark.parametrize(
    "line",
    [
        "torch.load(f)",
        "torch.load(f, weights_only=False)",
        "pickle.loads(b)",
        "np.load(f, allow_pickle=True)",
        "pd.read_pickle(f)",
        "yaml.load(t)",
        "yaml.load(t, Loader=yaml.Loader)",
        "yaml.unsafe_load(t)",
        "eval(t)",
        "exec(t)",
        "os.system(t)",
        "subprocess.run(t, shell=True)",
        "requests.get(u)",
        "urllib.request.urlopen(u)",
        "urllib.request.urlretrieve(u)",
        "ThreadingHTTPServer(('0.0.0.0', 0), Site)",
        "ThreadingHTTPServer(('', 0), Site)",
        "requests.get(u, timeout=3, verify=False)",
        "import dill",
        "tarfile.extractall(p)",
    ],
)
def test_each_kind_is_found(tmp_path, line):
    (tmp_path / "unsafe.py").write_text(f"{line}\n")
    assert len(list(unsafe_calls(tmp_path / "unsafe.py"))) >= 1


@pytest.mark.parametrize(
    "line",
    [
        "torch.load(f, weights_only=True)",
        "model.eval()",
        "np.load(f)",
        "yaml.safe_load(t)",
        "yaml.load(t, Loader=getattr(yaml, 'CSafeLoader', yaml.SafeLoader))",
        "requests.get(u, timeout=3)",
        "urlopen(u, timeout=3)",
        "ThreadingHTTPServer(('127.0.0.1', 0), Site)",
        "subprocess.run(['a'])",
        "cursor.execute(t)",
    ],
)
def test_what_is_safe_is_not(tmp_path, line):
    (tmp_path / "safe.py").write_text(f"{line}\n")
    assert list(unsafe_calls(tmp_path / "safe.py")) == []


def test_the_laboratory_is_on_this_machine_only_with_a_token():
    lab = next(line for line in (ROOT / "Makefile").read_text().splitlines() if "-m jupyterlab" in line)
    assert "--ip=localhost" in lab
    settings = [path.read_text() for path in (ROOT / ".jupyter").rglob("*") if path.is_file()]
    for words in ("token", "password", "allow_origin", "disable_check_xsrf", "ip="):
        assert not any(words in text for text in settings), words
        assert words == "ip=" or words not in lab


def test_pages_have_no_plain_handlers_or_evaluation():
    """Our scripts, in book/_static and web/src: no eval, no Function, no HTML from data."""
    own = sorted((ROOT / "book/_static").glob("*.js")) + sorted((ROOT / "web/src").rglob("*.ts"))
    assert len(own) > 20
    for path in own:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"\beval\(|new Function\(|document\.write\(|javascript:|setTimeout\(['\"`]", text), path
