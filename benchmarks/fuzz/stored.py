"""Stored results and notebooks: evidence bundles, files of explanations, weights, executed pages."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any

import nbformat
import torch

from benchmarks.fuzz.case import Case, Maker
from benchmarks.fuzz.mutations import STRANGE, mutated
from benchmarks.fuzz.pictures import damaged
from helpers.classifiers import load_classifier
from helpers.classifiers.weight_files import read_weights
from helpers.core.explanation import Convergence, Explanation
from helpers.core.files import MODELS_FOLDER
from helpers.site.failures import failures
from helpers.teaching.editions.marking import Marks, mark_notebooks

SMALL = "scenes-small"  # the smallest weights of the book


def _explanation() -> Explanation:
    mask = torch.rand(2, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    ends = Convergence(torch.tensor([True, False]), torch.tensor([5, 6]), torch.zeros(2), torch.ones(2))
    history = {"distortion": torch.ones(2, 6)}
    return Explanation(mask, mask.expand(-1, 3, -1, -1), torch.tensor([1, 2]), mask.flatten(2), history, ends)


@lru_cache
def _bundle(suffix: str, folder: Path) -> bytes:
    path = folder / f"whole{suffix}"
    settings = {"settings": {"method": "cartoonx"}, "images": torch.zeros(2, 3, 8, 8)} if suffix == ".zip" else {}
    _explanation().save(path, **settings)
    return path.read_bytes()


def _no_explanation(found: Any) -> str | None:
    if not isinstance(found, Explanation) or found.mask.ndim != 4:
        return "it is no explanation"
    return None if found.mask.isfinite().all() else "its mask is not finite"


def bundle(random: Random, folder: Path) -> Case:
    """An evidence bundle: damaged, or made again with other entries."""
    whole, path = _bundle(".zip", folder), folder / "given.zip"
    kind = random.choice(["whole", "damaged", "damaged", "entries", "tensors", "manifest", "bomb", "path"])
    due = {"whole": "accept", "bomb": "refuse", "path": "refuse"}.get(kind, "either")
    content = whole
    if kind == "damaged":
        more, content = damaged(random, whole)
        kind = f"damaged {more}"
    elif kind != "whole":
        content = _changed(random, whole, kind)
    path.write_bytes(content)
    return Case(f"bundle {kind}", due, lambda: Explanation.load(path), _no_explanation)  # type: ignore[arg-type]


@lru_cache
def _bomb() -> bytes:
    """A small file that would unpack to more than a bundle may hold."""
    stream = io.BytesIO()
    with (
        zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("pictures/large.png", "w", force_zip64=True) as entry,
    ):
        for _ in range(65):
            entry.write(bytes(1 << 24))
    return stream.getvalue()


def _changed(random: Random, whole: bytes, kind: str) -> bytes:
    import hashlib

    from safetensors.torch import load, save

    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    if kind == "entries":
        name = random.choice(list(entries))
        entries[name] = random.choice([b"", b"{}", b"[]", b"null", b"\0" * 30, b'{"files": 3}', entries[name] + b" "])
    elif kind == "bomb":
        return _bomb()
    elif kind == "path":
        entries[random.choice(["../evil.png", "/etc/evil", "pictures/../../x.png", "C:\\x"])] = b"x"
    elif kind == "tensors":
        tensors = load(entries["explanation.safetensors"])
        name = random.choice(list(tensors))
        strange = (
            torch.zeros(0), torch.zeros(2), torch.zeros(3, 1, 8, 8), torch.full((2, 1, 8, 8), torch.nan),
            torch.ones(2, 1, 8, 8, dtype=torch.int64), torch.zeros(2, 5, 8, 8), torch.tensor(1.0),
        )  # fmt: skip
        tensors[random.choice([name, "history/x", "convergence/x", "more"])] = random.choice(strange)
        if random.random() < 0.3:
            del tensors[name]
        entries["explanation.safetensors"] = save(tensors)
    manifest = json.loads(entries["manifest.json"]) if kind != "entries" else None
    if kind == "manifest":
        _, manifest = mutated(random, manifest)
    elif manifest is not None and kind != "path":  # right about what is wrong
        for name, value in entries.items():
            if name != "manifest.json":
                manifest["files"][name] = {"bytes": len(value), "sha256": hashlib.sha256(value).hexdigest()}
    if manifest is not None:
        entries["manifest.json"] = json.dumps(manifest).encode()
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, value in entries.items():
            archive.writestr(name, value)
    return stream.getvalue()


class Harm:
    """A pickle of this runs code."""

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """What unpickling calls."""
        return exec, ("raise SystemExit('a pickle ran code')",)


def stored_explanation(random: Random, folder: Path) -> Case:
    """A file of PyTorch: damaged, or with something else in it."""
    path = folder / "given.pt"
    kind = random.choice(["whole", "damaged", "damaged", "other", "harm"])
    content, due = _bundle(".pt", folder), "accept" if kind == "whole" else "either"
    if kind == "damaged":
        more, content = damaged(random, content)
        kind = f"damaged {more}"
    elif kind in ("other", "harm"):
        stream, due = io.BytesIO(), "refuse"
        other = random.choice([{}, [1], torch.zeros(3), {"mask": torch.zeros(1)}, None, "text"])
        torch.save(Harm() if kind == "harm" else other, stream)
        content = stream.getvalue()
    path.write_bytes(content)
    return Case(f"explanations {kind}", due, lambda: Explanation.load(path), _no_explanation)  # type: ignore[arg-type]


@lru_cache
def _weights() -> bytes:
    return (MODELS_FOLDER / f"{SMALL}.safetensors").read_bytes()


def weights(random: Random, folder: Path) -> Case:
    """A file of weights: damaged, with other metadata, or none."""
    path = folder / random.choice(["given.safetensors", "given.safetensors", "given.safetensors", "given.pth"])
    kind = random.choice(["damaged", "metadata", "metadata", "nothing"])
    content = _weights()
    if kind == "damaged":
        more, content = damaged(random, content)
        kind = f"damaged {more}"
    elif kind == "nothing":
        content = random.choice([b"", b"\xff" * 9, (10**18).to_bytes(8, "little") + b"{}", b"[]", random.randbytes(99)])
    else:
        length = int.from_bytes(content[:8], "little")
        head = json.loads(content[8 : 8 + length])
        for name, value in head["__metadata__"].items():
            if random.random() < 0.4:
                head["__metadata__"][name] = str(random.choice([*STRANGE, value]))
        text = json.dumps(head).encode()
        content = len(text).to_bytes(8, "little") + text + content[8 + length :]
    path.write_bytes(content)
    if random.random() < 0.5:
        return Case(f"weights {kind}", "either", lambda: read_weights(path))
    return Case(f"classifier {kind}", "either", lambda: load_classifier("given", weights=path))


OUTPUTS: tuple[dict[str, Any], ...] = (
    {"output_type": "error", "ename": "ValueError", "evalue": "x", "traceback": ["\x1b[31mValueError: x"]},
    {"output_type": "error", "ename": "", "evalue": "", "traceback": []},
    {"output_type": "stream", "name": "stderr", "text": "Traceback (most recent call last):\n  File x\nKeyError: 1\n"},
    {"output_type": "display_data", "data": {"text/html": "<p>"}, "metadata": {}},
)


def notebook(random: Random, folder: Path) -> Case:
    """An executed notebook with a failing cell among others: the failure must be found, and no other."""
    cells = [nbformat.v4.new_code_cell("1 + 1", execution_count=n) for n in range(1, 4)]
    output = random.choice(OUTPUTS)
    bad = random.choice(cells)
    bad["outputs"] = [nbformat.from_dict(output)] * random.choice([1, 2, 60])
    allowed = random.random() < 0.2
    if allowed:
        bad["metadata"]["tags"] = ["raises-exception"]
    page = nbformat.v4.new_notebook(cells=cells)
    wanted = 0 if allowed or output["output_type"] == "display_data" else 1
    return Case(
        f"notebook {output['output_type']} allowed={allowed}",
        "accept",
        lambda: list(failures(page)),
        lambda found: None if len(found) == wanted and all(f.summary for f in found) else f"found {found}",
    )


def handed_in(random: Random, folder: Path) -> Case:
    """A file that a student hands in and that is no notebook: it is marked with its fault, and stops nothing."""
    path = folder / "answers.ipynb"
    contents = [
        b"",
        b"{",
        b"[]",
        b"null",
        b"3",
        b"{}",
        b'{"metadata": 3}',
        b'{"metadata": []}',
        b"\xff\xfe",
        b"[" * 99_999,
    ]
    path.write_bytes(random.choice(contents))
    return Case(
        f"handed in {path.read_bytes()[:20]!r}",
        "accept",
        lambda: list(mark_notebooks("cartoonx", [path])),
        lambda found: None if isinstance(found[0], Marks) and len(found[0].fault.split()) > 3 else f"{found}",
    )


KINDS: dict[str, Maker] = {
    "evidence bundles": bundle,
    "stored explanations": stored_explanation,
    "weights": weights,
    "notebooks with a failing cell": notebook,
    "notebooks handed in": handed_in,
}
